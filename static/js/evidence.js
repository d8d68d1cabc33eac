/* Searching the evidence: what does not match is hidden, what matches is counted and marked.

DOM contract
  [data-evidence]                    around all of it
    input[data-evidence-search]      what to look for; Enter goes to the next match, Shift+Enter to the one before
    [data-evidence-count]            "7 matches in 3 of 120 lines"
    [data-evidence-step="1"]         to the next match; "-1": to the one before
    [data-line], .kv tbody > tr      a line; [data-lines] is hidden with the last of its lines
    details                          opened where something matches, and put back when the search is over
  #evidence                          where it arrives when somebody asks for it, and comes into sight

Matches are marked by CSS.highlights, so that the text of agents stays untouched. Without scripts everything is shown.
*/

const LINES = "[data-line],.kv tbody > tr", FOUND = "evidence-found", CURRENT = "evidence-current";
const MOST_MARKS = 5000, WAIT_MS = 120;
const canMark = typeof Highlight === "function" && Boolean(CSS.highlights);
const texts = new WeakMap();
let timer = 0, ranges = [], current = -1, openBefore = new WeakMap();

const boxOf = (element) => element.closest("[data-evidence]");
const plural = (count, word, ending = "s") => `${count} ${word}${count === 1 ? "" : ending}`;

function textOf(line) {
  if (!texts.has(line)) texts.set(line, line.textContent.toLowerCase());
  return texts.get(line);
}

function occurrences(text, needle) {
  let count = 0;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) count += 1;
  return count;
}

function collectRanges(line, needle) {
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node && ranges.length < MOST_MARKS; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    // A few letters get longer in lower case: then places in it are no places in the text.
    if (text.length !== node.data.length) continue;
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, at + needle.length);
      ranges.push(range);
    }
  }
}

function mark() {
  if (!canMark) return;
  if (ranges.length) CSS.highlights.set(FOUND, new Highlight(...ranges));
  else CSS.highlights.delete(FOUND);
  CSS.highlights.delete(CURRENT);
}

function showAll(box) {
  for (const element of box.querySelectorAll("[data-line],[data-lines],.kv,.kv tbody > tr")) element.hidden = false;
  for (const pane of box.querySelectorAll("details")) if (openBefore.has(pane)) pane.open = openBefore.get(pane);
  openBefore = new WeakMap();
}

function fold(box, needle) {
  for (const table of box.querySelectorAll(".kv")) table.hidden = !table.querySelector("tbody > tr:not([hidden])");
  for (const group of box.querySelectorAll("[data-lines]")) group.hidden = !group.querySelector("[data-line]:not([hidden]),.kv tbody > tr:not([hidden])");
  for (const pane of box.querySelectorAll("details")) {
    if (!openBefore.has(pane)) openBefore.set(pane, pane.open);
    pane.open = textOf(pane).includes(needle);
  }
}

function say(box, words) {
  const count = box.querySelector("[data-evidence-count]");
  if (count.textContent !== words) count.textContent = words;
  for (const button of box.querySelectorAll("[data-evidence-step]")) button.hidden = !ranges.length;
}

function search(box) {
  const needle = box.querySelector("[data-evidence-search]").value.trim().toLowerCase();
  ranges = [];
  current = -1;
  if (!needle) {
    showAll(box);
    mark();
    return say(box, "");
  }
  const lines = [...box.querySelectorAll(LINES)];
  let matches = 0, matching = 0;
  for (const line of lines) {
    const count = occurrences(textOf(line), needle);
    line.hidden = !count;
    matches += count;
    matching += count > 0;
    if (count) collectRanges(line, needle);
  }
  fold(box, needle);
  mark();
  return say(box, `${plural(matches, "match", "es")} in ${matching} of ${plural(lines.length, "line")}`);
}

function go(step) {
  if (!ranges.length) return;
  current = (current + step + ranges.length + (current < 0 && step < 0)) % ranges.length;
  const range = ranges[current];
  if (canMark) CSS.highlights.set(CURRENT, new Highlight(range));
  range.startContainer.parentElement.scrollIntoView({ block: "center" });
}

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-evidence-search]")) return;
  clearTimeout(timer);
  timer = setTimeout(search, WAIT_MS, boxOf(event.target));
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches?.("[data-evidence-search]")) return;
  event.preventDefault();
  clearTimeout(timer);
  if (current < 0) search(boxOf(event.target));
  go(event.shiftKey ? -1 : 1);
});
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element && event.target.closest("[data-evidence-step]");
  if (button) go(Number(button.dataset.evidenceStep));
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "evidence") event.target.scrollIntoView({ block: "start" });
});
