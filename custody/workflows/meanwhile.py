"""What others recorded about a thing while somebody filled in a form about it: told before they sign, and never signed over unseen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.record import Countersigned, ProposalWithdrawn
from custody.domain.ids import AccountId, Digest, Node
from custody.domain.masking import Seen, Viewer
from custody.errors import NotFoundError, StaleError
from custody.store import entries, heads
from custody.workflows.viewing import TimelineEvent, told_since

DECISIONS: tuple[frozenset[str], ...] = tuple(
    frozenset(acts.split())
    for acts in (
        "released released_conditionally released_exceptionally rejected",
        "results_concluded",
        "batch_record_reviewed",
        "audit_trail_reviewed",
        "result_reviewed",
        "out_of_specification_closed",
        "eligibility_determined eligibility_refused",
        "tissue_accepted tissue_rejected",
        "hold_placed recalled",
        "hold_lifted",
        "deviation_closed",
        "cold_chain_decided",
        "gap_disposed trace_given_up",
        "handoff_accepted",
        "shipment_arrived",
        "bag_accepted bag_refused_at_receipt",
        "bag_retained bag_destroyed bag_discarded bag_returned",
        "material_released material_refused",
        "shipper_qualified",
        "documents_received",
        "document_approved document_withdrawn",
        "dose_allocated spare_allocated dose_deallocated kit_assigned",
        "participant_eligibility_recorded",
        "committee_decided cohort_opened cohort_closed study_halted study_resumed",
        "exception_risk_evaluated exception_accepted exception_never_list_confirmed",
        "adverse_event_closed",
        "infusion_paused infusion_resumed infusion_rate_changed infusion_alarm_answered infusion_ended",
        "infusion_taken_over",
        "bag_finished",
        "next_bag_started",
        "reaction_recorded",
        "vitals_recorded",
        "corrected",
    )
)
"""Acts of which one person's may be the answer to the question the other is answering, or tell a second time of what happened once."""
ABOUT_ONE = frozenset(
    {"hold", "deviation", "investigation", "result", "event", "start", "document", "document_version", "entry", "alarm", "bag"}
)
"""Fields that say which of several questions an act answers: two that differ are two decisions."""


def newest(connection: Connection, node: Node) -> int:
    """The position of the newest entry about a thing; 0 where nothing is recorded."""
    head = heads.read_heads(connection, [node.key]).get(node.key)
    return 0 if head is None else head[0]


def news(connection: Connection, viewer: Viewer, node: Node, since: int) -> Seen[tuple[TimelineEvent, ...]]:
    """What other people recorded or proposed after position `since`, as this viewer may read it; nothing of what is hidden from them."""
    try:
        told = told_since(connection, viewer, node, since).value
    except NotFoundError:
        return Seen(())
    return Seen(tuple(event for event in told if event.by is not None and event.by.account != viewer.account))


def done_before(connection: Connection, act: Act, account: AccountId) -> datetime | None:
    """When this person last recorded exactly this; whoever went back in their browser is told before they sign it a second time."""
    stream = entries.load_evidence(connection, act.subject.key)
    same = [entry.recorded_at for entry in stream if entry.act == act and entry.by is not None and entry.by.account == account]
    return same[-1] if same else None


def no_longer_waits(connection: Connection, viewer: Viewer, node: Node, proposal: Digest) -> StaleError:
    """What is said to whoever opens or signs a proposal that is over: who signed it last or took it back, and when."""
    gone = StaleError("this proposal is no longer waiting: it was signed, withdrawn or never made", code="proposal_gone")
    ends = [
        entry
        for entry in entries.load_evidence(connection, node.key)
        if isinstance(entry.act, Countersigned | ProposalWithdrawn) and entry.act.proposal == proposal and entry.by is not None
    ]
    known = {event.position for event in told_since(connection, viewer, node, 0).value}
    if not ends or ends[-1].position not in known:
        return gone
    last, by = ends[-1], ends[-1].by
    who, at = by.printed_name if by is not None else "", last.recorded_at
    if isinstance(last.act, ProposalWithdrawn):
        return StaleError(f"{who} took this back at {at}", code="proposal_taken_back", who=who, at=at, reason=last.act.reason)
    return StaleError(f"{who} signed this at {at}; it is recorded", code="proposal_signed", who=who, at=at)


def check_undecided(act: Act, told: Iterable[TimelineEvent]) -> None:
    """Raises StaleError where somebody has meanwhile decided what `act` decides: it is signed only by who has read that."""
    if any(_competes(act, event) for event in told):
        raise StaleError("somebody else has decided this meanwhile; read what they recorded, then sign again", code="decided_meanwhile")


def _competes(act: Act, event: TimelineEvent) -> bool:
    name = act.rule.name
    if not any({name, event.act} <= family for family in DECISIONS):
        return False
    theirs = dict(event.values)
    return all(theirs[field] == getattr(act, field) for field in ABOUT_ONE & theirs.keys() if hasattr(act, field))
