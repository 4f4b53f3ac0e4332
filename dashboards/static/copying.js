// Words to be sent on by hand. Opening them fetches them where the page does not hold them, selects and copies
// them, also where the page came over an open line and the browser's clipboard is closed to it; where nothing could
// be copied, they stand there selected.

for (const copy of document.querySelectorAll("details.copy")) {
  const words = copy.querySelector("textarea");
  const say = (name) => {
    for (const text of copy.querySelectorAll("p")) text.hidden = !text.classList.contains(name);
  };
  copy.addEventListener("toggle", async () => {
    if (!copy.open) return;
    if (copy.dataset.from) {
      const answer = await fetch(copy.dataset.from).catch(() => null);
      if (!answer?.ok) return say("failed");
      words.value = await answer.text();
    }
    words.focus();
    words.select();
    say(document.execCommand("copy") ? "copied" : "by-hand");
  });
}

for (const print of document.querySelectorAll("button.print")) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
