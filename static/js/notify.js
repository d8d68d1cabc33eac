/* The bell's number, and notifications of the browser for who has the console open somewhere.

DOM contract
  [data-bell="URL"]                    answers ?after=ID with {last, unread, notices: [{id, title, text, url}]}
  [data-bell-count]                    text is kept at the number of unread notices; its .count is hidden at 0
  [data-notify-switch]                 a button that switches notifications on and off in this browser
      [data-notify-state]              text says what holds

A notification is shown only while the page is out of sight: who looks at it sees the pill and the bell. Several tabs
show one: each has the notice's id as its tag.
*/

const EVERY_MS = 15000;
const WANTED = "hitl-notify";
const bell = document.querySelector("[data-bell]");
let last = null;

const able = () => "Notification" in window && window.isSecureContext;
const wanted = () => able() && Notification.permission === "granted" && localStorage.getItem(WANTED) === "on";

function showCount(unread) {
  const text = bell.querySelector("[data-bell-count]");
  if (!text) return;
  text.textContent = unread;
  bell.querySelector("[data-bell-word]").textContent = unread ? " unread" : "";
  text.closest(".count").hidden = unread === 0;
}

function show(notice) {
  const shown = new Notification(notice.title, { body: notice.text, tag: `hitl-${notice.id}` });
  shown.addEventListener("click", () => { window.focus(); location.href = notice.url; shown.close(); });
}

async function ask() {
  const query = last === null ? "" : `?after=${last}`;
  const answer = await fetch(bell.dataset.bell + query, { headers: { Accept: "application/json" } });
  if (!answer.ok || !answer.headers.get("Content-Type")?.includes("json")) return;
  const news = await answer.json();
  last = news.last;
  showCount(news.unread);
  if (document.hidden && wanted()) news.notices.forEach(show);
}

async function keepAsking() {
  try { await ask(); } catch { /* offline: the page itself says so */ }
  setTimeout(keepAsking, EVERY_MS);
}

// --- The switch in the profile ---

function showState(button) {
  const state = button.parentElement.querySelector("[data-notify-state]");
  const words = !able() ? "This browser shows none for this address."
    : Notification.permission === "denied" ? "They are blocked in the settings of the browser."
    : wanted() ? "On: what comes while you look elsewhere is shown." : "Off.";
  state.textContent = words;
  button.disabled = !able() || Notification.permission === "denied";
  button.setAttribute("aria-pressed", String(wanted()));
}

async function turn(button) {
  if (wanted()) localStorage.setItem(WANTED, "off");
  else if (await Notification.requestPermission() === "granted") localStorage.setItem(WANTED, "on");
  showState(button);
}

const button = document.querySelector("[data-notify-switch]");
if (button) {
  showState(button);
  button.addEventListener("click", () => turn(button));
}
if (bell) keepAsking();
