// A screen that nobody touches: a clock, and a fresh start after an upgrade and each night.

const clock = document.getElementById("clock");
const { zone, language } = clock.dataset;
const time = new Intl.DateTimeFormat(language, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(language, { timeZone: zone, weekday: "long", day: "2-digit", month: "2-digit", year: "numeric" });

const date = document.createElement("small");
const now = document.createTextNode("");
clock.append(now, date);

function tick() {
  const at = new Date();
  now.data = time.format(at);
  date.textContent = day.format(at);
  setTimeout(tick, 60_000 - (at.getTime() % 60_000));
}
tick();

// Only a page that was just answered is loaded again: an error would stay on the screen for ever.
const mark = () => document.getElementById("totals").dataset.mark;
const begun = { mark: mark(), at: performance.now() };
const A_DAY_MS = 24 * 3600 * 1000;

document.addEventListener("renewed", () => {
  if (mark() !== begun.mark || performance.now() - begun.at > A_DAY_MS) location.reload();
});
