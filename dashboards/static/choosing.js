// Choosing rows of a list for a deed: the choice outlives the rows, which are put in anew whenever they change.
// A form says by data-choosing what its boxes are called; a button with data-chosen tells how many are chosen,
// and presses nothing while none is. Without a script the boxes of the form are sent as they stand.

const form = document.querySelector("form[data-choosing]");
const chosen = new Set();

function boxes() {
  return [...form.querySelectorAll(`[name="${form.dataset.choosing}"]`)];
}

function show() {
  const here = boxes();
  for (const box of here) box.checked = chosen.has(box.value);
  const count = here.filter((box) => box.checked).length;
  const all = form.querySelector("[data-choose-all]");
  if (all) {
    all.hidden = false;
    all.checked = here.length > 0 && count === here.length;
    all.indeterminate = !all.checked && count > 0;
  }
  for (const button of form.querySelectorAll("[data-chosen]")) {
    button.disabled = count === 0;
    button.textContent = button.dataset.chosen.replace("{count}", count);
  }
  form.classList.toggle("choosing", count > 0);
}

function choose(box) {
  if (box.checked) chosen.add(box.value);
  else chosen.delete(box.value);
}

let last = null; // with Shift everything from here on is chosen alike

form?.addEventListener("click", (event) => {
  const box = event.target.closest(`[name="${form.dataset.choosing}"]`);
  if (!box) return;
  const here = boxes();
  const [from, to] = [here.findIndex((other) => other.value === last), here.indexOf(box)];
  const span = event.shiftKey && from >= 0 ? here.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
  for (const other of span) {
    other.checked = box.checked;
    choose(other);
  }
  last = box.value;
  show();
});

form?.addEventListener("change", (event) => {
  if (!event.target.matches("[data-choose-all]")) return;
  for (const box of boxes()) {
    box.checked = event.target.checked;
    choose(box);
  }
  show();
});

if (form) {
  for (const box of boxes()) choose(box); // as the browser kept them
  show();
  document.addEventListener("renewed", show);
}
