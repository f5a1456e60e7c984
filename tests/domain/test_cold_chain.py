"""The cold-chain class of a bag's life: both sides of every limit, gaps, missing traces, and a brute-force reference."""

from __future__ import annotations

import dataclasses
import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.cold_chain import Band, ColdChainCriteria, Stay, Tilt, judge_life
from custody.domain.kinetic import mean_kinetic_celsius, mean_kinetic_temperature
from custody.domain.readings import Gap, Reading, Series
from custody.domain.terms import StorageForm
from custody.errors import InputError
from custody.resources import data_dir

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
TABLES = tomllib.loads((data_dir("seed_data") / "studies" / "nct06505941" / "cold_chain.toml").read_text(encoding="utf-8"))["cold_chain"]


def criteria(form, **changed):
    table = {name: Decimal(written) for name, written in TABLES[form].items()}
    return ColdChainCriteria(form=StorageForm(form), **table | changed)


COLD, CRYO = criteria("cold_2_8"), criteria("cryo")


def at(minutes):
    return START + timedelta(minutes=float(minutes))


def trace(*minutes_and_celsius, interval="5", declared=()):
    return Series(
        readings=tuple(Reading(at(minutes), Decimal(celsius)) for minutes, celsius in minutes_and_celsius),
        interval_minutes=Decimal(interval),
        declared_gaps=declared,
    )


def level(celsius, minutes, *, start=0, interval=5):
    """One temperature from `start` for `minutes`, a reading each interval and one at the end."""
    times = sorted({*range(start, start + minutes, interval), start + minutes})
    return trace(*((time, celsius) for time in times), interval=str(interval))


def stay(*traces, start=0, end=None, **more):
    last = max((series.end for series in traces), default=at(60)) if end is None else at(end)
    return Stay(place="shipment:1", start=at(start), end=last, traces=traces, **more)


def klass(*stays, by=COLD):
    return judge_life(stays, by).klass


def codes(*stays, by=COLD):
    return {reason.code for reason in judge_life(stays, by).reasons}


def steps(*celsius_and_minutes):
    """Temperatures that jump within a thousandth of a second, so that each lasts its minutes almost exactly."""
    readings, now = [], Decimal(0)
    for celsius, minutes in celsius_and_minutes:
        whole = [now + Decimal(minute) for minute in range(0, int(minutes), 5)]
        readings += [(time, celsius) for time in whole] + [(now + Decimal(minutes) - Decimal("0.00001"), celsius)]
        now += Decimal(minutes)
    return trace(*readings)


# Every limit of 2 to 8 °C, both sides --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        ("2.0", 0), ("8.0", 0), ("5", 0),
        ("1.9", 1), ("8.1", 1), ("0.5", 1), ("10.0", 1),
        ("0.4", 2), ("10.1", 2), ("0.0", 2), ("15.0", 2), ("15.1", 2), ("25.0", 2),
        ("-0.1", 3), ("25.1", 3),
    ],
)  # fmt: skip
def test_ten_minutes_at_one_temperature_have_its_class(celsius, expected):
    assert klass(stay(level(celsius, 10))) == expected


@pytest.mark.parametrize("celsius", ["8.1", "1.9", "10.0", "0.5"])
def test_class_1_band_is_class_1_for_thirty_minutes_and_class_2_after(celsius):
    assert klass(stay(level(celsius, 30))) == 1
    assert klass(stay(level(celsius, 31))) == 2
    assert codes(stay(level(celsius, 31))) == {"class_1_too_long"}


@pytest.mark.parametrize("celsius", ["15.1", "25.0"])
def test_warm_band_is_class_2_for_fifteen_minutes_and_class_3_after(celsius):
    assert codes(stay(level(celsius, 15))) == {"warm_briefly"}
    assert klass(stay(level(celsius, 15))) == 2
    assert codes(stay(level(celsius, 16))) == {"warm_too_long"}
    assert klass(stay(level(celsius, 16))) == 3


@pytest.mark.parametrize("celsius", ["8.1", "1.9", "10.1", "0.4"])
def test_sixty_minutes_outside_in_all_is_the_most(celsius):
    assert klass(stay(level(celsius, 60))) == 2
    assert klass(stay(level(celsius, 61))) == 3
    assert "outside_too_long" in codes(stay(level(celsius, 61)))


