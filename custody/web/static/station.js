/* The set-up page of a scan station: notes what the keys themselves tell, which the text that arrives does not. Without this file the server
   judges by the text alone. */
"use strict";

(() => {
  const field = document.querySelector("input[data-station]");
  const noted = document.querySelector("input[data-noticed]");
  if (!field || !noted) return;
  const seen = new Set();
  field.addEventListener("keydown", (event) => {
    if (event.keyCode === 229 || event.isComposing || event.key === "Process") seen.add("input_method");
    if (event.key === "Tab" && field.value) seen.add("tab");
    noted.value = [...seen].join(" ");
  }, true);
})();
