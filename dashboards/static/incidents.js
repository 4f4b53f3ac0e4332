// Deeds done in place: says when one did not reach the server, and empties a form whose words have arrived.

const unsent = document.getElementById("unsent");

document.addEventListener("htmx:before:request", () => unsent && (unsent.hidden = true));
document.addEventListener("htmx:error", () => unsent && (unsent.hidden = false));
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.response?.raw.ok && ctx.sourceElement.matches("form.say")) ctx.sourceElement.reset();
});

// Parts that were put in place by live.js are new to htmx.
document.addEventListener("renewed", () => window.htmx?.process(document.body));
