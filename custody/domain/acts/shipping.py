"""S10 to S12: packing, hand-offs, transit, temperature files, arrival and the receipt decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from custody.domain.acts.base import Act, Contents, Parent, Scanned, act, signed
from custody.domain.acts.donation import HAPPENED
from custody.domain.ids import BagId, Digest, EquipmentId, LoggerId, PersonId, SealNumber, ShipmentId, ShipperId, SiteId
from custody.domain.terms import Answer, HoldPoint, Meaning, PartyKind, Role, StorageForm

QUALITY = (signed(Meaning.APPROVED, Role.QA_REVIEWER, Role.QP),)
PACKERS = (signed(Meaning.PERFORMED, Role.COLD_CHAIN_OPERATOR), signed(Meaning.WITNESSED, Role.VERIFIER))
RECEIVERS = (
    signed(Meaning.RECEIVED, Role.HOSPITAL_RECEIVER),
    signed(Meaning.VERIFIED, Role.HOSPITAL_RECEIVER, Role.PREPARER, Role.VERIFIER),
)


@act(
    "shipper_registered",
    opens="first",
    title="Shipper registered",
    about=ShipperId,
    unguarded_because="hold point G8 judges it when it is packed",
    biz_step="commissioning",
    by=(Role.COLD_CHAIN_OPERATOR, Role.QA_REVIEWER),
)
@dataclass(frozen=True, kw_only=True)
class ShipperRegistered(Act):
    shipper: ShipperId
    model: str


@act(
    "shipper_qualified",
    title="Shipper qualified",
    about=ShipperId,
    after=("shipper_registered",),
    unguarded_because="hold point G8 judges it when it is packed",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class ShipperQualified(Act):
    """Qualified up to and including `qualified_until`; `hold_minutes` from charging to the end of its temperature range."""

    shipper: ShipperId
    qualified_on: date
    qualified_until: date
    hold_minutes: int


@act(
    "logger_registered",
    opens="first",
    title="Temperature logger registered",
    about=LoggerId,
    unguarded_because="hold point G8 judges it when it travels",
    biz_step="commissioning",
    by=(Role.COLD_CHAIN_OPERATOR, Role.QA_REVIEWER, Role.HOSPITAL_RECEIVER),
)
@dataclass(frozen=True, kw_only=True)
class LoggerRegistered(Act):
    logger: LoggerId
    model: str
    interval_minutes: Decimal


@act(
    "logger_calibrated",
    title="Temperature logger calibrated",
    about=LoggerId,
    after=("logger_registered",),
    unguarded_because="hold point G8 and gate BAG-COLD judge it",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class LoggerCalibrated(Act):
    """In calibration up to and including `due_on`."""

    logger: LoggerId
    calibrated_on: date
    due_on: date
    certificate: str


@act(
    "logger_started",
    title="Temperature logger started",
    about=LoggerId,
    after=("logger_registered",),
    unguarded_because=HAPPENED,
    biz_step="sensor_reporting",
    by=(Role.COLD_CHAIN_OPERATOR, Role.PROCUREMENT_NURSE, Role.OPERATOR, Role.HOSPITAL_RECEIVER, Role.PREPARER),
)
@dataclass(frozen=True, kw_only=True)
class LoggerStarted(Act):
    logger: Scanned[LoggerId]
    started_at: datetime


@act(
    "logger_file_read",
    title="Temperature file read",
    about=LoggerId,
    after=("logger_registered",),
    unguarded_because="what a logger measured is always recorded",
    biz_step="sensor_reporting",
    by=(
        Role.COLD_CHAIN_OPERATOR,
        Role.HOSPITAL_RECEIVER,
        Role.OPERATOR,
        Role.VERIFIER,
        Role.PREPARER,
        Role.QA_REVIEWER,
        Role.PROCUREMENT_NURSE,
    ),
)
@dataclass(frozen=True, kw_only=True)
class LoggerFileRead(Act):
    """`signature_valid` is what the arithmetic says (None: the file carries none); whether the key is trusted is judged later, from
    the study's registered keys. `series` is the digest of the parsed readings, `file` that of the bytes kept as evidence.
    """

    logger: LoggerId
    file: Digest
    series: Digest
    format: str
    signature_valid: bool | None
    key_fingerprint: Digest | None
    interval_minutes: Decimal
    count: int
    starts_at: datetime
    ends_at: datetime
    celsius_min: Decimal
    celsius_max: Decimal
    shock_or_tilt: bool = False


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One leg of the way: which carrier organisation carries it."""

    carrier: str


@act(
    "shipment_planned",
    opens="first",
    title="Shipment planned",
    about=ShipmentId,
    unguarded_because="a plan moves nothing; hold point G8 judges the packed shipper",
    biz_step="other",
    signatures=(signed(Meaning.PERFORMED, Role.COLD_CHAIN_OPERATOR),),
)
@dataclass(frozen=True, kw_only=True)
class ShipmentPlanned(Act):
    """`bags` is the packing list; `documents` by their codes in the study's list; `planned_minutes` from hand-over to arrival."""

    shipment: ShipmentId
    origin: Parent[SiteId]
    destination: Parent[SiteId]
    form: StorageForm
    bags: tuple[Contents[BagId], ...]
    legs: tuple[Leg, ...]
    planned_minutes: int
    documents: tuple[str, ...]


