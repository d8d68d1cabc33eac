/* Keeping a claim while its holder works on the request.

DOM contract
  form[data-renew-claim="240"]   there while the claim is the person's own; sent in the background every so many seconds
                                 as long as the page is visible and something was typed or clicked within two minutes

Whoever has gone renews nothing: the claim ends by itself.
*/

const ACTIVE_MS = 120000, LOOK_MS = 5000;
const renewed = new WeakMap();
let active = Date.now();

function isDue(form) {
  if (!renewed.has(form)) renewed.set(form, Date.now());
  return Date.now() - renewed.get(form) >= Number(form.dataset.renewClaim) * 1000;
}

async function renew(form) {
  renewed.set(form, Date.now());
  const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, credentials: "same-origin" });
  // Somebody else has it by now, it is closed, or the session is over: the page hears that by itself.
  if (!response.ok) form.remove();
}

function look() {
  const form = document.querySelector("form[data-renew-claim]");
  if (!form || !isDue(form)) return;
  if (document.visibilityState !== "visible" || Date.now() - active > ACTIVE_MS) return;
  // Without a connection the next look tries again.
  renew(form).catch(() => renewed.delete(form));
}

for (const kind of ["keydown", "pointerdown", "input"]) document.addEventListener(kind, () => { active = Date.now(); }, { capture: true, passive: true });
setInterval(look, LOOK_MS);
look();
