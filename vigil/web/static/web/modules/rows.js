// Rows by keyboard, picking, and what is done to those that are picked: pause, silence, tag.
const acting = document.querySelector("[data-acting]");
const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
const picks = () => [...document.querySelectorAll(".pick:checked")];
let here = null;
let lastG = 0;

function go(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(here);
  here?.classList.remove("here");
  here = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  here.classList.add("here");
  here.querySelector("a.name")?.focus({ preventScroll: true });
  here.scrollIntoView({ block: "nearest" });
}

function count() {
  if (!acting) return;
  const picked = picks().length;
  acting.hidden = picked === 0;
  acting.querySelector("strong").textContent = `${picked} picked`;
}

function clear() {
  for (const pick of picks()) pick.checked = false;
  count();
}

// An id for each action, so that a double press is one action also when the first answer was lost.
function press() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Sends a form as the browser would, and stays on the page. A refusal is said in that place.
async function send(form, submitter) {
  const body = new FormData(form, submitter);
  for (const pick of picks()) if (!body.getAll("id").includes(pick.value)) body.append("id", pick.value);
  const touched = body.getAll("id").map((id) => document.getElementById(`m-${id}`)).filter(Boolean);
  for (const row of touched) row.setAttribute("aria-busy", "true");
  const said = acting?.querySelector("[data-refused]");
  if (said) said.textContent = "";
  try {
    const answer = await fetch(submitter?.getAttribute("formaction") ?? form.getAttribute("action"), { method: "POST", body, headers: { Accept: "application/json" } });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.text);
    clear();
    document.dispatchEvent(new CustomEvent("vigil:toast", { detail: told }));
  } catch (problem) {
    if (said) said.textContent = problem.message || "It was not sent. Nothing was changed.";
  } finally {
    for (const row of touched) row.removeAttribute("aria-busy");
    const id = form.querySelector("[name=press]");
    if (id) id.value = press();
    delete form.dataset.sent;
    document.dispatchEvent(new CustomEvent("vigil:refresh"));
  }
}

function act(name) {
  if (!acting) return;
  if (!picks().length && here?.querySelector(".pick")) here.querySelector(".pick").checked = true;
  count();
  const control = acting.querySelector(`[data-key=${name}]`);
  if (control?.matches("button") && picks().length) control.click();
  else control?.focus();
}

if (acting) {
  document.addEventListener("change", (event) => { if (event.target.matches(".pick")) count(); });
  acting.addEventListener("submit", (event) => { event.preventDefault(); send(event.target.closest("form") ?? event.target, event.submitter); });
  acting.querySelector("[data-clear]").addEventListener("click", clear);
  count();
}
document.getElementById("toast")?.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target, null).then(() => {});
  document.getElementById("toast").hidden = true;
});

const places = { o: "/", i: "/incidents", h: "/heartbeats", r: "/regions" };
const deeds = {
  j: () => go(1),
  k: () => go(-1),
  x: () => { const pick = here?.querySelector(".pick"); if (pick) { pick.checked = !pick.checked; count(); } },
  p: () => act("pause"),
  s: () => act("silence"),
  t: () => act("tag"),
  u: () => document.dispatchEvent(new CustomEvent("vigil:undo")),
  g: () => { lastG = Date.now(); },
  "/": () => document.querySelector("[data-search]")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input:not(.pick), textarea, select, dialog, [contenteditable], [role=slider]")) return;
  if (localStorage.getItem("vigil_single_keys") === "off") return;
  if (Date.now() - lastG < 1500 && places[event.key]) { location.assign(places[event.key]); return; }
  const deed = deeds[event.key];
  if (!deed) return;
  event.preventDefault();
  deed();
});
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (!row || row === here) return;
  here?.classList.remove("here");
  here = row;
});
