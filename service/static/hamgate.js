"use strict";
// What every page shares. Pages work without it, unless they say so.

// Send to this server what a form would, and return its answer. Throws what the server said if it refused.
async function send(url, fields) {
  const token = document.querySelector('meta[name="form-token"]').content;
  const answer = await fetch(url, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: { "X-Form-Token": token, Accept: "application/json" },
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

// A form with data-ask is sent only once the person has confirmed what it says.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.ask;
  if (question && !window.confirm(question)) event.preventDefault();
});
