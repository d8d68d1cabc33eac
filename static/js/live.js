/* A list that is kept up to date without jumping.

DOM contract
  [data-live][data-live-url="/queue/delta/?mine=1"][data-live-since="CURSOR"]   one a page, around all of it;
                             [data-live-period="5000"] asks so often (ms, below 10 s) and opens no stream
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
  [data-lock-when-stale]     a button that is locked by 30 s without news of the server (give it to approving, not to rejecting)
  form[data-revision-of="ID"][data-revision="3"]   locked once the row says another revision; [data-outdated] inside it
                             (hidden) is shown, [data-outdated-text] in it says "Revision 3 → 4"
  #banner-stale, #banner-offline, #banner-session   shown as needed; [data-live-last] the time of the last answer
  #banner-failed             shown when a request of htmx failed; [data-failed-text] in it says how

    [data-row="ID"] [data-slot="lookers"]   the request that the page shows in full: others are told that it is looked at

While the tab is visible the page keeps a stream open, GET /live/, on which the server says only that something
changed. Its events:
  change {"requests": [ID] or null}     null: much. The page asks what, once for a burst
  look {"requests": [ID] or null}       somebody opened one of these
  beat {"hears": bool}                  every 5 s: the server is there; hears: changes would reach it
  bye {"reason": str}                   signed-out, shutdown or too-many

What changed: GET data-live-url with since and end (the cursors), revision (of the last answer), open (the request
shown in full) and shown (ids of the rows, comma-separated). The answer:
  {"revision": str, "rows": {ID: {SLOT: html, "@revision": "4"}}, "new": [ID], "new_count": n, "new_more": bool,
   "urgent": n, "gone": {ID: html of the slot "outcome"}, "due": html of the whole strip, "counts": {KEY: n},
   "summary": text, "server_time": ISO}
  new_more: new names only the first of them. 204: nothing changed. 401: the session has ended. Anything else counts
  as silence.
It is asked for every 15 s as well, because some things change with time alone, and every 5 s while no stream tells.

Somebody looks: POST /live/beat/ every 10 s with the query of data-live-url, end and open, while the page is visible
and up to date; paused=1 while it is kept from changing.
HTML comes from the console's own templates, where every text of an agent was escaped.
*/

const STREAM_URL = "/live/", BEAT_URL = "/live/beat/";
const TIMEOUT_MS = 8000, STALE_MS = 10000, LOCK_MS = 29000;
const TOLD_PERIOD_MS = 15000, UNTOLD_PERIOD_MS = 5000, PRESENCE_MS = 10000;
// A stream without a beat for so long is broken, whatever TCP says.
const SILENCE_MS = 12000;
// Between a change and the question what it was: bursts are one, and pages don't ask all at the same moment.
const SHORTEST_WAIT_MS = 100, JITTER_MS = 200, BETWEEN_MS = 1000;
const FIRST_RETRY_MS = 1000, LONGEST_RETRY_MS = 30000;

const root = document.querySelector("[data-live]");
const OWN_PERIOD_MS = Number(root?.dataset.livePeriod ?? 0);
const announce = (text, urgent = false, topic = "") => document.dispatchEvent(new CustomEvent("hitl:announce", { detail: { text, urgent, topic } }));
const find = (selector) => root?.querySelector(selector);
const all = (selector) => document.querySelectorAll(selector);
const rowOf = (id) => `[data-row="${CSS.escape(id)}"]`;
const clock = (date) => date.toLocaleTimeString("en-GB");

let lastAnswer = Date.now(), lastTried = 0, revision = "", busy = false, paused = false, expired = false, announcedNew = 0;
let state = "live";
// How many news the page was told of, and how many of them it had asked for when it last got an answer.
let told = 1, answered = 0, failed = false;
let askTimer = 0, again = false, took = 0, lastPresence = 0, lastOpen = "";
// What the last answer said of each row, and how many of the last answer's rows were different.
const known = new Map();
let missed = 0;

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
  if (count > announcedNew) announce(`${words} in the queue`, false, "news");
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

