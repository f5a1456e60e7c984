"""S4 to S6: primary culture, banks, expansion, fill, labels, and the registers a lot depends on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from custody.domain.acts.base import Act, Names, Parent, Scanned, act, signed
from custody.domain.acts.donation import HAPPENED
from custody.domain.ids import BagId, BankId, EquipmentId, LotId, MaterialId, StudyId, TissueId
from custody.domain.terms import BankKind, HoldPoint, Meaning, Product, ProductForm, Role

OPERATOR = (signed(Meaning.PERFORMED, Role.OPERATOR),)
OPERATOR_AND_VERIFIER = (signed(Meaning.PERFORMED, Role.OPERATOR), signed(Meaning.VERIFIED, Role.VERIFIER))
QUALITY = (signed(Meaning.APPROVED, Role.QA_REVIEWER, Role.QP),)


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What went in and where it went, in one unit (cells, ml, vials, bags): in = out + samples + waste + retains."""

    unit: str
    quantity_in: Decimal
    quantity_out: Decimal
    samples: Decimal = Decimal(0)
    waste: Decimal = Decimal(0)
    retains: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class CultureStep:
    """One step of culture: `passage` after it; viable cells seeded and harvested decide the doublings."""

    step: str
    started_at: datetime
    materials: tuple[Parent[MaterialId], ...]
    equipment: tuple[Parent[EquipmentId], ...]
    passage: int
    viable_seeded: Decimal
    viable_harvested: Decimal
    balance: Balance


@act(
    "processing_started",
    title="Tissue processing started",
    about=TissueId,
    after=("tissue_accepted",),
    hold_point=HoldPoint.MANUFACTURING,
    biz_step="creating_class_instance",
    signatures=OPERATOR,
)
@dataclass(frozen=True, kw_only=True)
class ProcessingStarted(Act):
    tissue: Scanned[TissueId]
    started_at: datetime
    materials: tuple[Parent[MaterialId], ...]
    equipment: tuple[Parent[EquipmentId], ...]


@act(
    "primary_culture_harvested",
    title="Primary culture harvested",
    about=TissueId,
    after=("processing_started",),
    hold_point=HoldPoint.MANUFACTURING,
    biz_step="creating_class_instance",
    signatures=OPERATOR,
)
@dataclass(frozen=True, kw_only=True)
class PrimaryCultureHarvested(Act):
    tissue: Scanned[TissueId]
    culture: CultureStep


@act(
    "bank_started",
    opens="first",
    title="Cell bank started",
    about=BankId,
    hold_point=HoldPoint.MANUFACTURING,
    biz_step="creating_class_instance",
    signatures=OPERATOR,
)
@dataclass(frozen=True, kw_only=True)
class BankStarted(Act):
    """`parents`: the tissue (master bank) or the master bank (working bank); `vials_drawn` by number."""

    bank: BankId
    kind: BankKind
    parents: tuple[Parent[TissueId | BankId], ...]
    vials_drawn: tuple[int, ...] = ()

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        drawn = [p for p in self.parents if isinstance(p, BankId)]
        return tuple(VialsWithdrawn(bank=p, vials=self.vials_drawn, into=self.bank) for p in drawn)


