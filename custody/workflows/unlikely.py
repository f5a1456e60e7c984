"""Values that cannot be what they are given as: a time to come, another unit. Said beside the field, before anybody signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.quality import ResultRecorded
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import StudyId
from custody.domain.quality import judge
from custody.errors import InputError
from custody.workflows.desks.tested import tested
from custody.workflows.dossiers import dossier_of
from custody.workflows.times import future_in


@dataclass(frozen=True)
class Within:
    """Wider than any patient: what lies outside was typed in another unit, or slipped by a digit."""

    lowest: Decimal
    highest: Decimal
    unit: str


OF_PEOPLE: Mapping[str, Within] = {
    "weight_kg": Within(Decimal(1), Decimal(500), "kg"),
    "height_cm": Within(Decimal(30), Decimal(260), "cm"),
    "temperature_celsius": Within(Decimal(15), Decimal(46), "°C"),
    "oxygen_saturation_percent": Within(Decimal(0), Decimal(100), "%"),
    "mean_arterial_pressure_mmhg": Within(Decimal(0), Decimal(350), "mmHg"),
    "heart_rate": Within(Decimal(0), Decimal(400), "/min"),
}
UNIT_REASONS = {"unit_unconvertible": "unit", "number_unreadable": "result", "implausible": "result"}
"""What `judge` says of a result that no limit can be compared with, and the field to blame."""


def unlikely(connection: Connection, act: Act, study: StudyId | None, now: datetime) -> Iterator[InputError]:
    """One error for each field whose value cannot be meant as it stands."""
    yield from future_in(connection, act, now)
    for name, range_ in OF_PEOPLE.items():
        value = getattr(act, name, None)
        if value is not None and not range_.lowest <= Decimal(value) <= range_.highest:
            yield InputError(
                f"{value} {range_.unit} cannot be; look at the unit and the decimal point",
                code="other_unit",
                field=name,
                seen=f"{value} {range_.unit}",
                expected=f"{range_.lowest}–{range_.highest} {range_.unit}",
            )
    if isinstance(act, ResultRecorded) and study is not None:
        yield from _not_comparable(connection, act, study)


def _not_comparable(connection: Connection, act: ResultRecorded, study: StudyId) -> Iterator[InputError]:
    """A result that its limit cannot be compared with: the hold point would stop at it (QC-UNIT). One without a limit informs."""
    dossier = dossier_of(connection, [act.node, study])
    try:
        results = tested(dossier, act.node, StudyFold(dossier, study)).results
        test = next((each for each in results.tests.values() if each.code == act.test), None)
        if test is None:
            return
        limit = test.row.limit(results.tier)
    except (MissingFact, InputError):
        return
    reason = judge(act.result, act.unit, limit, label=results.label).reason
    if reason in UNIT_REASONS:
        seen = f"{act.result} {act.unit}".strip()
        yield InputError(
            f"{seen} cannot be compared with the limit of {act.test}, which is in {test.row.unit}",
            code="not_comparable",
            field=UNIT_REASONS[reason],
            seen=seen,
            test=act.test,
            expected=test.row.unit,
        )
