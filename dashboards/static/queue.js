// A queue that is worked through by keys: inside the card a letter presses what has it as data-key.
// Outside of it letters do nothing, so nobody who dictates or searches the page decides by accident (WCAG 2.1.4).
// The next one is put in place of this one without loading the page anew; without a script the same forms work.

const main = () => document.querySelector("main");
let busy = false;

async function go(address, options) {
  if (busy) return;
  busy = true;
  try {
    const answer = await fetch(address, options);
    const elsewhere = new URL(answer.url).pathname !== location.pathname;
    if (elsewhere && answer.redirected) return void location.assign(answer.url); // to sign in again, say
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    main().replaceWith(document.adoptNode(next.querySelector("main")));
    if (!elsewhere) history.replaceState(null, "", answer.url);
    focus();
  } catch {
    location.reload(); // says in the browser's words that nobody answers
  } finally {
    busy = false;
  }
}

// The next one is read out, and the keys are at hand.
function focus() {
  main().querySelector("[data-queue] [tabindex='-1']")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (!event.target.closest("[data-queue]") || event.target.closest("input, select, textarea")) return;
  const wanted = main().querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!wanted) return;
  event.preventDefault();
  wanted.click();
});

document.addEventListener("submit", (event) => {
  if (!main().contains(event.target) || event.target.method !== "post") return;
  event.preventDefault();
  const form = new FormData(event.target, event.submitter);
  go(event.target.action, { method: "POST", body: new URLSearchParams(form) });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("main a[data-key]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.href);
});

if (!location.hash) focus();
