// Choosing eyes for a change: the choice outlives the rows, which are put in anew whenever they change.

const form = document.getElementById("chosen");
const chosen = new Set();

function boxes() {
  return [...form.querySelectorAll("[name=eye]")];
}

function show() {
  const here = boxes();
  for (const box of here) box.checked = chosen.has(box.value);
  const all = document.getElementById("pick-all");
  if (all) {
    all.hidden = false;
    all.checked = here.every((box) => box.checked);
    all.indeterminate = !all.checked && here.some((box) => box.checked);
  }
  const button = form.querySelector("[data-chosen]");
  if (button) {
    const count = here.filter((box) => box.checked).length;
    button.disabled = count === 0;
    button.textContent = button.dataset.chosen.replace("{count}", count);
  }
}

function choose(box) {
  if (box.checked) chosen.add(box.value);
  else chosen.delete(box.value);
}

let last = null; // with Shift everything from here on is chosen alike

form?.addEventListener("click", (event) => {
  const box = event.target.closest("[name=eye]");
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
  if (event.target.id !== "pick-all") return;
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
