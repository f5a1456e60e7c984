"""What the allocation desk knows of one dose: its arithmetic step by step, the bags reserved for it, and the bags that could be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from custody.domain.acts.allocation import DoseAllocated, DoseDeallocated, KitAssigned
from custody.domain.criteria import WeightBasis
from custody.domain.dose import PREDICTED_BASE_KG, PREDICTED_FROM_CM, PREDICTED_KG_PER_CM
from custody.domain.dossier import Dossier
from custody.domain.folds.bag import BagFold, BagState
from custody.domain.folds.base import MissingFact
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.dose_contents import DoseContents
from custody.domain.ids import BagId, Din, KitId, LotId, SiteId
from custody.domain.lineage import ancestors_of, donations_of, holds_over, recalls_over
from custody.domain.measures import half_up

CAN_BE_RESERVED = frozenset({BagState.AVAILABLE, BagState.RECEIVED})


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the arithmetic: `key` names its sentence, `sum` what it is filled with, `within` is None without a limit."""

    key: str
    sum: Mapping[str, object]
    result: Decimal
    unit: str
    limit: tuple[str, Decimal] | None = None
    within: bool | None = None


@dataclass(frozen=True, kw_only=True)
class BagSeen:
    """One bag of a dose, or one that could become one. `state` is a word of rules section 2; `moved`: too late to free it."""

    bag: BagId
    lot: LotId | None
    state: str
    holder: str
    expires_at: datetime | None
    spare: bool = False
    opened: bool = False


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """Bags of one donor and lot that could be reserved, oldest expiry first, spares last. `kit`: of the randomisation."""

    bags: tuple[BagSeen, ...]
    kit: KitId | None = None


@dataclass(frozen=True)
class Arithmetic:
    """The steps that can be worked out, and what is missing for the rest (a code of the catalogue of missing facts)."""

    steps: tuple[Step, ...] = ()
    missing: Mapping[str, object] = field(default_factory=dict)


def arithmetic(dose: DoseFold, *, blind: bool) -> Arithmetic:
    """Weight, cells, bags, volume, rate (rules section 8). A blinded role sees no cell counts (section 12)."""
    steps: list[Step] = []
    try:
        for step in _steps(dose, blind=blind):
            steps.append(step)  # noqa: PERF402 - the steps before the missing fact stay
    except MissingFact as missing:
        return Arithmetic(tuple(steps), dict(missing.reason.values))
    return Arithmetic(tuple(steps))


def _steps(dose: DoseFold, *, blind: bool) -> Iterator[Step]:
    settings, plan = dose.criteria.settings, None
    yield _weight(dose)
    plan = dose.plan
    cells = settings.cells_per_bag or Decimal(0)
    if not blind:
        asked = {"per_kg": dose.cohort.cells_per_kg, "weight": plan.weight_kg}
        yield Step(key="target", sum=asked, result=plan.target_cells, unit="cells")
    needed = plan.target_cells / cells
    skipped = plan.bag_count < needed
    yield Step(
        key="bags_blind" if blind else "bags_fewer" if skipped else "bags",
        sum={"target": plan.target_cells, "per_bag": cells, "exact": half_up(needed, 2), "pct": settings.bag_rounding_pct},
        result=Decimal(plan.bag_count),
        unit="bags",
        limit=("at_most", Decimal(settings.max_bags)) if settings.max_bags is not None else None,
        within=plan.bag_count <= settings.max_bags if settings.max_bags is not None else False,
    )
    yield Step(
        key="volume_blind" if blind else "volume",
        sum={"bag_ml": settings.bag_ml, "planned": plan.planned_cells, "per_bag": cells},
        result=plan.volume_ml,
        unit="ml",
        limit=("at_most", settings.max_volume_ml),
        within=plan.volume_ml <= settings.max_volume_ml,
    )
    if not blind:
        shared = {"planned": plan.planned_cells, "target": plan.target_cells}
        yield Step(key="share", sum=shared, result=plan.percent_of_target, unit="%")
    if dose.prescription is not None:
        yield _rate(dose)
    if dose.bags and not blind:
        yield from _measured(dose)


def _weight(dose: DoseFold) -> Step:
    act = dose.weighing.act
    if dose.weight_basis is WeightBasis.ACTUAL:
        return Step(key="weight_actual", sum={"entered": act.weight_kg}, result=dose.weight_kg, unit="kg")
    base = PREDICTED_BASE_KG[act.sex.value]
    given = {"base": base, "factor": PREDICTED_KG_PER_CM, "height": act.height_cm, "start": PREDICTED_FROM_CM, "sex": act.sex}
    return Step(key="weight_predicted", sum=given, result=dose.weight_kg, unit="kg")


def _rate(dose: DoseFold) -> Step:
    contents = DoseContents(dose, dose.bags)
    rate, most = contents.fastest_ml_per_min, contents.settings.max_rate_ml_min
    assert dose.prescription is not None
    act = dose.prescription.act
    given = {"volume": dose.plan.volume_ml, "minutes": act.planned_minutes, "rate": act.rate_ml_per_min}
    return Step(key="rate", sum=given, result=rate, unit="ml/min", limit=("at_most", most), within=rate <= most)


