/* The bedside page between two requests: asks the server every few seconds whether it is still right, counts a GO down, sounds and
   keeps the screen on. Without this file the page works with its “Look again” link; with it, a server that cannot be reached
   turns everything on screen into CANNOT CHECK. */
"use strict";

(() => {
  const EVERY_MS = 3000;
  const ANSWER_WITHIN_MS = 5000;
  const watched = document.querySelector("[data-watch]");
  const answer = document.querySelector("[data-answer]");
  const unsure = document.querySelector("[data-unsure]");
  const offline = document.querySelector("[data-offline]");
  const verdict = answer?.querySelector("[data-verdict]");
  const opened = performance.now();
  const serverThen = Date.parse(document.querySelector("[data-clock]")?.getAttribute("datetime") ?? "");

  /* The server's time, whatever this device believes. */
  function serverNow() {
    return serverThen + (performance.now() - opened);
  }

  function showUnsure() {
    if (!unsure || !unsure.hidden) return;
    if (answer) answer.hidden = true;
    unsure.hidden = false;
    unsure.querySelector("[data-verdict]")?.focus();
    sound("unsure");
  }

  function lost() {
    if (offline) {
      offline.hidden = false;
      offline.setAttribute("role", "alert");
    }
    /* STOP stays STOP: only a GO, or no answer yet, becomes CANNOT CHECK. */
    if (!verdict || verdict.dataset.verdict !== "stop") showUnsure();
  }

  function found() {
    if (offline) offline.hidden = true;
  }

  /* Whoever is on their way to another page is not called back; where that page never comes, this one goes on being made anew. */
  let left = -Infinity;
  addEventListener("beforeunload", () => { left = performance.now(); });

  function again() {
    if (performance.now() - left > ANSWER_WITHIN_MS) location.reload();
  }

  async function ask() {
    const watchOnly = watched.hasAttribute("data-watch-only");
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), ANSWER_WITHIN_MS);
    try {
      const reply = await fetch(watched.dataset.watch, { cache: "no-store", redirect: "manual", signal: stop.signal, headers: { Accept: "application/json" } });
      if (reply.type === "opaqueredirect") {
        again();      // the session is over: the server shows the sign-in page instead
        return;
      }
      if (!reply.ok) throw new Error(`answered ${reply.status}`);
      const state = await reply.json();
      found();
      if (!watchOnly && state.mark !== watched.dataset.mark && !typing()) again();
      else if (!watchOnly && unsure && !unsure.hidden) again();
    } catch {
      lost();
    } finally {
      clearTimeout(timer);
      setTimeout(ask, EVERY_MS);
    }
  }

  /* A password half typed is not thrown away; the server refuses a signature on an old page anyway. */
  function typing() {
    const field = document.activeElement;
    return field instanceof HTMLInputElement && field.type === "password" && field.value !== "" && !(verdict && verdict.dataset.verdict === "stop");
  }

  /* ── the time left of a GO ── */

  function countDown(shown) {
    const until = Date.parse(shown.dataset.countdown);
    const left = Math.ceil((until - serverNow()) / 1000);
    if (!(left > 0)) {
      shown.textContent = shown.dataset.over;
      showUnsure();
      return;
    }
    shown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    setTimeout(() => countDown(shown), 250);
  }

  function countUp(shown) {
    const minutes = Math.max(0, Math.floor((serverNow() - Date.parse(shown.dataset.since)) / 60000));
    shown.textContent = shown.textContent.replace(/\d+/, String(minutes));
    setTimeout(() => countUp(shown), 5000);
  }

  /* ── sound and screen ── */

  const TUNES = {
    go: [[520, 0.14], [660, 0.14], [880, 0.24]],
    stop: [[220, 0.35], [0, 0.08], [196, 0.55]],
    unsure: [[440, 0.12], [0, 0.1], [440, 0.12], [0, 0.1], [440, 0.12]],
  };
  const SHAKES = { go: [60], stop: [700, 150, 700], unsure: [150, 100, 150, 100, 150] };

  function sound(kind) {
    try {
      navigator.vibrate?.(SHAKES[kind]);
      const context = new AudioContext();
      const loud = context.createGain();
      loud.gain.value = 0.15;
      loud.connect(context.destination);
      let at = context.currentTime;
      for (const [hertz, seconds] of TUNES[kind]) {
        if (hertz) {
          const wave = context.createOscillator();
          wave.frequency.value = hertz;
          wave.type = kind === "stop" ? "square" : "sine";
          wave.connect(loud);
          wave.start(at);
          wave.stop(at + seconds);
        }
        at += seconds;
      }
      setTimeout(() => context.close(), 3000);
    } catch { /* the page says it in words, shape and colour */ }
  }

  /* One verdict sounds once, however often the page is loaded. */
  function soundOnce(kind) {
    const mark = document.querySelector("[data-sound]")?.dataset.sound ?? "";
    try {
      if (sessionStorage.getItem("sounded") === mark) return;
      sessionStorage.setItem("sounded", mark);
    } catch { /* no storage: it sounds again */ }
    sound(kind);
  }

  async function stayAwake() {
    try {
      await navigator.wakeLock?.request("screen");
    } catch { /* not granted */ }
  }

  if (verdict) {
    const wrong = document.querySelector(".problems");
    if (!wrong) verdict.focus();
    soundOnce(verdict.dataset.verdict);
  }
  for (const shown of document.querySelectorAll("[data-answer] [data-countdown]")) countDown(shown);
  for (const shown of document.querySelectorAll("[data-since]")) countUp(shown);
  if (watched) {
    stayAwake();
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") stayAwake(); });
    addEventListener("offline", lost);
    setTimeout(ask, EVERY_MS);
  }
})();
