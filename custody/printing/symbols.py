"""Code 128 and QR symbols as SVG: one path of whole modules on white, with the quiet zone the reader needs.

The picture carries no style, script or reference, so it can be shown by `<img src>` under a strict content security policy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from barcode.charsets.code128 import START_CODES
from barcode.codex import Code128
from qrcode.constants import ERROR_CORRECT_M
from qrcode.exceptions import DataOverflowError
from qrcode.main import QRCode

from custody.errors import InputError

PRINTABLE = re.compile(r"[ -~]+")
PRINTABLE_LINES = re.compile(r"[ -~\n]+")
WITH_SEPARATOR = re.compile(r"[ -~\n\x1d]+")
CODE128_LENGTH_MAX = 100
# Quiet zones in modules: ISO/IEC 15417 asks for ten beside Code 128, ISO/IEC 18004 for four around QR.
CODE128_QUIET, QR_QUIET = 10, 4
CODE128_HEIGHT = 50
PAIR_99 = 99
# A module is a whole number of pixels at 96 dpi, so that no bar is blurred: 2 px = 0.53 mm, 4 px = 1.06 mm.
CODE128_MODULE_PX, QR_MODULE_PX = 2, 4

Run = tuple[int, int]
"""Dark modules in one row: the first, and how many."""


class _Code128(Code128):  # type: ignore[misc]  # the library carries no types
    """Keeps a leading pair of digits 99, which the library takes for the code that switches to the set of digit pairs, and drops."""

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        if encoded[:2] == [START_CODES["C"], PAIR_99]:
            return encoded
        optimized: list[int] = super()._try_to_optimize(encoded)
        return optimized


def code128_svg(text: str) -> str:
    """`text` as a Code 128 symbol, without a line to read under it.

    Raises InputError for anything but 1 to 100 printable ASCII characters: some scanners turn the rest into other keys.
    """
    _require(text, PRINTABLE, "a bar code", CODE128_LENGTH_MAX)
    (modules,) = _Code128(text).build()
    bars = [(start + CODE128_QUIET, length) for start, length in _runs([module == "1" for module in modules])]
    path = "".join(f"M{start} 0h{length}v{CODE128_HEIGHT}h-{length}z" for start, length in bars)
    return _svg(path, len(modules) + 2 * CODE128_QUIET, CODE128_HEIGHT, CODE128_MODULE_PX)


def qr_svg(text: str, *, with_separator: bool = False) -> str:
    """`text` as a QR symbol that still reads with 15 % of it damaged (level M), as small as its characters allow.

    Raises InputError for an empty text, for characters that are not printable ASCII or line ends (without a declared character
    set readers guess the rest differently), and for more text than a symbol holds. `with_separator`: GS is allowed too, to try whether a
    scanner sends it.
    """
    _require(text, WITH_SEPARATOR if with_separator else PRINTABLE_LINES, "a QR code", None)
    symbol = _smallest(text)
    rows = symbol.get_matrix()
    path = "".join(
        f"M{start + QR_QUIET} {y + QR_QUIET}h{length}v1h-{length}z" for y, row in enumerate(rows) for start, length in _runs(row)
    )
    side = len(rows) + 2 * QR_QUIET
    return _svg(path, side, side, QR_MODULE_PX)


# How short a run of capitals or digits may be to get a mode of its own; which is best depends on the text.
SPLITS = (4, 6, 8, 12, 20, 0)


def _smallest(text: str) -> QRCode:
    candidates = [_drawn(text, split) for split in SPLITS]
    best = min(candidates, key=lambda symbol: symbol.version)
    best.make(fit=False)
    return best


def _drawn(text: str, split: int) -> QRCode:
    symbol = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    symbol.add_data(text.encode("ascii"), optimize=split)
    try:
        symbol.best_fit(start=1)
    except (DataOverflowError, ValueError) as error:  # above version 40 the library raises either, by version
        raise InputError(f"{len(text)} characters do not fit into one QR code; shorten the text", code="symbol_too_long") from error
    return symbol


def _require(text: str, allowed: re.Pattern[str], what: str, length_max: int | None) -> None:
    if not text:
        raise InputError(f"there is no text to make {what} of", code="symbol_empty")
    if not allowed.fullmatch(text):
        odd = next(character for character in text if not allowed.fullmatch(character))
        raise InputError(f"{what} cannot carry the character {odd!a}; expected plain letters, digits and signs", code="symbol_character")
    if length_max is not None and len(text) > length_max:
        raise InputError(f"{len(text)} characters are too many for {what}; at most {length_max} can be read", code="symbol_too_long")


def _runs(modules: Sequence[bool | None]) -> Iterator[Run]:
    start = 0
    for place, dark in enumerate([*modules, False]):
        if dark:
            continue
        if place > start:
            yield start, place - start
        start = place + 1


def _svg(path: str, width: int, height: int, module_px: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * module_px}" height="{height * module_px}"'
        f' viewBox="0 0 {width} {height}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{width}v{height}h-{width}z"/><path fill="#000" d="{path}"/></svg>\n'
    )
