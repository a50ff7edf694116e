// The strip of days as a slider: one tab stop, read day by day. Without this script its link leads to the table.
const DAY_MS = 86400000;
// A status page gives the words of its language: those of u, g, d, n, p and m, and that of opening a day.
const given = document.querySelector("[data-words]")?.dataset.words ?? "up|degraded|down|unknown|not measured|maintenance|Open";
const [u, g, d, n, p, m, opens] = given.split("|");
const words = { u, g, d, n, p, m };
const locale = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const fullDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

function states(runs) {
  return [...runs.matchAll(/(\d+)([ugdnpm])/g)].flatMap(([, count, letter]) => Array(Number(count)).fill(letter));
}

function dress(figure) {
  const link = figure.querySelector("a");
  const svg = link?.querySelector("svg");
  const days = states(figure.dataset.runs);
  if (!svg || !days.length) return;
  const told = (figure.dataset.days ?? "").split("|");
  const output = figure.querySelector("output");
  const sum = output.textContent;
  const end = Date.parse(`${figure.dataset.end}T00:00:00Z`);
  const slider = document.createElement("div");
  let at = days.length - 1;
  slider.tabIndex = 0;
  slider.setAttribute("role", "slider");
  slider.setAttribute("aria-label", link.getAttribute("aria-label"));
  slider.setAttribute("aria-valuemin", "1");
  slider.setAttribute("aria-valuemax", String(days.length));
  link.replaceWith(slider);
  slider.append(svg);
  svg.setAttribute("aria-hidden", "true");
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
  cursor.setAttribute("class", "cursor");
  cursor.setAttribute("y1", "0");
  cursor.setAttribute("y2", "16");

  const dayOf = (index) => new Date(end - (days.length - 1 - index) * DAY_MS);
  // A day has a page, or a place on the page of its month.
  const address = () => {
    const day = dayOf(at).toISOString().slice(0, 10);
    return figure.dataset.href + ("month" in figure.dataset ? `${day.slice(0, 7)}${figure.dataset.month}#d-${day}` : day);
  };
  function tell(show) {
    const date = dayOf(at), text = told[at] || `${fullDay.format(date)}, ${words[days[at]]}`;
    slider.setAttribute("aria-valuenow", String(at + 1));
    slider.setAttribute("aria-valuetext", text);
    if (!show) return;
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, String(at * 8 + 3));
    svg.append(cursor);
    const open = document.createElement("a");
    open.href = address();
    open.textContent = `${opens} ${shortDay.format(date)}`;
    output.replaceChildren(`${text} `, open);
  }
  function move(to) {
    at = Math.min(days.length - 1, Math.max(0, to));
    tell(true);
  }
  tell(false);
  slider.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageUp: at - 7, PageDown: at + 7, Home: 0, End: days.length - 1 };
    if (event.key === "Enter") location.assign(address());
    else if (event.key in steps) move(steps[event.key]);
    else return;
    event.preventDefault();
  });
  slider.addEventListener("focus", () => tell(true));
  const pointed = (event) => {
    const box = svg.getBoundingClientRect();
    return Math.floor(((event.clientX - box.left) / box.width) * days.length);
  };
  slider.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") move(pointed(event)); });
  slider.addEventListener("click", (event) => {
    move(pointed(event));
    if (event.pointerType === "mouse") location.assign(address());
  });
  slider.addEventListener("pointerleave", () => { if (document.activeElement !== slider) { cursor.remove(); output.textContent = sum; } });
}

// A day that got its first figure, or another one. What is being read stays as it is until it is left.
function renew(fresh) {
  for (const next of fresh.querySelectorAll("[data-strip][id]")) {
    const old = document.getElementById(next.id);
    if (!old || old.matches(":hover, :focus-within")) continue;
    if (JSON.stringify({ ...old.dataset }) === JSON.stringify({ ...next.dataset })) continue;
    const figure = document.importNode(next, true);
    old.replaceWith(figure);
    dress(figure);
  }
}

for (const figure of document.querySelectorAll("[data-strip]")) dress(figure);
document.addEventListener("vigil:taken", (event) => renew(event.detail));
