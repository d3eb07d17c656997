"use strict";
// Sends a chosen or dropped file in parts, so that it may be large, and then goes to the page that shows it.

const form = document.querySelector("[data-upload]");
const input = form.querySelector('input[type="file"]');
const drop = form.querySelector("[data-drop]");

for (const name of ["dragover", "drop"]) {
  drop.addEventListener(name, (event) => event.preventDefault());
}
drop.addEventListener("dragover", () => drop.classList.add("over"));
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  drop.classList.remove("over");
  if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
});

async function sendPart(query, part) {
  const answer = await fetch(`${form.dataset.upload}?${new URLSearchParams(query)}`, {
    method: "POST",
    body: part,
    headers: {
      "X-Form-Token": document.querySelector('meta[name="form-token"]').content,
      "Content-Type": "application/octet-stream",
      Accept: "application/json",
    },
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

async function sendFile(file, told) {
  const size = Number(form.dataset.part);
  const query = { site: form.elements.site.value, name: file.name };
  for (let offset = 0; ; offset += size) {
    const isLast = offset + size >= file.size;
    const part = file.slice(offset, offset + size);
    const said = await sendPart({ ...query, offset, last: isLast ? "yes" : "no" }, part);
    told(isLast ? 1 : (offset + size) / file.size);
    if (isLast) return said.page;
    query.upload = said.upload;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [bar, button] = [form.querySelector("[data-progress]"), form.querySelector("button")];
  const trouble = form.querySelector("[data-trouble]");
  trouble.hidden = true;
  bar.hidden = false;
  button.disabled = true;
  try {
    window.location = await sendFile(input.files[0], (share) => {
      bar.querySelector("progress").value = share;
      bar.querySelector("[data-share]").textContent = `${Math.floor(100 * share)} %`;
    });
  } catch (error) {
    trouble.textContent = error.message;
    trouble.hidden = false;
    bar.hidden = true;
    button.disabled = false;
  }
});
