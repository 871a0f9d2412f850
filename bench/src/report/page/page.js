const { result, curves } = JSON.parse(document.getElementById("data").textContent);
const page = document.getElementById("page");
const SVG = "http://www.w3.org/2000/svg";

// What a scenario's people do, and the latency that tells most about it.
const MAIN = { relay: "relay", churn: "relay", slow: "relay", match: "match", connect: "connect" };
const main = MAIN[result.scenario];
const COLOURS = ["--sea", "--ember", "--plum", "--moss"];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function shape(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

// Numbers ------------------------------------------------------------------------------------

function digits(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  const places = Number.isInteger(value) || size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  return value.toLocaleString("en", { maximumFractionDigits: places });
}

function time(us) {
  const [value, unit] = us >= 1e6 ? [us / 1e6, "s"] : us >= 1e3 ? [us / 1e3, "ms"] : [us, "µs"];
  return [Number(value.toPrecision(3)).toLocaleString("en"), unit];
}

const inWords = (us) => time(us).join(" ");

function short(value) {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  return value >= 1e4 ? `${Number((value / 1e3).toPrecision(3))}k` : digits(value);
}

const words = (name) => name.replaceAll("_", " ");

// Plots --------------------------------------------------------------------------------------

/** Round values in a range, about so many. */
function ticks(low, high, about) {
  const rough = (high - low) / about;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * ([1, 2, 5].find((times) => times * unit >= rough) ?? 10);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high * 1.0001; at += step) found.push(at);
  return found;
}

/** Powers of ten in a range, and what is between where they are few. */
function decades(low, high) {
  const few = Math.log10(high / low) < 2.2;
  const found = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) {
    for (const times of few ? [1, 2, 5] : [1]) found.push(times * 10 ** power);
  }
  return found.filter((at) => at >= low * 0.999 && at <= high * 1.001);
}

/**
 * A plot that is drawn anew for every width. `lines` have a name, a colour, points [x, y] and may
 * be dashed; `x` and `y` have how to write a value, `y.log` is its scale, `x.ticks` where to write.
 */
function plot({ title, lines, x, y, bands = [] }) {
  const shown = lines.filter((line) => line.points.length > 0);
  const legend = element("span", { class: "legend" });
  for (const line of shown) {
    const sample = shape("svg", { width: 20, height: 8 });
    sample.append(stroke(line, "M0 4H20"));
    legend.append(element("span", {}, sample, line.name));
  }
  const svg = shape("svg", { role: "img", "aria-label": title });
  const tip = element("div", { class: "tip", hidden: "" });
  const caption = element("figcaption", {}, element("h2", {}, title), legend);
  const figure = element("figure", { class: "card" }, caption, svg, tip);
  new ResizeObserver(() => draw(svg, tip, shown, x, y, bands)).observe(svg);
  return figure;
}

function stroke(line, path) {
  const kind = line.dashed ? "curve asked" : "curve";
  return shape("path", { d: path, class: kind, style: `stroke: var(${line.colour})` });
}

