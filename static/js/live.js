/* A list that is kept up to date without jumping.

DOM contract
  [data-live][data-live-url="/queue/delta/?mine=1"][data-live-since="CURSOR"]   one a page, around all of it;
                             [data-live-period="5000"] asks less often (ms, below 10 s)
    [data-live-list]         the list (the first one); [data-row="ID"] its rows. Order, insertion and removal change
                             only when asked. Around the head of an open detail it makes that a row of its own
    [data-row="ID"] [data-slot="NAME"]   (also in an open detail) is filled in place
    [data-live-pill]         a link to the list itself, hidden while nothing new waits; [data-live-pill-text] its words
    [data-live-end="CURSOR"] the foot of the list, with where it stops (empty: it has all)
    [data-live-summary]      how much there is and how much of it the list shows
    [data-live-due]          the strip of what is due within 60 s
    [data-live-state]        gets data-state live, paused, stale, offline or expired; [data-live-text] its words
    [data-live-pause]        pauses and resumes
  [data-count="KEY"]         numbers in the navigation
  [data-lock-when-stale]     a button that is locked after 30 s without an answer (give it to approving, not to rejecting)
  form[data-revision-of="ID"][data-revision="3"]   locked once the row says another revision; [data-outdated] inside it
                             (hidden) is shown, [data-outdated-text] in it says "Revision 3 → 4"
  #banner-stale, #banner-offline, #banner-session   shown as needed; [data-live-last] the time of the last answer
  #banner-failed             shown when a request of htmx failed; [data-failed-text] in it says how

Every 2 s while the tab is visible: GET data-live-url with since and end (the cursors), revision (of the last answer),
shown (ids of the rows, comma-separated), and visible=1: somebody is looking. The answer:
  {"revision": str, "rows": {ID: {SLOT: html, "@revision": "4"}}, "new": [ID], "new_count": n, "new_more": bool,
   "urgent": n, "gone": {ID: html of the slot "outcome"}, "due": html of the whole strip, "counts": {KEY: n},
   "summary": text, "server_time": ISO}
  new_more: new names only the first of them. 204: nothing changed. 401: the session has ended. Anything else counts
  as silence.
HTML comes from the console's own templates, where every text of an agent was escaped.
*/

const TIMEOUT_MS = 8000, STALE_MS = 10000, LOCK_MS = 30000;

const root = document.querySelector("[data-live]");
const PERIOD_MS = Number(root?.dataset.livePeriod ?? 2000);
const announce = (text, urgent = false) => document.dispatchEvent(new CustomEvent("hitl:announce", { detail: { text, urgent } }));
const find = (selector) => root?.querySelector(selector);
const all = (selector) => document.querySelectorAll(selector);
const rowOf = (id) => `[data-row="${CSS.escape(id)}"]`;
const clock = (date) => date.toLocaleTimeString("en-GB");

let lastAnswer = Date.now(), lastTried = 0, revision = "", busy = false, paused = false, expired = false, announcedNew = 0;
let state = "live";

// --- Filling in place ---

function fill(element, html, whole = false) {
  const style = whole ? "outerHTML" : "innerHTML";
  if (!whole && element.innerHTML === html) return;
  // Morphing leaves untouched what did not change, so that focus and selection inside stay.
  window.Idiomorph.morph(element, html, { morphStyle: style, ignoreActiveValue: true });
}

function fillRow(id, slots) {
  for (const row of all(rowOf(id))) {
    for (const [name, html] of Object.entries(slots)) {
      if (name.startsWith("@")) continue;
      const slot = row.querySelector(`[data-slot="${CSS.escape(name)}"]`);
      if (slot) fill(slot, html);
    }
  }
}

function markGone(id, html) {
  for (const row of all(rowOf(id))) {
    row.classList.add("row--gone");
    const slot = row.querySelector('[data-slot="outcome"]');
    if (slot) fill(slot, html);
  }
}

function markOutdated(id, newest) {
  for (const form of all(`form[data-revision-of="${CSS.escape(id)}"]`)) {
    if (form.dataset.revision === newest) continue;
    lock(form.querySelectorAll("button[type=submit]"), "outdated", true);
    const note = form.querySelector("[data-outdated]");
    if (!note) continue;
    const text = note.querySelector("[data-outdated-text]");
    if (text) text.textContent = `Revision ${form.dataset.revision} → ${newest}`;
    if (note.hidden) announce("This request changed while you had it open", true);
    note.hidden = false;
  }
}

