"""Closed vocabularies: every word the ledger may use for a role, a meaning, a hold point or an outcome."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a person is granted, per site and study, with dates (rules section 3)."""

    DONOR_COORDINATOR = "donor_coordinator"
    PROCUREMENT_NURSE = "procurement_nurse"
    CARRIER = "carrier"
    OPERATOR = "operator"
    VERIFIER = "verifier"
    QC_ANALYST = "qc_analyst"
    QC_REVIEWER = "qc_reviewer"
    QA_REVIEWER = "qa_reviewer"
    QP = "qp"
    COLD_CHAIN_OPERATOR = "cold_chain_operator"
    HOSPITAL_RECEIVER = "hospital_receiver"
    PREPARER = "preparer"
    BEDSIDE_NURSE = "bedside_nurse"
    SECOND_CHECKER = "second_checker"
    INVESTIGATOR = "investigator"
    IWRS = "iwrs"
    SAFETY_UNBLINDER = "safety_unblinder"
    SAFETY_OFFICER = "safety_officer"
    DATA_SAFETY_BOARD = "data_safety_board"
    BLINDED_MONITOR = "blinded_monitor"
    UNBLINDED_MONITOR = "unblinded_monitor"
    SPONSOR = "sponsor"
    INSPECTOR = "inspector"
    ADMINISTRATOR = "administrator"


BLINDED_ROLES = frozenset({Role.BEDSIDE_NURSE, Role.SECOND_CHECKER, Role.INVESTIGATOR, Role.HOSPITAL_RECEIVER, Role.BLINDED_MONITOR})
"""Roles that may not learn arm, lot, donor or QC values in a blinded phase (rules section 13)."""

READ_ONLY_ROLES = frozenset({Role.INSPECTOR, Role.BLINDED_MONITOR, Role.UNBLINDED_MONITOR})


class Meaning(StrEnum):
    """What a signature says (21 CFR 11.50)."""

    PERFORMED = "performed"
    VERIFIED = "verified"
    WITNESSED = "witnessed"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    DETERMINED = "determined"
    RELEASED = "released"
    REJECTED = "rejected"
    REQUESTED = "requested"
    EVALUATED = "evaluated"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    PRESCRIBED = "prescribed"
    HANDED_OVER = "handed_over"
    RECEIVED = "received"
    IDENTITY_CHECKED = "identity_checked"
    CLOSED = "closed"


class HoldPoint(StrEnum):
    """Where gates run, numbered as the rules page numbers them (rules section 4)."""

    COLLECTION = "G1"
    ELIGIBILITY = "G2"
    TISSUE_RECEIPT = "G3"
    MANUFACTURING = "G4"
    RESULT_REVIEW = "G5"
    RELEASE = "G6"
    ALLOCATION = "G7"
    SHIP = "G8"
    HANDOFF = "H"
    RECEIPT = "G9"
    PREPARE = "G10"
    DOSE_RELEASE = "G11"
    BEDSIDE = "G12"
    NEXT_BAG = "G12N"
    CLOSE = "G13"
    EXCEPTION = "X"


class Product(StrEnum):
    CELLS = "cells"
    PLACEBO = "placebo"


class ProductForm(StrEnum):
    """How the product is kept; decides the tier of the release specification and the cold-chain limits."""

    FROZEN = "frozen"
    FRESH = "fresh"


class StorageForm(StrEnum):
    """Which table of cold-chain limits applies (rules section 11)."""

    CRYO = "cryo"
    COLD_2_8 = "cold_2_8"


class PreparationMode(StrEnum):
    CLOSED_THAW = "closed_thaw"
    FRESH = "fresh"
    OPEN_WASH = "open_wash"


class BankKind(StrEnum):
    MASTER = "master"
    WORKING = "working"


class Tier(StrEnum):
    """Columns of the release specification (rules section 7)."""

    BANK = "B"
    FROZEN_LOT = "L"
    FRESH_LOT = "F"
    DOSE = "X"
    PLACEBO = "P"


class Need(StrEnum):
    """What a cell of the release specification says about a test."""

    MUST_PASS = "R"  # noqa: S105 - what a test must do
    MAY_BE_PENDING = "C"
    INFORMATION = "I"
    NOT_TESTED = "-"


