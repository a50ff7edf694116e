// The toast with undo, the live region, and the focus of a list of errors.
const toast = document.getElementById("toast");
const announced = document.getElementById("announced");
let going = 0;
let waiting = [];

// Texts within two seconds are said as one.
function announce(text) {
  if (!announced || !text) return;
  if (waiting.length === 0) setTimeout(() => { announced.textContent = waiting.join(" "); waiting = []; }, 400);
  if (!waiting.includes(text)) waiting.push(text);
}

function hide() {
  clearTimeout(going);
  if (toast) toast.hidden = true;
}

function show(text, undo) {
  if (!toast) return;
  clearTimeout(going);
  toast.querySelector(".said").textContent = text;
  const form = toast.querySelector("form");
  form.hidden = !undo;
  if (undo) form.action = undo;
  toast.hidden = false;
  arm();
}

// It stays while it is read: pointed at, or in focus.
function arm() {
  clearTimeout(going);
  going = setTimeout(() => (toast.matches(":hover, :focus-within") ? arm() : hide()), 10000);
}

if (toast) {
  toast.querySelector(".shut").addEventListener("click", hide);
  if (!toast.hidden) arm();
}
document.addEventListener("vigil:announce", (event) => announce(event.detail));
document.addEventListener("vigil:toast", (event) => show(event.detail.text, event.detail.undo));
document.addEventListener("vigil:undo", () => {
  if (toast && !toast.hidden && !toast.querySelector("form").hidden) toast.querySelector("form").requestSubmit();
});
document.querySelector("[data-focus]")?.focus();

// A double press is one action: the second is not sent while the first is on its way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 4000);
});
