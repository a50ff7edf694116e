// Runs on their schedule as a slider: one tab stop, read run by run. Without this script the table below says the same.
function dress(figure) {
  const svg = figure.querySelector("svg"), output = figure.querySelector("output"), sum = output.textContent;
  const bars = [...svg.querySelectorAll("rect")];
  if (!bars.length) return;
  const words = bars.map((bar) => bar.querySelector("title").textContent);
  const slider = document.createElement("div");
  let at = bars.length - 1;
  slider.tabIndex = 0;
  slider.setAttribute("role", "slider");
  slider.setAttribute("aria-label", svg.getAttribute("aria-label"));
  slider.setAttribute("aria-valuemin", "1");
  slider.setAttribute("aria-valuemax", String(bars.length));
  svg.replaceWith(slider);
  slider.append(svg);
  svg.setAttribute("aria-hidden", "true");

  function tell(show) {
    slider.setAttribute("aria-valuenow", String(at + 1));
    slider.setAttribute("aria-valuetext", words[at]);
    bars.forEach((bar, index) => bar.classList.toggle("here", show && index === at));
    output.textContent = show ? words[at] : sum;
  }
  function move(to) {
    at = Math.min(bars.length - 1, Math.max(0, to));
    tell(true);
  }
  tell(false);
  slider.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: bars.length - 1 };
    if (!(event.key in steps)) return;
    move(steps[event.key]);
    event.preventDefault();
  });
  slider.addEventListener("focus", () => tell(true));
  slider.addEventListener("blur", () => tell(false));
  const pointed = (event) => { const bar = bars.indexOf(event.target.closest("rect")); if (bar >= 0) move(bar); };
  slider.addEventListener("pointermove", pointed);
  slider.addEventListener("click", pointed);
  slider.addEventListener("pointerleave", () => { if (document.activeElement !== slider) tell(false); });
}

for (const figure of document.querySelectorAll("[data-run-bars]")) dress(figure);
