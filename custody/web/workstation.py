"""At which workstation this device stands, what was scanned there for the next step, and the last scans with tick or cross.

It stands in a cookie of the device, like the shared bench: a help, no evidence. What lies open at the workstation is in the ledger, and so
is every scan that was refused; after the loss of a browser the label of the workstation is scanned again.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from custody.domain.ids import AccountId, EquipmentId, Node, node_of
from custody.errors import CustodyError
from custody.web.entering import set_cookie

COOKIE = "workstation"
SCANS_MAX = 5
USED_MAX = 20
TEXT_MAX = 60


@dataclass(frozen=True, kw_only=True)
class ScanNoted:
    """One scan: what was read, when, whether it fits, and what was said of it (a key of the bench's catalogue, or an error's)."""

    text: str
    at: datetime
    fits: bool
    said: str


@dataclass(frozen=True, kw_only=True)
class Workstation:
    """`place`: the bench or cabinet here. `used`: materials and equipment scanned for the next step there. `scans` are of one person."""

    place: EquipmentId | None = None
    used: tuple[Node, ...] = ()
    account: str = ""
    scans: tuple[ScanNoted, ...] = field(default=())

    def noting(self, scan: ScanNoted, account: AccountId) -> Workstation:
        """With one more scan; those of another person are forgotten."""
        before = self.scans if self.account == account.value else ()
        return replace(self, account=account.value, scans=(scan, *before)[:SCANS_MAX])

    def using(self, node: Node) -> Workstation:
        return replace(self, used=tuple(dict.fromkeys((*self.used, node)))[-USED_MAX:])

    def without_last(self) -> Workstation:
        """The last scanned thing is taken back; nothing was recorded of it yet."""
        return replace(self, used=self.used[:-1])

    def scans_of(self, account: AccountId) -> tuple[ScanNoted, ...]:
        return self.scans if self.account == account.value else ()


def workstation() -> Workstation:
    """What the device remembers; nothing where it does not, or where somebody changed it."""
    try:
        kept = json.loads(base64.urlsafe_b64decode(request.cookies.get(COOKIE, "").encode("ascii")))
        return _read(kept)
    except (CustodyError, ValueError, KeyError, TypeError, AttributeError):
        return Workstation()


def _read(kept: dict[str, Any]) -> Workstation:
    scans = tuple(
        ScanNoted(text=str(text)[:TEXT_MAX], at=_aware(at), fits=fits is True, said=str(said)) for text, at, fits, said in kept["scans"]
    )
    return Workstation(
        place=EquipmentId.parse(kept["place"]) if kept["place"] else None,
        used=tuple(map(node_of, kept["used"]))[:USED_MAX],
        account=str(kept["account"]),
        scans=scans[:SCANS_MAX],
    )


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its offset")
    return at


def remember(response: Response, found: Workstation) -> None:
    """Keep it on this device."""
    kept = {
        "place": found.place.value if found.place is not None else "",
        "used": [node.key for node in found.used],
        "account": found.account,
        "scans": [[scan.text[:TEXT_MAX], scan.at.isoformat(timespec="seconds"), scan.fits, scan.said] for scan in found.scans],
    }
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    set_cookie(response, COOKIE, base64.urlsafe_b64encode(text.encode()).decode("ascii"))
