/* Selecting rows of the queue, and the bar that says what can be done with them.

DOM contract
  form[data-bulk][data-count="0"]   the bar; shown while data-count is not 0
    [data-bulk-count]               how many are selected
    [data-bulk-limit]               shown where they are too many; the buttons are locked then
    [data-bulk-clear]               clears the selection
  [data-select-all]                 a checkbox: all rows that are shown, or none; in between it is indeterminate
  #queue-list [data-row-check]      the checkbox of a row. Shift and a click take along what lies between

Live updates and further pages leave the selection as it is. Another page, a reload and Back begin without one: what
was ticked a while ago is not what somebody means now. Esc clears it where nothing else is open (static/js/keys.js).
*/

const MOST = 100;
const SAID_AFTER_MS = 800;

const bar = document.querySelector("form[data-bulk]");
const list = document.getElementById("queue-list");
const all = document.querySelector("[data-select-all]");
let last = null, timer = 0;

const announce = (text, urgent = false) => document.dispatchEvent(new CustomEvent("hitl:announce", { detail: { text, urgent } }));
const boxes = () => [...list.querySelectorAll("[data-row-check]")];
const ticked = () => boxes().filter((box) => box.checked);

function say(count) {
  clearTimeout(timer);
  timer = setTimeout(() => announce(`${count} selected`), SAID_AFTER_MS);
}

function show() {
  const count = ticked().length, total = boxes().length;
  if (bar.dataset.count !== String(count)) say(count);
  bar.dataset.count = String(count);
  bar.querySelector("[data-bulk-count]").textContent = String(count);
  bar.querySelector("[data-bulk-limit]").hidden = count <= MOST;
  for (const button of bar.querySelectorAll("button[name=do]")) {
    if (count > MOST) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
  all.checked = count > 0 && count === total;
  all.indeterminate = count > 0 && count < total;
  all.disabled = total === 0;
}

function tickAll(on) {
  for (const box of boxes()) box.checked = on;
  last = null;
  show();
}

function tickBetween(box) {
  const known = boxes(), from = known.indexOf(last), to = known.indexOf(box);
  if (from < 0) return;
  for (const between of known.slice(Math.min(from, to), Math.max(from, to) + 1)) between.checked = box.checked;
}

function clear() {
  // A focus in the bar would go with it.
  const inside = bar.contains(document.activeElement);
  const first = ticked()[0];
  tickAll(false);
  if (inside) first?.closest("[data-row]").querySelector("[data-row-link]")?.focus({ preventScroll: true });
}

function detailIsFirst() {
  const detail = document.getElementById("detail");
  return detail.querySelector("[data-request]") !== null && !list.contains(document.activeElement);
}

function onDisarm(event) {
  if (event.defaultPrevented || !ticked().length || detailIsFirst()) return;
  event.preventDefault();
  clear();
}

function onSubmit(event) {
  if (navigator.onLine) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  announce("You are offline: nothing was sent, the selection is kept", true);
}

list.addEventListener("click", (event) => {
  if (!(event.target instanceof HTMLInputElement) || !event.target.matches("[data-row-check]")) return;
  if (event.shiftKey) tickBetween(event.target);
  last = event.target;
  show();
});
all.addEventListener("change", () => tickAll(all.checked));
bar.querySelector("[data-bulk-clear]").addEventListener("click", clear);
// Before static/js/forms.js marks the form as sent.
addEventListener("submit", (event) => { if (event.target === bar) onSubmit(event); }, true);
document.addEventListener("hitl:disarm", onDisarm);
new MutationObserver(show).observe(list, { childList: true });
addEventListener("pageshow", (event) => { if (event.persisted) tickAll(false); });
tickAll(false);