def test_limit_is_exceeded_by_less_than_a_second():
    exact = trace((0, "9"), (5, "9"), (10, "9"), (15, "9"), (20, "9"), (25, "9"), (30, "9"))
    assert klass(stay(exact)) == 1
    assert klass(stay(trace(*((m, "9") for m in range(0, 35, 5)), (Decimal("30.0001"), "9")))) == 2


def test_both_sides_of_the_class_1_band_count_together():
    assert klass(stay(steps(("8.1", 15), ("1.9", 14), ("5", 10)))) == 1
    assert klass(stay(steps(("8.1", 16), ("1.9", 15), ("5", 10)))) == 2


# Every limit of cryo, both sides -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [("-196", 0), ("-150", 0), ("-149.9", 1), ("-135", 1), ("-134.9", 2), ("-120", 2), ("-119.9", 3), ("-119", 3), ("5", 3)],
)
def test_ten_cryo_minutes_have_their_class(celsius, expected):
    assert klass(stay(level(celsius, 10, interval=10)), by=CRYO) == expected


def test_one_cryo_reading_of_minus_119_is_class_3():
    warm = trace((0, "-190"), (10, "-119"), (20, "-190"), interval="10")
    assert klass(stay(warm), by=CRYO) == 3
    assert "beyond_class_2" in codes(stay(warm), by=CRYO)


def test_cryo_class_1_band_is_class_1_for_sixty_minutes_and_never_class_3_by_time():
    assert klass(stay(level("-140", 60, interval=10)), by=CRYO) == 1
    assert klass(stay(level("-140", 61, interval=10)), by=CRYO) == 2
    assert klass(stay(level("-140", 6000, interval=10)), by=CRYO) == 2


# Vectors of mean kinetic temperature, which never decides -------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "mkt"),
    [
        ([(24, 5)], "5.00"),
        ([(20, 5), (4, 12)], "6.65"),
        ([(23, 5), (1, 25)], "7.76"),
        ([(12, 2), (12, 8)], "5.54"),
        ([(18, 5), (6, 15)], "8.79"),
    ],
)
def test_printed_mean_kinetic_temperatures(hours, mkt):
    values = [Decimal(celsius) for count, celsius in hours for _ in range(count)]
    assert mean_kinetic_temperature(values) == Decimal(mkt)


def test_one_hour_at_25_in_a_day_at_5_is_class_3_although_its_mkt_passes():
    day = trace(*((m, "5") for m in range(0, 1380, 5)), *((m, "25") for m in range(1380, 1445, 5)))
    assert klass(stay(day)) == 3
    assert {"warm_too_long", "outside_too_long"} <= codes(stay(day))
    assert mean_kinetic_temperature(day.celsius_values) < 8


def test_mean_kinetic_temperature_keeps_its_digits_in_the_cryo_range():
    assert mean_kinetic_celsius([Decimal(-150)] * 3) == pytest.approx(-150, abs=1e-9)
    mixed = mean_kinetic_celsius([Decimal(-190), Decimal(-150)])
    assert -152 < mixed < -150
    with pytest.raises(InputError, match="at least one reading"):
        mean_kinetic_celsius([])


@given(st.lists(st.decimals(-196, 40, places=1), min_size=1, max_size=30))
def test_mean_kinetic_temperature_lies_between_the_plain_mean_and_the_maximum(values):
    seen = mean_kinetic_celsius(values)
    assert float(sum(values) / len(values)) - 1e-6 <= seen <= float(max(values)) + 1e-6


# The life of a bag, not one leg ---------------------------------------------------------------------------------------


def test_time_in_a_band_is_summed_over_all_stays():
    first, second = stay(level("9", 16)), stay(level("9", 16, start=16), start=16)
    assert klass(first) == 1
    assert klass(second) == 1
    life = judge_life((first, second), COLD)
    assert life.klass == 2
    assert life.minutes[Band.CLASS_1] == life.minutes_outside == 32


def test_values_between_readings_are_linear():
    # 5 → 15 in 10 min: 8 after 3 min, 10 after 5 min; 15 → 5 mirrors it.
    seen = judge_life((stay(trace((0, "5"), (10, "15"), (20, "5"))),), COLD)
    assert {band: str(minutes) for band, minutes in seen.minutes.items()} == {
        Band.CLASS_0: "6.000",
        Band.CLASS_1: "4.000",
        Band.CLASS_2: "10.000",
        Band.WARM: "0.000",
        Band.CLASS_3: "0.000",
    }
    (excursion,) = seen.excursions
    assert (excursion.start, excursion.end, excursion.extreme, excursion.minutes) == (at(3), at(17), 15, 14)
    assert (seen.coldest, seen.warmest) == (5, 15)


