// Words to be sent on by hand. Opening them selects them and copies them, also where the page came over an open
// line and the browser's clipboard is closed to it; where nothing could be copied, they stand there selected.

for (const copy of document.querySelectorAll("details.copy")) {
  const words = copy.querySelector("textarea");
  copy.addEventListener("toggle", () => {
    if (!copy.open) return;
    words.focus();
    words.select();
    const copied = document.execCommand("copy");
    copy.querySelector(".copied").hidden = !copied;
    copy.querySelector(".by-hand").hidden = copied;
  });
}

for (const print of document.querySelectorAll("button.print")) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
