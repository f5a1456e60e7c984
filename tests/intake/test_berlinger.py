"""Berlinger files: read to the last digit, proved by their own signature, refused when one byte is not the logger's."""

from __future__ import annotations

import dataclasses
import os
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.cold_chain import ColdChainCriteria, Stay, judge_life
from custody.domain.readings import Reading, Series
from custody.domain.terms import SignatureStateWord, StorageForm
from custody.errors import InputError, MalformedFileError
from custody.intake.berlinger import SENSOR_FAULT, read_berlinger
from custody.intake.berlinger_signature import public_key
from custody.intake.logger_file import AlarmKind, check_signature
from custody.intake.loggers import read_logger_file
from custody.intake.twins import ALARMS_CRYO, TwinKey, TwinTrip, cut, sealed, write_twin

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
KEY = TwinKey.from_seed("a key for tests")
COLD = ColdChainCriteria(
    form=StorageForm.COLD_2_8,
    class_0_from=Decimal("2.0"),
    class_0_to=Decimal("8.0"),
    class_1_from=Decimal("0.5"),
    class_1_to=Decimal("10.0"),
    class_1_minutes_max=Decimal(30),
    class_2_from=Decimal("0.0"),
    class_2_to=Decimal("15.0"),
    warm_to=Decimal("25.0"),
    warm_minutes_max=Decimal(15),
    outside_minutes_max=Decimal(60),
    gap_intervals_max=Decimal(2),
    gap_minutes_max=Decimal(15),
    logger_interval_minutes_max=Decimal(10),
    tilt_degrees_max=Decimal(45),
    tilt_minutes_max=Decimal(30),
    shock_g_max=Decimal(50),
)


def series(*celsius, interval=10):
    readings = tuple(Reading(START + timedelta(minutes=interval * index), Decimal(value)) for index, value in enumerate(celsius))
    return Series(readings=readings, interval_minutes=Decimal(interval))


def trip(*celsius, **more):
    return TwinTrip(serial="TWIN00001", series=series(*celsius), **more)


TWIN = write_twin(trip("5.0", "4.9", "9.1", "5.2"), KEY)


def changed(old, new, count=1):
    """The twin with one piece of text changed, and signed again, so that only the reader can object."""
    body = TWIN[: TWIN.index(b"Cert:")]
    assert old in body
    return sealed(body.replace(old, new, count), KEY, lot="DEMO0001", issuer="custody demonstration")


# What is read ---------------------------------------------------------------------------------------------------------


def test_twin_is_read_back_to_the_last_digit():
    file = read_berlinger(TWIN)
    assert (file.format, file.model, file.firmware) == ("berlinger", "Q-tag CLm doc LR", "4.7.04o")
    assert (file.serial, file.lot, file.issuer) == ("TWIN00001", "DEMO0001", "custody demonstration")
    assert file.series == series("5.0", "4.9", "9.1", "5.2")
    assert [str(reading.celsius) for reading in file.series.readings] == ["5.0", "4.9", "9.1", "5.2"]
    assert (file.interval_minutes, file.zone_hours) == (10, 0)
    assert (file.started_at, file.stopped_at) == (START, START + timedelta(minutes=30))
    assert file.sha256 == sha256(TWIN).hexdigest()
    assert file.gaps == ()


def test_own_figures_are_exact_and_the_device_cuts_its_own():
    file = read_berlinger(write_twin(trip("5.0", "5.0", "5.2", "5.19".rstrip("9")), KEY))
    assert (file.lowest, file.highest, file.mean) == (Decimal("5.0"), Decimal("5.2"), Decimal("5.075"))
    assert file.mean_kinetic == Decimal("5.075")
    assert file.device_summary.mean == cut(file.mean) == Decimal("5.0")
    assert (file.device_summary.lowest, file.device_summary.highest) == (Decimal("5.0"), Decimal("5.2"))
    assert file.device_summary.mean_kinetic == Decimal("5.0")
    assert file.activation_kj_per_mol == Decimal("83.0")


