// The form above a list says what the list was asked for: a browser that comes back to a page, or loads it again,
// puts into its forms what was typed last.

addEventListener("pageshow", ({ persisted }) => {
  const [{ type }] = performance.getEntriesByType("navigation");
  if (!persisted && type === "navigate") return; // who types while a page loads keeps it
  for (const form of document.querySelectorAll("form.choice:not([method])")) form.reset();
});
