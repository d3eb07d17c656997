"use strict";
// Follows the jobs that a page shows, and loads the page again when one of them has ended.

async function follow(box) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    let job;
    try {
      const answer = await fetch(box.dataset.job, { headers: { Accept: "application/json" } });
      if (!answer.ok) continue;
      job = await answer.json();
    } catch {
      continue; // the service restarts; it will be back
    }
    if (job.state === "done" || job.state === "failed") break;
    const said = box.querySelector("[data-said]");
    if (said.textContent !== job.message) said.textContent = job.message;
    box.querySelector("progress").value = job.progress;
    box.querySelector("[data-share]").textContent = `${Math.floor(100 * job.progress)} %`;
  }
  window.location.reload();
}

document.querySelectorAll("[data-job]").forEach(follow);