def test_crossing_from_too_cold_to_too_warm_passes_every_band():
    seen = judge_life((stay(trace((0, "-1"), (10, "26"))),), COLD)
    assert seen.klass == 3
    assert all(seen.minutes[band] > 0 for band in Band)
    assert [excursion.extreme for excursion in seen.excursions] == [-1, 26]
    values = next(reason.values for reason in seen.reasons if reason.code == "beyond_class_2")
    assert values == {"coldest": -1, "warmest": 26}


def test_only_the_stay_counts_of_a_longer_trace():
    whole = trace(*((m, "20") for m in range(0, 60, 5)), *((m, "5") for m in range(60, 120, 5)), *((m, "20") for m in range(120, 180, 5)))
    assert klass(stay(whole)) == 3
    assert klass(stay(whole, start=60, end=115)) == 0


def test_first_and_last_minutes_of_a_stay_are_on_the_line_to_the_reading_outside_it():
    seen = judge_life((stay(trace((0, "5"), (5, "5"), (10, "15")), end=Decimal(8)),), COLD)
    assert seen.klass == 2
    assert seen.minutes_outside == Decimal("1.5")
    assert seen.excursions[0].extreme == 11
    assert seen.warmest == 5


def test_excursion_ends_that_do_not_end_in_decimals_are_rounded():
    seen = judge_life((stay(trace((0, "5"), (5, "5"), (8, "12")), end=7),), COLD)
    assert seen.excursions[0].extreme == Decimal("9.667")
    assert seen.minutes_outside == Decimal("0.715")  # 5/7 min


def test_reading_at_the_very_end_of_a_trace_counts_even_without_a_line():
    assert klass(stay(trace((0, "30")), end=5)) == 3
    assert klass(stay(trace((0, "5")), end=5)) == 0


# Gaps and missing traces ----------------------------------------------------------------------------------------------


def test_two_intervals_without_data_are_no_gap_and_more_is_class_2():
    assert klass(stay(trace((0, "5"), (10, "5"), (20, "5")))) == 0
    assert codes(stay(trace((0, "5"), (Decimal("10.01"), "5"), (20, "5")))) == {"gap"}
    assert klass(stay(trace((0, "5"), (11, "5"), (20, "5")))) == 2


def test_silence_longer_than_the_form_allows_is_a_gap_at_any_interval():
    by = criteria("cold_2_8", logger_interval_minutes_max=Decimal(10))
    assert klass(stay(trace((0, "5"), (15, "5"), interval="10")), by=by) == 0
    assert klass(stay(trace((0, "5"), (16, "5"), interval="10")), by=by) == 2


def test_cryo_gap_is_more_than_two_intervals_and_never_more_than_half_an_hour():
    assert klass(stay(trace((0, "-190"), (20, "-190"), interval="10")), by=CRYO) == 0
    assert klass(stay(trace((0, "-190"), (21, "-190"), interval="10")), by=CRYO) == 2
    by = criteria("cryo", logger_interval_minutes_max=Decimal(30))
    assert klass(stay(trace((0, "-190"), (30, "-190"), interval="30")), by=by) == 0
    assert klass(stay(trace((0, "-190"), (31, "-190"), interval="30")), by=by) == 2


def test_gap_says_from_when_to_when():
    (gap,) = judge_life((stay(trace((0, "5"), (5, "5"), (40, "5"), (45, "5"))),), COLD).gaps
    assert (gap.start, gap.end, gap.minutes) == (at(5), at(40), 35)


def test_start_and_end_of_a_stay_without_readings_are_gaps():
    inside = level("5", 60)
    assert klass(stay(inside, start=-10, end=70)) == 0
    seen = judge_life((stay(inside, start=-11, end=71),), COLD)
    assert seen.klass == 2
    assert [(gap.start, gap.end) for gap in seen.gaps] == [(at(-11), at(0)), (at(60), at(71))]


def test_time_between_two_stays_is_time_without_data():
    first = stay(level("5", 60))
    assert klass(first, stay(level("5", 60, start=70), start=70)) == 0
    assert codes(first, stay(level("5", 60, start=71), start=71)) == {"gap"}