@pytest.mark.parametrize("zone", ["8.00", "-3.50", "5.75", "14.00"])
def test_local_times_become_utc_by_the_zone_of_the_logger(zone):
    data = write_twin(trip("5.0", "4.9", zone_hours=Decimal(zone)), KEY)
    local = (START + timedelta(hours=float(zone))).strftime("%Y-%m-%d %H:%M").encode()
    assert b"\t" + local + b"\t5.0" in data
    assert read_berlinger(data).series.start == START


def test_alarms_are_read_as_set_and_as_they_went_off():
    file = read_berlinger(write_twin(trip("5.0", *["9.0"] * 5, "5.0", *["1.0"] * 8), KEY))
    assert [(alarm.number, alarm.kind, alarm.limit, alarm.minutes) for alarm in file.alarms] == [
        ("1", AlarmKind.ABOVE_ONCE, Decimal("8.0"), 30),
        ("2", AlarmKind.ABOVE_IN_ALL, Decimal("8.0"), 60),
        ("3", AlarmKind.BELOW_IN_ALL, Decimal("2.0"), 60),
        ("4", AlarmKind.BELOW_ONCE, Decimal("2.0"), 30),
    ]
    above, above_in_all, below_in_all, below = (alarm.events for alarm in file.alarms)
    assert above_in_all == ()
    (event,) = above
    assert (event.started_at, event.minutes_outside, event.extreme) == (START + timedelta(minutes=10), 40, Decimal("9.0"))
    assert (event.raised_at, event.ended_at) == (START + timedelta(minutes=40), START + timedelta(minutes=50))
    assert below[0].ended_at is None  # still outside at the stop
    assert below[0].extreme_at == START + timedelta(minutes=70)
    assert (below_in_all[0].minutes_outside, below_in_all[0].extreme, below_in_all[0].extreme_at) == (70, None, None)


def test_alarm_that_is_off_has_no_limit():
    file = read_berlinger(changed(b"   Type: 2, T AL: 8.0, t AL: 30\r\n", b"   Type: 0\r\n"))
    assert (file.alarms[0].kind, file.alarms[0].limit, file.alarms[0].minutes) == (AlarmKind.OFF, None, None)


def test_markers_are_read():
    file = read_berlinger(write_twin(trip("5.0", "4.9", marked_at=(START + timedelta(minutes=9),)), KEY))
    (marker,) = file.markers
    assert (marker.number, marker.at, marker.celsius) == ("1", START + timedelta(minutes=9), Decimal("4.9"))
    without = read_berlinger(changed(b"hh:mm\t\r\nData:", b"hh:mm\t\r\n\t1\t\t2026-03-01 08:01\t\r\nData:")).markers
    assert without[0].celsius is None


def test_cryo_temperatures_are_read():
    file = read_berlinger(write_twin(trip("-190.1", "-149.9", "-196.0", alarms=ALARMS_CRYO), KEY))
    assert (file.lowest, file.highest) == (Decimal("-196.0"), Decimal("-149.9"))


def test_missing_rows_are_gaps():
    data = changed(b"\t2026-03-01 08:10\t4.9\t\r\n\t2026-03-01 08:20\t9.1\tx\r\n", b"")
    assert [(gap.start, gap.minutes) for gap in read_berlinger(data).gaps] == [(START, 30)]


def test_minutes_out_of_range_are_linear_between_readings():
    # 5 → 9 in 10 min is over 8 for 2.5 min, 9 → 5 again.
    file = read_berlinger(write_twin(trip("5.0", "9.0", "5.0"), KEY))
    assert file.judged(COLD).minutes_outside == 5


def test_file_without_results_has_none():
    body = TWIN[: TWIN.index(b"Cert:")]
    start, end = body.index(b"Res:"), body.index(b"Marker:")
    data = sealed((body[:start] + body[end:]).replace(b" MKT Energy: 83.0\r\n", b""), KEY, lot="L", issuer="I")
    file = read_berlinger(data)
    assert (file.started_at, file.stopped_at, file.device_summary.mean) == (None, None, None)
    assert file.activation_kj_per_mol == Decimal("83.144")
    assert all(alarm.events == () for alarm in file.alarms)


