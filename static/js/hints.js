/* Putting a first-run hint away without a reload.

DOM contract
  [data-hint]                     the hint
    form[data-hint-form]          posts that it is put away; without scripts it does so by itself
*/

const announce = (text) => document.dispatchEvent(new CustomEvent("hitl:announce", { detail: { text } }));

async function putAway(form) {
  const hint = form.closest("[data-hint]");
  let answer = null;
  try {
    answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
  } catch {
    // Offline: the hint stays, and can be put away later.
  }
  if (!answer?.ok) return announce("The hint could not be put away");
  const after = hint.closest("[tabindex]");
  hint.remove();
  after?.focus({ preventScroll: true });
  announce("The hint is put away; the profile shows it again");
}

document.addEventListener("submit", (event) => {
  if (!(event.target instanceof HTMLFormElement) || !event.target.matches("form[data-hint-form]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  putAway(event.target);
}, true);
