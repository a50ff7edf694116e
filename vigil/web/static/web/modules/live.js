// Live pages: a poll that costs a 304, rows that change in their place, and grey for all that is no longer known.
const page = document.querySelector("[data-live]");
const EVERY_MS = 3600, SLOWEST_MS = 30000, LOST_MS = 15000, CHANGED_MS = 8000;
// Polls that fail until contact is lost; and until the page asks less often.
const FAILURES = 3, PATIENCE = 30;
const contact = document.getElementById("contact");
let timer = 0, failures = 0, heard = Date.now(), lost = false, asking = false, again = false;
let known = new Map();
let kept = null;
let titleBefore = document.title, iconBefore = "";

const clock = (at) => new Date(at).toISOString().slice(11, 19);
const say = (text) => document.dispatchEvent(new CustomEvent("vigil:announce", { detail: text }));
const list = () => page.querySelector("[data-list]");
const inHand = () => Boolean(list()?.matches(":hover, :focus-within") || list()?.querySelector(".pick:checked, [data-extra]"));
const rowsOf = (root) => [...root.querySelectorAll("[data-row]")];
// Rows that were loaded on approach are changed in their place, and stay out of the order.
const order = (root) => rowsOf(root).filter((row) => !("extra" in row.dataset)).map((row) => row.id);

function remember(root) {
  known = new Map(rowsOf(root).map((row) => [row.id, row.outerHTML]));
}

// A row changes in its place: focus and the tick stay, and a rule in its colour stands beside it for a while.
async function change(row, fresh) {
  const was = row.dataset.state, is = fresh.dataset.state, ticked = row.querySelector(".pick")?.checked;
  if (row.tagName === fresh.tagName) await htmx.swap({ text: fresh.outerHTML, target: row, swap: "outerMorph", sourceElement: row });
  else {
    // It belongs to the other list now: only its mark changes until it gets its place.
    row.querySelector(".mark").replaceWith(fresh.querySelector(".mark"));
    Object.assign(row.dataset, { state: is, word: fresh.dataset.word });
  }
  const now = document.getElementById(fresh.id);
  const pick = now?.querySelector(".pick");
  if (pick && ticked) pick.checked = true;
  if (!now || was === is) return;
  say(`${now.dataset.name} is ${now.dataset.word}.`);
  now.classList.add("changed");
  setTimeout(() => document.getElementById(fresh.id)?.classList.remove("changed"), CHANGED_MS);
}

function replaceById(id, fresh) {
  const old = document.getElementById(id), next = fresh.getElementById(id);
  if (!old || !next || old.outerHTML === next.outerHTML) return;
  const focused = [...old.querySelectorAll("a")].indexOf(document.activeElement);
  old.replaceWith(next.cloneNode(true));
  if (focused >= 0) document.getElementById(id).querySelectorAll("a")[focused]?.focus({ preventScroll: true });
}

// How many rows would change their place: those that left, came, or passed the others, which keep their order.
function moved(before, after) {
  const places = new Map(after.map((id, at) => [id, at]));
  const common = before.filter((id) => places.has(id));
  const ends = [];
  for (const place of common.map((id) => places.get(id))) {
    const at = ends.findIndex((end) => end >= place);
    ends[at < 0 ? ends.length : at] = place;
  }
  const passed = common.length - ends.length;
  const left = before.filter((id) => !places.has(id)).length, came = after.filter((id) => !before.includes(id)).length;
  return Math.max(passed, left, came);
}

// Parts of a page without a list change as wholes; focus stays where it is.
async function renew(next) {
  const old = document.getElementById(next.id);
  if (!old || known.get(next.id) === next.outerHTML) return;
  const was = old.dataset.state, is = next.dataset.state;
  known.set(next.id, next.outerHTML);
  await htmx.swap({ text: next.outerHTML, target: old, swap: "outerMorph", sourceElement: page });
  if (was !== is) say(`${next.dataset.name} is ${next.dataset.word}.`);
}

async function take(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const next = fresh.querySelector("[data-list]");
  // A page that showed nothing yet has no filters, no counts and no form: all of it comes at once.
  if (fresh.querySelector("#counts a") && !document.getElementById("counts")) { location.reload(); return; }
  for (const part of fresh.querySelectorAll("[data-part]")) await renew(part);
  document.dispatchEvent(new CustomEvent("vigil:taken", { detail: fresh }));
  for (const id of ["says", "counts", "views", "open-incidents", "heard", "asof"]) replaceById(id, fresh);
  if (fresh.title) document.title = titleBefore = fresh.title;
  const icon = fresh.querySelector("link[rel=icon]");
  if (icon) document.querySelector("link[rel=icon]").href = iconBefore = icon.getAttribute("href");
  if (!next) return;
  for (const row of rowsOf(next)) {
    const there = document.getElementById(row.id);
    if (there && known.get(row.id) !== row.outerHTML) await change(there, row.cloneNode(true));
  }
  const changes = moved(order(list()), order(next));
  remember(next);
  if (!changes) { settle(); await morph(next, false); }
  else if (inHand()) hold(next, changes);
  else { settle(); await morph(next, true); }
}

