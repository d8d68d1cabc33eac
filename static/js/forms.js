/* Verdict forms, drafts, and sending once.

DOM contract
  [data-verdicts]                      holds the buttons and the forms of one request
    button[data-arm="approve"]         shows form[data-verdict="approve"], hides its sisters, focuses its first field; sends nothing
    form[data-verdict="approve"]       rendered with `hidden` and class "verdict" (shown where there are no scripts)
    [data-first]                       the field that gets the focus, where it is not the first one
    [data-disarm]                      puts the form away; what was typed stays
  form[data-commit]                    Ctrl/Cmd+Enter sends it; locked while offline
    button[data-lock-when-stale]       also locked by static/js/live.js when the page is out of date
  form[data-draft="REQUEST:approve"]   its fields are kept in this tab until the server confirms; a form with a draft is shown
  [data-tags~="draft-done:REQUEST"]    forgets every draft of that request (a message of the server carries it)
  form[data-forget-drafts]             forgets all drafts when it is sent (signing out)
  input[name=token]                    gets a fresh idempotency token when it is empty
  [data-original] on a field           what the agent proposed: a difference marks the nearest .field (data-changed) and shows what it was
                                       and has a button that puts it back
  [data-changes] in the same form      counts the changed fields;  [data-reset] puts all of the proposed values back

A form is sent once: after the first submit it refuses another until an answer or the page is shown again.
*/

const DRAFT = "draft:";
const KEPT = "input:not([type=hidden],[type=password],[type=file],[type=submit]),textarea,select";

const announce = (text, urgent = false) => document.dispatchEvent(new CustomEvent("hitl:announce", { detail: { text, urgent } }));
const kept = (form) => [...form.elements].filter((field) => field.name && field.matches(KEPT));

// --- Arming ---

function setArmed(box, verdict) {
  for (const form of box.querySelectorAll("form[data-verdict]")) form.hidden = form.dataset.verdict !== verdict;
  for (const button of box.querySelectorAll("[data-arm]")) button.setAttribute("aria-expanded", String(button.dataset.arm === verdict));
}

function focusFirst(form) {
  const field = form.querySelector("[data-first]") ?? kept(form).find((candidate) => candidate.checkVisibility?.() ?? true);
  (field ?? form.querySelector("button"))?.focus();
  if (field instanceof HTMLInputElement && field.type === "text") field.select();
  form.scrollIntoView({ block: "nearest" });
}

function arm(button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const box = button.closest("[data-verdicts]");
  const form = box?.querySelector(`form[data-verdict="${CSS.escape(button.dataset.arm)}"]`);
  if (!form) return;
  setArmed(box, button.dataset.arm);
  focusFirst(form);
}

function armedForm() {
  return [...document.querySelectorAll("[data-verdicts] form[data-verdict]:not([hidden])")].find((form) => form.checkVisibility?.() ?? true);
}

function disarm(form) {
  const box = form.closest("[data-verdicts]");
  setArmed(box, "");
  box.querySelector(`[data-arm="${CSS.escape(form.dataset.verdict)}"]`)?.focus();
}

// --- Drafts ---

const draftKey = (form) => DRAFT + form.dataset.draft;

function readField(field) {
  if (field.type === "checkbox" || field.type === "radio") return [field.name, field.value, field.checked];
  if (field instanceof HTMLSelectElement && field.multiple) return [field.name, [...field.selectedOptions].map((option) => option.value)];
  return [field.name, field.value];
}

function writeField(field, [, value, checked]) {
  if (field.type === "checkbox" || field.type === "radio") field.checked = checked;
  else if (field instanceof HTMLSelectElement && field.multiple) for (const option of field.options) option.selected = value.includes(option.value);
  else field.value = value;
}

function isPristine(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked === field.defaultChecked;
  if (field instanceof HTMLSelectElement) return [...field.options].every((option) => option.selected === option.defaultSelected) || field.selectedIndex === 0;
  return field.value === field.defaultValue;
}

function saveDraft(form) {
  if (kept(form).every(isPristine)) return sessionStorage.removeItem(draftKey(form));
  return sessionStorage.setItem(draftKey(form), JSON.stringify(kept(form).map(readField)));
}

function fits(field, [name, value]) {
  const choice = field.type === "checkbox" || field.type === "radio";
  return field.name === name && (!choice || field.value === value);
}

function restoreDraft(form) {
  const stored = sessionStorage.getItem(draftKey(form));
  if (!stored) return;
  const values = JSON.parse(stored);
  for (const field of kept(form)) {
    const value = values.find((candidate) => fits(field, candidate));
    if (value) writeField(field, value);
  }
  const box = form.closest("[data-verdicts]");
  if (box && form.dataset.verdict) setArmed(box, form.dataset.verdict);
  showChanges(form);
}

function forget(prefix) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFT + prefix)) sessionStorage.removeItem(key);
}

