"""What usually comes next on the road, and who does it: a help for people, never a rule (gates and `after` decide)."""

from __future__ import annotations

from custody.domain.acts.base import ACTS
from custody.domain.acts.record import Proposed
from custody.domain.duties import roles_at
from custody.domain.ids import BagId
from custody.domain.terms import Role

NEXT: dict[str, str] = {
    "donor_registered": "consent_signed",
    "consent_signed": "cord_collected",
    "cord_collected": "donor_sampled",
    "donor_sampled": "donor_test_resulted",
    "donor_test_resulted": "donor_history_taken",
    "donor_history_taken": "eligibility_determined",
    "tissue_packed": "tissue_arrived",
    "tissue_arrived": "tissue_accepted",
    "tissue_accepted": "processing_started",
    "processing_started": "primary_culture_harvested",
    "primary_culture_harvested": "bank_started",
    "bank_started": "bank_step_recorded",
    "bank_step_recorded": "bank_filled",
    "bank_filled": "labels_printed",
    "lot_started": "lot_step_recorded",
    "lot_step_recorded": "bags_filled",
    "bags_filled": "labels_printed",
    "labels_printed": "labels_applied",
    "labels_applied": "sample_taken",
    "sample_taken": "result_recorded",
    "result_recorded": "result_reviewed",
    "result_reviewed": "results_concluded",
    "results_concluded": "batch_record_reviewed",
    "batch_record_reviewed": "audit_trail_reviewed",
    "audit_trail_reviewed": "released",
    "shipment_planned": "packing_started",
    "packing_started": "bag_packed",
    "shipper_sealed": "handoff_offered",
    "handoff_offered": "handoff_accepted",
    "handoff_accepted": "shipment_arrived",
    "shipment_arrived": "bag_accepted",
    "bag_stored": "bag_taken_out",
    "bag_packed": "shipper_sealed",
    "bag_accepted": "bag_taken_out",
    "bag_reserved": "bag_taken_out",
    "participant_registered": "participant_consented",
    "participant_consented": "participant_eligibility_recorded",
    "participant_eligibility_recorded": "weight_measured",
    "weight_measured": "wristband_issued",
    "wristband_issued": "dose_requested",
    "dose_requested": "dose_allocated",
    "dose_allocated": "prescription_signed",
    "prescription_signed": "ready_confirmed",
    "ready_confirmed": "bag_preparation_started",
    "bag_preparation_started": "dose_bag_released",
    "dose_bag_released": "infusion_started",
    "fit_to_infuse_signed": "infusion_started",
    "bedside_scanned": "infusion_started",
    "infusion_started": "bag_finished",
    "bag_finished": "infusion_ended",
    "infusion_ended": "dose_closed",
    "adverse_event_reported": "adverse_event_assessed",
    "adverse_event_assessed": "adverse_event_followed_up",
    "adverse_event_followed_up": "adverse_event_closed",
}
"""Newest act of a thing -> the act that usually follows on the road."""


AT_REST: dict[str, frozenset[str]] = {
    "lot": frozenset({"released", "rejected"}),
    "bank": frozenset({"released", "rejected"}),
    "bag": frozenset({"bag_filled", "bag_retained", "bag_infused", "bag_destroyed"}),
    "dose": frozenset({"dose_closed"}),
    "participant": frozenset({"participant_dose_closed", "participant_left"}),
    "donation": frozenset({"eligibility_determined", "eligibility_refused"}),
}
"""Kind -> newest acts with which a thing waits for nobody. A recall or hold is none of them: what is held is listed as long as it is."""
AT_REST_AT_THE_MAKER: dict[str, frozenset[str]] = {"bag": frozenset({"bag_stored"})}
"""The same, where the act was done at the maker: a bag stored at a hospital waits for its dose."""
DECIDED_AT_RECEIPT = frozenset(
    {
        *("bag_filled", "bag_retained", "bag_stored", "bag_taken_out"),
        *("bag_accepted", "bag_refused_at_receipt", "bag_returned", "bag_destroyed", "bag_discarded_from_dose"),
        *("bag_preparing", "bag_dispensed", "bag_spiked", "bag_infused", "handoff_offered", "handoff_accepted"),
    }
)
"""Newest acts of a bag that nobody at a receiving desk has to decide about: it has not travelled, or was decided before."""


def undecided_at_receipt() -> tuple[str, ...]:
    """Every other act a bag may stand at."""
    of_bags = {rule.name for rule in ACTS.values() if BagId in rule.about or rule.stage == Proposed.rule.stage}
    return tuple(sorted(of_bags - DECIDED_AT_RECEIPT))


def next_act(newest: str) -> str:
    """The act that usually follows; empty when the road ends or nobody can say."""
    return NEXT.get(newest, "")


def roles_of_next(act: str) -> tuple[Role, ...]:
    """Who may do it first."""
    return tuple(sorted(roles_at(ACTS[act], 0))) if act else ()
