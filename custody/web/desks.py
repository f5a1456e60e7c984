"""The table of desks: who works at each, which things lie on it, and which acts it offers, in the order of the day."""

from __future__ import annotations

from dataclasses import dataclass

from custody.domain.terms import Role


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One desk. `kinds`: things it lists and opens; `acts`: what can be recorded at it.

    `endpoint` stands for a desk whose pages are older than this table; the others live at `/desks/<name>` (desk_kit).
    """

    name: str
    roles: frozenset[Role]
    kinds: tuple[str, ...]
    acts: tuple[str, ...]
    endpoint: str

    @property
    def title_key(self) -> str:
        return f"desk.{self.name}.title"

    @property
    def has_sheets(self) -> bool:
        """Whether a thing opens within this desk."""
        return self.endpoint == f"desk_{self.name}.home"


def _desk(name: str, *, roles: tuple[Role, ...], kinds: tuple[str, ...], acts: str, endpoint: str = "") -> Desk:
    return Desk(name=name, roles=frozenset(roles), kinds=kinds, acts=tuple(acts.split()), endpoint=endpoint or f"desk_{name}.home")


DESKS: tuple[Desk, ...] = (
    _desk(
        "donor",
        roles=(Role.DONOR_COORDINATOR, Role.PROCUREMENT_NURSE, Role.QA_REVIEWER, Role.QP),
        kinds=("donor", "donation", "tissue"),
        acts="""donor_registered consent_signed consent_withdrawn cord_collected donor_sampled donor_test_resulted donor_history_taken
            donor_risk_assessed eligibility_determined eligibility_refused tissue_packed logger_started logger_file_read""",
    ),
    _desk(
        "bench",
        roles=(Role.OPERATOR, Role.VERIFIER),
        kinds=("tissue", "bank", "lot", "bag"),
        acts="""tissue_arrived tissue_accepted processing_started primary_culture_harvested bank_started bank_step_recorded
            bank_filled product_opened line_cleared lot_started lot_step_recorded bags_filled labels_printed labels_applied
            labels_destroyed sample_taken bag_retained bag_stored bag_taken_out bag_damaged bag_destroyed deviation_opened
            material_received equipment_registered logger_installed logger_removed logger_started logger_file_read""",
    ),
    _desk(
        "quality_control",
        roles=(Role.QC_ANALYST, Role.QC_REVIEWER, Role.QA_REVIEWER, Role.QP),
        kinds=("lot", "bank", "dose", "donation"),
        acts="""sample_taken result_recorded result_reviewed out_of_specification_opened out_of_specification_closed results_concluded
            deviation_opened exception_risk_evaluated donor_test_resulted material_received""",
    ),
    _desk(
        "release",
        roles=(Role.QA_REVIEWER, Role.QP),
        kinds=("lot", "bank", "dose"),
        acts="""batch_record_reviewed audit_trail_reviewed released released_conditionally rejected exception_risk_evaluated
            exception_never_list_confirmed released_exceptionally""",
    ),
    _desk(
        "quality",
        roles=(Role.QA_REVIEWER, Role.QP, Role.SAFETY_OFFICER),
        kinds=("lot", "bag", "shipment", "bank", "tissue", "donation", "donor", "dose", "kit"),
        acts="""hold_placed hold_lifted deviation_opened deviation_closed recalled cold_chain_decided gap_disposed trace_given_up
            tissue_rejected out_of_specification_opened out_of_specification_closed documents_received shipment_lost
            logger_file_read""",
    ),
    _desk(
        "registers",
        roles=(
            Role.ADMINISTRATOR,
            Role.QA_REVIEWER,
            Role.QP,
            Role.COLD_CHAIN_OPERATOR,
            Role.OPERATOR,
            Role.HOSPITAL_RECEIVER,
            Role.PREPARER,
            Role.INVESTIGATOR,
        ),
        kinds=("material", "equipment", "shipper", "logger", "account", "site", "study"),
        acts="""material_received material_released material_refused equipment_registered equipment_calibrated logger_installed
            logger_removed shipper_registered shipper_qualified logger_registered logger_calibrated logger_started logger_key_registered
            training_recorded delegation_recorded document_approved document_withdrawn access_reviewed study_approved site_registered
            clock_set_right account_created account_disabled role_granted role_revoked secret_reset_issued badge_revoked""",
    ),
    _desk(
        "allocation",
        roles=(
            Role.INVESTIGATOR,
            Role.IWRS,
            Role.BEDSIDE_NURSE,
            Role.SPONSOR,
            Role.DATA_SAFETY_BOARD,
            Role.SAFETY_OFFICER,
        ),
        kinds=("participant", "dose", "study", "kit"),
        acts="""participant_registered participant_consented participant_eligibility_recorded weight_measured wristband_issued
            dose_requested kit_assigned dose_allocated spare_allocated dose_deallocated prescription_signed participant_left
            committee_decided cohort_opened cohort_closed toxicity_recorded study_halted study_resumed exception_requested
            exception_risk_evaluated exception_accepted exception_sponsor_notified hold_placed""",
    ),
    _desk(
        "packing",
        roles=(Role.COLD_CHAIN_OPERATOR, Role.VERIFIER),
        kinds=("shipment", "bag"),
        acts="""shipment_planned logger_started packing_started bag_taken_out bag_packed bag_unpacked shipper_sealed shipment_delayed
            shipment_lost deviation_opened""",
    ),
    _desk(
        "handoff",
        roles=(Role.CARRIER, Role.COLD_CHAIN_OPERATOR, Role.HOSPITAL_RECEIVER, Role.PREPARER, Role.BEDSIDE_NURSE),
        kinds=("shipment", "bag"),
        acts="handoff_offered handoff_accepted handoff_withdrawn shipment_delayed shipment_lost bag_damaged",
    ),
    _desk(
        "receiving",
        roles=(Role.HOSPITAL_RECEIVER, Role.PREPARER, Role.VERIFIER),
        kinds=("shipment", "bag"),
        acts="""handoff_accepted shipment_arrived documents_received logger_file_read bag_accepted bag_refused_at_receipt bag_damaged
            bag_returned""",
        endpoint="receiving.choose",
    ),
    _desk(
        "storage",
        roles=(Role.COLD_CHAIN_OPERATOR, Role.HOSPITAL_RECEIVER, Role.OPERATOR, Role.PREPARER),
        kinds=("bag", "tissue", "equipment"),
        acts="""bag_stored bag_taken_out bag_returned bag_destroyed bag_damaged tissue_arrived equipment_registered logger_installed
            logger_removed logger_file_read material_received""",
    ),
    _desk(
        "preparation",
        roles=(Role.PREPARER,),
        kinds=("dose", "bag"),
        acts="""bag_taken_out bag_preparation_started cover_bound sample_taken result_recorded dose_bag_released handoff_offered
            bag_discarded deviation_opened""",
    ),
    _desk(
        "bedside",
        roles=(Role.BEDSIDE_NURSE, Role.SECOND_CHECKER, Role.INVESTIGATOR),
        kinds=("dose", "bag"),
        acts="""ready_confirmed premedication_given vitals_recorded fit_to_infuse_signed bedside_scanned infusion_started
            next_bag_started infusion_rate_changed infusion_paused infusion_resumed infusion_alarm_answered reaction_recorded
            vitals_omitted infusion_taken_over bag_damaged toxicity_recorded hold_placed""",
        endpoint="bedside.choose",
    ),
    _desk(
        "closing",
        roles=(Role.BEDSIDE_NURSE, Role.INVESTIGATOR, Role.PREPARER),
        kinds=("dose", "bag"),
        acts="""bag_finished infusion_ended vitals_recorded vitals_omitted dose_closed infusion_recorded_late reaction_recorded bag_returned
            bag_destroyed""",
    ),
    _desk(
        "safety",
        roles=(Role.INVESTIGATOR, Role.BEDSIDE_NURSE, Role.SAFETY_OFFICER, Role.SPONSOR, Role.DATA_SAFETY_BOARD),
        kinds=("participant", "dose", "bag", "lot", "donation", "study"),
        acts="""adverse_event_reported sponsor_informed adverse_event_assessed safety_report_submitted adverse_event_followed_up
            adverse_event_closed toxicity_recorded study_halted""",
    ),
    _desk(
        "monitor",
        roles=(Role.INSPECTOR, Role.UNBLINDED_MONITOR, Role.BLINDED_MONITOR, Role.SAFETY_UNBLINDER),
        kinds=("lot", "bag", "shipment", "dose", "participant", "bank", "tissue", "donation", "donor"),
        acts="",
    ),
)

BY_NAME = {desk.name: desk for desk in DESKS}


def desk(name: str) -> Desk:
    return BY_NAME[name]


def desks_of(roles: frozenset[Role]) -> tuple[Desk, ...]:
    """The desks of a person with these roles, in the order of the menu."""
    return tuple(each for each in DESKS if each.roles & roles)


def desk_for(act: str, kind: str, roles: frozenset[Role]) -> Desk | None:
    """The desk of these roles where an act about a thing of this kind is recorded; None when they have none."""
    return next((each for each in desks_of(roles) if act in each.acts and kind in each.kinds), None)
