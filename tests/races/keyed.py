"""Requests with a key: what is sent, what another body under the same key would be, and where its one act is looked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from custody.domain.acts.allocation import KitAssigned, ParticipantRegistered
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import BedsideScanned
from custody.domain.acts.quality import HoldPlaced
from custody.domain.ids import KitId, Node, ParticipantId
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN
from custody.workflows.rehearsal.road import QA
from tests.races.bed import IWRS, act_form, scan_values
from tests.races.clients import Request
from tests.races.place import Place
from tests.web.conftest import Page

A_STORE = 500
"""Requests of one store."""
REFERENCE = re.compile(r'<span class="code">([0-9a-f]{12})</span>')


@dataclass(frozen=True)
class Sent:
    """`form(other)` is the request, or another one under its key. What it did stands in `stream` as acts that are `its`."""

    form: Callable[[bool], Request]
    stream: str
    its: Callable[[Act], bool]


def answer_in(page: Page) -> str:
    """What was recorded, or where the page leads to; the time at which it was recorded stands beside it when it is not the first time."""
    if page.code == 303:
        return page.location
    assert page.code == 200, page.text
    found = REFERENCE.search(page.html)
    assert found is not None, page.text
    return found[1]


def registration(place: Place, n: int) -> Sent:
    """Nobody signs it."""

    def form(other: bool) -> Request:
        act = ParticipantRegistered(participant=ParticipantId(f"P-{9000 + n + A_STORE * other}"))
        typed = {"participant": str(act.participant)}
        return act_form(place.person(PHYSICIAN), act, typed, about=False, signed=False, key=f"registered-{n}")

    return Sent(form, f"participant:P-{9000 + n}", lambda act: isinstance(act, ParticipantRegistered))


def assignment(place: Place, n: int) -> Sent:
    """One signature."""
    kit, key = KitId(f"KEYED-{n:04d}"), f"assigned-{n}"

    def form(other: bool) -> Request:
        cast = place.groups.wanting[int(other)]
        act = KitAssigned(kit=kit, participant=cast.participant, bags=(place.groups.wanted,))
        typed = {"kit": str(kit), "participant": str(act.participant), "bags": str(act.bags[0])}
        return act_form(place.person(IWRS), act, typed, about=False, key=key)

    return Sent(form, kit.key, lambda act: isinstance(act, KitAssigned))


def hold(place: Place, n: int) -> Sent:
    """One signature, about a thing that stands already and of which many are recorded."""
    bag: Node = place.groups.held[0].bags[-1]

    def form(other: bool) -> Request:
        act = HoldPlaced(node=bag, hold=f"KEYED-{n}", reason="another" if other else "one", owner="QA")
        return act_form(place.person(QA), act, {"hold": act.hold, "reason": act.reason, "owner": act.owner}, key=f"held-{n}")

    return Sent(form, bag.key, lambda act: isinstance(act, HoldPlaced) and act.hold == f"KEYED-{n}")


def scan(place: Place, n: int) -> Sent:
    """The last step of a check at the bed, which is judged when both have scanned; each has a volume of its own to be known by."""
    cast = place.groups.handed
    volume = f"{n + 1}.5"

    def form(other: bool) -> Request:
        values = scan_values(cast, key=f"scanned-{n}") | {"scans.volume_ml": f"{n + 1}.7" if other else volume}
        return place.person(NURSES[0]).form(f"/bedside/{cast.dose}/scan", values)

    return Sent(form, cast.dose.key, lambda act: isinstance(act, BedsideScanned) and str(act.scans.volume_ml) == volume)


KINDS = (registration, assignment, hold, scan)
