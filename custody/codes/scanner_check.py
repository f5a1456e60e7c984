"""Compares what a scanner sent with the test code that was scanned, and names what is set wrong on scanner or computer."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from custody.codes.gs1_identifiers import GS

AIM_PREFIX = re.compile(r"\][A-Za-z][0-9A-Za-z]")
GS_AS_TEXT = ("<GS>", "{GS}", "[GS]", "\\x1d", "\\u001d", "^]", "\N{SYMBOL FOR GROUP SEPARATOR}", "029")
LAYOUTS = {
    # What the keys of a US scanner become: only characters of the test codes.
    "german": str.maketrans("YZ:-_/", "ZYÖß?-"),
    "french": str.maketrans("AQWZM:-_/.1234567890", "QAZW?M)°!:&é\"'(-è_çà"),
    "british": str.maketrans('#@"', '£"@'),
}


@dataclass(frozen=True)
class ScannerTest:
    """One code to scan and what it tries."""

    name: str
    text: str


TESTS = (
    ScannerTest("letters", "CU1:command:TEST-YZAQWM_0123456789/."),
    ScannerTest("separator", f"CU1:command:TEST{GS}ONE{GS}TWO"),
    ScannerTest("length", "CU1:command:TEST-" + "0123456789ABCDEF" * 4),
)


def faults(expected: str, seen: str, *, by_itself: bool, noticed: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What is wrong, worst first; empty where the code came as it is and the scan ended with Enter.

    `by_itself`: Enter came with the scan. `noticed`: what the page saw of the keys: `input_method`, `tab`.
    """
    found = [*_typed_faults(expected, seen), *(("input_method",) if "input_method" in noticed else ())]
    if not by_itself:
        found.append("ends_with_tab" if "tab" in noticed else "no_enter")
    return tuple(dict.fromkeys(found))


def _typed_faults(expected: str, seen: str) -> tuple[str, ...]:
    text = AIM_PREFIX.sub("", seen, count=1) if AIM_PREFIX.match(seen) else seen
    if text == expected:
        return ()
    symptoms = (
        ("nothing_came", not text.strip()),
        ("input_method", any(not each.isascii() and unicodedata.east_asian_width(each) in "WF" for each in text)),
        ("separator_missing", GS in expected and text == expected.replace(GS, "")),
        ("separator_as_text", GS in expected and any(text == expected.replace(GS, spelled) for spelled in GS_AS_TEXT)),
        ("caps_lock", text in {expected.swapcase(), expected.upper(), expected.lower()}),
    )
    return (next((name for name, fits in symptoms if fits), "") or _changed(expected, text),)


def _changed(expected: str, text: str) -> str:
    """Other characters than those of the code, fewer, or more."""
    if expected.startswith(text) or expected.endswith(text):
        return "cut_short"
    if expected in text:
        return "characters_added"
    for name, table in LAYOUTS.items():
        # A command is scanned in capitals, and its kind in small letters, which move as the capitals do.
        if text.upper() == expected.upper().translate(table).upper():
            return f"layout_{name}"
    return "layout_unknown" if len(text) == len(expected) else "another_code"


def first_difference(expected: str, seen: str) -> tuple[str, str]:
    """The first character that came otherwise: what the code has there and what came; empty texts where nothing differs."""
    text = AIM_PREFIX.sub("", seen, count=1) if AIM_PREFIX.match(seen) else seen
    pairs = zip(expected, text, strict=False)
    return next(((ours, theirs) for ours, theirs in pairs if ours != theirs), ("", ""))
