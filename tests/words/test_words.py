"""Words: sentences by key and values for one reader, and the way values are written."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from custody.domain.ids import BagId, Digest, LotId
from custody.domain.terms import Answer, HoldPoint, Role
from custody.domain.time_in_band import Band
from custody.words import Words

SHANGHAI = ZoneInfo("Asia/Shanghai")
EN = Words("en", SHANGHAI, strict=True)
ZH = Words("zh", SHANGHAI, strict=True)
AT = datetime(2026, 11, 22, 6, 32, 7, tzinfo=UTC)


def test_time_is_local_with_its_offset_and_never_a_zone_name():
    assert EN.time(AT) == "14:32:07 (UTC+8)"
    assert EN.date_time(datetime(2026, 11, 22, 6, 32, tzinfo=UTC)) == "2026-11-22 14:32 (UTC+8)"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (UTC, "06:32:07 (UTC)"),
        (ZoneInfo("Asia/Kolkata"), "12:02:07 (UTC+5:30)"),
        (timezone(timedelta(hours=-3, minutes=-30)), "03:02:07 (UTC−3:30)"),
    ],
)
def test_offset_is_written_for_every_zone(zone, shown):
    assert Words("en", zone).time(AT) == shown


def test_two_times_that_differ_by_seconds_are_not_written_alike():
    assert EN.value(AT) == "2026-11-22 14:32:07 (UTC+8)"
    assert EN.value(AT) != EN.value(AT.replace(second=0))


def test_time_without_offset_is_refused():
    with pytest.raises(ValueError, match="no offset from UTC"):
        EN.time(datetime(2026, 11, 22, 6, 32))  # noqa: DTZ001 - the very mistake


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("28.50"), "28.50"),
        (Decimal("-150.0"), "−150.0"),
        (Decimal(0), "0"),
        (Decimal("1.2E8"), "1.2×10⁸"),
        (120_000_000, "1.2×10⁸"),
        (Decimal(1_234_567), "1\u202f234\u202f567"),
        (12345, "12\u202f345"),
        (9999, "9999"),
        (Decimal("0.0005"), "0.0005"),
        (True, "yes"),
        (None, "not recorded"),
        (date(2026, 1, 31), "2026-01-31"),
        (Role.QP, "Qualified person"),
        (Band.CLASS_2, "Class 2"),
        (LotId("LOT-0001"), "LOT-0001"),
        (("A", "B"), "A, B"),
        ((), "none"),
        (frozenset({"b", "a"}), "a, b"),
        (Digest("ab" * 32), "abababababab…"),
        (timedelta(minutes=14), "14 min"),
        (timedelta(minutes=4, seconds=5), "4 min 5 s"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(seconds=45), "45 s"),
        ("plain text", "plain text"),
    ],
)
def test_value_is_written_for_people(value, shown):
    assert EN.value(value) == shown


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("2026-11-22T14:32:00.000000+08:00", "2026-11-22 14:32 (UTC+8)"),
        ("bag:K7Q2M9X4T1ZB8", "K7Q2M9X4T1ZB8"),
        ("ab" * 32, "abababababab…"),
        ("note: not a thing", "note: not a thing"),
    ],
)
def test_text_from_the_ledger_is_read_as_what_it_stands_for(kept, shown):
    assert EN.value(kept) == shown


def test_reason_reads_the_same_before_and_after_the_ledger_kept_it():
    live = {"answer": Answer.NOT_CHECKED, "bag": BagId("DEMO0001B001K")}
    kept = {"answer": "not_checked", "bag": "bag:DEMO0001B001K"}
    assert EN.reason("container_not_whole", live) == EN.reason("container_not_whole", kept)
    assert "Not checked" in EN.reason("container_not_whole", kept)


def test_missing_fact_names_the_thing_with_its_kind():
    assert EN.reason("missing", {"what": "weight", "node": "participant:P-0001"}) == (
        "Nothing is recorded about: the participant's weight (participant P-0001)."
    )
    assert ZH.reason("missing", {"what": "weight"}) == "缺少记录：受试者体重。"


def test_missing_result_names_the_test():
    assert "the result of test VIA" in EN.reason("missing", {"what": "result VIA"})


def test_verdict_words_come_in_both_languages():
    assert EN.both("verdict.stop") == ZH.both("verdict.stop") == ("STOP", "禁止输注")


def test_reason_and_next_step_come_in_both_languages():
    english, chinese = ZH.both_reason("missing", {"what": "weight"})
    assert english.startswith("Nothing is recorded")
    assert chinese.startswith("缺少记录")
    assert all(ZH.both_next_step("missing", {"what": "weight"}))


def test_act_field_and_part_have_labels_help_and_unit():
    assert EN.act_title("cord_collected") == "Cord collected"
    assert EN.field("infusion_started", "scans.wristband") == "Wristband"
    assert EN.field("handoff_offered", "code") == "Possession code"
    assert EN.unit("cord_collected", "cord_length_cm") == "cm"
    assert EN.unit("cord_collected", "donor") == ""
    assert "wristband" in EN.help("infusion_started", "scans.wristband")
    assert EN.help("cord_collected", "mother_age_years") == ""


def test_plain_text_field_with_a_closed_list_offers_its_choices():
    assert EN.choices("participant_left", "reason") == ("withdrawn", "died", "screen_failed")
    assert ZH.choice("participant_left", "reason", "died") == "死亡"
    assert EN.choices("hold_placed", "reason") == ()
    assert EN.choice("hold_placed", "reason", "as typed") == "as typed"


def test_terms_of_vocabularies_and_gates():
    assert EN.term(HoldPoint.BEDSIDE) == "G12 Bedside"
    assert ZH.gate("BAG-COLD") == "该袋全程温度符合要求"
    assert EN.word("document", "packing_list") == "Packing list"
    assert EN.word("document", "SITE-OWN-7") == "SITE-OWN-7"


def test_error_is_worded_from_its_code_and_values():
    assert EN.error("wrong_code_kind", {"seen": "wristband", "expected": "bag"}, "x") == "This is the wristband; scan the bag label."
    assert ZH.error("too_early", {"act": "bags_filled", "expected": "lot_step_recorded"}, "x") == (
        "现在还不能“产品袋灌装”；须先完成：记录批次生产步骤。"
    )
    assert EN.error("wrong_role", {"role": "qp", "expected": "operator, verifier"}, "x") == (
        "Your role may not do this; it needs one of: Manufacturing operator, Manufacturing verifier."
    )


def test_error_without_a_sentence_or_its_values_shows_its_own_text():
    assert EN.error("brand_new_code", {}, "the file is odd") == "The file is odd."
    assert EN.error("bad_identifier", {}, "names no kind of thing") == "Names no kind of thing."


def test_error_for_many_faults_carries_its_own_sentence():
    assert EN.error("unreadable_code", {}, "nothing was scanned") == "This code cannot be read: Nothing was scanned."
    assert "Nothing was scanned." in ZH.error("unreadable_code", {}, "nothing was scanned")


def test_missing_key_is_an_error_in_tests_and_shown_in_brackets_in_production():
    with pytest.raises(KeyError, match=r"no\.such\.key"):
        EN.say("no.such.key")
    assert Words("en", SHANGHAI).say("no.such.key") == "[no.such.key]"


def test_missing_value_is_an_error_in_tests_and_shown_in_brackets_in_production():
    with pytest.raises(KeyError, match="until"):
        EN.say("verdict.valid_until")
    assert Words("en", SHANGHAI).say("verdict.valid_until") == "Valid until [until]"


def test_unknown_reason_shows_its_code_and_values_and_still_says_what_to_do():
    words = Words("en", SHANGHAI)
    assert words.reason("brand_new", {"seen": Decimal("1.5")}) == "[brand_new] seen: 1.5"
    assert "Do not go on" in words.next_step("brand_new", {})


def test_values_with_braces_are_shown_as_they_are():
    assert EN.error("not_a_choice", {"seen": "{language.__class__}"}, "x").startswith("“{language.__class__}” is not")


def test_chinese_pages_say_so_to_the_browser():
    assert (EN.html_language, ZH.html_language, EN.other.language) == ("en", "zh-Hans", "zh")


@pytest.mark.parametrize(
    ("key", "values", "english", "chinese"),
    [
        ("desk.storage.holds", {"count": 1}, "1 bag", "1袋"),
        ("desk.storage.holds", {"count": 2}, "2 bags", "2袋"),
        ("desk.storage.holds", {"count": 0}, "0 bags", "0袋"),
        ("work.days", {"days": 1}, "1 day", "1天"),
        ("desk.packing.state.planned", {"total": 1}, "planned, 1 bag", "已计划，1袋"),
    ],
)
def test_one_thing_is_told_in_the_singular(key, values, english, chinese):
    assert (EN.say(key, **values), ZH.say(key, **values)) == (english, chinese)


@pytest.mark.parametrize(
    ("minutes", "told"), [("49.102", "49"), ("56.739", "57"), ("4.96", "5.0"), ("0.25", "0.2"), ("5", "5"), ("14.02", "14")]
)
def test_length_of_a_gap_is_told_roughly(minutes, told):
    values = {"minutes": Decimal(minutes), "start": "2026-06-01T05:57:00+00:00", "end": "2026-06-01T06:57:00+00:00"}
    assert EN.reason("gap", values).startswith(f"The temperature record has a gap of {told} min, from 2026-06-01")
    assert EN.reason("gap", values | {"minutes": minutes}) == EN.reason("gap", values), "text from the ledger reads the same"
