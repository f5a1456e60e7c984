"""What people, scanners and strangers send instead of what was asked for: by a seed, so that every one can be sent again."""

from __future__ import annotations

import random
from collections.abc import Callable

GS = "\x1d"
LONGEST = 100_000
LOOK_ALIKES = str.maketrans({"0": "O", "O": "0", "1": "I", "I": "1", "5": "S", "S": "5", "8": "B", "B": "8", "2": "Z", "Z": "2"})
PREFIXES = ("]C0", "]C1", "]d1", "]d2", "]Q1", "]Q3", "]e0", "]E0", "]I1", "]", "]Z9", "]C")
ODD = (
    *("", " ", "\x00", "\x1d", "\r\n", "\t", "\x7f", "\x85", "\u2028", "\ufeff", "\u202e", "\u200b", "\N{COMBINING ACUTE ACCENT}"),
    *("林伟", "İ", "ß", "𝟙", "１２３", "\N{PILE OF POO}", "\ud83d", "a\u0301" * 40, "'; DROP TABLE entry; --", "<script>alert(1)</script>"),
    *("{{7*7}}", "${jndi:ldap://example.org}", "../../../etc/passwd", "%00", "%s%s%n", "-0", "1e308", "1E-400", "NaN", "Infinity"),
    *("9" * 400, "0x41", "1_000", "١٢٣", "½", "-9223372036854775809", "18446744073709551616", "true", "null", "[]", "{}"),
    *("2026-02-30", "0000-00-00", "9999-12-31T23:59:60+14:00", "2026-06-01T23:59:60Z", "24:00", "-99999-01-01", "+99:99", "1970-01-01"),
    *("participant:P-0001", "dose:DOSE-9999", "lot:", ":", "bag:DEMO0001B0014", "site:A9992", "study:NCT06505941", "account:demo-qp-one"),
)
SCANS = (
    *("=A99992600000100", "=<DX001VA0", "&>0280202359", "=+04000=A99992600000100=<DX001VA0&>0280202359&/CHA999926000001", "=%6200"),
    *("=G12341765432170", "=G12341765432171", "&,10000000000005434RZ", "&:6939DKM001392612726", "&#0105ABC12", "=$A999917123450102"),
    *("]d201095212345432131728012010LOT-26A001\x1d21BAG-00012", "]C10195212345432131728012010LOT", "]E09521234543213"),
    *(
        "https://id.example.org/01/09521234543213/21/BAG-00012?17=280120",
        "https://example.org/",
        "http://",
        "CU1:",
        "CU1:bag:",
        "cu1:bag:x",
    ),
    *("CU1:wristband:WB0001X7K2M9Q4", "CU1:wristband:WB0003X7K2M9Q4", "CU1:dose:DOSE-0001", "CU1:seal:S001-4471", "CU1:command:NEXT"),
    *("CU1:badge:DEMO-NURSE-ONE", "WB0001X7K2M9Q4", "DEMO0001B0014", "DEMO0002B0012", "PL001499Z549917123456A00T041600320181231"),
)


def mutated(text: str, rnd: random.Random) -> str:
    """`text` changed in one to three ways."""
    for _ in range(rnd.choice((1, 1, 1, 2, 3))):
        text = rnd.choice(WAYS)(text, rnd)[:LONGEST]
    return text


def _flipped(text: str, rnd: random.Random) -> str:
    if not text:
        return chr(rnd.randrange(0x20, 0x7F))
    at = rnd.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ (1 << rnd.randrange(7))) + text[at + 1 :]


def _other_character(text: str, rnd: random.Random) -> str:
    at = rnd.randrange(len(text) + 1)
    return text[:at] + rnd.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:=&]-._/ ") + text[at + 1 :]


def _without_one(text: str, rnd: random.Random) -> str:
    at = rnd.randrange(len(text) + 1)
    return text[:at] + text[at + 1 :]


def _one_more(text: str, rnd: random.Random) -> str:
    at = rnd.randrange(len(text) + 1)
    return text[:at] + rnd.choice((*ODD, GS, *"AZ09:=&]")) + text[at:]


def _swapped(text: str, rnd: random.Random) -> str:
    if len(text) < 2:
        return text[::-1]
    at = rnd.randrange(len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _cut(text: str, rnd: random.Random) -> str:
    return text[: rnd.randrange(len(text) + 1)]


def _byte(text: str, rnd: random.Random) -> str:
    return text + chr(rnd.choice((0, 0x1D, 0x80, 0xFF, 0x100, 0xFFFD, 0xFFFE, 0x10FFFF, rnd.randrange(0x110000 - 0x800))))


WAYS: tuple[Callable[[str, random.Random], str], ...] = (
    *(_flipped, _other_character, _without_one, _one_more, _swapped, _cut, _byte),
    lambda text, rnd: rnd.choice(PREFIXES) + text,
    lambda text, rnd: text + text,
    lambda text, rnd: text.translate(LOOK_ALIKES),
    lambda text, rnd: text.swapcase(),
    lambda text, rnd: f" {text}\r\n",
    lambda text, rnd: rnd.choice(ODD),
    lambda text, rnd: rnd.choice(SCANS),
    lambda text, rnd: rnd.choice(SCANS) + GS + text,
    lambda text, rnd: text * rnd.choice((3, 200, 3000)),
    lambda text, rnd: "".join(chr(rnd.randrange(0x20, 0x7F)) for _ in range(rnd.randrange(40))),
)


def sendable(text: str) -> str:
    """As a form can carry it: half a surrogate pair has no bytes."""
    return text.encode("utf-8", "replace").decode()
