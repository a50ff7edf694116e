// The filter bar: shows what it finds as it is typed. All state is the address; without this script Apply does it.
const PARTS = ["#says", "#counts", "[data-views]", "[data-chips]", "[data-more]"];
let asked = 0;
// Letters of one search are one step of Back.
let typing = false;

function address(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
  return query.size ? `?${query}` : location.pathname;
}

async function find(form, typed) {
  const mine = ++asked, to = address(form), list = document.querySelector("[data-list]");
  const answer = await fetch(to, { headers: { Accept: "text/html" } });
  if (mine !== asked) return;
  if (!answer.ok || !list) { location.assign(to); return; }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of PARTS) {
    const old = document.querySelector(part), next = fresh.querySelector(part);
    if (old && next) old.replaceWith(document.importNode(next, true));
  }
  const next = fresh.querySelector("[data-list]");
  if (!next) { location.assign(to); return; }
  list.replaceWith(document.importNode(next, true));
  document.querySelector("[data-live]").dataset.version = fresh.querySelector("[data-live]").dataset.version;
  history[typed && typing ? "replaceState" : "pushState"](null, "", to);
  typing = typed;
  document.dispatchEvent(new CustomEvent("vigil:shown"));
  document.dispatchEvent(new CustomEvent("vigil:announce", { detail: next.dataset.found }));
}

function dress(form) {
  const opener = form.querySelector("[data-open-selects]"), search = form.querySelector("[data-search]");
  form.querySelector("[data-apply]").hidden = true;
  opener.hidden = false;
  opener.addEventListener("click", () => {
    opener.setAttribute("aria-expanded", String(opener.getAttribute("aria-expanded") !== "true"));
  });
  if (!document.querySelector("[data-live]")) return;
  let waiting = 0;
  form.addEventListener("submit", (event) => { event.preventDefault(); find(form, false); });
  form.addEventListener("change", (event) => { if (event.target.matches("select")) find(form, false); });
  search.addEventListener("blur", () => { typing = false; });
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => find(form, true), 150); });
}

for (const form of document.querySelectorAll("[data-filter]")) dress(form);
// Back shows what the address says; the browser restores where the page was scrolled to.
addEventListener("popstate", () => location.reload());

// "Show more" loads by itself when it comes near.
const near = new IntersectionObserver((seen) => {
  for (const one of seen) if (one.isIntersecting) { near.unobserve(one.target); more(one.target); }
}, { rootMargin: "400px" });

async function more(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || !link.isConnected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const section of fresh.querySelectorAll("[data-group]")) {
    const there = document.querySelector(`[data-group="${CSS.escape(section.dataset.group)}"] tbody`);
    const rows = section.querySelectorAll("[data-row]");
    for (const row of rows) row.dataset.extra = "";
    if (there) there.append(...[...rows].map((row) => document.importNode(row, true)));
    else if (rows.length) document.querySelector("[data-groups]").append(document.importNode(section, true));
    if (rows.length) document.querySelector(`[data-closed="${CSS.escape(section.dataset.group)}"]`)?.remove();
  }
  const next = fresh.querySelector("[data-more]");
  const box = link.closest("[data-more]");
  if (next) box.replaceWith(document.importNode(next, true));
  else box.remove();
  watch();
}

function watch() {
  for (const link of document.querySelectorAll("[data-more] a")) near.observe(link);
}

document.addEventListener("vigil:shown", watch);
watch();
