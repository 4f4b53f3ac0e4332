// Draws the map of the points: outlines of wards, points put together where they are close, the worst state first.
// It says nothing that the table does not; without WebGL the table stands alone.

const frame = document.getElementById("frame");
const box = document.getElementById("map");
const card = frame?.querySelector(".touched");

const STATES = ["down", "degraded", "unknown", "up"]; // the worst first; what else there is stands apart
const KINDS = [...STATES, "apart"];
const ALONE_FROM = 15; // from this zoom on every point stands for itself
const REACH = 8; // pixels around a finger
const MOST_TOLD = 12; // as the server allows
const CITY = { center: [105.8, 16.4], zoom: 4.5 }; // where nothing has a position: the country
const DENSITY = 2; // pixels of a sign for one of the page

function say(state) {
  frame.dataset.state = state;
  for (const words of frame.querySelectorAll(".instead > span")) words.hidden = !words.classList.contains(state);
}

const features = async (address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
};

// --- signs: drawn, so that no file of letters is needed --------------------------------------------------

const colour = (name) => getComputedStyle(frame).getPropertyValue(`--${name}`).trim();

function canvas(width, height = width) {
  const made = new OffscreenCanvas(width * DENSITY, height * DENSITY);
  const pen = made.getContext("2d");
  pen.scale(DENSITY, DENSITY);
  pen.translate(width / 2, height / 2);
  return pen;
}

// The same signs as beside the words: ✕, ◐, ?, ●; a ring for what stands apart.
function sign(pen, kind, r) {
  const ink = colour(kind);
  const paper = colour("paper");
  pen.beginPath();
  if (kind === "down") pen.roundRect(-r, -r, 2 * r, 2 * r, r / 3);
  else pen.arc(0, 0, kind === "up" ? r * 0.85 : r, 0, 2 * Math.PI);
  const solid = kind === "up" || kind === "down";
  pen.fillStyle = solid ? ink : paper;
  pen.strokeStyle = solid ? paper : ink;
  pen.lineWidth = r / 5;
  pen.fill();
  pen.stroke();
  if (kind === "down") {
    const arm = r * 0.5;
    pen.beginPath();
    pen.moveTo(-arm, -arm);
    pen.lineTo(arm, arm);
    pen.moveTo(arm, -arm);
    pen.lineTo(-arm, arm);
    pen.strokeStyle = paper;
    pen.lineWidth = r / 3.5;
    pen.stroke();
  } else if (kind === "degraded") {
    pen.beginPath();
    pen.arc(0, 0, r, Math.PI / 2, 1.5 * Math.PI);
    pen.fillStyle = ink;
    pen.fill();
  } else if (kind === "unknown") {
    write(pen, "?", 0, r * 1.5, ink);
  }
}

const letters = (size) => `600 ${size}px "Be Vietnam Pro", sans-serif`;

function write(pen, text, y, size, ink) {
  pen.font = letters(size);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = ink;
  pen.fillText(text, 0, y + size * 0.06);
}

function drawnPoint(kind) {
  const pen = canvas(26);
  sign(pen, kind, 9);
  return pen;
}

// A ring of the shares, how many points there are, and how many of them are worst.
function drawnCluster(counts) {
  const points = counts.reduce((sum, count) => sum + count, 0);
  const worst = KINDS.find((_, n) => counts[n] > 0);
  const r = points < 10 ? 20 : points < 100 ? 23 : 27;
  const pen = canvas(2 * r + 4);
  pen.beginPath();
  pen.arc(0, 0, r, 0, 2 * Math.PI);
  pen.fillStyle = colour("paper");
  pen.fill();
  let from = -Math.PI / 2;
  KINDS.forEach((kind, n) => {
    const to = from + (counts[n] / points) * 2 * Math.PI;
    pen.beginPath();
    pen.arc(0, 0, r - 3, from, to);
    pen.strokeStyle = colour(kind);
    pen.lineWidth = 6;
    if (counts[n]) pen.stroke();
    from = to;
  });
  const calm = worst === "up" || worst === "apart";
  write(pen, `${points}`, calm ? 0 : -5, 13, colour("ink"));
  if (!calm) {
    const text = `${counts[KINDS.indexOf(worst)]}`;
    pen.translate(-3.5 * text.length - 1, 8);
    sign(pen, worst, 5);
    pen.translate(3.5 * text.length + 6, 0);
    write(pen, text, 0, 11, colour(worst));
  }
  return pen;
}

