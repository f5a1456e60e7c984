"""What must never happen, said over nothing but the list of acts that were accepted; it knows no gate, no fold and no ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

TOWARDS_THE_PATIENT = ("shipper_sealed", "bag_accepted", "bag_preparation_started", "dose_bag_released", "infusion_started")
HANDLED = ("packing_started", "shipment_arrived", "bag_accepted", "bag_stored", "bag_taken_out", "bag_preparation_started")
HANDLED += ("dose_bag_released", "infusion_started")
PLANNED = timedelta(minutes=60)
THAWED_LASTS = timedelta(hours=3)


@dataclass(frozen=True)
class Accepted:
    """One act, who signed it, at which site the first of them works, and when."""

    act: Any
    persons: tuple[str, ...]
    site: str
    at: datetime

    @property
    def name(self) -> str:
        return str(self.act.rule.name)


def wrong(before: tuple[Accepted, ...], new: Accepted, bag: Any, line: tuple[Any, ...]) -> str | None:
    """What must not be about `new`, accepted after `before`; `line` is the bag and everything it comes from and travels in."""
    if new.name in TOWARDS_THE_PATIENT:
        stopped = _held(before, line) or _recalled(before, line) or _expired(before, new, bag)
        if stopped is not None:
            return f"{new.name} after {stopped}"
    if new.name == "infusion_started":
        if any(each.name == "infusion_started" for each in before):
            return "infused a second time"
        if _offer(before, bag) is not None:
            return "infused while it is handed over"
    if new.name == "shipper_sealed" and any(_travels(before, each, bag) for each in before if each.act.subject != new.act.subject):
        return "in two shippers at once"
    return _two_custodians(before, new) if new.name == "handoff_accepted" else None


def _held(before: tuple[Accepted, ...], line: tuple[Any, ...]) -> str | None:
    lifted = {each.act.hold for each in before if each.name == "hold_lifted"}
    standing = [each for each in before if each.name == "hold_placed" and each.act.node in line and each.act.hold not in lifted]
    return f"a hold on {standing[0].act.node}" if standing else None


def _recalled(before: tuple[Accepted, ...], line: tuple[Any, ...]) -> str | None:
    return next((f"the recall of {each.act.node}" for each in before if each.name == "recalled" and each.act.node in line), None)


def _expired(before: tuple[Accepted, ...], new: Accepted, bag: Any) -> str | None:
    ends = [each.act.expires_at for each in before if each.name == "bags_filled" and bag in each.act.bags]
    ends += [each.at + THAWED_LASTS for each in before if each.name == "bag_preparation_started" and each.act.bag == bag]
    lasts = new.at + (PLANNED if new.name == "infusion_started" else timedelta(0))
    if lasts > min(ends) or new.at >= min(ends):
        return f"its expiry at {min(ends).isoformat()} (accepted {new.at.isoformat()})"
    return None


def _offer(before: tuple[Accepted, ...], node: Any) -> Accepted | None:
    """The hand-over that is open."""
    found = None
    for each in before:
        if each.act.subject == node and each.name in ("handoff_offered", "handoff_accepted", "handoff_withdrawn", "shipment_arrived"):
            found = each if each.name == "handoff_offered" else None
    return found


def _holder(before: tuple[Accepted, ...], node: Any) -> tuple[str, str] | None:
    """The person who took it over last, or the site whose people have handled it since: it has then come back to them."""
    found = None
    for each in before:
        if each.act.subject == node and each.name == "handoff_accepted":
            found = ("person", each.persons[0])
        elif node in (each.act.subject, getattr(each.act, "bag", None)) and each.name in HANDLED:
            found = ("site", each.site)
    return found


def _two_custodians(before: tuple[Accepted, ...], new: Accepted) -> str | None:
    node, taker = new.act.subject, new.persons[0]
    offer, holder = _offer(before, node), _holder(before, node)
    if offer is None:
        return f"two custodians: {taker} took over what nobody was giving, and {holder} has it"
    giver = offer.persons[0]
    if holder not in (("person", giver), ("site", offer.site)):
        return f"two custodians: {giver} gave to {taker} what {holder} has"
    if taker == giver or (offer.act.to_person is not None and offer.act.to_person.value != taker):
        return f"two custodians: {giver} gave to {offer.act.to_person}, and {taker} has it"
    return None


def _travels(before: tuple[Accepted, ...], sealed: Accepted, bag: Any) -> bool:
    """Sealed in, and not yet come out."""
    if sealed.name != "shipper_sealed" or bag not in sealed.act.bags:
        return False
    return not any(each.name == "shipment_arrived" and each.act.subject == sealed.act.subject for each in before)