function forgetConfirmed(root) {
  for (const message of root.querySelectorAll("[data-tags*='draft-done:']")) {
    for (const tag of message.dataset.tags.split(" ")) if (tag.startsWith("draft-done:")) forget(tag.slice("draft-done:".length));
  }
}

// --- What an edit changes ---

const current = (field) => (field.type === "checkbox" ? String(field.checked) : field.value);

function showChange(field) {
  const frame = field.closest(".field");
  if (!frame) return;
  const changed = current(field) !== field.dataset.original;
  frame.toggleAttribute("data-changed", changed);
  let note = frame.querySelector(".field__was");
  if (!changed) return note?.remove();
  if (!note) {
    note = document.createElement("p");
    note.className = "field__was untrusted";
    note.append("was: ", document.createElement("del"), " ", putBack(field));
    frame.append(note);
  }
  note.querySelector("del").textContent = field.dataset.original || "(empty)";
}

// Its name says which field, for those who do not see where it stands.
function putBack(field) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn--link";
  button.dataset.resetField = field.name;
  button.textContent = "Put back";
  button.setAttribute("aria-label", `Put back ${field.labels?.[0]?.textContent.trim() ?? field.name}`);
  return button;
}

function reset(field) {
  if (field.type === "checkbox") field.checked = field.dataset.original === "true";
  else field.value = field.dataset.original;
}

function resetField(button) {
  const field = button.closest(".field").querySelector(":scope > [data-original]");
  reset(field);
  showChanges(field.form);
  if (field.form.dataset.draft) saveDraft(field.form);
  field.focus();
}

function showChanges(form) {
  const fields = [...form.querySelectorAll("[data-original]")];
  fields.forEach(showChange);
  const changed = fields.filter((field) => current(field) !== field.dataset.original).length;
  const counter = form.querySelector("[data-changes]");
  if (counter) counter.textContent = changed === 1 ? "1 field changed" : `${changed} fields changed`;
}

function resetChanges(form) {
  form.querySelectorAll("[data-original]").forEach(reset);
  showChanges(form);
  if (form.dataset.draft) sessionStorage.removeItem(draftKey(form));
}

// --- Sending once ---

function randomToken() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function refusal(form, submitter) {
  if ("sending" in form.dataset) return "Already sent";
  if (submitter?.getAttribute("aria-disabled") === "true") return "Locked at the moment";
  if (form.matches("[data-commit]") && !navigator.onLine) return "You are offline: nothing was sent, your text is kept";
  return "";
}

function markSending(form, submitter) {
  form.dataset.sending = "";
  form.setAttribute("aria-busy", "true");
  if (submitter) submitter.dataset.busy = "";
}

function unmarkSending(form) {
  delete form.dataset.sending;
  form.removeAttribute("aria-busy");
  for (const button of form.querySelectorAll("[data-busy]")) delete button.dataset.busy;
}

function onSubmit(event) {
  const form = event.target;
  if (form.method !== "post") return;
  const submitter = event.submitter ?? form.querySelector("button[type=submit]");
  const reason = refusal(form, submitter);
  if (reason) {
    event.preventDefault();
    event.stopImmediatePropagation();
    announce(reason, true);
    return;
  }
  if (form.matches("[data-forget-drafts]")) forget("");
  markSending(form, submitter);
}

// --- Wiring ---

function prepareVerdicts(box) {
  setArmed(box, box.querySelector("form[data-verdict]:not([hidden])")?.dataset.verdict ?? "");
}

function prepare(root) {
  forgetConfirmed(document);
  root.querySelectorAll("[data-verdicts]").forEach(prepareVerdicts);
  for (const field of root.querySelectorAll("form[data-commit] input[name=token]")) if (!field.value) field.value = randomToken();
  for (const form of root.querySelectorAll("form[data-draft]")) restoreDraft(form);
  for (const form of root.querySelectorAll("form:has([data-original])")) showChanges(form);
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const button = event.target.closest("[data-arm],[data-disarm],[data-reset],[data-reset-field]");
  if (!button) return;
  if (button.dataset.arm) arm(button);
  else if ("resetField" in button.dataset) resetField(button);
  else if ("disarm" in button.dataset) disarm(button.closest("form[data-verdict]"));
  else resetChanges(button.form ?? button.closest("form"));
});
document.addEventListener("hitl:disarm", (event) => {
  const form = armedForm();
  if (!form) return;
  event.preventDefault();
  disarm(form);
});
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form) return;
  if (event.target.matches("[data-original]")) showChanges(form);
  if (form.dataset.draft) saveDraft(form);
});
document.addEventListener("change", (event) => { if (event.target.form?.dataset.draft) saveDraft(event.target.form); });
document.addEventListener("submit", onSubmit, true);
document.addEventListener("htmx:afterRequest", (event) => { if (event.target instanceof HTMLFormElement) unmarkSending(event.target); });
document.addEventListener("htmx:afterSwap", (event) => { if (event.target instanceof Element) prepare(event.target); });
addEventListener("pageshow", (event) => { if (event.persisted) document.querySelectorAll("form[data-sending]").forEach(unmarkSending); });
prepare(document);
