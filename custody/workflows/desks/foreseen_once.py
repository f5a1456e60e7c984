"""What a hold point says of the things on a list: worked out once, and again only when something it rests on has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from custody.domain.dossier import Dossier
from custody.domain.ids import Node
from custody.domain.masking import Viewer
from custody.domain.terms import HoldPoint
from custody.errors import NotFoundError
from custody.workflows.desks.preview import Preview, foreseen, plain_act
from custody.workflows.judging import clock_set_back

STAYS_AS_TIME_GOES_ON = frozenset({HoldPoint.RELEASE})
"""Where no rule says something else later about its plain act, unless it spoke of something STILL_TO_COME."""
STILL_TO_COME = frozenset({"delivered_in_future"})
"""Reasons that end by themselves."""


def foreseen_once(dossier: Dossier, viewer: Viewer, hold_point: HoldPoint, node: Node, now: datetime) -> Preview:
    """`foreseen` of the plain act, signed by nobody yet. Raises as `foreseen`, and ValueError for a hold point whose rules ask the time."""
    if hold_point not in STAYS_AS_TIME_GOES_ON:
        raise ValueError(f"the rules of {hold_point} ask what time it is, so what they say cannot be kept")
    study = viewer.study
    if study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    act = plain_act(hold_point, node)

    def anew(ledger: Dossier) -> Preview:
        return foreseen(ledger, viewer, act, hold_point, now).value

    # The clock is compared with the last entry of all, which no stream remembers. A blinded person is not told what is still to come.
    if viewer.blind or clock_set_back(hold_point, act, dossier, study, now) is not None:
        return anew(dossier)
    kept = dossier.once(node, (foreseen_once, hold_point, study), anew)
    if now < kept.judged_at or any(each.reason is not None and each.reason.code in STILL_TO_COME for each in kept.findings):
        return anew(dossier)
    return replace(kept, judged_at=now)
