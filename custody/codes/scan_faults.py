"""What a spoiled scan looks like, and what to tell the person who holds the scanner."""

from __future__ import annotations

import re
import unicodedata

from custody.codes.gs1_identifiers import GS
from custody.errors import UnreadableCodeError

LONGEST_SCAN = 2000  # characters; no label custody meets carries more, and the forms must not choke on a pasted file
_PICTURE_OF_GS = "␝"
_GS_AS_TEXT = ("<GS>", "{GS}", "[GS]", "\\x1d", "\\u001d", "^]")

_WRONG_CASE = "capital and small letters arrive exchanged: switch Caps Lock off and scan again"
_WRONG_LAYOUT = "the characters arrive changed: the keyboard layout of this computer is not the one the scanner is set to"
# Each pattern fits the beginning of no code we read, so it can be tested before anything else.
_SYMPTOMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"cu1:|=[a-np-z][0-9a-z]{2}[0-9]|\](?:c[014]|D[12]|q[13])"), _WRONG_CASE),
    # A German layout turns ] into +, a French one into $; a British one turns " into @.
    (re.compile(r"[=&]@|[+*$^][CcDdQqEeIi][0-4]|[Cc][Uu](?:1[^:]|[&!])"), _WRONG_LAYOUT),
    (re.compile(r"(?!https?://|HTTPS?://)(?i:https?://)"), "a web link must begin with https:// in small letters"),
)


def require_scannable(text: str) -> None:
    """Refuse what no label carries: nothing, too much, characters of an input method or another keyboard, control characters."""
    if not text:
        raise UnreadableCodeError("nothing was scanned")
    if len(text) > LONGEST_SCAN:
        raise UnreadableCodeError(
            f"{len(text)} characters arrived, more than the {LONGEST_SCAN} any label carries; scan one label at a time"
        )
    for character in text:
        if character != GS and not " " <= character <= "~":
            raise UnreadableCodeError(_foreign_character(character))
    for pattern, sentence in _SYMPTOMS:
        if pattern.match(text):
            raise UnreadableCodeError(sentence)


def require_real_separators(text: str) -> None:
    """Refuse a GS1 text whose separator was spelled out: `<GS>` would read as part of a lot number."""
    if any(spelled in text for spelled in _GS_AS_TEXT):
        raise UnreadableCodeError("the separator (GS) arrives as text; set the scanner to send it as the control character 29")


def unknown_code(symbology: str | None, body: str) -> UnreadableCodeError:
    """The error for a text that belongs to no family at all, or to none that this symbol may carry."""
    if symbology is not None:
        return UnreadableCodeError(f"a symbol of the kind {symbology} with this beginning is no code that custody reads")
    if re.match("[0-9]", body):
        return UnreadableCodeError(
            "digits without a symbology prefix could be anything; set the scanner to send AIM identifiers, such as ]d2"
        )
    return UnreadableCodeError("this is no code that custody knows; scan the bar code on the label")


def _foreign_character(character: str) -> str:
    if character == _PICTURE_OF_GS:
        return "the separator (GS) arrives as a picture of itself; set the scanner to send it as the control character 29"
    if unicodedata.category(character) == "Cc":
        return f"the control character U+{ord(character):04X} arrived inside the code; look at the scanner's prefix and suffix settings"
    if unicodedata.east_asian_width(character) in {"F", "W"}:
        return "full-width characters arrive: switch the input method to plain Latin letters and scan again"
    return _WRONG_LAYOUT
