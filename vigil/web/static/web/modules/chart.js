// The latency chart: lines on a canvas, and a slider that reads them point by point. The table beside it has the same.
const DASHES = [[6, 3], [2, 3], [8, 3, 2, 3], [1, 2], [10, 4]];
const PHASES = ["dns", "connect", "tls", "first byte", "transfer"];
const HOUR = 3600;
// A chart is renewed as often as its finest points come; one without any is looked for sooner.
const RENEW_MS = 60000, FIRST_MS = 10000;
// Times of an axis: hours, and the date where a day begins.
const STAMPS = [
  [24 * HOUR, "{D} {MMM}", null, null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
];
const clockOf = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });

// A token as the canvas takes it: only a used colour is resolved for the theme.
function colour(token) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${token})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function unit(value) {
  if (value == null) return "–";
  return value < 2000 ? `${Math.round(value)}\u202fms` : `${(value / 1000).toFixed(1)}\u202fs`;
}

function bands(data) {
  const tint = { down: colour("down-wash"), degraded: colour("degraded-wash"), maintenance: colour("maintenance-wash"), unknown: colour("unknown-wash") };
  const edge = { down: colour("down"), degraded: colour("degraded"), maintenance: colour("maintenance"), unknown: colour("unknown") };
  return (plot) => {
    const { ctx, bbox } = plot;
    for (const band of data.bands ?? []) {
      const from = Math.max(bbox.left, plot.valToPos(band.from, "x", true));
      const to = Math.min(bbox.left + bbox.width, Math.max(from + 2, plot.valToPos(band.to, "x", true)));
      ctx.fillStyle = tint[band.state] ?? tint.unknown;
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      ctx.fillStyle = edge[band.state] ?? edge.unknown;
      ctx.fillRect(from, bbox.top, to - from, 2 * devicePixelRatio);
    }
  };
}

// A point between gaps has no line to stand on.
function alone(plot, index) {
  const found = plot.data[index];
  return found.flatMap((value, at) => (value != null && found[at - 1] == null && found[at + 1] == null ? [at] : []));
}

function series(data) {
  if (data.phases) {
    const from = colour("accent");
    return PHASES.filter((name) => data.phases[name]).map((label, index, all) => ({ label, stroke: from, width: 1, alpha: 1, fill: `color-mix(in srgb, ${from} ${90 - index * Math.floor(70 / all.length)}%, transparent)` }));
  }
  const regions = Object.keys(data.regions ?? {}).slice(0, 5);
  const points = { show: true, size: 5, filter: alone };
  return [
    { label: "p95", stroke: colour("accent"), width: 2, points },
    { label: "p50", stroke: colour("muted"), width: 1.5, points },
    ...regions.map((label, index) => ({ label, stroke: colour("ink"), width: 1, dash: DASHES[index], points })),
  ];
}

function columns(data) {
  if (!data.phases) return [data.t, data.p95, data.p50, ...Object.values(data.regions ?? {}).slice(0, 5)];
  // Stacked: each line is the sum of its phase and those before it, the tallest first.
  const kept = PHASES.filter((name) => data.phases[name]);
  const sums = kept.map((_, index) => data.t.map((_, at) => kept.slice(0, index + 1).reduce((sum, name) => sum + (data.phases[name][at] ?? 0), 0)));
  return [data.t, ...sums];
}

function draw(figure, data) {
  const box = figure.querySelector(".plot");
  const text = colour("muted"), grid = colour("line");
  const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: `12px ${getComputedStyle(document.body).fontFamily}` };
  box.replaceChildren();
  return new uPlot({
    width: box.clientWidth,
    height: box.clientHeight,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    // Not below four milliseconds: finer steps would be the same number twice.
    scales: { y: { range: (_, __, most) => [0, Math.max(most || 0, 4) * 1.1] } },
    axes: [{ ...axis, values: STAMPS }, { ...axis, size: 60, values: (_, found) => found.map((value) => (value === 0 ? "0" : unit(value))) }],
    series: [{}, ...series(data)],
    hooks: { drawClear: [bands(data)] },
  }, columns(data), box);
}

const newest = (data) => Math.max(0, (data.p95 ?? []).findLastIndex((value) => value != null));

// Where the reader stood before the points were renewed: at the same time, and at the newest who was there.
function placeOf(at, before, data) {
  if (!before || at === newest(before)) return newest(data);
  const found = data.t.indexOf(before.t[at]);
  return found < 0 ? Math.min(at, data.t.length - 1) : found;
}

