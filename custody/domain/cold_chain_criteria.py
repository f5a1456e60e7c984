"""The limits a cold chain is judged by: values only; the numbers themselves are study data (rules section 11)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from custody.domain.terms import StorageForm
from custody.domain.time_in_band import Band, BandRanges
from custody.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ColdChainCriteria:
    """The limits of one storage form, in °C and minutes; a limit itself still belongs to the better class.

    None where cryo has no such limit: nothing is too cold, there is no short warm band and no limit on all time outside.
    Raises InputError when a form lacks one of its limits, or the ranges do not lie inside each other.
    """

    form: StorageForm
    class_0_from: Decimal | None = None
    class_0_to: Decimal
    class_1_from: Decimal | None = None
    class_1_to: Decimal
    class_1_minutes_max: Decimal
    class_2_from: Decimal | None = None
    class_2_to: Decimal
    warm_to: Decimal | None = None
    warm_minutes_max: Decimal | None = None
    outside_minutes_max: Decimal | None = None
    gap_intervals_max: Decimal
    gap_minutes_max: Decimal
    logger_interval_minutes_max: Decimal
    tilt_degrees_max: Decimal
    tilt_minutes_max: Decimal
    shock_g_max: Decimal

    def __post_init__(self) -> None:
        coldest = [limit for limit in (self.class_2_from, self.class_1_from, self.class_0_from) if limit is not None]
        warmest = [limit for limit in (self.class_0_to, self.class_1_to, self.class_2_to, self.warm_to) if limit is not None]
        of_cold_2_8_only = (*coldest, self.warm_to, self.warm_minutes_max, self.outside_minutes_max)
        if self.form is StorageForm.COLD_2_8 and (len(coldest) < 3 or None in of_cold_2_8_only):
            raise InputError(f"cold chain of {self.form}: a limit is missing; this form needs all of them")
        if self.form is StorageForm.CRYO and any(limit is not None for limit in of_cold_2_8_only):
            raise InputError(
                f"cold chain of {self.form}: class_…_from, warm_… and outside_minutes_max are limits of {StorageForm.COLD_2_8} only"
            )
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
