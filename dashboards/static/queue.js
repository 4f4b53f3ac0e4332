// A queue that is worked through by keys: inside the card a letter presses what has it as data-key.
// Outside of it letters do nothing, so nobody who dictates or searches the page decides by accident (WCAG 2.1.4).

const card = document.querySelector("[data-queue]");

if (card) {
  card.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("input, select, textarea")) return;
    const wanted = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!wanted) return;
    event.preventDefault();
    wanted.click();
  });
  // The next one is read out, and the keys are at hand.
  if (!location.hash) card.querySelector("[tabindex='-1']").focus({ preventScroll: true });
}