// Group heads, and the order where no hand is on the list. Focus goes to the next row if its own has left.
async function morph(next, all) {
  if (!all && order(list()).length === order(next).length && list().dataset.heads === next.dataset.heads) return;
  const focused = document.activeElement?.closest("[data-row]");
  const neighbours = focused ? order(list()).slice(order(list()).indexOf(focused.id)) : [];
  const anchor = rowsOf(list()).find((row) => row.getBoundingClientRect().top >= 0);
  const top = anchor?.getBoundingClientRect().top;
  const ticked = [...document.querySelectorAll(".pick:checked")].map((pick) => pick.value);
  await htmx.swap({ text: next.outerHTML, target: list(), swap: "outerMorph", sourceElement: page });
  for (const pick of document.querySelectorAll(".pick")) if (ticked.includes(pick.value)) pick.checked = true;
  if (focused && !document.activeElement?.closest("[data-row]")) {
    const id = neighbours.find((one) => document.getElementById(one));
    (document.getElementById(id ?? "")?.querySelector("a.name") ?? list()).focus({ preventScroll: true });
  }
  const there = anchor && document.getElementById(anchor.id);
  if (there && scrollY > 0) scrollBy(0, there.getBoundingClientRect().top - top);
}

// The order is kept under the hand; new trouble stands at the end of its list meanwhile.
function hold(next, changes) {
  kept = next;
  const trouble = list().querySelector("[data-trouble] ul");
  for (const row of next.querySelectorAll("[data-trouble] [data-row]")) {
    if (!document.getElementById(row.id) && trouble) trouble.append(document.importNode(row, true));
  }
  const bar = page.querySelector("[data-reorder]");
  bar.hidden = false;
  bar.querySelector("span").textContent = `${changes} changed ${changes === 1 ? "place" : "places"}.`;
}

function settle() {
  kept = null;
  const bar = page.querySelector("[data-reorder]");
  if (bar) bar.hidden = true;
}

function lose() {
  if (lost) return;
  lost = true;
  titleBefore = document.title;
  const icon = document.querySelector("link[rel=icon]");
  iconBefore = icon.getAttribute("href");
  icon.href = "/static/web/favicon-unknown.svg";
  document.title = "Lost contact · Vigil";
  document.documentElement.dataset.lost = "";
  const says = document.querySelector("#says h1");
  if (says) says.textContent = `Lost contact at ${clock(heard)}`;
  tell(`Lost contact. Last heard ${clock(heard)} UTC.`);
}

function tell(text) {
  const button = document.createElement("button"), words = document.createElement("span");
  words.textContent = text;
  button.className = "btn";
  button.type = "button";
  button.textContent = "Try again";
  button.addEventListener("click", poll);
  contact.replaceChildren(words, button);
  contact.hidden = false;
}

function found() {
  failures = 0;
  heard = Date.now();
  document.dispatchEvent(new CustomEvent("vigil:heard"));
  const shown = document.getElementById("heard");
  if (shown) { shown.replaceChildren(Object.assign(document.createElement("time"), { dateTime: new Date(heard).toISOString(), textContent: clock(heard) })); }
  if (!lost) return;
  lost = false;
  delete document.documentElement.dataset.lost;
  document.title = titleBefore;
  document.querySelector("link[rel=icon]").href = iconBefore;
  contact.hidden = true;
  say("In contact again.");
}

async function poll() {
  if (asking) { again = true; return; }
  asking = true;
  clearTimeout(timer);
  const whole = lost ? "" : page.dataset.version;
  const query = new URLSearchParams(location.search);
  query.set("k", page.dataset.key);
  query.set("v", whole);
  const address = `${page.dataset.live}?${query}`;
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(10000), redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) { location.reload(); return; }
    if (answer.status !== 304 && !answer.ok) throw new Error(String(answer.status));
    const text = answer.status === 304 ? "" : await answer.text();
    found();
    if (text) {
      page.dataset.version = answer.headers.get("X-Live-Version") ?? "";
      await take(text);
    }
  } catch {
    failures += 1;
    if (failures >= FAILURES || Date.now() - heard > LOST_MS) lose();
  } finally {
    asking = false;
    if (again) { again = false; poll(); } else plan();
  }
}

function plan() {
  clearTimeout(timer);
  if (document.hidden) return;
  const pause = failures < PATIENCE ? EVERY_MS : SLOWEST_MS;
  timer = setTimeout(poll, pause * (0.9 + Math.random() * 0.2));
}

if (page) {
  remember(page);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { clearTimeout(timer); return; }
    // What was not asked while the page was hidden is no lost contact.
    heard = Math.max(heard, Date.now() - EVERY_MS);
    poll();
  });
  setInterval(() => { if (!document.hidden && Date.now() - heard > LOST_MS) lose(); }, 1000);
  page.querySelector("[data-reorder] button")?.addEventListener("click", async () => {
    const next = kept;
    if (list().querySelector("[data-extra]")) { location.reload(); return; }
    settle();
    if (next) await morph(next, true);
  });
  document.addEventListener("vigil:refresh", () => { page.dataset.version = ""; poll(); });
  addEventListener("online", poll);
  document.addEventListener("vigil:shown", () => remember(page));
  plan();
}
