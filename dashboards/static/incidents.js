// Deeds done in place: says when one did not reach the server, and empties a form whose words have arrived.
// What is being written outlives the page and the session: until it has arrived, or somebody else has signed in.

const unsent = document.getElementById("unsent");

document.addEventListener("htmx:before:request", () => unsent && (unsent.hidden = true));
document.addEventListener("htmx:error", () => unsent && (unsent.hidden = false));
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.response?.raw.ok && ctx.sourceElement.matches("form.say")) ctx.sourceElement.reset();
});

// Parts that were put in place by live.js are new to htmx.
document.addEventListener("renewed", () => window.htmx?.process(document.body));

const say = document.querySelector("form.say");
const who = document.querySelector(".who")?.dataset.name;
let drafts = JSON.parse(sessionStorage.getItem("drafts") ?? "{}");
if (drafts.who !== who) drafts = { who };

function keep(words) {
  if (say) drafts[say.action] = words;
  sessionStorage.setItem("drafts", JSON.stringify(drafts));
}

if (say) {
  const words = say.querySelector("textarea");
  words.value ||= drafts[say.action] ?? "";
  say.addEventListener("input", () => keep(words.value));
  say.addEventListener("reset", () => keep(undefined));
  keep(words.value);
} else keep();
