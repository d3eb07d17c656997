"use strict";
// Deciding by keyboard, and without loading the page again. Without this script the same buttons send forms.
(() => {
  const form = document.getElementById("decide");
  const said = document.getElementById("said");
  const undone = [];
  if (!form) return;

  const items = () => [...document.querySelectorAll(".item")];
  const current = () => document.activeElement.closest(".item");

  function go(step) {
    const all = items();
    const at = all.indexOf(current());
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }
  }

  function say(text) {
    said.hidden = false;
    said.textContent = text;
    if (!undone.length) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = "Undo";
    button.addEventListener("click", undo);
    said.append(" ", button);
  }

  function count(by) {
    const shown = document.getElementById("count");
    const number = shown ? Number(shown.textContent.replaceAll(",", "")) : NaN;
    if (!Number.isNaN(number)) shown.textContent = Math.max(number + by, 0).toLocaleString("en");
  }

  // Send a decision, and take what it settled off the page; kept for an undo.
  async function decide(decision, chosen) {
    const focused = current();
    const stays = focused && items()[items().indexOf(focused) + 1];
    let answer;
    try {
      answer = await send(form.action, [["decision", decision], ...chosen.map((token) => ["chosen", token])]);
    } catch (error) {
      say(error.message);
      return;
    }
    const settled = items().filter((item) => answer.ids.includes(item.dataset.id));
    const places = settled.map((item) => [item, item.nextElementSibling, item.parentNode]);
    if (answer.undo) undone.push({ labels: answer.undo, places, settled: answer.ids.length });
    settled.forEach((item) => item.remove());
    count(-answer.ids.length);
    say(answer.said);
    const next = stays && stays.isConnected ? stays : items()[0];
    if (focused && next) next.focus();
  }

  async function undo() {
    const last = undone.pop();
    if (!last) {
      say("Nothing was decided on this page yet; “What people said” has the rest.");
      return;
    }
    try {
      const answer = await send(form.dataset.undo, [["labels", last.labels]]);
      for (const [item, before, parent] of last.places.reverse()) {
        parent.insertBefore(item, before && before.isConnected ? before : null);
        item.focus();
      }
      count(last.settled);
      say(answer.said);
    } catch (error) {
      undone.push(last);
      say(error.message);
    }
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.target !== form || !button) return;
    event.preventDefault();
    const ticked = items().filter((item) => item.querySelector("input[name=chosen]").checked);
    decide(button.value, ticked.map((item) => item.dataset.token));
  });

  const keys = {
    j: () => go(1),
    k: () => go(-1),
    s: (item) => decide(`spam ${item.dataset.token}`, []),
    h: (item) => decide(`ham ${item.dataset.token}`, []),
    u: () => undo(),
    x: (item) => item.querySelector("input[name=chosen]").click(),
  };
  const ofItems = ["s", "h", "x"];
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select, textarea")) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    const item = current();
    if (!item && ofItems.includes(event.key)) say("Choose a comment first, with j and k.");
    else act(item);
  });

  const tick = form.querySelector("[data-tick]");
  tick.hidden = false;
  tick.addEventListener("click", () => {
    const boxes = items().map((item) => item.querySelector("input[name=chosen]"));
    const all = boxes.every((box) => box.checked);
    boxes.forEach((box) => (box.checked = !all));
  });
  form.querySelector(".keys").hidden = false;
})();
