// A screen that nobody touches: a clock, rows as far as there is room, and a fresh start after an upgrade and each night.

const clock = document.getElementById("clock");
const { zone, language } = clock.dataset;
const time = new Intl.DateTimeFormat(language, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const written = { en: "en-CA" }[language] ?? language; // days as the other pages write them
const day = new Intl.DateTimeFormat(written, { timeZone: zone, weekday: "long", day: "2-digit", month: "2-digit", year: "numeric" });

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

// Nothing is cut: what a list has no room for is told as a number.
const numbers = new Intl.NumberFormat(language);

function fit(list) {
  const box = list.closest("section");
  const further = box.querySelector(".further");
  const rows = [...list.children];
  let shown = rows.length;
  const show = () => {
    rows.forEach((row, n) => (row.hidden = n >= shown));
    further.hidden = shown >= Number(list.dataset.all);
    further.textContent = further.dataset.words.replace("{count}", numbers.format(list.dataset.all - shown));
  };
  for (show(); box.scrollHeight > box.clientHeight && shown > 1; show()) shown -= 1;
}

const fitAll = () => document.querySelectorAll("[data-all]").forEach(fit);
fitAll();
addEventListener("resize", fitAll);
document.fonts.ready.then(fitAll);

document.addEventListener("renewed", () => {
  fitAll();
  if (mark() !== begun.mark || performance.now() - begun.at > A_DAY_MS) location.reload();
});
