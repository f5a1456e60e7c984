/* The scan field: a wedge scanner types into the focused field and ends with Enter or Tab. Without this file the field still works.

   One scan has one outcome and one short tick; verdicts sound otherwise (bedside.js). What a person typed is marked as typed. */
"use strict";

(() => {
  const PAUSE_MS = 60;          // a scanner's keys follow each other faster than this
  const TYPED_SHARE = 0.3;      // more pauses than this: a person types
  const GROUP_SEPARATOR = "\u001d";
  const US_KEYS = {
    Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:", Quote: "'\"",
    Comma: ",<", Period: ".>", Slash: "/?", Backquote: "`~", Space: "  ", NumpadDecimal: "..", NumpadSubtract: "--",
    NumpadAdd: "++", NumpadMultiply: "**", NumpadDivide: "//",
  };
  const SHIFTED_DIGITS = ")!@#$%^&*(";

  /* The key as a US keyboard has it: what an input method hides behind "Process" (keyCode 229). */
  function usCharacter(event) {
    const { code, shiftKey } = event;
    const capital = shiftKey !== event.getModifierState("CapsLock");
    if (/^Key[A-Z]$/.test(code)) return capital ? code[3] : code[3].toLowerCase();
    if (/^Digit\d$/.test(code)) return shiftKey ? SHIFTED_DIGITS[Number(code[5])] : code[5];
    if (/^Numpad\d$/.test(code)) return code[6];
    return code in US_KEYS ? US_KEYS[code][shiftKey ? 1 : 0] : "";
  }

  function hiddenByInputMethod(event) {
    return event.keyCode === 229 || event.isComposing || event.key === "Process";
  }

  function isSeparator(event) {
    return event.key === GROUP_SEPARATOR || (event.ctrlKey && !event.altKey && event.code === "BracketRight");
  }

  /* Full-width letters become plain ones; the pictures and spellings of the separator become the separator. */
  function plain(text) {
    return text.replace(/[\uff01-\uff5e\u3000]/g, (character) => character.normalize("NFKC")).replace(/\u241d/g, GROUP_SEPARATOR);
  }

  function tick() {
    try {
      const sound = new AudioContext();
      const wave = sound.createOscillator();
      const loud = sound.createGain();
      wave.frequency.value = 1850;
      loud.gain.value = 0.06;
      wave.connect(loud).connect(sound.destination);
      wave.start();
      wave.stop(sound.currentTime + 0.04);
      wave.onended = () => sound.close();
    } catch { /* no sound here: the page says it in words */ }
  }

  function mark(field, name, value) {
    const form = field.form;
    if (!form) return;
    let hidden = form.querySelector(`input[type=hidden][name="${CSS.escape(name)}"]`);
    if (!hidden && !value) return;
    if (!hidden) {
      hidden = document.createElement("input");
      hidden.type = "hidden";
      hidden.name = name;
      form.append(hidden);
    }
    hidden.value = value;
  }

  /* Notes whether a code was typed, and asks why where the form records it: the field for the reason, or null. */
  function marked(field, typed) {
    if (field.dataset.pick !== undefined) return null;   // picked from a list or typed, as good as scanned
    mark(field, `typed.${field.name.replace(/^scans\./, "")}`, typed ? "1" : "");
    mark(field, "typed", typed ? "1" : "");
    const block = field.parentElement.querySelector("[data-typed-why]");
    if (!block) return null;
    const why = block.querySelector("input");
    block.hidden = why.disabled = !typed;
    why.required = typed;
    return typed ? why : null;
  }

  function watch(field) {
    let times = [];
    let byHand = false;        // keys or a paste since the field was last judged
    let rescued = "";          // what an input method swallowed
    let composing = "";

    function put(text) {
      const from = field.selectionStart ?? field.value.length;
      field.setRangeText(text, from, field.selectionEnd ?? from, "end");
    }

    function pauses() {
      const waits = times.slice(1).map((time, n) => time - times[n]);
      return { all: waits.length, long: waits.filter((wait) => wait > PAUSE_MS).length };
    }

    /* scanned, typed or broken; paste and a single key count as typed. */
    function manner() {
      const { all, long } = pauses();
      if (all < 4 || long > all * TYPED_SHARE) return "typed";
      return long > 0 ? "broken" : "scanned";
    }

    function finish(event) {
      if (rescued) {
        field.value = rescued;
        rescued = "";
      }
      field.value = plain(field.value).trim();
      if (!field.value) return;
      if (commanded(field)) {
        event.preventDefault();
        return;
      }
      const how = manner();
      times = [];
      byHand = false;
      if (how === "broken") {
        event.preventDefault();
        field.value = "";
        field.setCustomValidity("");
        say(field, field.dataset.broken || "");
        return;
      }
      if (how === "typed") {
        const why = marked(field, true);
        if (why && !why.value) {
          event.preventDefault();
          why.focus();
        } else if (added(field)) event.preventDefault();
        return;                 // a person at the keyboard: the form goes on as any form does
      }
      marked(field, false);
      tick();
      if (added(field)) {
        event.preventDefault();
        return;
      }
      const next = nextEmpty(field);
      event.preventDefault();
      if (next) next.focus();
      else if (event.key === "Enter" && alone(field)) field.form.requestSubmit();
      else if (event.key === "Tab" || !alone(field)) following(field)?.focus();
      else field.form.requestSubmit();
    }

    field.addEventListener("change", () => {
      /* Left by mouse or finger, without Enter: what the keys or a paste brought was typed unless they came as fast as a scanner's. */
      if (byHand && field.value && manner() !== "scanned") marked(field, true);
      byHand = false;
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Tab") {
        if (event.shiftKey || (event.key === "Tab" && !field.value && !rescued)) return;
        finish(event);
        return;
      }
      if (isSeparator(event)) {
        event.preventDefault();
        times.push(event.timeStamp);
        if (rescued) rescued += GROUP_SEPARATOR; else put(GROUP_SEPARATOR);
        return;
      }
      if (hiddenByInputMethod(event)) {
        byHand = true;
        const character = usCharacter(event);
        if (!character) return;
        if (!rescued) rescued = field.value;
        rescued += character;
        times.push(event.timeStamp);
        event.preventDefault();
        return;
      }
      if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
        byHand = true;
        times.push(event.timeStamp);
      }
    });
    field.addEventListener("compositionstart", () => { composing = field.value; });
    field.addEventListener("compositionend", () => {
      /* Whatever the input method made of the keys, the keys themselves were read above. */
      if (rescued) field.value = rescued;
      else if (!field.value) field.value = composing;
    });
    field.addEventListener("focus", () => { times = []; rescued = ""; });
    field.addEventListener("paste", () => { times = []; byHand = true; });
  }

  /* A command bar code scanned into any field goes where commands go: “Next” sends the open form, all others go to the desk. */
  function commanded(field) {
    const found = /^(?:\][CQ]\d)?CU1:command:([A-Z]+)$/.exec(field.value);
    const desk = document.querySelector(".desk-scan");
    const panel = document.querySelector(".act-panel form");
    if (!found) return false;
    if (!desk) return commandedAlone(field, found[1]);
    if (found[1] === "NEXT" && panel) {
      field.value = "";
      panel.requestSubmit();
      return true;
    }
    const target = desk.querySelector("input[data-scan]");
    if (target === field) return false;
    target.value = field.value;
    field.value = "";
    desk.requestSubmit();
    return true;
  }

  /* A page of one form (receiving, bedside): “Next” sends it as its button does; for all others the server leads away before it reads it. */
  function commandedAlone(field, command) {
    const form = field.form;
    if (!form || form.method !== "post") return false;
    if (command === "NEXT" && !alone(field)) {
      field.value = "";
      form.requestSubmit();
      return true;
    }
    form.noValidate = true;
    form.requestSubmit();
    return true;
  }

  /* One of a list: the server answers with its tick or cross, and the field is ready for the next. */
  function added(field) {
    const button = field.dataset.more === undefined ? null : field.form.querySelector(`button[name=add][value="${CSS.escape(field.dataset.more)}"]`);
    if (!button) return false;
    field.form.requestSubmit(button);
    return true;
  }

  function say(field, text) {
    let line = field.parentElement.querySelector("[data-scan-said]");
    if (!line) {
      line = document.createElement("p");
      line.className = "fault";
      line.dataset.scanSaid = "";
      line.setAttribute("role", "alert");
      field.before(line);
    }
    line.textContent = text;
  }

  function scans(form) {
    return [...form.querySelectorAll("input[data-scan]")];
  }

  function nextEmpty(field) {
    const all = scans(field.form);
    return all.slice(all.indexOf(field) + 1).find((other) => !other.value);
  }

  /* The only thing this form asks for: then the scan itself sends it. */
  function alone(field) {
    const asks = [...field.form.elements].filter((each) => each.type !== "hidden" && !each.disabled && each.tagName !== "BUTTON" && each.tagName !== "FIELDSET");
    return asks.every((each) => each.hasAttribute("data-scan"));
  }

  function following(field) {
    const order = [...field.form.elements].filter((each) => each.type !== "hidden" && !each.disabled && each.tagName !== "FIELDSET");
    return order[order.indexOf(field) + 1];
  }

  for (const field of document.querySelectorAll("input[data-scan]")) watch(field);
})();
