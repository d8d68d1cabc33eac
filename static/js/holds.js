/* What is held and can still be undone.

DOM contract
  #held                        the strip: replaced as a whole by an answer of the server
  [data-held="4.2"]            seconds until it counts, at the moment it was made; in the strip it leaves by itself then
    [data-held-left]           its words
    data-announce              said once, politely
  [data-held-note]             the same on the page of the request: stays, and says that it counts now

The hold is a state of the server: nothing here makes a verdict count or keeps it from it.
*/

const begun = new WeakMap();
const announce = (text) => document.dispatchEvent(new CustomEvent("hitl:announce", { detail: { text, urgent: false } }));

function left(element) {
  return Math.ceil(Number(element.dataset.held) - (performance.now() - begun.get(element)) / 1000);
}

function begin(element) {
  if (begun.has(element)) return;
  begun.set(element, performance.now());
  if (element.dataset.announce) announce(element.dataset.announce);
}

function over(element) {
  if ("heldNote" in element.dataset) return "counts now";
  // The key goes to the next one in the strip; a focus that was here would be lost without a word.
  if (element.contains(document.activeElement)) document.getElementById("content")?.focus({ preventScroll: true });
  element.remove();
  return "";
}

function tick() {
  for (const element of document.querySelectorAll("[data-held]")) {
    begin(element);
    const seconds = left(element);
    const words = seconds > 0 ? `counts in ${seconds} s` : over(element);
    const place = element.querySelector("[data-held-left]");
    if (words && place && place.textContent !== words) place.textContent = words;
  }
  const strip = document.getElementById("held");
  if (strip && !strip.querySelector("[data-held]")) strip.replaceChildren();
}

document.addEventListener("htmx:afterSwap", tick);
document.addEventListener("htmx:oobAfterSwap", tick);
setInterval(tick, 250);
tick();