FRIDGE_TAG = (
    b"Device: Q-tag Fridge-tag 2 L\r\nVers: 0.5\r\nFw Vers: 4.0p0o\r\nConf:\r\n Serial: TWIN00002\r\n Lot: DEMO0002\r\n Zone: 1.00\r\n"
    b" Temp unit: C\r\n Alarm:\r\n  0:\r\n   T AL: +2.0, t AL: 60\r\n  1:\r\n   T AL: +8.0, t AL: 60\r\n Logging Interval: 5\r\n"
    b"Hist:\r\n 1:\r\n  Date: 2026-03-02\r\n  Min T: +4.0, TS Min T: 00:42\r\n  Int Sensor timeout:\r\n   t AccST: 0\r\n"
    b" 2:\r\n  Date: 2026-03-01\r\n  Int Sensor timeout:\r\n   t AccST: 25\r\n  Ext Sensor timeout:\r\n   t AccST: 7\r\n"
)
FRIDGE_DATA = b"Data:\r\n\tyyyy-MM-dd hh:mm\tT\tOut of limits\r\n\t2026-03-01 09:00\t+4.5\r\n\t2026-03-01 09:05\t+8.5\tx\r\n"


def fridge_tag(body):
    return sealed(body, KEY, lot="DEMO0002", issuer="custody demonstration")


def test_fridge_tag_with_a_data_table_is_read_and_its_timeouts_are_gaps():
    file = read_logger_file(fridge_tag(FRIDGE_TAG + FRIDGE_DATA), {KEY.fingerprint})
    assert (file.model, file.signature, file.alarms) == ("Q-tag Fridge-tag 2 L", SignatureStateWord.VERIFIED, ())
    assert [(reading.at, reading.celsius) for reading in file.series.readings] == [
        (START, Decimal("4.5")),
        (START + timedelta(minutes=5), Decimal("8.5")),
    ]
    midnight = datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    assert [(gap.start, gap.end, gap.minutes) for gap in file.series.declared_gaps] == [
        (midnight, midnight + timedelta(days=1), 25),
        (midnight, midnight + timedelta(days=1), 7),
    ]
    assert [gap.minutes for gap in file.gaps] == [25]


def test_daily_summaries_are_no_trace():
    with pytest.raises(MalformedFileError, match="a summary for each day does not show a trace"):
        read_berlinger(fridge_tag(FRIDGE_TAG))


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (b"Temp unit: C", b"Temp unit: F", "line 8: temperatures in “F”; expected C"),
        (b"t AccST: 25", b"t AccST: some", "is not a number of minutes"),
        (b"Date: 2026-03-01", b"Date: yesterday", "line 22: “yesterday” is not a date"),
        (b"Date: 2026-03-01", b"Date: 2026-13-01", "line 22: .* is no time of the calendar"),
    ],
)
def test_fridge_tag_with_a_broken_part_is_refused(old, new, seen):
    with pytest.raises(MalformedFileError, match=seen):
        read_berlinger(fridge_tag((FRIDGE_TAG + FRIDGE_DATA).replace(old, new)))


# The signature --------------------------------------------------------------------------------------------------------


def test_signature_is_verified_only_for_a_registered_key():
    assert read_berlinger(TWIN).signature is SignatureStateWord.KEY_NOT_REGISTERED
    assert read_berlinger(TWIN, {TwinKey.from_seed("another").fingerprint}).signature is SignatureStateWord.KEY_NOT_REGISTERED
    assert read_berlinger(TWIN, {KEY.fingerprint}).signature is SignatureStateWord.VERIFIED


def test_registering_a_key_later_changes_the_answer_and_taking_it_away_changes_it_back():
    file = read_berlinger(TWIN)
    assert check_signature(file, {KEY.fingerprint}) is SignatureStateWord.VERIFIED
    verified = read_berlinger(TWIN, {KEY.fingerprint})
    assert check_signature(verified, frozenset()) is SignatureStateWord.KEY_NOT_REGISTERED


