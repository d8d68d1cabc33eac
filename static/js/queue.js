/* The queue beside the request that is open.

DOM contract
  #split[data-open="list|detail"]      which of both is shown where there is room for one
  #detail                              the pane that htmx fills; [data-request="ID"] in it says which request it shows
  #pane-skeleton                       a <template>: laid over the pane that has to be waited for
  [data-row="ID"][data-open]           marks that request's row, its link has aria-current
  #queue-list                          when it has grown beyond a page, the address says by how much (rows=150), so that
                                       a reload and Back find the same rows where they were

An answer that is no pane leaves the pane as it is: static/js/live.js says what failed.
*/

const PAGE = 50;
const split = document.getElementById("split");
const detail = document.getElementById("detail");
const list = document.getElementById("queue-list");

function markRows(id) {
  for (const row of list.querySelectorAll(":scope > [data-row]")) {
    const open = row.dataset.row === id;
    row.toggleAttribute("data-open", open);
    const link = row.querySelector("[data-row-link]");
    if (open) link?.setAttribute("aria-current", "true");
    else link?.removeAttribute("aria-current");
  }
}

function showSide() {
  const before = list.querySelector(":scope > [data-row][data-open]");
  const pane = detail.querySelector("[data-request]");
  markRows(pane?.dataset.request ?? "");
  split.dataset.open = pane || detail.querySelector("[data-focus],[data-tags]") ? "detail" : "list";
  detail.scrollTop = 0;
  // Back on the list the focus goes on from the row that was open.
  if (split.dataset.open === "list") before?.querySelector("[data-row-link]")?.focus({ preventScroll: true });
}

// --- As many rows as there are ---

function keepLength() {
  const rows = list.querySelectorAll(":scope > [data-row]:not(.row--takeover)").length;
  const url = new URL(location.href);
  if (rows <= PAGE || url.searchParams.get("rows") === String(rows)) return;
  url.searchParams.set("rows", String(rows));
  url.searchParams.delete("after");
  history.replaceState(history.state, "", url);
}

// --- Waiting for the pane ---

function showWaiting() {
  hideWaiting();
  const skeleton = document.getElementById("pane-skeleton").content.firstElementChild.cloneNode(true);
  skeleton.dataset.waiting = "";
  detail.append(skeleton);
}

function hideWaiting() {
  detail.querySelector(":scope > [data-waiting]")?.remove();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target === detail && event.detail.requestConfig?.verb === "get") showWaiting();
});
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.target === detail) hideWaiting(); });
document.addEventListener("htmx:afterSwap", (event) => { if (event.target === detail) showSide(); });
document.addEventListener("htmx:pushedIntoHistory", keepLength);
new MutationObserver(keepLength).observe(list, { childList: true });
