"""Several ISBT 128 structures in one text: compound messages with a header, and pairs read in one sweep."""

from __future__ import annotations

import re

from custody.codes.isbt128_structures import COMPOUND_HEADER, DataStructure, structure, take_structure
from custody.errors import UnreadableCodeError

_HEADER = re.compile(r"([0-9]{2})([0-9]{3})")
_ANY_ORDER = "000"
# Header number -> the structures it promises, in this order.
REGISTERED_ORDERS: dict[str, tuple[int, ...]] = {
    "034": (34, 32, 1),
    "035": (34, 32, 1, 4),
    "036": (34, 32, 1, 8),
    "037": (34, 32, 1, 4, 8),
}
# Symbols that stand side by side on a label, left then right; an expiry is a date (004) or a date and time (005).
READABLE_PAIRS = frozenset({(1, 2), (1, 3), (1, 32), (3, 4), (3, 5)})


def split_symbol(text: str) -> tuple[DataStructure, ...]:
    """Every structure of one scanned text: one, a pair without header, or a compound message. On any fault nothing is returned."""
    first, rest = take_structure(text)
    if first.number == COMPOUND_HEADER:
        return _compound(first, rest)
    if not rest:
        return (first,)
    second, rest = take_structure(rest)
    if rest or (first.number, second.number) not in READABLE_PAIRS:
        raise UnreadableCodeError(f"the {first.name} is followed by something that does not belong to it; scan one symbol at a time")
    return (first, second)


def compound_symbol(*parts: DataStructure, order: str = _ANY_ORDER) -> str:
    """The text of one bar code that carries all `parts`, in the registered `order` (000: any)."""
    header = structure(COMPOUND_HEADER, f"{len(parts):02}{order}")
    text = header.symbol + "".join(part.symbol for part in parts)
    split_symbol(text)
    return text


def _compound(header: DataStructure, rest: str) -> tuple[DataStructure, ...]:
    parts = _HEADER.fullmatch(header.content)
    if parts is None:
        raise UnreadableCodeError("the header of the compound message is not five digits")
    promised, order = int(parts[1]), parts[2]
    found: list[DataStructure] = []
    while rest:
        following, rest = take_structure(rest)
        if following.number is None or following.number == COMPOUND_HEADER:
            raise UnreadableCodeError(f"a compound message cannot hold a {following.name}")
        found.append(following)
    if len(found) != promised or not found:
        raise UnreadableCodeError(f"the compound message promises {promised} structures and holds {len(found)}; scan it again")
    _require_order(order, tuple(part.number for part in found))
    return tuple(found)


def _require_order(order: str, numbers: tuple[int | None, ...]) -> None:
    if order == _ANY_ORDER:
        return
    if order not in REGISTERED_ORDERS:
        raise UnreadableCodeError(f"the compound message follows the order {order}, which custody does not know")
    if REGISTERED_ORDERS[order] != numbers:
        raise UnreadableCodeError(f"the compound message does not keep to its registered order {order}")
