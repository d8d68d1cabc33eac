/* The keyboard map (hitlconsole/ui/keys.py lists it for people).

DOM contract
  <html data-shortcuts="off">      letters do nothing; Esc and Ctrl/Cmd+Enter still work
  [data-key="a"], [data-key="g q"] the first visible element with it is clicked, or focused when it is a field
  [data-row] with [data-row-link]  j, k, Down and Up move the focus between the links of visible rows; Enter is the link's own
             and [data-row-check]  x ticks the checkbox of the row that has the focus
  [data-key="u"]                   the way back, for u and Esc (Esc first closes what is open: a dialog, a menu, an armed form)
  form[data-commit]                Ctrl/Cmd+Enter submits the one that holds the focus, or the one that is visible,
                                   by its button[data-commit] where it has several

Off inside fields and with Ctrl, Meta or Alt. Esc in a field leaves the field and keeps its text.
What is typed on a choice of form[data-verdict] goes to the form's text.

Events on document
  hitl:disarm (cancelable)         asks static/js/forms.js to put the armed form away; prevented when there was one
*/

const SEQUENCE_MS = 1200;
const MOVES = new Set(["j", "k", "ArrowDown", "ArrowUp"]);
const TEXT_FIELDS = "input:not([type=checkbox],[type=radio],[type=button],[type=submit],[type=reset]),textarea,select,[contenteditable]";
let prefix = "", prefixTimer = 0;

const isVisible = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null;
const inField = (target) => target instanceof Element && target.closest(TEXT_FIELDS) !== null;
const isLocked = (element) => element.getAttribute("aria-disabled") === "true" || element.disabled;
const isOff = () => document.documentElement.dataset.shortcuts === "off";

const inChoice = (target) => target instanceof Element && target.matches("form[data-verdict] input:is([type=radio],[type=checkbox])");

function scope() {
  return document.querySelector("dialog[open]") ?? document;
}

function findByKey(key) {
  return [...scope().querySelectorAll("[data-key]")].find((element) => element.dataset.key === key && isReachable(element));
}

// The navigation may be folded away; what it offers still works.
function isReachable(element) {
  return isVisible(element) || element.closest("[popover]") !== null;
}

function act(key) {
  const element = findByKey(key);
  if (!element || isLocked(element)) return false;
  if (element.matches(TEXT_FIELDS)) element.focus();
  else element.click();
  return true;
}

// --- Rows ---

function rowLinks() {
  return [...document.querySelectorAll("[data-row] [data-row-link]")].filter(isVisible);
}

// The head of an open detail counts as its row.
function currentId() {
  const row = document.activeElement?.closest("[data-row]") ?? document.querySelector("[data-row][data-open]");
  return row?.dataset.row;
}

const rowOf = (link) => link.closest("[data-row]");

function moveRow(step) {
  const links = rowLinks();
  if (!links.length) return false;
  const here = links.findIndex((link) => rowOf(link).dataset.row === currentId());
  const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + step));
  links[next].focus();
  rowOf(links[next]).scrollIntoView({ block: "nearest" });
  return true;
}

function toggleRow() {
  const link = rowLinks().find((candidate) => rowOf(candidate).dataset.row === currentId());
  const box = link && rowOf(link).querySelector("[data-row-check]");
  box?.click();
  return Boolean(box);
}

// Arrows scroll the page unless the focus is on a row of the list.
const onRow = () => Boolean(document.activeElement?.closest("[data-row]")?.querySelector("[data-row-link]"));

const OWN = {
  j: () => moveRow(1),
  k: () => moveRow(-1),
  ArrowDown: () => onRow() && moveRow(1),
  ArrowUp: () => onRow() && moveRow(-1),
  x: toggleRow,
};

// --- Leaving and committing ---

function leave(event) {
  if (document.querySelector("dialog[open],[popover]:popover-open")) return;
  if (inField(event.target)) {
    event.target.blur();
    return;
  }
  const armed = !document.dispatchEvent(new CustomEvent("hitl:disarm", { cancelable: true }));
  if (!armed) act("u");
}

function armedForm() {
  const own = document.activeElement?.closest("form[data-commit]");
  if (own) return own;
  const visible = [...scope().querySelectorAll("form[data-commit]")].filter(isVisible);
  return visible.length === 1 ? visible[0] : null;
}

function commit(event) {
  const form = armedForm();
  if (!form) return;
  event.preventDefault();
  // A form may have other buttons that send it: to look at what it would do.
  const button = form.querySelector("button[data-commit]") ?? form.querySelector("button[type=submit],button:not([type])");
  if (button && isLocked(button)) return;
  form.requestSubmit(button ?? undefined);
}

// Who armed a verdict and goes on typing means its words, not the next shortcut. The character
// itself arrives where the focus is by then.
function typeInText(event) {
  if (event.key.length === 1 && event.key !== " ") event.target.form.querySelector("textarea[name=notes]")?.focus();
}

// --- Sequences ---

function startSequence(key) {
  prefix = key;
  clearTimeout(prefixTimer);
  prefixTimer = setTimeout(() => { prefix = ""; }, SEQUENCE_MS);
}

function takeKey(key) {
  if (prefix) {
    const sequence = `${prefix} ${key}`;
    prefix = "";
    return act(sequence);
  }
  if (key === "g") {
    startSequence(key);
    return true;
  }
  return OWN[key]?.() || act(key);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return commit(event);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return leave(event);
  if (inChoice(event.target)) return typeInText(event);
  if (isOff() || (event.repeat && !MOVES.has(event.key))) return;
  if (inField(event.target)) return;
  if (takeKey(event.key)) event.preventDefault();
});