@pytest.mark.parametrize("state", [SignatureStateWord.INVALID, SignatureStateWord.NONE])
def test_no_registration_mends_a_signature_that_does_not_hold(state):
    file = dataclasses.replace(read_berlinger(TWIN), signature=state)
    assert check_signature(file, {KEY.fingerprint}) is state


def test_file_signed_by_another_key_than_its_certificate_is_invalid():
    other = TwinKey.from_seed("another")
    message = TWIN[: TWIN.index(b"\nSig:") + 1]
    forged = message + f"Sig: {other.signature_of(message)}\r\n".encode()
    assert read_berlinger(forged, {KEY.fingerprint, other.fingerprint}).signature is SignatureStateWord.INVALID


def test_file_edited_and_signed_again_by_a_stranger_is_never_verified():
    stranger = TwinKey.from_seed("stranger")
    body = TWIN[: TWIN.index(b"Cert:")].replace(b"\t9.1\tx", b"\t5.1\t")
    forged = sealed(body, stranger, lot="DEMO0001", issuer="custody demonstration")
    assert read_berlinger(forged, {KEY.fingerprint}).signature is SignatureStateWord.KEY_NOT_REGISTERED


def test_key_that_is_no_point_of_the_curve_proves_nothing():
    assert public_key("11" * 64) is None
    assert public_key("zz" * 64) is None
    assert public_key("11" * 63) is None
    broken = TWIN.replace(KEY.printed.encode(), b"11" * 64)
    file = read_berlinger(broken, {KEY.fingerprint})
    assert (file.signature, file.key_fingerprint) == (SignatureStateWord.INVALID, None)


def trusted(data):
    """Whether anybody would believe these bytes."""
    try:
        return read_berlinger(data, {KEY.fingerprint}).signature in {SignatureStateWord.VERIFIED, SignatureStateWord.KEY_NOT_REGISTERED}
    except MalformedFileError:
        return False


@pytest.mark.parametrize("flip", [0x01, 0x20])
def test_every_single_byte_of_a_twin_counts(flip):
    assert trusted(TWIN)
    believed = [at for at in range(len(TWIN)) if trusted(TWIN[:at] + bytes([TWIN[at] ^ flip]) + TWIN[at + 1 :])]
    assert believed == []


