// Keeps what the moderators and Hamgate change up to date, without loading the page again.
"use strict";

const INTERVAL_MS = 2000;

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (next && next.innerHTML !== old.dataset.shown) replace(old, next);
  }
}

function replace(old, next) {
  const open = [...old.querySelectorAll("details[open]")].map((details) => details.id);
  const focused = old.contains(document.activeElement) && document.activeElement.closest("details")?.id;
  old.dataset.shown = next.innerHTML;
  old.replaceChildren(...next.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.querySelector("summary").focus();
}

for (const part of document.querySelectorAll("[data-live]")) part.dataset.shown = part.innerHTML;
setInterval(() => {
  if (!document.hidden) refresh().catch(() => {});
}, INTERVAL_MS);