// How much of the list is shown now is only told by an answer that is not "as before".
function onLaterPage(list) {
  dropRepeated(list);
  if (!root) return;
  revision = "";
  askSoon();
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
  else if (before === "offline" || before === "stale") announce(`Up to date again, ${missed ? `${missed} changed` : "nothing changed"}`);
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

const openId = () => find('[data-slot="lookers"]')?.closest("[data-row]")?.dataset.row ?? "";

function withPlace(url) {
  url.searchParams.set("end", find("[data-live-end]")?.dataset.liveEnd ?? "");
  url.searchParams.set("open", openId());
  return url;
}

function shownIds() {
  return new Set([...root.querySelectorAll("[data-live-list] > [data-row]")].map((row) => row.dataset.row));
}

function address() {
  const url = withPlace(new URL(root.dataset.liveUrl, location.href));
  url.searchParams.set("since", root.dataset.liveSince ?? "");
  url.searchParams.set("revision", revision);
  url.searchParams.set("shown", [...shownIds()].join(","));
  return url;
}

// A clock that runs is no change.
const essence = ({ due, ...slots }) => JSON.stringify(slots);

function countChanged(delta) {
  let count = Math.max(0, (delta.new_count ?? 0) - announcedNew);
  for (const [id, slots] of Object.entries(delta.rows ?? {})) {
    if (known.has(id) && known.get(id) !== essence(slots)) count += 1;
    known.set(id, essence(slots));
  }
  return count;
}

function apply(delta) {
  if (delta.server_time) document.dispatchEvent(new CustomEvent("hitl:clock", { detail: { serverTime: delta.server_time } }));
  for (const [key, number] of Object.entries(delta.counts ?? {})) for (const place of all(`[data-count="${CSS.escape(key)}"]`)) place.textContent = String(number);
  for (const place of all("[data-live-summary]")) if (delta.summary) place.textContent = delta.summary;
  for (const [id, slots] of Object.entries(delta.rows ?? {})) if (slots["@revision"]) markOutdated(id, slots["@revision"]);
  if (paused) return;
  missed = countChanged(delta);
  for (const [id, slots] of Object.entries(delta.rows ?? {})) fillRow(id, slots);
  for (const [id, html] of Object.entries(delta.gone ?? {})) markGone(id, html);
  const strip = find("[data-live-due]");
  if (strip && typeof delta.due === "string" && !strip.contains(document.activeElement)) fill(strip, delta.due, true);
  showPill(delta.new_count ?? (delta.new ?? []).length, delta.urgent ?? 0, delta.new_more);
  revision = delta.revision ?? revision;
}

const send = (url, options) => fetch(url, {
  credentials: "same-origin", cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS), ...options,
});

async function ask() {
  const asked = told;
  const response = await send(address(), { headers: { Accept: "application/json" } });
  if (response.status === 401) return expire();
  failed = response.status !== 204 && !response.ok;
  if (failed) return;
  missed = 0;
  if (response.status !== 204) apply(await response.json());
  lastAnswer = Date.now();
  took = lastAnswer - lastTried;
  answered = asked;
}

// No answer is a state of its own: it shows after 10 s and locks by 30 s, seen by a tick each second.
function passOver(error) {
  if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
  failed = true;
}

async function poll() {
  clearTimeout(askTimer);
  askTimer = 0;
  again = busy;
  if (busy || expired || document.visibilityState !== "visible" || !navigator.onLine) return;
  busy = true;
  lastTried = Date.now();
  try {
    await ask();
  } catch (error) {
    passOver(error);
  } finally {
    busy = false;
    showState();
    beSeen();
    if (again) askSoon();
  }
}

// At once after a quiet time, then no faster than the server can answer everybody.
function askSoon() {
  told += 1;
  const rest = lastTried + BETWEEN_MS + Math.min(4 * took, UNTOLD_PERIOD_MS) - Date.now();
  askTimer ||= setTimeout(poll, Math.max(SHORTEST_WAIT_MS + Math.random() * JITTER_MS, rest));
}

const behind = () => failed || answered < told;

function expire() {
  expired = true;
  closeStream();
}

// --- Being told ---

let stream = null, hears = false, lastHeard = 0, retries = 0, retryAt = 0;

const isTold = () => stream !== null && hears && Date.now() - lastHeard < SILENCE_MS;
const isPart = new URL(root?.dataset.liveUrl ?? "", location.href).searchParams.has("only");

