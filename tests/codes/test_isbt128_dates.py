"""Dates of ISBT 128: every printed vector, the rejected ones, and the way back."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.codes.isbt128_dates import (
    LabelTime,
    TimeOf,
    collection_symbol,
    date_content,
    expiry_symbol,
    production_symbol,
    read_calendar_day,
    read_date,
    read_date_time,
    read_flexible_time,
)
from custody.errors import UnreadableCodeError


@pytest.mark.parametrize(
    ("content", "moment"),
    [
        ("0183652359", "2018-12-31T23:59"),
        ("0170091330", "2017-01-09T13:30"),
        ("0280202359", "2028-01-20T23:59"),
        ("9990010000", "1999-01-01T00:00"),
    ],
)
def test_date_with_time_is_read(content, moment):
    assert read_date_time(content).moment == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("content", "day"),
    [
        ("019031", "2019-01-31"),
        ("019032", "2019-02-01"),
        ("017032", "2017-02-01"),
        ("024060", "2024-02-29"),
        ("028366", "2028-12-31"),
        ("026006", "2026-01-06"),
    ],
)
def test_date_alone_lasts_to_the_end_of_that_day(content, day):
    read = read_date(content)
    assert read == LabelTime(date.fromisoformat(day))
    assert read.moment == datetime.combine(date.fromisoformat(day), time(23, 59))
    assert date_content(read.day) == content


@pytest.mark.parametrize("content", ["028000", "027366", "028367", "128020", "028O20", "02802", "0280200", "٠28020", ""])
def test_day_that_does_not_exist_is_refused(content):
    with pytest.raises(UnreadableCodeError, match=r"has no day|six digits"):
        read_date(content)


@pytest.mark.parametrize("content", ["0280202400", "0280202360", "028020", "02802023", "028020 800"])
def test_time_that_does_not_exist_is_refused(content):
    with pytest.raises(UnreadableCodeError, match="0000 to 2359"):
        read_date_time(content)


def test_midnight_is_not_taken_for_a_missing_time():
    assert read_date_time("0280200000").moment.time() == time(0, 0)


def test_flexible_time_says_its_meaning_and_its_zone():
    expiry = read_flexible_time("1001202801202359")
    assert (expiry.time_of, expiry.is_utc, expiry.moment.isoformat()) == (TimeOf.EXPIRY, False, "2028-01-20T23:59:00")
    collection = read_flexible_time("2002202801202359")
    assert (collection.time_of, collection.is_utc) == (TimeOf.COLLECTION, True)
    assert read_flexible_time("1003202801202359").time_of is TimeOf.PRODUCTION


@pytest.mark.parametrize("content", ["3001202801202359", "1101202801202359", "1004202801202359", "100120280120235", "100120280120235A"])
def test_flexible_time_of_another_form_is_refused(content):
    with pytest.raises(UnreadableCodeError, match="flexible date and time"):
        read_flexible_time(content)


@pytest.mark.parametrize(("content", "match"), [("1001202802302359", "does not exist"), ("1001202801202400", "0000 to 2359")])
def test_flexible_time_that_does_not_exist_is_refused(content, match):
    with pytest.raises(UnreadableCodeError, match=match):
        read_flexible_time(content)


@pytest.mark.parametrize(("text", "match"), [("2028012", "eight digits"), ("20281301", "does not exist"), ("00000101", "does not exist")])
def test_calendar_day_of_another_form_is_refused(text, match):
    with pytest.raises(UnreadableCodeError, match=match):
        read_calendar_day(text)


def test_symbols_carry_the_time_and_2359_without_one():
    assert expiry_symbol(LabelTime(date(2028, 1, 20))) == "&>0280202359"
    assert collection_symbol(LabelTime(date(2017, 1, 9), time(13, 30))) == "&*0170091330"
    assert production_symbol(LabelTime(date(1999, 12, 31), time(0, 0))) == "&}9993650000"


@pytest.mark.parametrize("day", [date(1899, 12, 31), date(2100, 1, 1)])
def test_day_beyond_the_two_centuries_cannot_be_printed(day):
    with pytest.raises(UnreadableCodeError, match="1900 to 2099"):
        date_content(day)


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.times())
def test_every_printable_minute_survives_its_symbol(day, at):
    label_time = LabelTime(day, at.replace(second=0, microsecond=0))
    assert read_date_time(expiry_symbol(label_time)[2:]) == label_time
