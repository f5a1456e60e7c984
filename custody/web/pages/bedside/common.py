"""What every page of the bedside starts from: its blueprint, the dose, the person, and where the check stands."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass

from flask import Blueprint, request

from custody.domain.acts.bedside import AT_THE_BED, BedsideScanned
from custody.domain.duties import roles_at
from custody.domain.ids import DoseId
from custody.domain.masking import Seen
from custody.domain.terms import VerdictWord
from custody.errors import NotFoundError
from custody.web import access, current
from custody.workflows import bedside
from custody.workflows.at_the_bed import DoseAtBed, dose_at_bed
from custody.workflows.bedside import BedsideState
from custody.workflows.signer import Signer

blueprint = Blueprint("bedside", __name__, url_prefix="/bedside")
at_the_bed = access.needs(*AT_THE_BED)
"""Who may open a page of the bedside."""


@dataclass(frozen=True, kw_only=True)
class Bed:
    """One dose at its bed, as the person of this request sees it."""

    dose: DoseAtBed
    state: BedsideState

    @property
    def stage(self) -> str:
        """Which page is due: ended, running, go, stop, too_old, unjudged, waiting, scan."""
        state, now = self.state, current.now()
        if state.ended or state.started:
            return "ended" if state.ended else "running"
        if state.verdict is not None:
            if state.verdict.word is not VerdictWord.GO:
                return "stop"
            return "go" if state.is_go(now) else "too_old"
        if len(state.scanned) > 1:
            return "unjudged"
        return "waiting" if state.has_scanned(current.present().person) else "scan"

    @property
    def mark(self) -> str:
        """Changes whenever the page would: the page asks for it every few seconds, and it tells nothing of what anybody scanned."""
        state = self.state
        waiting = state.waiting_start
        parts = (
            self.stage,
            state.verdict_entry.value if state.verdict_entry else "",
            str(len(state.scanned)),
            waiting.proposal.value if waiting else "",
        )
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]


def reader() -> Signer:
    """The person as they read and scan here."""
    return current.signer(BedsideScanned.rule, 0)


def readers() -> tuple[Signer, ...]:
    """The person as they read at each of their sites."""
    return current.readers(*roles_at(BedsideScanned.rule, 0))


@blueprint.before_request
def _act_where_the_dose_is() -> None:
    """Somebody who works at several hospitals acts for the one whose dose this is."""
    dose = (request.view_args or {}).get("dose", "")
    here = readers() if dose else ()
    if len(here) < 2:
        return
    with current.store().reading() as connection:
        for each in here:
            with suppress(NotFoundError):
                current.act_at(dose_at_bed(connection, DoseId.parse(dose), each).site)
                return


def bed_of(dose: DoseId) -> Bed:
    """Raises NotFoundError for an unknown dose, or one of another site."""
    with current.store().reading() as connection:
        state: Seen[BedsideState] = bedside.seen_state(connection, dose, reader(), current.viewer(), current.now())
        return Bed(dose=dose_at_bed(connection, dose, reader()), state=state.value)


def prescribed(dose: DoseAtBed) -> str:
    words = current.words()
    if dose.volume_ml is None or dose.rate_ml_per_min is None:
        return words.say("format.nothing")
    return words.say("bedside.volume_and_rate", volume=dose.volume_ml, rate=dose.rate_ml_per_min)
