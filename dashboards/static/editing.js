// A field that somebody types into is ticked for him: what is not ticked stays as it is.

for (const field of document.querySelectorAll(".change")) {
  const tick = field.querySelector("[name=change]");
  field.addEventListener("input", (event) => {
    if (event.target !== tick) tick.checked = true;
  });
}