@act(
    "vials_withdrawn",
    title="Vials withdrawn from a bank",
    about=BankId,
    after=("bank_filled",),
    unguarded_because="written with the step that uses the vials, which hold point G4 guards",
    biz_step="picking",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class VialsWithdrawn(Act):
    bank: BankId
    vials: tuple[int, ...]
    into: Names[BankId | LotId]


@act(
    "bank_step_recorded",
    title="Culture step of a bank",
    about=BankId,
    after=("bank_started",),
    hold_point=HoldPoint.MANUFACTURING,
    biz_step="creating_class_instance",
    signatures=OPERATOR,
)
@dataclass(frozen=True, kw_only=True)
class BankStepRecorded(Act):
    bank: Scanned[BankId]
    culture: CultureStep


@act(
    "bank_filled",
    title="Bank filled into vials",
    about=BankId,
    after=("bank_step_recorded",),
    hold_point=HoldPoint.MANUFACTURING,
    biz_step="commissioning",
    signatures=OPERATOR_AND_VERIFIER,
)
@dataclass(frozen=True, kw_only=True)
class BankFilled(Act):
    bank: Scanned[BankId]
    vials: int
    viable_cells_per_vial: Decimal
    filled_at: datetime
    balance: Balance


@act(
    "lot_started",
    opens="first",
    title="Drug-product lot started",
    about=LotId,
    hold_point=HoldPoint.MANUFACTURING,
    biz_step="creating_class_instance",
    signatures=OPERATOR,
)
@dataclass(frozen=True, kw_only=True)
class LotStarted(Act):
    """`criteria_version` is the study version in force now; it judges this lot for ever. A placebo lot has no banks."""

    lot: LotId
    product: Product
    form: ProductForm
    criteria_version: int
    banks: tuple[Parent[BankId], ...] = ()
    vials_drawn: tuple[int, ...] = ()

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return tuple(VialsWithdrawn(bank=bank, vials=self.vials_drawn, into=self.lot) for bank in self.banks)


@act(
    "lot_step_recorded",
    title="Manufacturing step of a lot",
    about=LotId,
    after=("lot_started",),
    hold_point=HoldPoint.MANUFACTURING,
    biz_step="creating_class_instance",
    signatures=OPERATOR,
)
@dataclass(frozen=True, kw_only=True)
class LotStepRecorded(Act):
    lot: Scanned[LotId]
    culture: CultureStep


@act(
    "bags_filled",
    title="Bags filled",
    about=LotId,
    after=("lot_step_recorded",),
    hold_point=HoldPoint.MANUFACTURING,
    biz_step="commissioning",
    signatures=OPERATOR_AND_VERIFIER,
)
@dataclass(frozen=True, kw_only=True)
class BagsFilled(Act):
    """`volume_ml` and `viable_cells_label` are what each label states; a placebo bag states 0 cells."""

    lot: Scanned[LotId]
    bags: tuple[Names[BagId], ...]
    volume_ml: Decimal
    viable_cells_label: Decimal
    filled_at: datetime
    expires_at: datetime
    materials: tuple[Parent[MaterialId], ...]
    equipment: tuple[Parent[EquipmentId], ...]
    balance: Balance

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return tuple(
            BagFilled(bag=bag, lot=self.lot, volume_ml=self.volume_ml, filled_at=self.filled_at, expires_at=self.expires_at)
            for bag in self.bags
        )


@act(
    "bag_filled",
    opens="first",
    title="Bag filled",
    about=BagId,
    unguarded_because="written with the fill of its lot, which hold point G4 guards",
    biz_step="commissioning",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class BagFilled(Act):
    bag: BagId
    lot: Parent[LotId]
    volume_ml: Decimal
    filled_at: datetime
    expires_at: datetime


@act(
    "labels_printed",
    title="Labels printed",
    about=(BankId, LotId),
    after=("bank_filled", "bags_filled"),
    unguarded_because="hold point G6 reconciles them",
    biz_step="encoding",
    signatures=OPERATOR,
)
@dataclass(frozen=True, kw_only=True)
class LabelsPrinted(Act):
    node: BankId | LotId
    design: str
    copies: int


@act(
    "labels_applied",
    title="Labels applied and scanned back",
    about=(BankId, LotId),
    after=("labels_printed",),
    unguarded_because="hold point G6 reconciles them",
    biz_step="encoding",
    signatures=OPERATOR_AND_VERIFIER,
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class LabelsApplied(Act):
    node: Scanned[BankId | LotId]
    copies: int


@act(
    "labels_destroyed",
    title="Spare labels destroyed",
    about=(BankId, LotId),
    after=("labels_printed",),
    unguarded_because="destruction is always recorded",
    biz_step="destroying",
    signatures=OPERATOR_AND_VERIFIER,
)
@dataclass(frozen=True, kw_only=True)
class LabelsDestroyed(Act):
    node: BankId | LotId
    copies: int
    reason: str


@act(
    "product_opened",
    title="Product opened at a workstation",
    about=(TissueId, BankId, LotId),
    unguarded_because="it only says what lies there; no step is recorded at a workstation where another product is open",
    biz_step="other",
    by=(Role.OPERATOR,),
)
@dataclass(frozen=True, kw_only=True)
class ProductOpened(Act):
    """From now on this is the one product at that bench or cabinet."""

    node: TissueId | BankId | LotId
    workstation: Scanned[Names[EquipmentId]]

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (WorkstationTaken(equipment=self.workstation, node=self.node),)


@act(
    "line_cleared",
    title="Line cleared",
    about=(TissueId, BankId, LotId),
    after=("product_opened",),
    unguarded_because="it only takes away, and the next product needs it",
    biz_step="other",
    by=(Role.OPERATOR,),
)
@dataclass(frozen=True, kw_only=True)
class LineCleared(Act):
    """Nothing of this product is left at that bench or cabinet: no label, container or waste (line clearance)."""

    node: TissueId | BankId | LotId
    workstation: Scanned[Names[EquipmentId]]

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        del study
        return (WorkstationCleared(equipment=self.workstation, node=self.node),)


@act(
    "workstation_taken",
    title="Workstation taken by a product",
    about=EquipmentId,
    after=("equipment_registered",),
    unguarded_because="written with the opening of the product",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class WorkstationTaken(Act):
    equipment: EquipmentId
    node: Names[TissueId | BankId | LotId]


@act(
    "workstation_cleared",
    title="Workstation cleared of a product",
    about=EquipmentId,
    after=("workstation_taken",),
    unguarded_because="written with the clearance of the line",
    biz_step="other",
    companion=True,
)
@dataclass(frozen=True, kw_only=True)
class WorkstationCleared(Act):
    equipment: EquipmentId
    node: Names[TissueId | BankId | LotId]


@act(
    "bag_retained",
    title="Bag kept as retain sample",
    about=BagId,
    after=("bag_filled",),
    unguarded_because="a retained bag moves away from the patient",
    biz_step="storing",
    signatures=OPERATOR,
)
@dataclass(frozen=True, kw_only=True)
class BagRetained(Act):
    bag: Scanned[BagId]
    place: str
    until: date


@act(
    "bag_stored",
    title="Bag put into storage",
    about=BagId,
    after=("bag_filled",),
    unguarded_because=HAPPENED,
    biz_step="storing",
    by=(Role.OPERATOR, Role.COLD_CHAIN_OPERATOR, Role.HOSPITAL_RECEIVER, Role.PREPARER),
)
@dataclass(frozen=True, kw_only=True)
class BagStored(Act):
    bag: Scanned[BagId]
    equipment: Scanned[Parent[EquipmentId]]
    position: str
    stored_at: datetime


@act(
    "bag_taken_out",
    title="Bag taken out of storage",
    about=BagId,
    after=("bag_stored",),
    unguarded_because="it records what happened; packing and preparation are guarded",
    biz_step="picking",
    signatures=(
        signed(Meaning.PERFORMED, Role.COLD_CHAIN_OPERATOR, Role.OPERATOR, Role.PREPARER, Role.HOSPITAL_RECEIVER),
        signed(Meaning.VERIFIED, Role.VERIFIER, Role.PREPARER, Role.HOSPITAL_RECEIVER, Role.COLD_CHAIN_OPERATOR),
    ),
    second="repeat",
)
@dataclass(frozen=True, kw_only=True)
class BagTakenOut(Act):
    bag: Scanned[BagId]
    taken_at: datetime


@act(
    "material_received",
    opens="first",
    title="Material received",
    about=MaterialId,
    unguarded_because=HAPPENED,
    biz_step="receiving",
    by=(Role.OPERATOR, Role.QC_ANALYST, Role.COLD_CHAIN_OPERATOR),
)
@dataclass(frozen=True, kw_only=True)
class MaterialReceived(Act):
    """One supplier's lot of one material; it may be used before, not at, `expires_at`."""

    material: MaterialId
    name: str
    supplier: str
    supplier_lot: str
    certificate: str
    animal_origin: bool
    expires_at: datetime


@act(
    "material_released",
    title="Material released for use",
    about=MaterialId,
    after=("material_received",),
    unguarded_because="hold point G4 judges the material when it is used",
    biz_step="accepting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class MaterialReleased(Act):
    material: MaterialId


@act(
    "material_refused",
    title="Material rejected or its release withdrawn",
    about=MaterialId,
    after=("material_received",),
    unguarded_because="a rejection is always recorded",
    biz_step="inspecting",
    signatures=QUALITY,
)
@dataclass(frozen=True, kw_only=True)
class MaterialRefused(Act):
    material: MaterialId
    reason: str