@given(st.integers(0, len(TWIN) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(at, difference):
    assert not trusted(TWIN[:at] + bytes([TWIN[at] ^ difference]) + TWIN[at + 1 :])


@given(st.integers(0, len(TWIN) - 1))
def test_any_missing_byte_is_refused(at):
    assert not trusted(TWIN[:at] + TWIN[at + 1 :])


@given(st.integers(0, len(TWIN)), st.binary(min_size=1, max_size=3))
def test_any_added_bytes_are_refused(at, more):
    assert not trusted(TWIN[:at] + more + TWIN[at:])


@given(st.integers(0, len(TWIN) - 1))
def test_file_cut_anywhere_is_refused_by_line(at):
    with pytest.raises(MalformedFileError, match=r"line [0-9]+"):
        read_berlinger(TWIN[:at])


def test_file_cut_in_half_is_told_what_to_do():
    with pytest.raises(MalformedFileError, match=r"the file ends at line .* it was cut short; export it from the logger again") as refused:
        read_berlinger(TWIN[: len(TWIN) // 2])
    assert refused.value.code == "logger_file_cut"


@given(st.binary(max_size=300))
def test_nonsense_is_refused_and_never_crashes(data):
    assert not trusted(data)
    with pytest.raises(InputError, match=r"this is .*; expected a temperature logger's own file|line [0-9]+"):
        read_logger_file(data)


@given(st.binary(max_size=80), st.integers(0, 900))
def test_nonsense_signed_by_a_registered_key_never_crashes(data, at):
    body = TWIN[: TWIN.index(b"Cert:")]
    spot = min(at, len(body))
    with suppress(MalformedFileError):
        assert read_berlinger(sealed(body[:spot] + data + body[spot:], KEY, lot="L", issuer="I")).serial


# What breaks the format -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        (b"08:10\t4.9\t", b"08:00\t4.9\t", r"line 40: the reading of 2026-03-01 08:00 doubles the one before it"),
        (b"08:10\t4.9\t", b"07:50\t4.9\t", r"line 40: the reading of 2026-03-01 07:50 is earlier than the one before it"),
        (b"08:10\t4.9\t", b"08:61\t4.9\t", r"line 40: “2026-03-01 08:61” is no time of the calendar"),
        (b"2026-03-01 08:10\t4.9", b"01.03.2026 08:10\t4.9", r"line 40: “01.03.2026 08:10” is not a time; expected yyyy-MM-dd hh:mm"),
        (b"\t4.9\t", b"\t---\t", r"line 40: no temperature: “---”"),
        (b"\t4.9\t", b"\t999.9\t", r"line 40: no temperature: 999.9 °C is not plausible"),
        (b"\t4.9\t", b"\t-127.0\t", r"line 40: “-127.0” is what a sensor without a value answers"),
        (b"\t4.9\t", b"\tNaN\t", r"line 40: no temperature: “NaN”"),
        (b"\t4.9\t", b"\t4,9\t", r"line 40: no temperature: “4,9” .* has a comma"),
        (b"\t4.9\t", b"\t\t", r"line 40: no temperature: “”"),
        (b"\t4.9\t", b"\t4.9\ty", r"line 40: a reading needs a time, a temperature"),
        (b"\t4.9\t", b"", r"line 40: a reading needs a time, a temperature"),
        (b"\t4.9\t\r\n", b"\t4.9\t\n", r"line 40: ends with LF alone"),
        (b"\t4.9\t\r\n", b"\t4.9\t\r", r"line 40: a character that does not belong in this format \('\\r'\)"),
        (b" Serial: TWIN00001", b" Serial: TWIN\x0000001", r"line 7: a character that does not belong"),
        (b" Serial: TWIN00001\r\n", b"", r"the file ends without “Conf / Serial”"),
        (b" Serial: TWIN00001", b" Serial:", r"line 7: “Conf / Serial” is empty"),
        (b" Serial: TWIN00001", b" Serial: A\r\n Serial: B", r"line 8: “Conf / Serial” stands here for the second time; .* line 7"),
        (b" Serial: TWIN00001", b"   Serial: TWIN00001", r"line 7: indented by 3 where at most 1 is possible"),
        (b" Serial: TWIN00001", b" Serial TWIN00001", r"line 7: “Serial TWIN00001” is not “Key: value”"),
        (b" Serial: TWIN00001", b" Serial:TWIN00001", r"line 7: “Serial:TWIN00001” is not “Key: value”"),
        (b" Serial: TWIN00001", b"\tSerial\r\n Serial: TWIN00001", r"line 7: a table row where no table is"),
        (b"  1:\r\n   Type", b"  1:\r\n\t1\r\n   Type", r"line 15: a table row where no table is"),
        (b" Zone: 0.00", b" Zone: 0.10", r"line 9: zone “0.10” is no offset from UTC"),
        (b" Zone: 0.00", b" Zone: 15.00", r"line 9: zone “15.00” is no offset from UTC"),
        (b" Zone: 0.00", b" Zone: UTC", r"line 9: “UTC” is not a zone in hours"),
        (b" MKT Energy: 83.0", b" MKT Energy: 0.0", r"line 11: MKT Energy is 0.0 kJ/mol"),
        (b" Logging Interval: 10", b" Logging Interval: 0", r"line 12: a logging interval of 0 min"),
        (b" Logging Interval: 10", b" Logging Interval: 99999999999", r"line 12: a logging interval of 99999999999 min"),
        (b"Type: 2,", b"Type: 7,", r"line 15: alarm type “7”; expected 0 to 4"),
        (b"t AL: 30", b"t AL: half an hour", r"is not a whole number of minutes"),
        (b"\tyyyy-MM-dd hh:mm\tT\tOut of limits\r\n", b"", r"no table of readings"),
        (b"\tNumber\tT", b"\tNo\tT", r"expected the header of the marker table"),
        (b"hh:mm\t\r\nData:", b"hh:mm\t\r\n\t1\t5.0\r\nData:", r"line 37: a marker needs a number"),
    ],
)  # fmt: skip
def test_broken_line_is_named(old, new, seen):
    with pytest.raises(MalformedFileError, match=seen):
        read_berlinger(changed(old, new))


def test_table_without_readings_is_refused():
    body = TWIN[: TWIN.index(b"\t2026-03-01 08:00\t5.0")]
    with pytest.raises(MalformedFileError, match="line 38: the table of readings is empty"):
        read_berlinger(sealed(body, KEY, lot="L", issuer="I"))


def test_user_strings_may_hold_anything_printable():
    text = " User String 1: lane 4, kept: cold, Größe: klein".encode("latin-1")
    assert read_berlinger(changed(b" Start Delay: 0", text)).series == series("5.0", "4.9", "9.1", "5.2")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: line.upper().replace(b"SIG: ", b"Sig: "),
        lambda line: line[:-4] + line[-2:],
        lambda line: line + b"\r\n",
        lambda line: line + line,
        lambda line: line.replace(b"Sig: ", b"Sig:"),
        lambda line: line[:-2] + b"\n",
        lambda line: line[:-2],
    ],
)
def test_signature_line_has_one_spelling(spoil):
    start = TWIN.index(b"\nSig:") + 1
    with pytest.raises(MalformedFileError, match="expected “Sig: ” with 128 small hex digits as the last line"):
        read_berlinger(TWIN[:start] + spoil(TWIN[start:]))


