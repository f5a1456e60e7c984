"""Check characters and check digits: ISO/IEC 7064 MOD 37-2 (ISBT 128), MOD 37,36 (our own ids) and the GS1 check digit."""

from __future__ import annotations

from custody.errors import UnreadableCodeError

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOD37_2_ALPHABET = DIGITS + LETTERS + "*"
MOD37_36_ALPHABET = DIGITS + LETTERS


def mod37_2(text: str) -> str:
    """The check character K of ISBT 128 over `text` (0-9 A-Z), one of 0-9 A-Z *. ISO/IEC 7064 MOD 37-2."""
    total = 0
    for value in _values(text):
        total = (total + value) * 2 % 37
    return MOD37_2_ALPHABET[(38 - total) % 37]


def mod37_36(text: str) -> str:
    """The check character over `text` (0-9 A-Z), one of 0-9 A-Z. ISO/IEC 7064 MOD 37,36 (hybrid system)."""
    product = 36
    for value in _values(text):
        product = ((product + value) % 36 or 36) * 2 % 37
    return MOD37_36_ALPHABET[(37 - product) % 36]


def mod37_36_valid(text_with_check: str) -> bool:
    """Whether the last character is the MOD 37,36 check character of those before it; anything unreadable is not valid."""
    text, check = text_with_check[:-1], text_with_check[-1:]
    try:
        return mod37_36(text) == check
    except UnreadableCodeError:
        return False


def gs1_check_digit(digits: str) -> str:
    """The GS1 check digit over the data digits: from the right, weights 3, 1, 3, 1 …"""
    if not digits or not set(digits) <= set(DIGITS):
        raise UnreadableCodeError("a check digit was asked for text that is not digits only")
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _values(text: str) -> list[int]:
    if not text or not set(text) <= set(MOD37_36_ALPHABET):
        raise UnreadableCodeError("a check character was asked for text that is not capital letters A-Z and digits only")
    return [MOD37_36_ALPHABET.index(character) for character in text]