def test_stay_without_a_trace_is_class_2_until_qa_gives_it_up_and_then_class_3():
    assert codes(stay(), stay(level("5", 60))) == {"missing_trace"}
    assert klass(stay(), stay(level("5", 60))) == 2
    assert klass(stay(qa_gave_up=True), stay(level("5", 60))) == 3
    assert codes(stay(qa_gave_up=True), stay(level("5", 60, start=61), start=61)) == {"no_trace_found", "gap"}


def test_giving_up_a_trace_that_is_there_changes_nothing():
    assert klass(stay(level("5", 60), qa_gave_up=True)) == 0


def test_trace_that_stopped_before_the_stay_is_silent_not_missing():
    before = level("5", 60)
    assert codes(stay(before), stay(before, start=60, end=65)) == set()
    assert codes(stay(before), stay(before, start=60, end=71)) == {"gap"}
    assert codes(stay(before), stay(before, start=60, end=71, qa_gave_up=True)) == {"gap", "no_trace_found"}


def test_life_nobody_measured_is_never_class_0():
    assert codes() == {"nothing_measured"}
    assert klass() == 2
    assert codes(stay(end=0)) == {"nothing_measured"}
    assert codes(stay()) == {"nothing_measured", "missing_trace", "gap"}
    assert judge_life((), COLD).warmest is None


def test_minutes_a_device_says_it_lost_are_a_gap_wherever_in_the_day_they_lie():
    day = Gap(start=at(-600), end=at(840), minutes=Decimal(11))
    assert codes(stay(dataclasses.replace(level("5", 60), declared_gaps=(day,)))) == {"gap"}
    short = dataclasses.replace(day, minutes=Decimal(10))
    assert codes(stay(dataclasses.replace(level("5", 60), declared_gaps=(short,)))) == set()
    yesterday = dataclasses.replace(day, end=at(0))
    assert codes(stay(dataclasses.replace(level("5", 60), declared_gaps=(yesterday,)))) == set()


# Several loggers ------------------------------------------------------------------------------------------------------


def test_second_logger_fills_the_gap_of_the_first():
    broken = trace((0, "5"), (5, "5"), (40, "5"), (45, "5"))
    whole = level("5", 45)
    assert klass(stay(broken)) == 2
    assert klass(stay(broken, whole)) == 0


def test_line_through_a_gap_gives_way_to_a_measured_trace_but_its_readings_do_not():
    broken = trace((0, "5"), (40, "12"))
    assert "class_2_band" in codes(stay(broken, level("5", 40)))
    assert judge_life((stay(broken, level("5", 40)),), COLD).minutes_outside == 0


def test_where_two_loggers_disagree_the_worse_one_counts_and_no_minute_counts_twice():
    seen = judge_life((stay(level("9", 20), level("1", 20), level("5", 20)),), COLD)
    assert seen.minutes[Band.CLASS_1] == 20
    assert seen.minutes[Band.CLASS_0] == 0
    assert len(seen.excursions) == 2


# Handling and loggers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"tilts": (Tilt(degrees=Decimal(46), minutes=Decimal(31)),)}, {"tilted"}),
        ({"tilts": (Tilt(degrees=Decimal(45), minutes=Decimal(31)),)}, set()),
        ({"tilts": (Tilt(degrees=Decimal(46), minutes=Decimal(30)),)}, set()),
        ({"shocks_g": (Decimal("50.1"),)}, {"shocked"}),
        ({"shocks_g": (Decimal(50),)}, set()),
        ({"marks_tripped": ("tilt",)}, {"mark_tripped"}),
        ({"sign_of_thaw": True}, {"sign_of_thaw"}),
    ],
)
def test_tilt_shock_and_thaw(more, expected):
    held = stay(level("-190", 60, interval=10), **more)
    assert codes(held, by=CRYO) == expected
    assert klass(held, by=CRYO) == (3 if "sign_of_thaw" in expected else 2 if expected else 0)


def test_logger_with_a_longer_interval_than_the_study_allows_is_class_2():
    by_five, by_ten = COLD, criteria("cold_2_8", logger_interval_minutes_max=Decimal(10))
    trip = level("5", 60, interval=10)
    assert codes(stay(trip), by=by_five) == {"interval_too_long"}
    assert klass(stay(trip), by=by_five) == 2
    assert klass(stay(trip), by=by_ten) == 0