# Unknown formats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"", "this is an empty file"),
        (b"%PDF-1.7 ...", "a PDF report"),
        (b"PK\x03\x04...", "a ZIP or Office file"),
        (b"\xef\xbb\xbf" + TWIN, "UTF-8 text with a byte-order mark"),
        (TWIN.decode("latin-1").encode("utf-16"), "UTF-16 text"),
        (TWIN.decode("latin-1").encode("utf-16-be"), "a binary file"),
        (b"Time,Temp\r\n2026-03-01T08:00Z,5.0\r\n", "a text that begins with “Time,Temp”"),
        (b"\x1b[31mred", "a text that begins with “·.31mred”"),
        (b"\n", "a text that begins with “”"),
    ],
)
def test_unknown_format_is_refused_by_what_was_seen(data, seen):
    with pytest.raises(InputError, match=seen) as refused:
        read_logger_file(data)
    assert refused.value.code == "unknown_logger_format"


# Twins ----------------------------------------------------------------------------------------------------------------


@given(
    # -127 is what a sensor without a value answers, so no file can say that it was just that cold.
    st.lists(st.decimals("-196", "60", places=1).filter(lambda celsius: celsius != SENSOR_FAULT), min_size=1, max_size=40),
    st.sampled_from([1, 5, 10]),
    st.sampled_from(["0.00", "8.00", "-9.50"]),
)
def test_any_twin_reads_back_equal_and_verified(values, interval, zone):
    made = TwinTrip(serial="TWIN00001", series=series(*values, interval=interval), zone_hours=Decimal(zone))
    file = read_logger_file(write_twin(made, KEY), {KEY.fingerprint})
    assert file.series == made.series
    assert file.signature is SignatureStateWord.VERIFIED
    assert file.key_fingerprint == KEY.fingerprint


def test_twin_is_the_same_bytes_each_time():
    assert write_twin(trip("5.0", "4.9", "9.1", "5.2"), TwinKey.from_seed("a key for tests")) == TWIN


def test_twin_refuses_what_the_format_cannot_show():
    with pytest.raises(InputError, match="whole minutes and one decimal only"):
        trip("5.01")
    with pytest.raises(InputError, match="whole minutes and one decimal only"):
        TwinTrip(serial="T", series=Series(readings=(Reading(START + timedelta(seconds=1), Decimal(5)),), interval_minutes=Decimal(1)))


# The genuine file -----------------------------------------------------------------------------------------------------


@pytest.fixture
def genuine():
    return (Path(os.environ["CUSTODY_LOGGER_SAMPLES"]) / "RCPJ00010_02_202211090128.txt").read_bytes()


