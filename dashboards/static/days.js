// Says a chosen day as the page writes days, with the day of the week: a browser shows it in the order of its own
// language, and 03/04 may be either.

const CHOSEN = "input[type=date], input[type=datetime-local]";

const { lang } = document.documentElement;
const weekday = new Intl.DateTimeFormat(lang, { weekday: "long", timeZone: "UTC" });

function said(value) {
  const [date, time = ""] = value.split("T");
  const [year, month, day] = date.split("-");
  const at = new Date(Date.UTC(year, month - 1, day));
  if (Number.isNaN(at.valueOf())) return "";
  return `${weekday.format(at)}, ${lang === "vi" ? `${day}/${month}/${year}` : date} ${time}`;
}

function say(input) {
  let echo = input.nextElementSibling;
  if (!echo?.matches(".echo")) {
    echo = document.createElement("span");
    echo.className = "echo";
    echo.ariaHidden = "true"; // who listens has heard the field itself
    input.after(echo);
  }
  echo.textContent = said(input.value);
}

const sayAll = () => document.querySelectorAll(CHOSEN).forEach(say);

document.addEventListener("input", ({ target }) => target.matches(CHOSEN) && say(target));
document.addEventListener("renewed", sayAll);
addEventListener("pageshow", sayAll); // what the browser has put back by then
sayAll();
