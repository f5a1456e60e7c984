"""The donor desk: which mothers and donations wait for what, and every rule of eligibility as it stands now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.donation import ConsentSigned, ConsentWithdrawn, CordCollected, EligibilityDetermined, TissueArrived
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.donation import DonationFold
from custody.domain.folds.registers import span
from custody.domain.folds.tissue import TissueFold
from custody.domain.ids import Din, DonorId, Node, TissueId
from custody.domain.masking import Seen, Viewer
from custody.domain.terms import HoldPoint
from custody.store import lookups
from custody.workflows.desks.day import LAST
from custody.workflows.desks.donor_screening import history
from custody.workflows.desks.preview import Foreseen, foreseen
from custody.workflows.desks.things import Listed, listed

KINDS = ("donor", "donation", "tissue")
SIGNATURE_TO_COME = "not_signed_by_qualified_person"
"""What gate ELG-SIGN says while nobody has determined anything: no fault, the signature is the act itself."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the queue. `state` is a key of the catalogue; `due`: what the deadline is for, likewise."""

    node: DonorId | Din | TissueId
    state: str
    count: int = 0
    total: int = 0
    due: str = ""
    due_at: datetime | None = None
    bad: bool = False
    next: str = ""


@dataclass(frozen=True, kw_only=True)
class DonorQueue:
    """`here` waits for a step of this desk, `on_the_way` are cords between hospital and facility, `withdrawn` are mothers who took back."""

    here: tuple[Row, ...]
    on_the_way: tuple[Row, ...]
    withdrawn: tuple[Row, ...]
    unreadable: tuple[Node, ...]
    cut: bool


def queue(connection: Connection, viewer: Viewer, now: datetime) -> Seen[DonorQueue]:
    """What waits at the donor desk, nearest deadline first."""
    found = listed(connection, viewer, KINDS)
    donations = [node for node in found.nodes if isinstance(node, Din)]
    given = {collected.act.donor for din in donations if (collected := found.dossier.last(din, CordCollected)) is not None}
    here: list[Row] = []
    for node in found.nodes:
        if isinstance(node, DonorId):
            here += _donor_rows(connection, found.dossier, node, given)
        elif isinstance(node, Din):
            here += _donation_rows(found, viewer, node, now)
    return Seen(
        DonorQueue(
            here=_sorted(here),
            on_the_way=_sorted([row for node in found.nodes if isinstance(node, TissueId) for row in _tissue_rows(found, node)]),
            withdrawn=tuple(_withdrawn(found)),
            unreadable=found.broken,
            cut=found.cut,
        )
    )


def _sorted(rows: list[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (not row.bad, row.due_at or LAST)))


def _withdrawn(found: Listed) -> Iterator[Row]:
    for node in found.nodes:
        last = found.dossier.last(node, ConsentSigned, ConsentWithdrawn) if isinstance(node, DonorId) else None
        if last is not None and isinstance(last.act, ConsentWithdrawn) and isinstance(node, DonorId):
            yield Row(node=node, state="state.withdrawn", due="", due_at=None, bad=True)


def _donor_rows(connection: Connection, dossier: Dossier, donor: DonorId, given: set[DonorId]) -> Iterator[Row]:
    last = dossier.last(donor, ConsentSigned, ConsentWithdrawn)
    if last is None:
        yield Row(node=donor, state="state.no_consent", next="consent_signed")
    elif isinstance(last.act, ConsentSigned) and donor not in given and not lookups.edges(connection, donor.key)[1]:
        yield Row(node=donor, state="state.expecting", next="cord_collected")


def _donation_rows(found: Listed, viewer: Viewer, din: Din, now: datetime) -> Iterator[Row]:
    study = found.study
    if study is None:
        return
    donation = DonationFold(found.dossier, din, study)
    try:
        if donation.eligibility is not None or donation.eligibility_refused is not None:
            return
        if donation.consent_withdrawn is not None:
            return  # listed with her who withdrew
        yield _open_donation(found, viewer, donation, now)
    except MissingFact:
        # Without consent, collection or criteria nothing can be judged: the sheet says which.
        yield Row(node=din, state="state.unknown", bad=True)


def _open_donation(found: Listed, viewer: Viewer, donation: DonationFold, now: datetime) -> Row:
    """What a donation without determination waits for, in the order of the work."""
    tests, node = donation.tests, donation.node
    missing = [code for code in tests.criteria.required_tests if not tests.of_test(code)]
    window_ends = tests.window[1]
    if not any(tests.in_window(deed.act) for deed in tests.samples):
        late = now > window_ends
        return Row(node=node, state="state.no_sample", due="due.sample", due_at=window_ends, bad=late, next="donor_sampled")
    if missing:
        return Row(
            node=node, state="state.tests_missing", count=len(missing), total=len(tests.criteria.required_tests), next="donor_test_resulted"
        )
    if history(donation)[1] is None:
        return Row(node=node, state="state.no_history", next="donor_history_taken")
    blocking = [rule for rule in rules_of(found.dossier, viewer, donation, now) if rule.outcome == "blocked"]
    if blocking:
        waits = any(rule.reason is not None and rule.reason.code == "needs_risk_assessment" for rule in blocking)
        next_act = "donor_risk_assessed" if waits else "eligibility_refused"
        return Row(node=node, state="state.blocked", count=len(blocking), bad=True, next=next_act)
    return Row(node=node, state="state.ready", next="eligibility_determined")


def _tissue_rows(found: Listed, node: TissueId) -> Iterator[Row]:
    if found.study is None or found.dossier.last(node, TissueArrived) is not None:
        return
    tissue = TissueFold(found.dossier, node, found.study)
    try:
        limit = span(hours=found.study.criteria_now.settings.cord_hours_hard)
        yield Row(node=node, state="state.on_the_way", due="due.processing", due_at=tissue.donation.delivered_at + limit)
    except MissingFact:
        yield Row(node=node, state="state.unknown", bad=True)


def rules_of(dossier: Dossier, viewer: Viewer, donation: DonationFold, now: datetime) -> tuple[Foreseen, ...]:
    """Every rule of hold point G2 as it stands now, what blocks first; the signature itself is still to come."""
    act = EligibilityDetermined(donation=donation.node)
    found = foreseen(dossier, viewer, act, HoldPoint.ELIGIBILITY, now).value.findings
    determined = donation.eligibility is not None
    rules = (_without_signature(rule, determined=determined) for rule in found)
    return tuple(sorted(rules, key=lambda rule: rule.outcome != "blocked"))


def _without_signature(rule: Foreseen, *, determined: bool) -> Foreseen:
    """The signature is asked of the determination that stands, not of one that nobody is about to make."""
    if rule.outcome == "passed" or rule.reason is None or rule.reason.code != SIGNATURE_TO_COME:
        return rule
    return Foreseen(gate=rule.gate, outcome="passed" if determined else "later")
