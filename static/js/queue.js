/* The queue beside the request that is open.

DOM contract
  #split[data-open="list|detail"]      which of both is shown where there is room for one
  #detail                              the pane that htmx fills; [data-request="ID"] in it says which request it shows
  [data-row="ID"][data-open]           marks that request's row, its link has aria-current

An answer that is no pane leaves the pane as it is: static/js/live.js says what failed.
*/

const split = document.getElementById("split");
const detail = document.getElementById("detail");

function markRows(id) {
  for (const row of document.querySelectorAll("#queue-list > [data-row]")) {
    const open = row.dataset.row === id;
    row.toggleAttribute("data-open", open);
    const link = row.querySelector("[data-row-link]");
    if (open) link?.setAttribute("aria-current", "true");
    else link?.removeAttribute("aria-current");
  }
}

function showSide() {
  const before = document.querySelector("#queue-list > [data-row][data-open]");
  const pane = detail.querySelector("[data-request]");
  markRows(pane?.dataset.request ?? "");
  split.dataset.open = pane || detail.querySelector("[data-focus],[data-tags]") ? "detail" : "list";
  detail.scrollTop = 0;
  // Back on the list the focus goes on from the row that was open.
  if (split.dataset.open === "list") before?.querySelector("[data-row-link]")?.focus({ preventScroll: true });
}

document.addEventListener("htmx:afterSwap", (event) => { if (event.target === detail) showSide(); });
