// Keeps a page true: hears what changed, asks for the page again if that concerns it, and puts its live parts in
// place. Says so when it cannot.
//
// A page says of itself, on its <main>:
//   data-revision  how new it is
//   data-eyes      the code of the eye it is about, empty for all eyes; absent: it shows no states of eyes
//   data-topics    what else it shows, of the topics in camera_registry/topics.py
//   data-address   where to ask for it, if it answers a form; absent: where it was asked for
// and gives each part that may change an id and data-live ("ticks" if the page keeps by itself what is ticked in it).
// After new parts are in place, the document hears "renewed".

const SILENCE_MS = 25_000; // the server beats every 10 s; after two missed beats the line is dead
const RETRY_MS = 3_000;
const PACE_MS = 1_500; // changes that come together are asked for together
const HELD_MS = 10_000; // what waits for the reader is asked for less often
const AFRESH_MS = 60_000; // what ages without changing, such as "5 minutes ago"
const FIELDS = "input:not([type=hidden]), select, textarea";

const main = document.querySelector("main[data-revision]");
const line = document.getElementById("line");
const topics = new Set((main.dataset.topics ?? "").split(" ").filter(Boolean));

let shown = main.dataset.revision;
let behind = false; // something that concerns this page has changed since it was asked for
let held = false; // a part of it waits until the reader is done

function say(state) {
  line.dataset.state = state;
  for (const text of line.children) text.hidden = !text.classList.contains(state);
  main.classList.toggle("stale", ["lost", "offline", "ended"].includes(state));
}

// --- hearing ----------------------------------------------------------------------------------------

let stream = null;
let watchdog = null;

function connect() {
  let first = true;
  leave();
  stream = new EventSource("/api/v1/events");
  stream.onerror = () => {
    leave();
    renew(); // says whether it is the line that is lost, or the session that has ended
  };
  stream.addEventListener("change", (event) => {
    watch();
    const change = JSON.parse(event.data);
    // What happened while nobody listened is not named; the revision tells that something did.
    if ((first && change.revision !== shown) || concerns(change)) behind = true;
    first = false;
    if (behind) renew();
    else say("live");
  });
  watch();
}

function concerns({ eyes, topics: changed }) {
  if (changed.some((topic) => topics.has(topic))) return true;
  if (main.dataset.eyes === undefined) return false;
  if (eyes === null) return true;
  return main.dataset.eyes === "" ? eyes.length > 0 : eyes.includes(main.dataset.eyes);
}

function watch() {
  clearTimeout(watchdog);
  watchdog = setTimeout(lose, SILENCE_MS);
}

function leave() {
  stream?.close();
  stream = null;
  clearTimeout(watchdog);
}

function lose() {
  leave();
  behind = true;
  say(navigator.onLine ? "lost" : "offline");
  watchdog = setTimeout(connect, RETRY_MS);
}

function end() {
  leave();
  say("ended");
}

addEventListener("offline", lose);
addEventListener("online", connect);

// A page nobody looks at leaves its place to others: browsers open few connections to one server.
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : connect()));
addEventListener("pageshow", (event) => event.persisted && connect());

// --- asking -----------------------------------------------------------------------------------------

let asking = false;
let asked = 0; // when the page was last asked for
let rest = 0; // not before this moment

async function renew() {
  if (asking) return;
  asking = true;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, rest - performance.now())));
  const began = performance.now();
  behind = false;
  try {
    const answer = await fetch(main.dataset.address ?? location, { signal: AbortSignal.timeout(SILENCE_MS) });
    if (answer.status === 401 || new URL(answer.url).pathname === "/sign-in") return end();
    if (!answer.ok) throw new Error(answer.statusText);
    put(new DOMParser().parseFromString(await answer.text(), "text/html"));
    say("live");
  } catch {
    return lose();
  } finally {
    asking = false;
    asked = performance.now();
    rest = asked + Math.max(held ? HELD_MS : PACE_MS, 10 * (asked - began)); // a slow server is asked less often
  }
  if (document.hidden) return;
  if (!stream) watchdog = setTimeout(connect, RETRY_MS);
  else if (behind) renew();
}

setInterval(() => {
  if (stream && !document.hidden && performance.now() - asked > AFRESH_MS) renew();
}, AFRESH_MS / 4);

// --- showing ----------------------------------------------------------------------------------------

function put(fresh) {
  shown = fresh.querySelector("main")?.dataset.revision ?? shown;
  held = false;
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(part.id);
    if (!old || old.isEqualNode(part)) continue;
    if (inUse(old)) behind = held = true; // asked for again when the reader is done
    else replace(old, part);
  }
  document.dispatchEvent(new CustomEvent("renewed"));
}

// What a reader writes or decides upon must not vanish under the hand, nor the form that was refused.
function inUse(part) {
  const fields = part.dataset.live === "ticks" ? [] : [...part.querySelectorAll(FIELDS)];
  const refused = main.dataset.address !== undefined && main.querySelector("[role=alert]:not([hidden])") !== null;
  const writes = fields.some((field) => refused || field === document.activeElement || written(field));
  // Nor what is being pressed: a button that is replaced before it is let go was not clicked.
  return writes || part.matches(":active") || part.querySelector("dialog[open], :popover-open") !== null;
}

// Whether a field holds something else than the page came with.
function written(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.localName !== "select") return field.value !== field.defaultValue;
  const options = [...field.options];
  return field.selectedIndex !== Math.max(0, options.findLastIndex((option) => option.defaultSelected));
}

function replace(old, fresh) {
  const held = old.contains(document.activeElement) ? sameIn(fresh, document.activeElement) : null;
  for (const details of old.querySelectorAll("details[open]")) sameIn(fresh, details)?.setAttribute("open", "");
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  old.replaceWith(fresh);
  fresh.querySelectorAll(".scroll").forEach((box, n) => box.scrollTo(...(scrolled[n] ?? [0, 0])));
  held?.focus({ preventScroll: true });
}

// The element of the new part that is what this one was: by its id, value or address, else by the text it begins with.
function sameIn(fresh, element) {
  if (element.id) return fresh.querySelector(`#${CSS.escape(element.id)}`);
  if (element.name) return fresh.querySelector(`[name="${CSS.escape(element.name)}"][value="${CSS.escape(element.value)}"]`);
  const href = element.getAttribute("href");
  if (href) return fresh.querySelector(`a[href="${CSS.escape(href)}"]`);
  const says = (each) => (each.firstElementChild ?? each).textContent;
  return [...fresh.querySelectorAll(element.localName)].find((each) => says(each) === says(element)) ?? null;
}

say("waiting");
connect();