function draw(svg, tip, lines, x, y, bands) {
  const { width, height } = svg.getBoundingClientRect();
  if (width === 0) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  const all = lines.flatMap((line) => line.points);
  const values = all.map((point) => point[1]).filter((value) => !y.log || value > 0);
  const top = Math.max(...values, y.log ? 1 : 0) * (y.log ? 1.4 : 1.08);
  const bottom = y.log ? Math.max(Math.min(...values) / 1.4, y.least ?? 0) : 0;
  const first = x.from ?? Math.min(...all.map((point) => point[0]));
  const last = Math.max(...all.map((point) => point[0]), first + 1e-9);
  const frame = { left: 56, right: width - 12, top: 12, bottom: height - 26 };
  const atX = (value) => frame.left + ((value - first) / (last - first)) * (frame.right - frame.left);
  const part = (value) =>
    y.log ? Math.log(value / bottom) / Math.log(top / bottom) : (value - bottom) / (top - bottom);
  const atY = (value) => frame.bottom - part(Math.max(value, bottom)) * (frame.bottom - frame.top);

  bands.forEach((band, place) => {
    const [from, to] = [atX(band.from), atX(Math.min(band.to, last))];
    const box = { x: from, y: frame.top, width: Math.max(to - from, 0), height: frame.bottom - frame.top };
    if (place % 2 === 0) svg.append(shape("rect", { ...box, class: "band" }));
    if (to - from > 40) svg.append(shape("text", { x: from + 6, y: frame.top + 14 }, band.name));
  });
  for (const value of y.log ? decades(bottom, top) : ticks(bottom, top, 5)) {
    const at = atY(value);
    svg.append(shape("line", { x1: frame.left, x2: frame.right, y1: at, y2: at, class: "grid" }));
    const place = { x: frame.left - 8, y: at + 4, "text-anchor": "end" };
    svg.append(shape("text", place, y.write(value)));
  }
  for (const value of x.ticks?.(last) ?? ticks(first, last, Math.max(2, width / 110))) {
    const at = atX(value);
    svg.append(shape("line", { x1: at, x2: at, y1: frame.bottom, y2: frame.bottom + 4, class: "grid" }));
    const anchor = at > frame.right - 24 ? "end" : "middle";
    svg.append(shape("text", { x: at, y: height - 6, "text-anchor": anchor }, x.write(value)));
  }
  for (const line of lines) {
    const path = line.points.map(([px, py], n) => `${n ? "L" : "M"}${atX(px).toFixed(1)} ${atY(py).toFixed(1)}`);
    svg.append(stroke(line, path.join("")));
    if (line.points.length === 1) {
      const [[px, py]] = line.points;
      svg.append(shape("circle", { cx: atX(px), cy: atY(py), r: 3, style: `fill: var(${line.colour})` }));
    }
  }
  const rule = shape("line", { y1: frame.top, y2: frame.bottom, class: "rule", visibility: "hidden" });
  svg.append(rule);

  svg.onpointermove = (event) => {
    const along = event.clientX - svg.getBoundingClientRect().left;
    const nearest = (points) =>
      points.reduce((best, point) => (Math.abs(atX(point[0]) - along) < Math.abs(atX(best[0]) - along) ? point : best));
    const at = nearest(all)[0];
    rule.setAttribute("x1", atX(at));
    rule.setAttribute("x2", atX(at));
    rule.setAttribute("visibility", "visible");
    tip.replaceChildren(element("b", {}, (x.tell ?? x.write)(at)));
    for (const line of lines) {
      const [px, py] = nearest(line.points);
      if (Math.abs(atX(px) - atX(at)) > 12) continue;
      const dot = element("i", { style: `background: var(${line.colour})` });
      tip.append(element("div", {}, dot, `${line.name}  `, element("b", {}, (y.tell ?? y.write)(py))));
    }
    tip.hidden = false;
    const right = atX(at) > width / 2;
    tip.style.left = right ? "" : `${atX(at) + 28}px`;
    tip.style.right = right ? `${width - atX(at) + 28}px` : "";
  };
  svg.onpointerleave = () => {
    tip.hidden = true;
    rule.setAttribute("visibility", "hidden");
  };
}

const seconds = { from: 0, write: (at) => `${digits(at)} s` };
const latency = { log: true, least: 1, write: inWords };

function overTime(pick) {
  return result.series.map((second) => [second.at_s, pick(second)]).filter((point) => point[1] !== undefined);
}

function rates() {
  const rate = (name) => (second) => (second.counts[name] ?? 0) / second.secs;
  const asked = result.series.some((second) => second.counts.requested);
  return plot({
    title: "Done a second",
    lines: [
      { name: "requested", colour: "--ember", dashed: true, points: asked ? overTime(rate("requested")) : [] },
      { name: "done", colour: "--sea", points: overTime(rate("done")) },
    ],
    x: seconds,
    y: { write: short, tell: (value) => digits(Math.round(value)) },
    bands: phases(),
  });
}

function latencies(name) {
  const at = (key) => overTime((second) => second.latencies[name]?.[key]);
  return plot({
    title: `${words(name)}: latency by time`,
    lines: [
      { name: "max", colour: "--plum", points: at("max_us") },
      { name: "p99", colour: "--ember", points: at("p99_us") },
      { name: "p50", colour: "--sea", points: at("p50_us") },
    ],
    x: seconds,
    y: latency,
    bands: phases(),
  });
}

/** Latency by percentile; the axis is stretched so that each nine has the same room. */
function distribution() {
  const shown = Object.entries(curves).filter(([, curve]) => curve.length > 1);
  const share = (nines) => 100 * (1 - 10 ** -nines);
  const percent = (nines) => `${Number(share(nines).toFixed(Math.max(0, Math.ceil(nines) - 1)))} %`;
  return plot({
    title: "Latency by percentile",
    lines: shown.map(([name, curve], n) => ({
      name: words(name),
      colour: COLOURS[n % COLOURS.length],
      dashed: name === "generator_lag",
      points: curve.map(([below, us]) => [-Math.log10(1 - below), us]),
    })),
    x: {
      from: 0,
      ticks: (last) => Array.from({ length: Math.floor(last) + 1 }, (_, nines) => nines),
      write: percent,
      tell: (nines) => `${Number(share(nines).toPrecision(6))} %`,
    },
    y: latency,
  });
}

function phases() {
  if (result.phases.length < 2) return [];
  return result.phases.map((phase) => ({
    name: phase.kind,
    from: phase.begin_s,
    to: phase.begin_s + phase.secs,
  }));
}

// Tables -------------------------------------------------------------------------------------

function table(title, head, rows) {
  const line = (cells, kind) => element("tr", {}, ...cells.map((cell) => element(kind, {}, cell)));
  const made = element("table", {}, line(head, "th"), ...rows.map((cells) => line(cells, "td")));
  return element("section", { class: "card" }, element("h2", {}, title), element("div", { class: "scroll" }, made));
}

