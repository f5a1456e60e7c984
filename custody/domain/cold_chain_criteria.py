"""The limits a cold chain is judged by: values only; the numbers themselves are study data (rules section 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from custody.domain.measures import parse_decimal
from custody.domain.terms import StorageForm
from custody.domain.time_in_band import Band, BandRanges
from custody.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ColdChainCriteria:
    """The limits of one storage form, in °C and minutes; a limit itself still belongs to the better class.

    None where the form has no such limit: cryo has nothing too cold, no short warm band and no limit on all time outside.
    Raises InputError when the ranges do not lie inside each other.
    """

    form: StorageForm
    class_0_from: Decimal | None
    class_0_to: Decimal
    class_1_from: Decimal | None
    class_1_to: Decimal
    class_1_minutes_max: Decimal
    class_2_from: Decimal | None
    class_2_to: Decimal
    warm_to: Decimal | None
    warm_minutes_max: Decimal | None
    outside_minutes_max: Decimal | None
    gap_intervals_max: Decimal
    gap_minutes_max: Decimal
    logger_interval_minutes_max: Decimal
    tilt_degrees_max: Decimal
    tilt_minutes_max: Decimal
    shock_g_max: Decimal

    def __post_init__(self) -> None:
        coldest = [limit for limit in (self.class_2_from, self.class_1_from, self.class_0_from) if limit is not None]
        warmest = [limit for limit in (self.class_0_to, self.class_1_to, self.class_2_to, self.warm_to) if limit is not None]
        if len(coldest) not in {0, 3} or (self.warm_to is None) != (self.warm_minutes_max is None):
            raise InputError(f"cold chain of {self.form}: a limit is there without the ones it belongs to")
        if [*coldest, *warmest] != sorted({*coldest, *warmest}):
            raise InputError(
                f"cold chain of {self.form}: the limits must rise from class_2_from over class_0_from and class_0_to to warm_to"
            )

    @property
    def bands(self) -> BandRanges:
        ranges = [
            (Band.CLASS_0, self.class_0_from, self.class_0_to),
            (Band.CLASS_1, self.class_1_from, self.class_1_to),
            (Band.CLASS_2, self.class_2_from, self.class_2_to),
        ]
        if self.warm_to is not None:
            ranges.append((Band.WARM, self.class_2_from, self.warm_to))
        return BandRanges(ranges=tuple(ranges))

    def silence_allowed(self, interval_minutes: Decimal) -> Decimal:
        """Minutes without data that are not yet a gap: two intervals, and never more than the form's own limit."""
        return min(self.gap_intervals_max * interval_minutes, self.gap_minutes_max)


def criteria_from_table(form: str, table: Mapping[str, object]) -> ColdChainCriteria:
    """The criteria of `form` from a TOML table whose numbers are strings; InputError names a key that is missing, unknown or no number."""
    if form not in set(StorageForm):
        raise InputError(f"cold chain: “{form}” is no storage form; expected one of {', '.join(StorageForm)}")
    optional = {"class_0_from", "class_1_from", "class_2_from", "warm_to", "warm_minutes_max", "outside_minutes_max"}
    known = {item.name for item in fields(ColdChainCriteria)} - {"form"}
    if unknown := sorted(table.keys() - known):
        raise InputError(f"cold chain of {form}: unknown limit {', '.join(unknown)}; expected {', '.join(sorted(known))}")
    if missing := sorted(known - optional - table.keys()):
        raise InputError(f"cold chain of {form}: the limit {', '.join(missing)} is missing")
    limits: dict[str, Decimal | None] = dict.fromkeys(optional)
    for name, written in table.items():
        if not isinstance(written, str):
            raise InputError(
                f'cold chain of {form}: {name} must be a number in quotes, as in "8.0", so that it stays exact; seen: {written!r}'
            )
        limits[name] = parse_decimal(written, f"number for {name}")
    return ColdChainCriteria(form=StorageForm(form), **limits)  # type: ignore[arg-type]  # only the optional limits can be None
