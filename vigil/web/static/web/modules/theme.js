// The theme of this device: the system's, light or dark; kept in a cookie, so that the server writes it on the page.
const root = document.documentElement;
const order = { "": "light", light: "dark", dark: "" };
const names = { "": "Theme: system", light: "Theme: light", dark: "Theme: dark" };

function paint() {
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.hidden = false;
    button.querySelector("span").textContent = names[root.dataset.theme ?? ""];
  }
}

function choose() {
  const next = order[root.dataset.theme ?? ""];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `vigil_theme=${next}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  paint();
  document.dispatchEvent(new CustomEvent("vigil:theme"));
}

document.addEventListener("click", (event) => { if (event.target.closest("[data-theme-switch]")) choose(); });
paint();