def _measured(dose: DoseFold) -> Iterator[Step]:
    """Viable cells measured in the planned volume against the target, where the product holds cells."""
    contents = DoseContents(dose, dose.bags)
    if all(share.lot.is_placebo for share in contents.shares):
        return
    target, tolerance, cells = dose.plan.target_cells, contents.settings.dose_tolerance_pct, contents.viable_cells
    yield Step(
        key="measured",
        sum={"volume": dose.plan.volume_ml, "target": target},
        result=half_up(100 * cells / target, 1),
        unit="%",
        limit=("within", tolerance),
        within=abs(cells - target) * 100 <= tolerance * target,
    )


def bags_of(dose: DoseFold, holder: Mapping[BagId, str], *, blind: bool) -> tuple[BagSeen, ...]:
    """The bags reserved now, in the order in which they are to be given."""
    try:
        spares = dose.spares
    except MissingFact:
        spares = ()
    return tuple(seen(dose, bag, holder.get(bag, ""), spare=bag in spares, blind=blind) for bag in dose.bags)


def seen(dose: DoseFold, bag: BagId, holder: str, *, spare: bool = False, blind: bool = False) -> BagSeen:
    fold = BagFold(dose.dossier, bag, dose.study)
    try:
        state, expires = fold.state.value, fold.earliest_expiry().expires_at
    except MissingFact:
        # Never filled: said as it is, and judged by the gates.
        state, expires = "", None
    lot = None if blind or not state else fold.lot_id
    return BagSeen(bag=bag, lot=lot, state=state, holder=holder, expires_at=expires, spare=spare, opened=bag in dose.bags_opened)


def freed(dose: DoseFold) -> tuple[tuple[BagId, str, datetime], ...]:
    """Bags that were freed again, why and when."""
    return tuple((bag, deed.act.reason, deed.at) for deed in dose.dossier.deeds(dose.node, DoseDeallocated) for bag in deed.act.bags)


def proposals(dose: DoseFold, bags: Iterable[BagId], at_site: SiteId, now: datetime) -> Iterator[Proposed]:
    """Ways to fill the plan from these bags: each of one donor and one lot, the one whose bags expire first before the others.

    Gates still judge them; a placebo is never proposed where nothing was randomised. Raises MissingFact where the plan lacks a fact.
    """
    settings, plan = dose.criteria.settings, dose.plan
    groups: dict[tuple[frozenset[Din], LotId | None], list[BagFold]] = {}
    for bag in bags:
        fold = BagFold(dose.dossier, bag, dose.study)
        if not could_be(fold, dose, at_site, now):
            continue
        lot = None if settings.allow_mixed_lots else fold.lot_id
        groups.setdefault((frozenset(donations_of(dose.dossier, bag)), lot), []).append(fold)
    enough = [sorted(group, key=by_expiry) for group in groups.values() if len(group) >= plan.bag_count + settings.spare_bags]
    for group in sorted(enough, key=lambda each: by_expiry(each[0])):
        chosen = group[: plan.bag_count + settings.spare_bags]
        yield Proposed(bags=tuple(seen(dose, fold.node, "", spare=n >= plan.bag_count) for n, fold in enumerate(chosen)))


def could_be(fold: BagFold, dose: DoseFold, at_site: SiteId, now: datetime) -> bool:
    """Free, unharmed, of the strength the plan counts with, in the maker's store or in the store of the hospital of this dose."""
    try:
        if fold.state not in CAN_BE_RESERVED or fold.reserved_for is not None or fold.damaged is not None:
            return False
        if fold.lot.is_placebo or fold.lot.label_cells != dose.criteria.settings.cells_per_bag:
            return False
        if fold.state is BagState.RECEIVED and fold.custody.custodian.site != at_site:
            return False
        line = (fold.node, *ancestors_of(fold.dossier, fold.node))
        return not (holds_over(fold.dossier, line) or recalls_over(fold.dossier, line)) and fold.earliest_expiry().expires_at > now
    except MissingFact:
        return False  # a bag nobody can vouch for is not proposed; scanned all the same, the gates say why not


def by_expiry(fold: BagFold) -> tuple[datetime, str]:
    return fold.earliest_expiry().expires_at, fold.node.value


def from_kit(dose: DoseFold, dossier: Dossier, kits: Iterable[KitId]) -> Proposed | None:
    """The kit that randomisation assigned to this participant; None while there is none."""
    for kit in kits:
        assigned = [deed for deed in dossier.deeds(kit, KitAssigned) if deed.act.participant == dose.participant]
        if assigned:
            bags = tuple(bag for deed in assigned for bag in deed.act.bags)
            return Proposed(bags=tuple(seen(dose, bag, "") for bag in bags), kit=kit)
    return None


def allocation_of(dose: DoseFold, proposed: Proposed) -> DoseAllocated:
    """What the allocator would sign."""
    return DoseAllocated(dose=dose.node, cohort=dose.cohort.id, bags=tuple(each.bag for each in proposed.bags), kit=proposed.kit)