function openStream() {
  stream = new EventSource(STREAM_URL);
  lastHeard = Date.now();
  hears = false;
  stream.addEventListener("beat", onBeat);
  stream.addEventListener("change", onChange);
  stream.addEventListener("look", onLook);
  stream.addEventListener("bye", onBye);
  stream.addEventListener("error", onBreak);
}

function closeStream() {
  stream?.close();
  stream = null;
}

function onBeat(event) {
  const before = hears;
  lastHeard = Date.now();
  hears = JSON.parse(event.data).hears;
  retries = 0;
  // What changed before the stream was open, or while nothing came, is asked for now.
  if ((hears && !before) || lastHeard - lastAnswer >= STALE_MS) askSoon();
  else if (hears && !behind()) lastAnswer = lastHeard;
  showState();
}

function onChange(event) {
  lastHeard = Date.now();
  const { requests } = JSON.parse(event.data);
  const shown = isPart && requests ? shownIds() : null;
  // A page of one request asks for no news of others.
  if (!shown || requests.some((id) => shown.has(id))) askSoon();
}

function onLook(event) {
  lastHeard = Date.now();
  const { requests } = JSON.parse(event.data), id = openId();
  if (id && (!requests || requests.includes(id))) askSoon();
}

function onBye(event) {
  const { reason } = JSON.parse(event.data);
  closeStream();
  // Another page of the same person took the place: this one goes on asking.
  if (reason === "too-many") retryAt = Infinity;
  else retryAt = Date.now() + 200 + Math.random() * 1500;
  if (reason === "signed-out") poll();
}

// The browser would try again at a pace of its own, or never.
function onBreak() {
  closeStream();
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** retries);
  retryAt = Date.now() + longest * (0.5 + Math.random() / 2);
  retries += 1;
  // Why it broke off, a stream does not say: an answer does.
  if (retries === 1) poll();
}

function keepStream() {
  if (OWN_PERIOD_MS || expired || !navigator.onLine) return;
  if (stream && Date.now() - lastHeard >= SILENCE_MS) onBreak();
  if (!stream && Date.now() >= retryAt) openStream();
}

// --- Being seen ---

const token = () => JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";

async function beSeen() {
  if (OWN_PERIOD_MS || expired || behind() || Date.now() - lastPresence < PRESENCE_MS - 50) return;
  lastPresence = Date.now();
  const url = withPlace(new URL(BEAT_URL + new URL(root.dataset.liveUrl, location.href).search, location.href));
  if (paused) url.searchParams.set("paused", "1");
  try {
    const response = await send(url, { method: "POST", headers: { Accept: "application/json", "X-CSRFToken": token() } });
    if (response.status === 401) expire();
  } catch (error) {
    passOver(error);
  }
}

function tick() {
  if (document.visibilityState !== "visible") return;
  keepStream();
  const period = OWN_PERIOD_MS || (isTold() ? TOLD_PERIOD_MS : UNTOLD_PERIOD_MS);
  if (Date.now() - lastTried >= period - 50) poll();
  beSeen();
  showState();
}

// Another request is shown in full: others learn of it, and the page learns who else looks.
function onOther() {
  if (openId() === lastOpen) return;
  lastOpen = openId();
  lastPresence = 0;
  beSeen();
  askSoon();
}

function onVisibility() {
  if (document.visibilityState !== "visible") return closeStream();
  retryAt = 0;
  poll();
  tick();
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
  expire();
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
document.addEventListener("htmx:afterSwap", (event) => { if (event.target.matches?.("[data-live-list]")) onLaterPage(event.target); });
if (root) {
  document.addEventListener("click", onPill);
  document.addEventListener("click", (event) => { if (event.target instanceof Element && event.target.closest("[data-live-pause]")) togglePause(); });
  document.addEventListener("visibilitychange", onVisibility);
  document.addEventListener("htmx:afterSettle", onOther);
  addEventListener("pagehide", closeStream);
  addEventListener("pageshow", (event) => { if (event.persisted) onVisibility(); });
  setInterval(tick, 1000);
  lastOpen = openId();
  poll();
  tick();
}
showConnection();
