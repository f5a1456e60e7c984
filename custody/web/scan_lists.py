"""Lists of a form that are filled scan by scan: one post for each, answered with tick or cross before the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from custody.domain.ids import BagId, BankId, EquipmentId, Identifier, LoggerId, MaterialId, SealNumber, TissueId

Typed = Mapping[str, list[str]]
"""What a browser sends: every value under its name."""
MORE = "more."
"""Under this name, before that of the field, comes the next scan of a list."""
DROP = "drop"
LAST_ADDED = "last_added"
SCANS_MAX = 200
SCANNED_ONE_BY_ONE = (MaterialId, EquipmentId, LoggerId, BagId, SealNumber, TissueId, BankId)
"""Things a step uses, comes from, or a shipper carries, of which there are several: each scan is answered before the next."""
BY_HAND, WHY = "typed.", "typed_why."


@dataclass(frozen=True, kw_only=True)
class ScanLine:
    """One scan of a list. `kept`: the form carries it; a cross that is kept is a thing that is known but should not be used.

    `judged`: whether `fits` says more than that the thing is known here. `text` is what the form carries, `shown` what a person reads.
    """

    text: str
    shown: str = ""
    fits: bool = True
    said: str = ""
    kept: bool = True
    judged: bool = True
    number: int = 0


Judge = Callable[[tuple[type[Identifier], ...], tuple[str, ...]], tuple[ScanLine, ...]]
"""What the scans of a field turn out to be; the field takes things of these kinds."""


def unjudged(kinds: tuple[type[Identifier], ...], texts: tuple[str, ...]) -> tuple[ScanLine, ...]:
    """The scans as they are, where nothing is at hand to judge them by."""
    del kinds
    return tuple(ScanLine(text=text, number=n, judged=False) for n, text in enumerate(texts))


def one(typed: Typed, name: str) -> str:
    """The first value under a name, without blanks around it; empty where there is none."""
    found = typed.get(name, ())
    return found[0].strip() if found else ""


def scans_listed(typed: Typed, path: str, *, most: int = SCANS_MAX) -> tuple[str, ...]:
    """What stands in a list, each on a line or in a value of its own, in the order of the scans.

    A list that is filled in beforehand comes whole in its first value and again one by one.
    """
    values = [text for text in typed.get(path, ()) if text.strip()]
    if values and "\n" in values[0] and values[0].split("\n") == values[1:]:
        values = values[1:]
    lines = "\n".join(values).replace(",", "\n").splitlines()
    return tuple(line.strip() for line in lines if line.strip())[:most]


def gathered(typed: Typed) -> tuple[Typed, bool]:
    """What was typed with the new scan on its list, and whether the form is shown again for the next one."""
    kept, again = dict(typed), "add" in typed or "remove" in typed
    for name in [name for name in typed if name.startswith(MORE)]:
        path, text = name.removeprefix(MORE), one(kept, name)
        del kept[name]
        by_hand = one(kept, BY_HAND + name), one(kept, WHY + name)
        kept.pop(BY_HAND + name, None)
        kept.pop(WHY + name, None)
        if not text:
            continue
        again = True
        kept[path] = [*scans_listed(kept, path), text]
        kept[LAST_ADDED] = [path]
        if by_hand[0]:
            kept[BY_HAND + path], kept[WHY + path] = ["1"], [by_hand[1]]
    dropped = one(kept, DROP)
    kept.pop(DROP, None)
    return (_without(kept, dropped), True) if dropped else (kept, again)


def _without(typed: Typed, wanted: str) -> Typed:
    """`culture.materials.2`: the third scan of that list goes."""
    path, _, number = wanted.rpartition(".")
    scans = scans_listed(typed, path)
    if not number.isascii() or not number.isdigit() or int(number) >= len(scans):
        return typed
    left = [text for n, text in enumerate(scans) if n != int(number)]
    return {**typed, path: left, LAST_ADDED: [path]}