function latencyTable() {
  const keys = ["min", "mean", "p50", "p90", "p99", "p999", "p9999", "max"];
  const head = ["", "count", "min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"];
  const rows = Object.entries(result.latencies).map(([name, times]) => [
    words(name),
    digits(times.count),
    ...keys.map((key) => (times.count ? inWords(times[`${key}_us`]) : "–")),
  ]);
  return table("Latencies", head, rows);
}

function phaseTable() {
  const figure = (phase, ending) => {
    const found = Object.entries(phase.figures).find(([key]) => key.endsWith(ending));
    return found ? digits(found[1]) : "–";
  };
  const done = Object.keys(result.figures).find((key) => key.endsWith("_per_second") && !key.startsWith("requested"));
  const cpu = Object.keys(result.figures).find((key) => key.startsWith("server_cpu_us_per_"));
  const rows = result.phases.map((phase) => {
    const times = phase.latencies[main];
    return [
      `${phase.kind}, ${digits(phase.secs)} s`,
      figure(phase, "requested_per_second"),
      figure(phase, done),
      ...["p50", "p99", "p999"].map((key) => (times?.count ? inWords(times[`${key}_us`]) : "–")),
      cpu ? figure(phase, cpu) : "–",
    ];
  });
  const head = ["", "requested /s", "done /s", "p50", "p99", "p99.9", "server µs each"];
  return table("Phases", head, rows);
}

function figureTable() {
  const rows = Object.entries(result.figures).map(([key, value]) => [words(key), digits(value)]);
  return table("Figures", ["", ""], rows);
}

// The page -----------------------------------------------------------------------------------

function tiles() {
  const made = [];
  const add = (name, value, unit = "") => {
    const number = element("div", { class: "value" }, value, element("span", { class: "unit" }, ` ${unit}`));
    made.push(element("div", { class: "card tile" }, element("div", { class: "soft" }, name), number));
  };
  const figures = Object.entries(result.figures);
  const rate = figures.find(([key]) => key.endsWith("_per_second") && !key.startsWith("requested"));
  if (rate) add(words(rate[0].replace("_per_second", " a second")), digits(Math.round(rate[1])));
  const times = result.latencies[main];
  for (const [key, name] of times?.count ? [["p50_us", "p50"], ["p99_us", "p99"], ["p999_us", "p99.9"]] : []) {
    add(`${main} ${name}`, ...time(times[key]));
  }
  for (const [key, value] of figures) {
    if (key.startsWith("server_cpu_us_per_")) add(words(key.replace("server_cpu_us_per_", "server CPU per ")), digits(value), "µs");
    if (key.endsWith("_bytes_per_connection")) add(words(key.replace("_bytes_per_", " per ")), digits(value), "B");
  }
  if ("generator_cores" in result.figures) add("generator's cores", digits(result.figures.generator_cores));
  return element("div", { class: "tiles" }, ...made);
}

function verdict() {
  const missed = result.thresholds.map(
    ({ expression, value, met }) => `${met ? "Met" : "Missed"}: ${expression} (${value === null ? "not measured" : digits(value)})`,
  );
  const lines = [
    ...result.faults.map((fault) => `Failed: ${fault}`),
    ...result.invalid.map((why) => `Invalid: ${why}`),
    ...missed,
  ];
  if (lines.length === 0) return null;
  return element("section", { class: "card" }, element("ul", {}, ...lines.map((line) => element("li", {}, line))));
}

function head() {
  const began = new Date(result.started_unix_ms).toISOString().replace("T", " ").slice(0, 16);
  const outcome = element("span", { class: `outcome ${result.outcome}` }, result.outcome);
  const where = `${began} UTC · ${result.machine.cores} cores, ${result.machine.cpu || "unknown processor"} · ${result.machine.kernel}`;
  const title = element("div", { class: "head" }, element("h1", {}, words(result.scenario)), outcome);
  return element("header", {}, title, element("p", { class: "soft" }, where));
}

function foot() {
  const commit = result.commit ? `, commit ${result.commit}` : "";
  const made = `whisper-bench ${result.version}${commit}, seed ${result.seed}`;
  const line = element("code", {}, `whisper-bench ${result.arguments.join(" ")}`);
  return element("footer", {}, element("p", {}, line), element("p", { class: "soft" }, made));
}

document.title = `${result.scenario} · whisper-bench`;
page.append(head(), tiles());
const said = verdict();
if (said) page.append(said);
const timed = Object.keys(result.latencies).filter((name) => name !== "generator_lag" && result.latencies[name].count);
if (result.series.length > 0) {
  const plots = [rates(), ...timed.slice(0, 3).map(latencies)];
  if (timed.length > 0) plots.push(distribution());
  page.append(element("div", { class: "pair" }, ...plots));
}
if (Object.keys(result.latencies).length > 0) page.append(latencyTable());
if (result.phases.length > 1) page.append(phaseTable());
page.append(figureTable(), foot());
