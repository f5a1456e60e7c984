/* A desk: a scan always has somewhere to go, and a page that has stood too long says so. Without this file the page works the same. */
"use strict";

(() => {
  const ready = document.querySelector("input[data-ready]");

  /* A scanner types wherever the focus is; where nothing takes the keys, they belong to the scan field. */
  if (ready) {
    document.addEventListener("keydown", (event) => {
      const free = !document.activeElement || document.activeElement === document.body || document.activeElement.id === "content";
      const starts = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
      if (free && (starts || event.key === "Process")) ready.focus();
    });
  }

  /* It does not refresh by itself: nobody at the keyboard must not look like somebody. */
  for (const line of document.querySelectorAll("[data-stale-after]")) {
    const warning = line.querySelector(".stale");
    const shownAt = performance.now();
    const wait = Number(line.dataset.staleAfter) * 1000;
    const look = () => {
      if (warning) warning.hidden = performance.now() - shownAt < wait;
    };
    setInterval(look, 5000);
    document.addEventListener("visibilitychange", look);
  }

  /* Paper folds nothing away. */
  for (const folded of document.querySelectorAll("details[data-print-open]")) {
    addEventListener("beforeprint", () => { folded.open = true; });
  }

  /* Asked for by a button or by the bar code “Print”. */
  if (document.querySelector("[data-print-now]")) print();

  /* The form that a button has just opened comes into view; the first field takes the keys. */
  const panel = document.querySelector(".act-panel");
  if (panel && !document.querySelector(".problems")) {
    const first = panel.querySelector("input:not([type=hidden]):not([type=radio]):not([type=checkbox]), select, textarea, .choice input");
    if (first) first.focus();
  }
})();