function drawnName(name) {
  const measure = canvas(1);
  measure.font = letters(13);
  const pen = canvas(Math.ceil(measure.measureText(name).width) + 4, 20);
  write(pen, name, 0, 13, colour("soft"));
  return pen;
}

function drawn(id) {
  const [form, ...rest] = id.split("|");
  const pen = { point: drawnPoint, name: drawnName, cluster: (...counts) => drawnCluster(counts.map(Number)) }[form](...rest);
  return pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height);
}

// --- the map ------------------------------------------------------------------------------------------------

const kindOf = ["match", ["get", "standing"], STATES, ["get", "standing"], "apart"];
const one = (kind) => ["+", ["case", ["==", kindOf, kind], 1, 0]];

const collection = (features) => ({ type: "FeatureCollection", features });
const labelled = (unit) => unit.properties.label;
const named = ({ properties: { name, label } }) => ({
  type: "Feature",
  properties: { name },
  geometry: { type: "Point", coordinates: label },
});

function style(points, units) {
  return {
    version: 8,
    sources: {
      units: { type: "geojson", data: units },
      points: {
        type: "geojson",
        data: points,
        cluster: true,
        clusterRadius: 46,
        clusterMaxZoom: ALONE_FROM - 1,
        clusterProperties: Object.fromEntries(KINDS.map((kind) => [kind, one(kind)])),
      },
      names: { type: "geojson", data: collection(units.features.filter(labelled).map(named)) },
      chosen: { type: "geojson", data: collection([]) },
    },
    layers: [
      { id: "ground", type: "background" },
      { id: "units", type: "fill", source: "units" },
      { id: "borders", type: "line", source: "units", paint: { "line-width": 1.5, "line-opacity": 0.6 } },
      { id: "names", type: "symbol", source: "names", layout: { "icon-image": ["concat", "name|", ["get", "name"]] } },
      { id: "chosen", type: "circle", source: "chosen", paint: { "circle-radius": 17, "circle-opacity": 0.35 } },
      {
        id: "points",
        type: "symbol",
        source: "points",
        layout: {
          "icon-image": [
            "case",
            ["has", "point_count"],
            ["concat", "cluster", ...KINDS.flatMap((kind) => ["|", ["to-string", ["get", kind]]])],
            ["concat", "point|", kindOf],
          ],
          "icon-allow-overlap": true,
          "icon-ignore-placement": true, // a name under a sign is better than none
          "symbol-sort-key": ["match", ["get", "standing"], "down", 3, "degraded", 2, "unknown", 1, 0],
        },
      },
    ],
  };
}

function colours(map) {
  map.setPaintProperty("ground", "background-color", colour("ground"));
  map.setPaintProperty("units", "fill-color", colour("paper"));
  map.setPaintProperty("borders", "line-color", colour("soft"));
  map.setPaintProperty("chosen", "circle-color", colour("link"));
  for (const id of map.listImages()) map.updateImage(id, drawn(id));
}

// Around the points and the names of their units.
function bounds(points, units) {
  const theirs = new Set(points.features.map((point) => point.properties.unit));
  const names = units.features.filter((unit) => labelled(unit) && theirs.has(unit.properties.name));
  const corners = [...points.features.map((point) => point.geometry.coordinates), ...names.map(labelled)];
  if (corners.length === 0) {
    corners.push(...units.features.flatMap((unit) => unit.geometry.coordinates.flat(unit.geometry.type === "Polygon" ? 1 : 2)));
  }
  if (corners.length === 0) return null;
  const [x, y] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  return [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)];
}