// A button may be locked for several reasons at once; it opens when the last one is gone.
function lock(buttons, reason, on) {
  for (const button of buttons) {
    const reasons = new Set((button.dataset.locked ?? "").split(" ").filter(Boolean));
    if (reasons.has(reason) === on) continue;
    reasons[on ? "add" : "delete"](reason);
    button.dataset.locked = [...reasons].join(" ");
    if (reasons.size) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

// --- New rows wait ---

function pillWords(count, urgent, more) {
  const [news, least] = more ? [`more than ${count} new`, "at least "] : [`${count} new`, ""];
  return urgent ? `${news}, ${least}${urgent} urgent` : news;
}

function showPill(count, urgent, more = false) {
  const pill = find("[data-live-pill]");
  if (!pill) return;
  pill.hidden = count === 0;
  pill.toggleAttribute("data-urgent", urgent > 0);
  const words = pillWords(count, urgent, more);
  const text = pill.querySelector("[data-live-pill-text]");
  if (text && text.textContent !== words) text.textContent = words;
  if (count > announcedNew) announce(`${words} in the queue`);
  announcedNew = count;
}

function insertInOrder(list, fresh) {
  let before = null;
  for (const row of fresh) {
    const known = list.querySelector(`:scope > ${rowOf(row.dataset.row)}`);
    if (!known) {
      const added = document.importNode(row, true);
      if (before) before.after(added);
      else list.prepend(added);
      window.htmx?.process(added);
    }
    before = list.querySelector(`:scope > ${rowOf(row.dataset.row)}`);
  }
}

// The foot goes along where the fresh list reaches as far as the one on the page.
function moveFoot(list, fresh, last) {
  const foot = find("[data-live-end]"), next = fresh.querySelector("[data-live-end]");
  const later = last && list.querySelector(`:scope > ${rowOf(last)} ~ [data-row]:not(.row--gone)`);
  if (!foot || !next || later) return;
  const moved = document.importNode(next, true);
  foot.replaceWith(moved);
  window.htmx?.process(moved);
}

function dropRepeated(list) {
  const seen = new Set();
  for (const row of [...list.querySelectorAll(":scope > [data-row]")]) {
    if (seen.has(row.dataset.row)) row.remove();
    seen.add(row.dataset.row);
  }
}

function freshAddress() {
  const url = new URL(location.href);
  url.searchParams.set("rows", String((find("[data-live-list]")?.children.length ?? 0) + announcedNew));
  return url;
}

async function showNew() {
  const response = await fetch(freshAddress(), { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!response.ok) throw new Error(`the list answered ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const list = find("[data-live-list]");
  const fresh = page.querySelector("[data-live]");
  // Where nothing was, the page has to change as a whole.
  if (!list?.children.length || !fresh) return location.reload();
  const before = list.children.length;
  const rows = [...fresh.querySelector("[data-live-list]").querySelectorAll(":scope > [data-row]")];
  insertInOrder(list, rows);
  moveFoot(list, fresh, rows.at(-1)?.dataset.row);
  root.dataset.liveSince = fresh.dataset.liveSince;
  announcedNew = 0;
  showPill(0, 0);
  announce(`${list.children.length - before} added`);
  return poll();
}

function onPill(event) {
  const pill = event.target instanceof Element && event.target.closest("[data-live-pill]");
  if (!pill || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const hadFocus = document.activeElement === pill;
  showNew()
    .then(() => { if (hadFocus) find("[data-row-link]")?.focus({ preventScroll: true }); })
    .catch(() => location.reload());
}

// --- How fresh the page is ---

const WORDS = {
  live: () => `live ${clock(new Date(lastAnswer))}`,
  paused: () => `paused ${clock(new Date(lastAnswer))}`,
  stale: () => `last update ${clock(new Date(lastAnswer))}`,
  offline: () => "offline",
  expired: () => "signed out",
};

function presentState() {
  if (expired) return "expired";
  if (!navigator.onLine) return "offline";
  if (Date.now() - lastAnswer >= STALE_MS) return "stale";
  return paused ? "paused" : "live";
}

function setHidden(id, hidden) {
  const banner = document.getElementById(id);
  if (banner) banner.hidden = hidden;
}

function announceState(before) {
  if (state === "offline" || state === "expired") announce(state === "offline" ? "Connection lost" : "Your session has ended", true);
  else if (before === "offline" || before === "stale") announce("Up to date again");
}

function showState() {
  const before = state;
  state = presentState();
  const late = Date.now() - lastAnswer >= LOCK_MS;
  root.dataset.state = state;
  for (const label of all("[data-live-state]")) {
    label.dataset.state = state;
    const text = label.querySelector("[data-live-text]");
    if (text && text.textContent !== WORDS[state]()) text.textContent = WORDS[state]();
  }
  for (const time of all("[data-live-last]")) time.textContent = clock(new Date(lastAnswer));
  setHidden("banner-stale", !(state === "stale" && late));
  setHidden("banner-session", !expired);
  lock(all("[data-lock-when-stale]"), "stale", late);
  if (before !== state) announceState(before);
}

// Any page, live or not, says when the connection is gone; commits lock, drafts stay.
function showConnection() {
  setHidden("banner-offline", navigator.onLine);
  lock(all("form[data-commit] button[type=submit]"), "offline", !navigator.onLine);
  if (root) showState();
}

// --- Asking ---

function address() {
  const url = new URL(root.dataset.liveUrl, location.href);
  const shown = [...root.querySelectorAll("[data-live-list] > [data-row]")].map((row) => row.dataset.row);
  url.searchParams.set("since", root.dataset.liveSince ?? "");
  url.searchParams.set("end", find("[data-live-end]")?.dataset.liveEnd ?? "");
  url.searchParams.set("revision", revision);
  url.searchParams.set("shown", [...new Set(shown)].join(","));
  url.searchParams.set("visible", "1");
  return url;
}

function apply(delta) {
  if (delta.server_time) document.dispatchEvent(new CustomEvent("hitl:clock", { detail: { serverTime: delta.server_time } }));
  for (const [key, number] of Object.entries(delta.counts ?? {})) for (const place of all(`[data-count="${CSS.escape(key)}"]`)) place.textContent = String(number);
  for (const place of all("[data-live-summary]")) if (delta.summary) place.textContent = delta.summary;
  for (const [id, slots] of Object.entries(delta.rows ?? {})) if (slots["@revision"]) markOutdated(id, slots["@revision"]);
  if (paused) return;
  for (const [id, slots] of Object.entries(delta.rows ?? {})) fillRow(id, slots);
  for (const [id, html] of Object.entries(delta.gone ?? {})) markGone(id, html);
  const strip = find("[data-live-due]");
  if (strip && typeof delta.due === "string" && !strip.contains(document.activeElement)) fill(strip, delta.due, true);
  showPill(delta.new_count ?? (delta.new ?? []).length, delta.urgent ?? 0, delta.new_more);
  revision = delta.revision ?? revision;
}

async function ask() {
  const response = await fetch(address(), {
    headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store", redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status === 401) {
    expired = true;
    return;
  }
  if (response.status !== 204 && !response.ok) return;
  lastAnswer = Date.now();
  if (response.status !== 204) apply(await response.json());
}

async function poll() {
  if (busy || expired || document.visibilityState !== "visible" || !navigator.onLine) return;
  busy = true;
  lastTried = Date.now();
  try {
    await ask();
  } catch (error) {
    // No answer is a state of its own: it shows after 10 s and locks after 30 s.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
  } finally {
    busy = false;
    showState();
  }
}

function tick() {
  if (document.visibilityState !== "visible") return;
  if (Date.now() - lastTried >= PERIOD_MS - 50) poll();
  showState();
}

function togglePause() {
  paused = !paused;
  for (const button of all("[data-live-pause]")) {
    button.setAttribute("aria-pressed", String(paused));
    const label = button.querySelector(".btn__label");
    if (label) label.textContent = paused ? "Resume" : "Pause";
  }
  announce(paused ? "Live updates paused" : "Live updates resumed");
  showState();
  if (!paused) poll();
}

// --- Requests of htmx that failed ---

function showFailure(text) {
  const banner = document.getElementById("banner-failed");
  const place = banner?.querySelector("[data-failed-text]");
  if (place) place.textContent = text;
  setHidden("banner-failed", false);
  announce(text, true);
}

function onFailedResponse(event) {
  const { status } = event.detail.xhr;
  if (status !== 401) return showFailure(`The server answered ${status}. The page shows what was there before.`);
  expired = true;
  setHidden("banner-session", false);
  if (root) showState();
  return announce("Your session has ended", true);
}

document.addEventListener("htmx:responseError", onFailedResponse);
document.addEventListener("htmx:sendError", () => showFailure("The server could not be reached. What you typed is kept."));
document.addEventListener("htmx:afterSwap", () => setHidden("banner-failed", true));

addEventListener("online", () => { showConnection(); if (root) poll(); });
addEventListener("offline", showConnection);
document.addEventListener("htmx:afterSwap", showConnection);
// A request whose time was extended may come again with a later page.
document.addEventListener("htmx:afterSwap", (event) => { if (event.target.matches?.("[data-live-list]")) dropRepeated(event.target); });
if (root) {
  document.addEventListener("click", onPill);
  document.addEventListener("click", (event) => { if (event.target instanceof Element && event.target.closest("[data-live-pause]")) togglePause(); });
  document.addEventListener("visibilitychange", poll);
  setInterval(tick, 1000);
  poll();
}
showConnection();