def test_stay_that_ends_before_it_starts_is_refused():
    with pytest.raises(InputError, match=r"ends .* before it starts"):
        stay(start=10, end=5)


def test_reasons_carry_values_and_no_prose():
    for reason in judge_life((stay(level("9", 31)), stay()), COLD).reasons:
        assert reason.code.isidentifier()
        assert reason.values
    assert judge_life((stay(level("9", 31)),), COLD).reasons[0].values == {"minutes": 31, "minutes_max": 30}


# Criteria -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["class_0_from", "class_1_from", "class_2_from", "warm_to", "warm_minutes_max", "outside_minutes_max"])
def test_no_limit_of_2_to_8_may_be_missing_and_cryo_has_none_of_them(name):
    with pytest.raises(InputError, match="a limit is missing"):
        criteria("cold_2_8", **{name: None})
    with pytest.raises(InputError, match="limits of cold_2_8 only"):
        criteria("cryo", **{name: Decimal(-160)})


@pytest.mark.parametrize(
    "wrong", [{"class_0_to": "10.0"}, {"class_1_from": "2.0"}, {"class_2_from": "0.6"}, {"warm_to": "14"}, {"class_0_from": "9"}]
)
def test_ranges_that_do_not_lie_inside_each_other_are_refused(wrong):
    with pytest.raises(InputError, match="the limits must rise"):
        criteria("cold_2_8", **{name: Decimal(value) for name, value in wrong.items()})


# Brute force ----------------------------------------------------------------------------------------------------------


def reference_class(celsius, form):
    """The table of rules section 11, read again."""
    if form == "cryo":
        return 0 if celsius <= -150 else 1 if celsius <= -135 else 2 if celsius <= -120 else 4
    if 2.0 <= celsius <= 8.0:
        return 0
    if 0.5 <= celsius <= 10.0:
        return 1
    if 0.0 <= celsius <= 15.0:
        return 2
    return 3 if 15.0 < celsius <= 25.0 else 4


def reference_minutes(readings, form, step=1 / 32):
    """Walks along the straight lines in small steps, and counts."""
    counted = dict.fromkeys(range(5), 0.0)
    for (first, low), (last, high) in pairwise(readings):
        for index in range(round((last - first) / step)):
            share = (index + 0.5) * step / (last - first)
            counted[reference_class(float(low) + (float(high) - float(low)) * share, form)] += step
    return counted


@st.composite
def walks(draw, lowest, highest):
    count = draw(st.integers(2, 12))
    times = [0]
    for _ in range(count - 1):
        times.append(times[-1] + draw(st.integers(1, 9)))
    return [(time, draw(st.decimals(lowest, highest, places=1))) for time in times]


@pytest.mark.parametrize(("form", "lowest", "highest"), [("cold_2_8", -3, 30), ("cryo", -160, -110)])
@given(data=st.data())
def test_minutes_in_every_band_agree_with_a_walk_in_small_steps(form, lowest, highest, data):
    readings = data.draw(walks(lowest, highest))
    seen = judge_life((stay(trace(*readings)),), criteria(form))
    expected = reference_minutes(readings, form)
    tolerance = len(readings) * 7 / 32
    for band in Band:
        assert float(seen.minutes[band]) == pytest.approx(expected[int(band)], abs=tolerance)
    assert sum(float(minutes) for minutes in seen.minutes.values()) == pytest.approx(readings[-1][0], abs=0.01)


@given(walks(-3, 30), st.integers(1, 11))
def test_cutting_a_life_into_two_stays_changes_nothing(readings, cut):
    whole = trace(*readings)
    middle = whole.readings[min(cut, len(readings) - 1)].at
    one = judge_life((stay(whole),), COLD)
    two = judge_life(
        (Stay(place="a", start=whole.start, end=middle, traces=(whole,)), Stay(place="b", start=middle, end=whole.end, traces=(whole,))),
        COLD,
    )
    assert (one.klass, one.minutes, one.gaps) == (two.klass, two.minutes, two.gaps)


@given(walks(-3, 30), st.decimals(-3, 30, places=1))
def test_another_worse_stay_never_makes_a_life_better(readings, celsius):
    first = stay(trace(*readings))
    end = readings[-1][0]
    more = stay(level(celsius, 5, start=end), start=end)
    assert klass(first, more) >= klass(first)
