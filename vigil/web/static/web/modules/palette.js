// The command palette, and the list of keys.
const palette = document.getElementById("palette");
const input = palette?.querySelector("input");
const list = palette?.querySelector(".found");
const sprite = document.body.dataset.sprite;
const SVG = "http://www.w3.org/2000/svg";
let waiting = 0, asked = 0, chosen = 0, before = null;

function icon(name) {
  const svg = document.createElementNS(SVG, "svg"), use = document.createElementNS(SVG, "use");
  for (const [key, value] of Object.entries({ width: 16, height: 16, "aria-hidden": "true" })) svg.setAttribute(key, value);
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

// The letters that match stand heavier.
function marked(text, words) {
  const line = document.createElement("bdi");
  line.className = "cut";
  const at = words ? text.toLowerCase().indexOf(words.toLowerCase()) : -1;
  if (at < 0) line.textContent = text;
  else {
    const mark = document.createElement("mark");
    mark.textContent = text.slice(at, at + words.length);
    line.append(text.slice(0, at), mark, text.slice(at + words.length));
  }
  return line;
}

const options = () => [...list.querySelectorAll("[role=option]")];

function choose(index) {
  const all = options();
  if (!all.length) { input.removeAttribute("aria-activedescendant"); return; }
  chosen = (index + all.length) % all.length;
  all.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
  input.setAttribute("aria-activedescendant", all[chosen].id);
  all[chosen].scrollIntoView({ block: "nearest" });
}

function paint(groups, words) {
  let number = 0;
  list.replaceChildren(...groups.filter((group) => group.items.length).map((group) => {
    const box = document.createElement("div"), head = document.createElement("h3");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", group.name);
    head.setAttribute("aria-hidden", "true");
    head.textContent = group.name;
    box.append(head, ...group.items.map((item) => {
      const option = document.createElement("a");
      option.id = `found-${number++}`;
      option.setAttribute("role", "option");
      option.tabIndex = -1;
      option.href = item.address;
      option.append(icon(item.icon), marked(item.name, words));
      if (item.note) { const note = document.createElement("span"); note.className = "muted small cut"; note.textContent = item.note; option.append(note); }
      if (item.post) option.dataset.post = JSON.stringify(item.post);
      return option;
    }));
    return box;
  }));
  if (!number) { const none = document.createElement("p"); none.className = "muted small"; none.textContent = `Nothing matches “${words}”.`; list.append(none); }
  choose(0);
}

async function ask() {
  const mine = ++asked, words = input.value.trim();
  try {
    const answer = await fetch(`${palette.dataset.find}?q=${encodeURIComponent(words)}`, { headers: { Accept: "application/json" } });
    if (answer.ok && mine === asked) paint((await answer.json()).groups, words);
  } catch { /* the banner of lost contact says it */ }
}

// An action of the palette is the same form that the list sends.
async function open(option, newTab) {
  if (!option) return;
  if (option.dataset.post) {
    const body = new FormData();
    for (const [name, value] of Object.entries(JSON.parse(option.dataset.post))) body.append(name, value);
    body.append("csrfmiddlewaretoken", document.body.dataset.csrf);
    body.append("press", [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    palette.close();
    const answer = await fetch(option.href, { method: "POST", body, headers: { Accept: "application/json" } });
    const told = await answer.json();
    document.dispatchEvent(new CustomEvent("vigil:toast", { detail: told }));
    document.dispatchEvent(new CustomEvent("vigil:refresh"));
  } else if (newTab) window.open(option.href, "_blank", "noopener");
  else location.assign(option.href);
}

function show() {
  if (!palette || palette.open) return;
  before = document.activeElement;
  input.value = "";
  palette.showModal();
  ask();
}

if (palette) {
  for (const opener of document.querySelectorAll("[data-palette]")) { opener.hidden = false; opener.addEventListener("click", show); }
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 150); });
  palette.addEventListener("close", () => before?.focus());
  palette.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (event.target === palette) palette.close();
    if (option && !event.ctrlKey && !event.metaKey) { event.preventDefault(); open(option, false); }
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter") open(options()[chosen], event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); show(); }
  });
}

const help = document.getElementById("keys-help");
// The choice stands in this dialog and in the settings.
const singles = document.querySelectorAll("[data-single-keys]");
for (const single of singles) {
  single.disabled = false;
  single.checked = localStorage.getItem("vigil_single_keys") !== "off";
  single.addEventListener("change", () => {
    localStorage.setItem("vigil_single_keys", single.checked ? "on" : "off");
    for (const other of singles) other.checked = single.checked;
  });
}
if (help) {
  for (const opener of document.querySelectorAll("[data-keys]")) { opener.hidden = false; opener.addEventListener("click", () => help.showModal()); }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    help.showModal();
  });
}