function wordsOf(data, at) {
  const of = data.of?.[at] ? `, ${data.of[at]} regions` : "";
  const band = (data.bands ?? []).find((one) => one.from <= data.t[at] && data.t[at] < one.to);
  const lines = Object.entries(data.regions ?? {}).map(([name, values]) => `, ${name} ${unit(values[at])}`).join("");
  return `${clockOf.format(data.t[at] * 1000)} UTC: p95 ${unit(data.p95?.[at])}, p50 ${unit(data.p50?.[at])}${lines}${of}${band ? `, ${band.state}` : ""}`;
}

// The slider, made once; returns what takes the points of `state` when they are renewed.
function reader(figure, state) {
  const readout = figure.querySelector(".readout");
  const slider = document.createElement("div");
  const output = document.createElement("output");
  let at = 0;
  slider.tabIndex = 0;
  slider.setAttribute("role", "slider");
  slider.setAttribute("aria-label", `${figure.getAttribute("aria-label")}, point by point`);
  slider.setAttribute("aria-valuemin", "1");
  const thumb = document.createElement("span");
  thumb.className = "thumb";
  slider.append(thumb);
  readout.replaceChildren(slider, output);
  function tell() {
    const words = wordsOf(state.data, at);
    slider.setAttribute("aria-valuenow", String(at + 1));
    slider.setAttribute("aria-valuetext", words);
    output.textContent = words;
    thumb.style.insetInlineStart = `${(at / Math.max(1, state.data.t.length - 1)) * 100}%`;
  }
  function move(to) {
    at = Math.min(state.data.t.length - 1, Math.max(0, to));
    tell();
    state.plot.setCursor({ left: state.plot.valToPos(state.data.t[at], "x"), top: 0 });
  }
  slider.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 1, { data } = state;
    const moves = { ArrowLeft: at - step, ArrowRight: at + step, Home: 0, End: data.t.length - 1, PageUp: at - 10, PageDown: at + 10 };
    if (event.key === "Enter" && data.href) location.assign(data.href + (data.t[at] + (data.step ?? 0)));
    else if (event.key in moves) move(moves[event.key]);
    else return;
    event.preventDefault();
  });
  figure.querySelector(".plot").addEventListener("pointermove", () => {
    if (state.plot?.cursor.idx != null) { at = state.plot.cursor.idx; tell(); }
  });
  return (before) => {
    at = placeOf(at, before, state.data);
    slider.setAttribute("aria-valuemax", String(state.data.t.length));
    readout.hidden = false;
    tell();
  };
}

function isEmpty(data) {
  return !data.t?.length || (!data.phases && [data.p95, data.p50].every((one) => one.every((value) => value == null)));
}

function show(figure, state, data) {
  const before = state.data, none = figure.querySelector("[data-none]"), empty = isEmpty(data);
  figure.removeAttribute("aria-busy");
  if (none) none.hidden = !empty;
  state.plot?.destroy();
  state.plot = null;
  state.data = empty ? null : data;
  figure.querySelector(".readout").hidden = empty;
  if (empty) return;
  state.plot = draw(figure, data);
  state.read ??= reader(figure, state);
  state.read(before);
}

async function ask(figure, state) {
  state.asked = Date.now();
  const answer = await fetch(figure.dataset.src, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const text = await answer.text();
  if (text === state.text) return;
  state.text = text;
  show(figure, state, JSON.parse(text));
}

function dress(figure) {
  if (!figure.dataset.src) return;
  const state = { plot: null, data: null, text: "", asked: 0 };
  const again = () => { if (!state.plot) return; state.plot.destroy(); state.plot = draw(figure, state.data); };
  document.addEventListener("vigil:theme", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new ResizeObserver(() => {
    const box = figure.querySelector(".plot");
    if (state.plot && box.clientWidth !== state.plot.width) state.plot.setSize({ width: box.clientWidth, height: box.clientHeight });
  }).observe(figure);
  // A page that polls keeps its chart as well.
  document.addEventListener("vigil:heard", () => {
    if (Date.now() - state.asked >= (state.plot ? RENEW_MS : FIRST_MS)) ask(figure, state);
  });
  ask(figure, state);
}

for (const figure of document.querySelectorAll("[data-chart]")) dress(figure);