@act(
    "packing_started",
    title="Packing started",
    about=ShipmentId,
    after=("shipment_planned",),
    unguarded_because="hold point G8 judges the packed shipper",
    biz_step="packing",
    signatures=(signed(Meaning.PERFORMED, Role.COLD_CHAIN_OPERATOR),),
)
@dataclass(frozen=True, kw_only=True)
class PackingStarted(Act):
    """`charged_at`: when the shipper was filled with its coolant, from which its hold time runs."""

    shipment: ShipmentId
    shipper: Scanned[Parent[ShipperId]]
    loggers: tuple[Scanned[Parent[LoggerId]], ...]
    charged_at: datetime


@act(
    "bag_packed",
    title="Bag packed",
    about=BagId,
    after=("bag_filled",),
    unguarded_because="hold point G8 judges every bag before the shipper leaves",
    biz_step="packing",
    signatures=PACKERS,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class BagPacked(Act):
    bag: Scanned[BagId]
    shipment: Parent[ShipmentId]
    packed_at: datetime


@act(
    "bag_unpacked",
    title="Bag taken out of a shipper that did not leave",
    about=BagId,
    after=("bag_packed",),
    unguarded_because="it moves away from the patient",
    biz_step="unpacking",
    signatures=PACKERS,
)
@dataclass(frozen=True, kw_only=True)
class BagUnpacked(Act):
    bag: Scanned[BagId]
    shipment: Parent[ShipmentId]
    reason: str


@act(
    "shipper_sealed",
    title="Shipper sealed",
    about=ShipmentId,
    after=("packing_started",),
    hold_point=HoldPoint.SHIP,
    biz_step="packing",
    signatures=PACKERS,
)
@dataclass(frozen=True, kw_only=True)
class ShipperSealed(Act):
    shipment: ShipmentId
    shipper: Scanned[Parent[ShipperId]]
    seals: tuple[Scanned[SealNumber], ...]
    documents: tuple[str, ...]
    bags: tuple[Contents[BagId], ...]


@act(
    "handoff_offered",
    title="Handed over",
    about=(ShipmentId, BagId),
    after=("shipper_sealed", "bag_filled"),
    unguarded_because="until it is accepted the giver stays custodian and nothing may be used; hold point H judges the acceptance",
    biz_step="departing",
    signatures=(
        signed(Meaning.HANDED_OVER, Role.COLD_CHAIN_OPERATOR, Role.CARRIER, Role.HOSPITAL_RECEIVER, Role.PREPARER, Role.BEDSIDE_NURSE),
    ),
)
@dataclass(frozen=True, kw_only=True)
class HandoffOffered(Act):
    """`to_person` is empty for a carrier organisation; `code` is the digest of the possession code read out at the hand-over."""

    node: Scanned[ShipmentId | BagId]
    to_kind: PartyKind
    to_organisation: str
    to_person: PersonId | None
    seals: tuple[Scanned[SealNumber], ...]
    code: Digest
    offered_at: datetime


@act(
    "handoff_accepted",
    title="Hand-over accepted",
    about=(ShipmentId, BagId),
    after=("handoff_offered",),
    hold_point=HoldPoint.HANDOFF,
    biz_step="accepting",
    signatures=(
        signed(Meaning.RECEIVED, Role.CARRIER, Role.HOSPITAL_RECEIVER, Role.COLD_CHAIN_OPERATOR, Role.BEDSIDE_NURSE, Role.PREPARER),
    ),
)
@dataclass(frozen=True, kw_only=True)
class HandoffAccepted(Act):
    node: Scanned[ShipmentId | BagId]
    seals: tuple[Scanned[SealNumber], ...]
    code: Digest


@act(
    "handoff_withdrawn",
    title="Hand-over withdrawn",
    about=(ShipmentId, BagId),
    after=("handoff_offered",),
    unguarded_because="the giver stays custodian",
    biz_step="other",
    signatures=(
        signed(Meaning.PERFORMED, Role.COLD_CHAIN_OPERATOR, Role.CARRIER, Role.HOSPITAL_RECEIVER, Role.PREPARER, Role.BEDSIDE_NURSE),
    ),
)
@dataclass(frozen=True, kw_only=True)
class HandoffWithdrawn(Act):
    node: ShipmentId | BagId
    reason: str


@act(
    "shipment_delayed",
    title="Shipment overdue",
    about=ShipmentId,
    after=("shipper_sealed",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=(Role.CARRIER, Role.COLD_CHAIN_OPERATOR, Role.HOSPITAL_RECEIVER),
)
@dataclass(frozen=True, kw_only=True)
class ShipmentDelayed(Act):
    shipment: ShipmentId
    reason: str


@act(
    "shipment_lost",
    title="Shipment lost",
    about=ShipmentId,
    after=("shipper_sealed",),
    unguarded_because=HAPPENED,
    biz_step="other",
    by=(Role.CARRIER, Role.COLD_CHAIN_OPERATOR, Role.QA_REVIEWER),
)
@dataclass(frozen=True, kw_only=True)
class ShipmentLost(Act):
    shipment: ShipmentId
    reason: str


@act(
    "shipment_arrived",
    title="Shipment arrived",
    about=ShipmentId,
    after=("shipper_sealed",),
    unguarded_because="an arrival is always recorded",
    biz_step="arriving",
    signatures=(signed(Meaning.RECEIVED, Role.HOSPITAL_RECEIVER),),
)
@dataclass(frozen=True, kw_only=True)
class ShipmentArrived(Act):
    """The receipt checklist of rules section 11, except what belongs to one bag; `liquid_nitrogen_kg` where there is any."""

    shipment: Scanned[ShipmentId]
    shipper: Scanned[ShipperId]
    seals: tuple[Scanned[SealNumber], ...]
    arrived_at: datetime
    outside_undamaged: Answer
    shock_and_tilt_marks_clear: Answer
    logger_present_and_running: Answer
    bags_counted: int
    documents: tuple[str, ...]
    liquid_nitrogen_kg: Decimal | None = None


@act(
    "documents_received",
    title="Missing documents received",
    about=ShipmentId,
    after=("shipment_arrived",),
    unguarded_because="hold point G9 judges the documents again",
    biz_step="other",
    signatures=(signed(Meaning.CONFIRMED, Role.HOSPITAL_RECEIVER, Role.QA_REVIEWER),),
)
@dataclass(frozen=True, kw_only=True)
class DocumentsReceived(Act):
    shipment: ShipmentId
    documents: tuple[str, ...]


@act(
    "bag_accepted",
    title="Bag accepted into the hospital",
    about=BagId,
    after=("bag_packed",),
    hold_point=HoldPoint.RECEIPT,
    biz_step="accepting",
    signatures=RECEIVERS,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class BagAccepted(Act):
    """The part of the receipt checklist that belongs to one bag."""

    bag: Scanned[BagId]
    shipment: Parent[ShipmentId]
    container_whole: Answer
    no_sign_of_thaw: Answer
    label_readable: Answer
    label_equals_order: Answer
    out_of_shipper_minutes: int
    equipment: Scanned[Parent[EquipmentId]]
    position: str


@act(
    "bag_refused_at_receipt",
    title="Bag quarantined or rejected at receipt",
    about=BagId,
    after=("bag_packed",),
    unguarded_because="it only stops",
    biz_step="holding",
    signatures=(signed(Meaning.REJECTED, Role.HOSPITAL_RECEIVER), signed(Meaning.WITNESSED, *RECEIVERS[1].roles)),
)
@dataclass(frozen=True, kw_only=True)
class BagRefusedAtReceipt(Act):
    """`reject`: a leak or a sign of thaw, final; otherwise quarantine, until QA has decided."""

    bag: Scanned[BagId]
    shipment: Parent[ShipmentId]
    reject: bool
    reason: str


@act(
    "bag_damaged",
    title="Bag found leaking or damaged",
    about=BagId,
    after=("bag_filled",),
    unguarded_because="a leak is always recorded",
    biz_step="inspecting",
    by=(
        Role.OPERATOR,
        Role.COLD_CHAIN_OPERATOR,
        Role.HOSPITAL_RECEIVER,
        Role.PREPARER,
        Role.BEDSIDE_NURSE,
        Role.SECOND_CHECKER,
        Role.CARRIER,
    ),
)
@dataclass(frozen=True, kw_only=True)
class BagDamaged(Act):
    bag: Scanned[BagId]
    description: str


@act(
    "bag_returned",
    title="Bag sent back",
    about=BagId,
    after=("bag_packed",),
    unguarded_because="a return is always recorded; the bag is in receipt quarantine again",
    biz_step="void_shipping",
    signatures=(signed(Meaning.PERFORMED, Role.HOSPITAL_RECEIVER, Role.COLD_CHAIN_OPERATOR, Role.PREPARER),),
)
@dataclass(frozen=True, kw_only=True)
class BagReturned(Act):
    bag: Scanned[BagId]
    reason: str


@act(
    "bag_destroyed",
    title="Bag destroyed",
    about=BagId,
    after=("bag_filled",),
    unguarded_because="destruction is always recorded",
    biz_step="destroying",
    signatures=(
        signed(Meaning.PERFORMED, Role.OPERATOR, Role.COLD_CHAIN_OPERATOR, Role.HOSPITAL_RECEIVER, Role.PREPARER, Role.BEDSIDE_NURSE),
        signed(Meaning.WITNESSED, Role.VERIFIER, Role.HOSPITAL_RECEIVER, Role.PREPARER, Role.SECOND_CHECKER, Role.QA_REVIEWER),
    ),
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class BagDestroyed(Act):
    bag: Scanned[BagId]
    method: str
    reason: str
