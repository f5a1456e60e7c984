"""Which scanned text names which thing, said again without custody's readers: what a label of a bag or a wristband may look like.

A symbol is `CU1:<kind>:<value>` as Code 128 or QR, with or without what the scanner says of it; typed is the value itself, in any case.
"""

from __future__ import annotations

import re
import string

SYMBOL = re.compile(r"(?:\]C0|\]Q1)?CU1:([a-z]+):([A-Z0-9:._/\-]{1,80})", re.ASCII)
SHOULD_BE = {"bag": re.compile(r"[A-Z0-9]{13}", re.ASCII), "wristband": re.compile(r"[A-Z0-9]{10,32}", re.ASCII)}
ALPHABET = string.digits + string.ascii_uppercase


def named(kind: str, text: str) -> str | None:
    """The bag or wristband that this text names; None where it names none."""
    text = text.strip()
    symbol = SYMBOL.fullmatch(text)
    if symbol is not None:
        value = symbol[2] if symbol[1] == kind else None
    elif text.startswith(("CU1:", "]", "=", "&", "http")):
        return None
    else:
        value = text.upper()
    if value is None or SHOULD_BE[kind].fullmatch(value) is None:
        return None
    is_bag = len(value) == 13 and checks(value)
    return value if (kind == "bag" and is_bag) or (kind != "bag" and (symbol is not None or not is_bag)) else None


def checks(value: str) -> bool:
    """ISO/IEC 7064 MOD 37,36, from its definition: the sum that ends with the check character is 1."""
    carried = 36
    for character in value[:-1]:
        carried = (carried + ALPHABET.index(character)) % 36 or 36
        carried = carried * 2 % 37
    return (carried + ALPHABET.index(value[-1])) % 36 == 1