async function draw() {
  frame.querySelector(".signs").open = matchMedia("(min-width: 62rem)").matches; // where there is room for it
  if (!document.createElement("canvas").getContext("webgl2")) return say("unable");
  say("loading");
  const [library, points, units] = await Promise.all([
    import("./vendor/maplibre-gl.mjs"),
    features(box.dataset.points),
    features(box.dataset.units),
  ]);
  library.setWorkerUrl(new URL("./vendor/maplibre-gl-worker.mjs", import.meta.url).href);
  const around = bounds(points, units);
  const fit = { padding: { top: 40, bottom: 40, left: 60, right: 60 }, maxZoom: ALONE_FROM };
  const map = new library.Map({
    container: box,
    style: style(points, units),
    ...(around ? { bounds: around, fitBoundsOptions: fit } : CITY),
    hash: "at",
    maxZoom: 19,
    maxPitch: 0,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    renderWorldCopies: false,
    attributionControl: false, // stands below the map
    fadeDuration: 0,
    validateStyle: false,
    cooperativeGestures: matchMedia("(pointer: coarse)").matches, // one finger scrolls the page
    locale: {
      "Map.Title": box.dataset.words,
      "CooperativeGesturesHandler.MobileHelpText": box.dataset.fingers,
      "CooperativeGesturesHandler.WindowsHelpText": box.dataset.wheel,
      "CooperativeGesturesHandler.MacHelpText": box.dataset.wheel,
    },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.setMissingStyleImageResolver((id) => map.addImage(id, drawn(id), { pixelRatio: DENSITY }));
  map.on("style.load", () => colours(map));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colours(map));
  map.once("idle", () => say("ready"));
  steer(map, around, fit);
  hear(map);
  document.addEventListener("renewed", () => renew(map));
}

function steer(map, around, fit) {
  const pilot = frame.querySelector(".pilot");
  pilot.hidden = false;
  pilot.addEventListener("click", ({ target }) => {
    const way = Number(target.dataset.zoom);
    if (way) map.zoomTo(map.getZoom() + way);
    else if (around) map.fitBounds(around, fit);
  });
}

// --- what was touched -----------------------------------------------------------------------------------------

let told = []; // the codes in the card
let from = null; // what had the focus before it

function hear(map) {
  map.on("click", async ({ point: { x, y } }) => {
    const near = [
      [x - REACH, y - REACH],
      [x + REACH, y + REACH],
    ];
    const touched = map.queryRenderedFeatures(near, { layers: ["points"] });
    const alone = touched.filter((feature) => !feature.properties.cluster);
    if (alone.length > 0) {
      await tell(map, [...new Set(alone.map((feature) => feature.properties.code))]);
    } else if (touched.length > 0) {
      const zoom = await map.getSource("points").getClusterExpansionZoom(touched[0].properties.cluster_id);
      map.easeTo({ center: touched[0].geometry.coordinates, zoom });
    } else {
      close(map);
    }
  });
  map.on("mousemove", ({ point }) => {
    map.getCanvas().style.cursor = map.queryRenderedFeatures(point, { layers: ["points"] }).length ? "pointer" : "";
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-point]");
    if (!link) return;
    event.preventDefault();
    const [zoom, latitude, longitude] = link.hash.replace("#at=", "").split("/").map(Number);
    frame.scrollIntoView({ block: "nearest" });
    map.easeTo({ center: [longitude, latitude], zoom, offset: [0, box.clientHeight / 5], animate: false });
    tell(map, [link.dataset.point]);
  });
  card.querySelector(".close").addEventListener("click", () => close(map));
  frame.addEventListener("keydown", ({ key }) => key === "Escape" && close(map));
}

async function tell(map, codes) {
  told = codes.slice(0, MOST_TOLD);
  if (card.hidden) from = document.activeElement;
  await fill();
  mark(map);
  card.hidden = false;
  card.focus({ preventScroll: true });
}

async function fill() {
  const address = new URL(box.dataset.told, location);
  for (const code of told) address.searchParams.append("code", code);
  const answer = await fetch(address);
  const fresh = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
  card.lastElementChild.replaceChildren(...fresh.body.children);
}

// Around the chosen ones, wherever they are drawn alone.
async function mark(map) {
  const { features: all } = await map.getSource("points").getData();
  map.getSource("chosen").setData(collection(all.filter((feature) => told.includes(feature.properties.code))));
}

function close(map) {
  if (card.hidden) return;
  card.hidden = true;
  told = [];
  mark(map);
  if (from?.isConnected) from.focus({ preventScroll: true });
}

async function renew(map) {
  map.getSource("points").setData(await features(box.dataset.points));
  if (!card.hidden) await fill();
}

if (frame) draw().catch(() => say("failed"));
