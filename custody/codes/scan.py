"""The one door for scans: text as the scanner sent it, to the family it belongs to and the values it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from custody.codes import gs1, isbt128
from custody.codes.gs1_links import LINK_SCHEMES, read_link
from custody.codes.isbt128_donation import NOT_THE_PRODUCT_FLAGS
from custody.codes.kinds import CUSTODY_KINDS, word_for, word_with_article
from custody.codes.scan_faults import require_real_separators, require_scannable, unknown_code
from custody.codes.values import ScannedValue
from custody.errors import UnreadableCodeError

__all__ = ["CUSTODY_KINDS", "Family", "Scan", "ScannedValue", "custody_symbol", "expect", "read_scan"]


class Family(StrEnum):
    """Whose rules a scanned text follows."""

    ISBT = "isbt"
    GS1 = "gs1"
    LINK = "link"
    CUSTODY = "custody"


@dataclass(frozen=True)
class Scan:
    """One scan: the whole text as received, the scanner's symbology prefix if it sent one, and what the text names."""

    text: str
    symbology: str | None
    family: Family
    values: tuple[ScannedValue, ...]

    def all_of(self, kind: str) -> tuple[str, ...]:
        """Every value of this kind, in the order of the symbol."""
        return tuple(value.value for value in self.values if value.kind == kind)

    @property
    def not_the_product(self) -> bool:
        """Whether the donation number is flagged as a tube, sample or record (06 to 10): refuse it at the bedside."""
        return not NOT_THE_PRODUCT_FLAGS.isdisjoint(self.all_of("donation_flags"))


_CUSTODY_OPENING = "CU1:"
_CUSTODY = re.compile(r"CU1:([a-z]+):([A-Z0-9:._/\-]{1,80})")
_TRADE_ITEM = re.compile(r"[0-9]{8}|[0-9]{12,14}")

# AIM symbology identifiers: linear Code 128, Data Matrix, QR, DataBar, EAN and ITF.
_GS1_SYMBOLS = frozenset(gs1.GS1_PREFIXES)
_TRADE_ITEM_SYMBOLS = frozenset({"]E0", "]E4", "]I1"})
_ISBT_SYMBOLS = frozenset({None, "]C0", "]C4", "]d1"})
_LINK_SYMBOLS = frozenset({None, "]d1", "]Q1"})
_CUSTODY_SYMBOLS = frozenset({None, "]C0", "]Q1"})
_KNOWN_SYMBOLS = _GS1_SYMBOLS | _TRADE_ITEM_SYMBOLS | _ISBT_SYMBOLS | _LINK_SYMBOLS | _CUSTODY_SYMBOLS


def read_scan(text: str, *, bare_digits_are_gs1: bool = False) -> Scan:
    """What was scanned. Raises UnreadableCodeError, and nothing else, with one sentence that says what is wrong.

    `bare_digits_are_gs1`: the site's permission to read text that begins with a digit and has no prefix as GS1.
    """
    require_scannable(text)
    symbology, body = _split_prefix(text)
    family, read = _route(symbology, body, bare_digits_are_gs1=bare_digits_are_gs1)
    return Scan(text, symbology, family, read(body))


def custody_symbol(kind: str, value: str) -> str:
    """The text of one of custody's own symbols (QR or Code 128), such as `CU1:bag:K7Q2M9X4T1ZB8`."""
    text = f"{_CUSTODY_OPENING}{kind}:{value}"
    _custody_values(text)
    return text


def expect(scan: Scan, kind: str) -> str:
    """The value of this kind. Raises UnreadableCodeError when the scan names something else, or two different ones."""
    found = set(scan.all_of(kind))
    if not found:
        seen = scan.values[0].kind
        message = f"this is {word_with_article(seen)}; scan the {word_for(kind)}"
        raise UnreadableCodeError(message, code="wrong_code_kind", seen=seen, expected=kind)
    if len(found) > 1:
        raise UnreadableCodeError(f"this code names more than one {word_for(kind)}; scan the one on the label by itself")
    return found.pop()


def _split_prefix(text: str) -> tuple[str | None, str]:
    if not text.startswith("]"):
        return None, text
    symbology, body = text[:3], text[3:]
    if symbology not in _KNOWN_SYMBOLS:
        raise UnreadableCodeError(f"custody does not read symbols of the kind {symbology}")
    if not body:
        raise UnreadableCodeError(f"the scanner sent only its prefix {symbology} and no code")
    return symbology, body


Reader = Callable[[str], tuple[ScannedValue, ...]]


def _route(symbology: str | None, body: str, *, bare_digits_are_gs1: bool) -> tuple[Family, Reader]:
    """Prefix and first characters decide; nothing is tried out."""
    if symbology in _GS1_SYMBOLS:
        return Family.GS1, _gs1_values
    if symbology in _TRADE_ITEM_SYMBOLS:
        return Family.GS1, _trade_item_values
    if body.startswith(_CUSTODY_OPENING) and symbology in _CUSTODY_SYMBOLS:
        return Family.CUSTODY, _custody_values
    if body.startswith(("=", "&")) and symbology in _ISBT_SYMBOLS:
        return Family.ISBT, _isbt_values
    if body.startswith(LINK_SCHEMES) and symbology in _LINK_SYMBOLS:
        return Family.LINK, _link_values
    if bare_digits_are_gs1 and symbology is None and re.match("[0-9]", body):
        return Family.GS1, _gs1_values
    raise unknown_code(symbology, body)


def _gs1_values(body: str) -> tuple[ScannedValue, ...]:
    require_real_separators(body)
    return gs1.values_of(gs1.read_gs1(body))


def _trade_item_values(body: str) -> tuple[ScannedValue, ...]:
    """EAN, UPC and ITF symbols hold a bare GTIN, which fills up to fourteen digits with zeros in front."""
    if not _TRADE_ITEM.fullmatch(body):
        raise UnreadableCodeError("a trade item symbol holds 8, 12, 13 or 14 digits")
    return gs1.values_of([gs1.element("01", body.zfill(14))])


def _isbt_values(body: str) -> tuple[ScannedValue, ...]:
    return tuple(value for structure in isbt128.read_isbt128(body) for value in isbt128.values_of(structure))


def _link_values(body: str) -> tuple[ScannedValue, ...]:
    return gs1.values_of(read_link(body))


def _custody_values(body: str) -> tuple[ScannedValue, ...]:
    parts = _CUSTODY.fullmatch(body)
    if parts is None or parts[1] not in CUSTODY_KINDS:
        raise UnreadableCodeError("a custody code is CU1, a kind custody knows, and 1 to 80 capital letters, digits or : . - _ /")
    return (ScannedValue(parts[1], parts[2]),)
