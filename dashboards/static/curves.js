// Draws what was measured of an eye, and says the same as a table. The page names the span of time, and renews it.

const AFRESH_MS = 150_000; // deep probes come every five minutes
const RETRY_MS = 15_000;
const ROWS = 24; // stretches of the table
const HEIGHT = 150;
const DAYS_S = 2 * 86_400; // a longer axis names days

const room = document.getElementById("curves");
const { address, language, zone } = room.dataset;
const inZone = (options) => new Intl.DateTimeFormat(language, { timeZone: zone, ...options });
const hour = inZone({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const numbers = inZone({ day: "2-digit", month: "2-digit" });
const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 4 });

// As the rest of the page writes them: 22/11, or 11-22.
function day(at) {
  const part = Object.fromEntries(numbers.formatToParts(at).map(({ type, value }) => [type, value]));
  return language === "vi" ? `${part.day}/${part.month}` : `${part.month}-${part.day}`;
}

const exact = (at) => `${day(at)} ${hour.format(at)}`;

let read = null; // the newest answer
let readAt = -Infinity;
let plots = [];

function span() {
  const { from, to } = document.getElementById("curves-span").dataset;
  return { from, to };
}

async function renew() {
  readAt = performance.now();
  try {
    const answer = await fetch(`${address}?${new URLSearchParams(span())}`);
    if (!answer.ok) throw new Error(answer.statusText);
    read = await answer.json();
    room.querySelector(".lost").hidden = true;
    draw();
  } catch {
    room.querySelector(".lost").hidden = false;
    setTimeout(renew, RETRY_MS);
  }
}

// --- curves -----------------------------------------------------------------------------------------

function draw() {
  plots.forEach((plot) => plot.destroy());
  plots = [];
  let any = false;
  for (const { name, points } of read.series) {
    const figure = room.querySelector(`[data-series="${name}"]`);
    figure.hidden = points.length === 0;
    if (figure.hidden) continue;
    any = true;
    plots.push(curve(figure, scaled(points, Number(figure.dataset.by))));
  }
  room.querySelector(".curves").removeAttribute("aria-busy");
  room.querySelector(".none").hidden = any;
  document.getElementById("curves-table").hidden = !any;
  if (any) tell();
}

function scaled(points, by) {
  return [points.map(([at]) => at), points.map(([, value]) => (value === null ? null : value / by))];
}

function curve(figure, data) {
  const box = figure.querySelector(".plot");
  const style = getComputedStyle(figure);
  const colour = (token) => style.getPropertyValue(token);
  const [from, to] = [read.from, read.to].map((at) => Date.parse(at) / 1000);
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false }, font: `12px ${style.fontFamily}` };
  const caption = figure.querySelector("figcaption");
  const words = (caption.dataset.words ??= caption.textContent);
  return new uPlot(
    {
      width: box.clientWidth,
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
      scales: { x: { range: () => [from, to] }, y: { range: (_, least, most) => padded(least, most) } },
      axes: [
        { ...axis, size: 28, values: (_, marks) => marks.map((at) => (to - from > DAYS_S ? day(at * 1000) : hour.format(at * 1000))) },
        { ...axis, size: 60, values: (_, marks) => marks.map((value) => number.format(value)) },
      ],
      series: [{}, { stroke: colour("--link"), width: 1.5, spanGaps: false, points: { show: data[0].length < 30 } }],
      cursor: { y: false, drag: { setScale: false } },
      hooks: {
        setCursor: [
          ({ cursor: { idx } }) => {
            const value = idx === null ? null : data[1][idx];
            caption.textContent = value == null ? words : `${words}: ${number.format(value)} · ${exact(data[0][idx] * 1000)}`;
          },
        ],
      },
    },
    data,
    box,
  );
}

// A flat line lies in the middle, and no line on the edge.
function padded(least, most) {
  if (least === null) return [0, 1];
  const room = (most - least) * 0.1 || Math.abs(most) * 0.1 || 1;
  return [least >= 0 ? Math.max(0, least - room) : least - room, most + room];
}

// --- the table --------------------------------------------------------------------------------------

function tell() {
  const [from, to] = [read.from, read.to].map((at) => Date.parse(at) / 1000);
  const long = (to - from) / ROWS;
  const body = document.querySelector("#curves-table tbody");
  const rows = [];
  for (let n = 0; n < ROWS; n++) {
    const cells = read.series.map(({ name, points }) => {
      const by = Number(room.querySelector(`[data-series="${name}"]`).dataset.by);
      const values = points
        .filter(([at, value]) => value !== null && at >= from + n * long && at < from + (n + 1) * long)
        .map(([, value]) => value / by);
      if (values.length === 0) return "–";
      const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => number.format(value));
      return least === most ? least : `${least} – ${most}`;
    });
    if (cells.every((cell) => cell === "–")) continue;
    const row = document.createElement("tr");
    row.append(cell("td", exact((from + n * long) * 1000)), ...cells.map((text) => cell("td", text, "n")));
    rows.push(row);
  }
  body.replaceChildren(...rows);
}

function cell(kind, text, name = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  made.className = name;
  return made;
}

// --- when -------------------------------------------------------------------------------------------

new ResizeObserver(() => {
  for (const plot of plots) plot.setSize({ width: plot.root.parentElement.clientWidth, height: HEIGHT });
}).observe(room);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => read && draw());
document.addEventListener("renewed", () => performance.now() - readAt > AFRESH_MS && renew());
renew();