class DonorTestOutcome(StrEnum):
    NON_REACTIVE = "non_reactive"
    REACTIVE = "reactive"
    INDETERMINATE = "indeterminate"


class SamplePurpose(StrEnum):
    AT_DONATION = "at_donation"
    PRE_INFUSION = "pre_infusion"
    REPEAT = "repeat"


class Determination(StrEnum):
    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"


class Severity(StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Seriousness(StrEnum):
    """The gravest outcome of an adverse event that applies (ICH E2A II.B); `not_known` is treated as the gravest until somebody knows."""

    DEATH = "death"
    LIFE_THREATENING = "life_threatening"
    HOSPITALISATION = "hospitalisation"
    DISABILITY = "disability"
    CONGENITAL_ANOMALY = "congenital_anomaly"
    MEDICALLY_IMPORTANT = "medically_important"
    NOT_SERIOUS = "not_serious"
    NOT_KNOWN = "not_known"


class Relatedness(StrEnum):
    """Whether the product may have caused it."""

    RELATED = "related"
    POSSIBLE = "possible"
    NOT_RELATED = "not_related"


class Expectedness(StrEnum):
    """Whether nature and severity stand in the reference safety information."""

    EXPECTED = "expected"
    UNEXPECTED = "unexpected"


class EventOutcome(StrEnum):
    RECOVERED = "recovered"
    RECOVERED_WITH_SEQUELAE = "recovered_with_sequelae"
    RECOVERING = "recovering"
    NOT_RECOVERED = "not_recovered"
    FATAL = "fatal"
    NOT_KNOWN = "not_known"


class SafetyReport(StrEnum):
    INITIAL = "initial"
    FOLLOW_UP = "follow_up"


class ReportRecipient(StrEnum):
    """Who must be told of an unexpected serious event."""

    REGULATOR = "regulator"
    ETHICS_COMMITTEE = "ethics_committee"
    DATA_SAFETY_BOARD = "data_safety_board"


class Committee(StrEnum):
    DATA_SAFETY = "data_safety"
    ETHICS = "ethics"


class CommitteeDecision(StrEnum):
    """What a committee decided about a cohort."""

    OPEN = "open"
    REFUSE = "refuse"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class ConsentSigner(StrEnum):
    """Who signed for the participant; most of these patients are sedated."""

    PARTICIPANT = "participant"
    LEGAL_REPRESENTATIVE = "legal_representative"


class IdentifierMethod(StrEnum):
    """How the second identifier was obtained at the bed (rules section 12)."""

    SPOKEN = "spoken"
    BY_RELATIVE = "by_relative"
    HOSPITAL_RECORD = "hospital_record"


class BagReadAs(StrEnum):
    """Which label of a bag was read at the bed: a bag under a cover has its own number out of sight (rules section 13)."""

    OWN_LABEL = "own_label"
    COVER_LABEL = "cover_label"


class Answer(StrEnum):
    """One line of a checklist: `not_checked` never counts as yes."""

    YES = "yes"
    NO = "no"
    NOT_CHECKED = "not_checked"


class ColdChainDecision(StrEnum):
    """What QA decided about a class 2 excursion or an unregistered key."""

    RELEASE = "release"
    REJECT = "reject"


class SignatureStateWord(StrEnum):
    """What a logger file's own signature proves; only VERIFIED is worth trusting on its own."""

    VERIFIED = "verified"
    KEY_NOT_REGISTERED = "key not registered"
    """The signature holds, but nobody has registered its key: QA decides."""
    INVALID = "invalid"
    """The signature does not match: the file was changed, and never counts."""
    NONE = "none"
    """The format carries no signature."""


class SiteKind(StrEnum):
    MATERNITY = "maternity"
    MANUFACTURER = "manufacturer"
    HOSPITAL = "hospital"
    CARRIER = "carrier"
    SPONSOR = "sponsor"


class PartyKind(StrEnum):
    """A custodian is a person, a place, or the carrier organisation of one leg."""

    PERSON = "person"
    CARRIER = "carrier"


class VerdictWord(StrEnum):
    GO = "GO"
    STOP = "STOP"
    CANNOT_CHECK = "CANNOT CHECK"
