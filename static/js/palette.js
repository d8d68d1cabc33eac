/* The command palette: one field that finds pages, what can be done here, and whatever has a name or words.

DOM contract
  #palette[data-palette-url]     the <dialog>; its address answers {"items": [{kind, label, hint, url}]}: without q what
                                 has a name, with q the requests that it finds
    #palette-input               the combobox;  #palette-list  its listbox;  #palette-note  what there is to say
  [data-palette-open]            opens it, as do Ctrl K and Cmd K, also with shortcuts switched off
  .nav a, .me__name              the pages
  [data-key]                     what can be done here, by its words, where it is visible; the help's own key too

What is on the page is found without a network. What was chosen of late is kept in this tab until somebody signs out.
*/

const RECENT = "palette:recent", MOST_RECENT = 5, MOST_SHOWN = 40, WAIT_MS = 180, LEAST_LETTERS = 2;

const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const list = document.getElementById("palette-list");
const note = document.getElementById("palette-note");
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

let here = [], named = null, found = [], foundFor = "", shown = [], active = 0, timer = 0, asked = 0;

// --- What there is ---

const isVisible = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null;
const isLocked = (element) => element.disabled || element.getAttribute("aria-disabled") === "true";

function wordsOf(element) {
  const own = element.getAttribute("aria-label") ?? element.placeholder;
  if (own) return own.replace(/\s+\/$/, "").trim();
  const copy = element.cloneNode(true);
  for (const part of copy.querySelectorAll("kbd,.count,[aria-hidden=true]")) part.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

function pages() {
  return [...document.querySelectorAll(".nav a, a.me__name")].map((link) => ({
    kind: "Page", label: link.matches(".me__name") ? "Your profile" : wordsOf(link), hint: link.dataset.key ?? "", url: link.href,
  }));
}

function actions() {
  const known = new Set();
  return [...document.querySelectorAll("[data-key]")].flatMap((element) => {
    const key = element.dataset.key, outside = element.closest(".nav") || element.closest("dialog");
    if (outside || known.has(key) || isLocked(element) || !(isVisible(element) || key === "?")) return [];
    known.add(key);
    return [{ kind: "Here", label: wordsOf(element), hint: key, element }];
  });
}

function recent() {
  try {
    return JSON.parse(sessionStorage.getItem(RECENT) ?? "[]");
  } catch {
    return []; // Whatever is in there is none of ours.
  }
}

function remember({ kind, label, hint, url }) {
  const others = recent().filter((item) => item.url !== url);
  sessionStorage.setItem(RECENT, JSON.stringify([{ kind, label, hint, url }, ...others].slice(0, MOST_RECENT)));
}

async function ask(text) {
  const answer = await fetch(`${dialog.dataset.paletteUrl}?${new URLSearchParams({ q: text })}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).items;
}

async function loadNamed() {
  if (named) return;
  try {
    named = await ask("");
    render();
  } catch {
    note.textContent = "Views, agents and action types can't be looked up now.";
  }
}

async function loadFound(text) {
  const number = ++asked;
  note.textContent = "Looking for requests…";
  try {
    const items = await ask(text);
    if (number !== asked) return;
    [found, foundFor] = [items, text];
    render();
  } catch {
    if (number === asked) note.textContent = "Requests can't be looked up now.";
  }
}

// --- Matching ---

// Letters in order; together and at the beginning of words they count for more. Less than 0: no match.
function score(label, typed) {
  const text = label.toLowerCase();
  const whole = text.indexOf(typed);
  if (whole >= 0) return 1000 - whole - text.length / 100 + (whole === 0 || /\W/.test(text[whole - 1]) ? 500 : 0);
  let at = -1, points = 0;
  for (const letter of typed.replace(/\s/g, "")) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return -1;
    points += next === at + 1 ? 5 : next === 0 || /\W/.test(text[next - 1]) ? 3 : 0;
    at = next;
  }
  return points - text.length / 100;
}

function choose(typed) {
  const local = [...here, ...(named ?? [])];
  if (!typed) return [...recent().map((item) => ({ ...item, recent: true })), ...here];
  const ranked = local.map((item) => ({ item, points: score(item.label, typed) })).filter(({ points }) => points >= 0);
  ranked.sort((one, other) => other.points - one.points);
  const requests = foundFor === typed ? found : [];
  return [...ranked.slice(0, MOST_SHOWN).map(({ item }) => item), ...requests];
}

// --- Showing ---

function part(name, text) {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  return span;
}

function option(item, number) {
  const row = document.createElement("li");
  row.id = `palette-option-${number}`;
  row.className = "palette__option";
  row.setAttribute("role", "option");
  row.append(part("palette__label", item.label), part("palette__hint", item.hint ?? ""), part("palette__kind", item.recent ? `${item.kind}, recent` : item.kind));
  return row;
}

function mark(number) {
  active = Math.max(0, Math.min(shown.length - 1, number));
  [...list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === active)));
  const row = list.children[active];
  if (row) input.setAttribute("aria-activedescendant", row.id);
  else input.removeAttribute("aria-activedescendant");
  row?.scrollIntoView({ block: "nearest" });
}

const typed = () => input.value.trim().toLowerCase();

// What is marked stays so where it is still there: what arrives late must not change what Enter does.
function render() {
  const before = shown[active];
  shown = choose(typed());
  list.replaceChildren(...shown.map(option));
  const kept = before ? shown.findIndex((item) => item.label === before.label && item.url === before.url && item.kind === before.kind) : -1;
  mark(Math.max(0, kept));
  const waiting = typed().length >= LEAST_LETTERS && foundFor !== typed();
  note.textContent = shown.length ? `${shown.length} found` : waiting ? "Looking for requests…" : "Nothing matches.";
}

function onInput() {
  clearTimeout(timer);
  active = 0;
  shown = [];
  const text = typed();
  render();
  if (text.length >= LEAST_LETTERS) timer = setTimeout(() => loadFound(text), WAIT_MS);
}

function open() {
  if (dialog.open || document.querySelector("dialog[open]")) return;
  document.querySelector("[popover]:popover-open")?.hidePopover();
  here = [...actions(), ...pages()];
  input.value = "";
  onInput();
  dialog.showModal();
  input.focus();
  loadNamed();
}

function run(item) {
  if (!item) return;
  dialog.close();
  if (item.url) {
    remember(item);
    location.assign(item.url);
  } else if (item.element.isConnected) {
    if (item.element.matches("input:not([type=checkbox],[type=submit]),textarea,select")) item.element.focus();
    else item.element.click();
  }
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };

function onKey(event) {
  if (event.isComposing) return;
  if (event.key in STEPS) mark(active + STEPS[event.key]);
  else if (event.key === "Enter") run(shown[active]);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

if (dialog) {
  document.addEventListener("keydown", (event) => {
    const modified = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
    if (!modified || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k" || event.isComposing) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });
  document.addEventListener("click", (event) => { if (event.target instanceof Element && event.target.closest("[data-palette-open]")) open(); });
  input.addEventListener("input", onInput);
  input.addEventListener("keydown", onKey);
  list.addEventListener("click", (event) => run(shown[[...list.children].indexOf(event.target.closest("[role=option]"))]));
  list.addEventListener("mousedown", (event) => event.preventDefault());
  dialog.addEventListener("close", () => { asked += 1; clearTimeout(timer); });
  document.addEventListener("submit", (event) => { if (event.target.matches("form[data-forget-drafts]")) sessionStorage.removeItem(RECENT); }, true);
}
