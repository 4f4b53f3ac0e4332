// The form of a funding entry says while somebody types what the shares come to, and what of the sum is over.
// Nothing depends on it: the server reads amounts, splits them and adds them up.

const sum = document.querySelector("[name=amount]");
const shares = document.querySelector("[data-shares]");
const tally = document.querySelector(".tally");

// Digits, thousands parted in groups; what else was typed is for the server to refuse.
function amount(field) {
  const digits = field.value.replace(/[\s.,]/g, "");
  return /^\d{1,15}$/.test(digits) ? Number(digits) : null;
}

function say(words, value) {
  return words.replace("{sum}", `${value.toLocaleString(tally.dataset.language)}\u00a0đồng`);
}

function show() {
  const told = [...shares.querySelectorAll("[name=share]")].map(amount).filter((share) => share !== null);
  const together = told.reduce((all, share) => all + share, 0);
  const whole = amount(sum);
  const over = whole === null ? 0 : whole - together;
  const parts = told.length ? [say(tally.dataset.sum, together)] : [];
  if (told.length && over > 0) parts.push(say(tally.dataset.over, over));
  if (told.length && over < 0) parts.push(say(tally.dataset.more, -over));
  tally.textContent = parts.join("; ");
  tally.classList.toggle("off", told.length > 0 && over !== 0);
}

// Thousands are parted once a field is left, so that zeros can be counted.
function group(event) {
  const { target } = event;
  if (target.name !== "amount" && target.name !== "share") return;
  const value = amount(target);
  if (value !== null) target.value = value.toLocaleString(tally.dataset.language);
  show();
}

if (tally) {
  document.addEventListener("input", show);
  document.addEventListener("focusout", group);
  show();
}
