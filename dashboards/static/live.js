// Keeps a page true: hears which eyes changed, asks for their new rows, and says so when it cannot.

const SILENCE_MS = 25_000; // the server beats every 10 s; after two missed beats the line is dead
const RETRY_MS = 3_000;
const PACE_MS = 1_500; // changes that come together are asked for together
const MOST_NAMED = 150; // more changed eyes than this: ask for the whole page

const main = document.querySelector("main[data-revision]");
const line = document.getElementById("line");
const rows = document.getElementById("rows");

let shown = main.dataset.revision; // what the page shows is as new as this
const changed = new Set(); // eyes to ask for again
let everything = false;

function say(state) {
  line.dataset.state = state;
  for (const text of line.children) text.hidden = !text.classList.contains(state);
}

// --- hearing ----------------------------------------------------------------------------------------

let stream = null;
let watchdog = null;

function connect() {
  let first = true;
  stream?.close();
  stream = new EventSource("/api/v1/events");
  stream.onerror = lose;
  stream.addEventListener("change", (event) => {
    watch();
    const { revision, eyes } = JSON.parse(event.data);
    // What happened while nobody listened is not named; the revision tells that something did.
    if (eyes === null || (first && revision !== shown)) everything = true;
    else eyes.forEach((eye) => changed.add(eye));
    first = false;
    if (everything || changed.size > 0) ask();
    else say("live");
  });
  watch();
}

function watch() {
  clearTimeout(watchdog);
  watchdog = setTimeout(lose, SILENCE_MS);
}

function lose() {
  say("lost");
  stream.close();
  clearTimeout(watchdog);
  watchdog = setTimeout(connect, RETRY_MS);
}

// A page nobody looks at leaves its place to others: browsers open few connections to one server.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    stream.close();
    clearTimeout(watchdog);
  } else {
    connect();
  }
});

// --- asking -----------------------------------------------------------------------------------------

let asking = false;
let rest = 0; // not before this moment

async function ask() {
  if (asking) return;
  asking = true;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, rest - performance.now())));
  const began = performance.now();
  try {
    await renew();
    say("live");
  } catch {
    everything = true;
    lose();
  }
  // A slow server is asked less often.
  rest = performance.now() + Math.max(PACE_MS, 10 * (performance.now() - began));
  asking = false;
  if (stream.readyState === EventSource.OPEN && (everything || changed.size > 0)) ask();
}

async function renew() {
  const whole = everything || !rows || changed.size > MOST_NAMED;
  const eyes = [...changed];
  everything = false;
  changed.clear();
  if (!whole) {
    const address = new URL("/live", location);
    address.search = location.search;
    eyes.forEach((eye) => address.searchParams.append("eye", eye));
    const fresh = await fetched(address);
    replaceParts(fresh);
    replaceRows(eyes, fresh);
  } else if (!main.dataset.eye || eyes.length === 0 || eyes.includes(main.dataset.eye)) {
    replaceParts(await fetched(location));
  }
}

async function fetched(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(SILENCE_MS) });
  if (!answer.ok) throw new Error(answer.statusText);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  shown = fresh.querySelector("main").dataset.revision;
  return fresh;
}

// --- showing ----------------------------------------------------------------------------------------

function replaceParts(fresh) {
  for (const part of fresh.querySelectorAll("[data-live]")) put(document.getElementById(part.id), part);
}

function replaceRows(eyes, fresh) {
  const news = new Map([...fresh.querySelectorAll("#changed > tr")].map((row) => [row.dataset.eye, row]));
  for (const eye of eyes) {
    const old = rows.querySelector(`[data-eye="${CSS.escape(eye)}"]`);
    const row = news.get(eye);
    if (old && row) put(old, row);
    else if (old) old.remove(); // it no longer is what the reader chose to see
    else if (row) rows.insertBefore(row, following(Number(row.dataset.place)));
  }
}

function following(place) {
  return [...rows.children].find((row) => Number(row.dataset.place) > place) ?? null;
}

function put(old, fresh) {
  const held = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
  old.replaceWith(fresh);
  if (held) fresh.querySelector(`a[href="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

say("waiting");
connect();
