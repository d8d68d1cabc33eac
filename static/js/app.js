/* What every page does.

DOM contract
  <html data-server-time="ISO">            the database's time when the page was made; countdowns and ages follow it
  [data-deadline="ISO"]                    text is kept at what is left; the nearest .countdown gets data-urgency.
      [data-announce="NAME"]               crossing 5 min, 60 s and 20 s is announced
  time[data-relative][datetime]            text is kept at the age
  [data-dismiss] in [data-dismissible]     removes it
  [data-copy="ID"]                         copies the text of that element
  [data-dialog-open="ID"]                  opens that <dialog>
  [data-focus]                             takes the focus when the page or a fragment arrives (the first one; errors win)
  [data-keep-scroll="NAME"]                keeps its scroll offset over reloads and Back, within this tab
  #status, #alert                          live regions

Events on document
  hitl:announce {text, urgent, topic}      says it: politely at most every 5 s, urgently at once; what waits to be
                                           said gives way to something newer of the same topic
  hitl:clock {serverTime}                  a fresh time from the server
*/

const DAY = 86400, HOUR = 3600, MINUTE = 60;
const QUIET_MS = 5000;
let offset = 0;

const seconds = (iso) => Date.parse(iso) / 1000;
const now = () => Date.now() / 1000 + offset;
const pad = (number) => String(number).padStart(2, "0");

function setClock(iso) {
  const time = seconds(iso);
  if (!Number.isNaN(time)) offset = time - Date.now() / 1000;
}

// The same words as hitlconsole/ui/formats.py.
function remaining(total) {
  if (total <= 0) return "time is up";
  if (total >= DAY) return `${Math.floor(total / DAY)} d ${Math.floor((total % DAY) / HOUR)} h`;
  if (total >= HOUR) return `${Math.floor(total / HOUR)} h ${pad(Math.floor((total % HOUR) / MINUTE))} m`;
  return `${pad(Math.floor(total / MINUTE))}:${pad(total % MINUTE)}`;
}

function urgency(total) {
  if (total <= 0) return "up";
  if (total < MINUTE) return "now";
  return total < 5 * MINUTE ? "soon" : "calm";
}

function age(total) {
  const since = Math.max(0, total);
  for (const [size, unit] of [[DAY, "d"], [HOUR, "h"], [MINUTE, "m"]]) {
    if (since >= size) return `${Math.floor(since / size)} ${unit}`;
  }
  return `${since} s`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// --- Announcements ---

const waiting = [];
let lastSaid = 0, timer = 0;

function speak() {
  timer = 0;
  const region = document.getElementById("status");
  if (!region || !waiting.length) return;
  lastSaid = Date.now();
  region.textContent = waiting.splice(0).map((said) => said.text).join(". ");
}

function announce(text, urgent, topic = text) {
  if (urgent) {
    const region = document.getElementById("alert");
    if (region) region.textContent = text;
    return;
  }
  const older = waiting.findIndex((said) => said.topic === topic);
  if (older >= 0) waiting.splice(older, 1);
  waiting.push({ text, topic });
  if (!timer) timer = setTimeout(speak, Math.max(50, lastSaid + QUIET_MS - Date.now()));
}

// --- Times ---

const MARKS = [[300, "5 minutes"], [60, "60 seconds"], [20, "20 seconds"]];
const lastLeft = new WeakMap();

function announceMarks(element, left) {
  const before = lastLeft.get(element);
  lastLeft.set(element, left);
  if (before === undefined || !element.dataset.announce) return;
  const mark = MARKS.findLast(([at]) => before > at && left <= at);
  if (mark) announce(`${element.dataset.announce}: ${mark[1]} left`, mark[0] === 20);
}

function tickCountdowns() {
  for (const element of document.querySelectorAll("[data-deadline]")) {
    const left = Math.floor(seconds(element.dataset.deadline) - now());
    setText(element, remaining(left));
    const frame = element.closest(".countdown");
    if (frame && frame.dataset.urgency !== urgency(left)) frame.dataset.urgency = urgency(left);
    announceMarks(element, left);
  }
}

function tickAges() {
  for (const element of document.querySelectorAll("time[data-relative]")) {
    setText(element, age(Math.floor(now() - seconds(element.dateTime))));
  }
}

// --- Clicks ---

function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

async function copy(id) {
  const source = document.getElementById(id);
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.textContent);
    announce("Copied");
  } catch {
    // Without a secure context there is no clipboard: the person copies what is selected.
    selectText(source);
    announce("Selected, copy it with your keyboard");
  }
}

function flash(button, text) {
  const label = button.querySelector(".btn__label");
  if (!label || button.dataset.label) return;
  button.dataset.label = label.textContent;
  label.textContent = text;
  setTimeout(() => {
    label.textContent = button.dataset.label;
    delete button.dataset.label;
  }, 1500);
}

function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  // A menu that floats above the page would stay above the dialog.
  document.querySelector("[popover]:popover-open")?.hidePopover();
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const button = event.target.closest("[data-dismiss],[data-copy],[data-dialog-open]");
  if (!button) return;
  if ("dismiss" in button.dataset) button.closest("[data-dismissible]")?.remove();
  if (button.dataset.copy) copy(button.dataset.copy).then(() => flash(button, "Copied"));
  if (button.dataset.dialogOpen) openDialog(button.dataset.dialogOpen);
});

// A click beside a dialog closes it.
document.addEventListener("click", (event) => {
  if (event.target instanceof HTMLDialogElement && event.target.open) {
    const box = event.target.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) event.target.close();
  }
});

// --- Focus and scroll ---

function focusArrived(root) {
  const wanted = root.querySelector("[data-error-summary],.field--error :is(input,select,textarea):not([type=hidden])") ?? root.querySelector("[data-focus]");
  if (!(wanted instanceof HTMLElement)) return;
  if (wanted.tabIndex < 0 && !wanted.hasAttribute("tabindex")) wanted.tabIndex = -1;
  wanted.focus({ preventScroll: wanted.matches("[data-focus]:not([data-error-summary])") });
}

const scrollKey = (element) => `scroll:${element.dataset.keepScroll}`;

function restoreScroll() {
  for (const element of document.querySelectorAll("[data-keep-scroll]")) {
    element.scrollTop = Number(sessionStorage.getItem(scrollKey(element)) ?? 0);
  }
}

function saveScroll() {
  for (const element of document.querySelectorAll("[data-keep-scroll]")) {
    sessionStorage.setItem(scrollKey(element), String(element.scrollTop));
  }
}

addEventListener("pagehide", saveScroll);
document.addEventListener("hitl:announce", (event) => announce(event.detail.text, event.detail.urgent, event.detail.topic || undefined));
document.addEventListener("hitl:clock", (event) => { setClock(event.detail.serverTime); tickCountdowns(); });
document.addEventListener("htmx:afterSwap", (event) => {
  tickCountdowns();
  if (event.target instanceof Element) focusArrived(event.target);
});

setClock(document.documentElement.dataset.serverTime ?? "");
restoreScroll();
focusArrived(document);
tickCountdowns();
tickAges();
setInterval(tickCountdowns, 1000);
setInterval(tickAges, 10000);