@pytest.mark.logger_sample
def test_genuine_file_gives_its_printed_figures(genuine):
    file = read_logger_file(genuine)
    assert (file.serial, file.lot, file.issuer, file.interval_minutes) == ("RCPJ00010", "26102012", "Qtag AG", 10)
    assert len(file.series.readings) == 124
    assert (file.series.start, file.series.end) == (datetime(2022, 11, 8, 4, 49, tzinfo=UTC), datetime(2022, 11, 9, 1, 19, tzinfo=UTC))
    assert (file.started_at, file.stopped_at) == (file.series.start, datetime(2022, 11, 9, 1, 28, tzinfo=UTC))
    assert (file.lowest, file.highest, file.mean, file.mean_kinetic) == tuple(map(Decimal, ("0.9", "24.3", "5.461", "10.584")))
    assert (file.device_summary.lowest, file.device_summary.highest) == (file.lowest, file.highest)
    assert (file.device_summary.mean, file.device_summary.mean_kinetic) == (cut(file.mean), cut(file.mean_kinetic))
    assert sum(not Decimal(2) <= celsius <= Decimal(8) for celsius in file.series.celsius_values) == 79
    assert file.gaps == ()
    assert file.markers == ()


@pytest.mark.logger_sample
def test_genuine_file_gives_its_alarms(genuine):
    alarms = {alarm.number: alarm for alarm in read_logger_file(genuine).alarms}
    assert [alarm.kind for alarm in alarms.values()] == [
        AlarmKind.ABOVE_ONCE,
        AlarmKind.ABOVE_IN_ALL,
        AlarmKind.OFF,
        AlarmKind.BELOW_IN_ALL,
        AlarmKind.BELOW_ONCE,
    ]
    assert [len(alarm.events) for alarm in alarms.values()] == [1, 1, 0, 1, 3]
    warm = alarms["1"].events[0]
    assert (warm.minutes_outside, warm.ended_at, warm.extreme) == (219, None, Decimal("24.5"))
    assert [event.minutes_outside for event in alarms["5"].events] == [145, 32, 31]


@pytest.mark.logger_sample
def test_genuine_signature_holds_and_is_verified_once_its_key_is_registered(genuine):
    file = read_logger_file(genuine)
    assert file.signature is SignatureStateWord.KEY_NOT_REGISTERED
    assert check_signature(file, {file.key_fingerprint}) is SignatureStateWord.VERIFIED
    assert read_logger_file(genuine, {file.key_fingerprint}).signature is SignatureStateWord.VERIFIED


@pytest.mark.logger_sample
def test_genuine_file_with_one_changed_byte_is_refused(genuine):
    for at in range(0, len(genuine), 97):
        assert not trusted(genuine[:at] + bytes([genuine[at] ^ 1]) + genuine[at + 1 :])


@pytest.mark.logger_sample
def test_genuine_trip_is_class_3_and_its_minutes_agree_with_a_second_reckoning(genuine):
    file = read_logger_file(genuine)
    rows = [Fraction(text.decode()) for text in re.findall(rb"\r\n\t2022-11-0\d \d\d:\d\d\t([0-9.-]+)\t", genuine)]
    inside = sum((inside_share(first, last) for first, last in pairwise(rows)), Fraction(0)) * 10
    expected = (len(rows) - 1) * 10 - inside
    assert abs(Fraction(file.judged(COLD).minutes_outside) - expected) <= Fraction(1, 1000)
    judgement = judge_life((Stay(place="shipment:1", start=file.series.start, end=file.series.end, traces=(file.series,)),), COLD)
    assert judgement.klass == 3
    assert {reason.code for reason in judgement.reasons} == {"warm_too_long", "class_2_band", "class_1_too_long", "outside_too_long"}


def inside_share(first, last):
    """The share of a straight line from `first` to `last` that lies in 2 to 8."""
    low, high = min(first, last), max(first, last)
    if low == high:
        return Fraction(2 <= low <= 8)
    return max(Fraction(0), min(high, Fraction(8)) - max(low, Fraction(2))) / (high - low)
