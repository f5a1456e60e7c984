"""The bedside pages: scanning alone, the verdict on both devices, two signatures, and what a running infusion needs."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.allocation import WristbandIssued
from custody.domain.acts.bedside import BedsideScanned, CoverBound, InfusionPaused, InfusionStarted
from custody.domain.acts.quality import HoldPlaced
from custody.domain.acts.record import Countersigned, Proposed, VerdictGiven
from custody.domain.terms import BagReadAs, VerdictWord
from custody.workflows import bedside as bedside_workflow
from custody.workflows import demonstration
from custody.workflows.rehearsal.bedside import NURSES, PREPARERS, second_identifier, wristband
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script, Step
from tests.web.at_the_desks import (
    NURSE_ONE,
    NURSE_TWO,
    PHYSICIAN,
    STEPS,
    acts_of,
    bring_to_the_bed,
    cast_of,
    refused_scans,
    scan_all,
    scan_values,
    stations_of,
    verdict_on,
)

SECRET = demonstration.SECRET


@pytest.fixture
def bed(at_the_bed):
    return at_the_bed


def both_scan(bed, **second):
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    scan_all(one, bed.cast)
    bed.clock.advance(seconds=30)
    scan_all(two, bed.cast, **second)
    return one, two


def start(bed):
    one, two = both_scan(bed)
    one.send(one.get(bed.url), f"{bed.url}/start", {"secret": SECRET})
    bed.clock.advance(seconds=20)
    two.send(two.get(bed.url), f"{bed.url}/start", {"secret": SECRET})
    return one, two


def test_list_shows_the_dose_whose_bag_is_released_and_no_other(web):
    assert "No dose is ready for the bed here" in web.browser(NURSE_ONE).get("/bedside").text
    cast = bring_to_the_bed(web)
    assert re.findall(r'href="/bedside/([^"]+)"', web.browser(NURSE_ONE).get("/bedside").html) == [cast.dose.value]


@pytest.mark.parametrize("scan", ["CU1:dose:{dose}", "CU1:bag:{bag}", "CU1:wristband:{band}", "{bag}"])
def test_dose_is_found_by_any_label_of_its_bed(bed, scan):
    nurse = bed.browser(NURSE_ONE)
    text = scan.format(dose=bed.cast.dose, bag=bed.cast.dose_bags[0], band="WB0001X7K2M9Q4")
    page = nurse.send(nurse.get("/bedside"), "/bedside/find", {"scan": text})
    assert (page.code, page.location) == (303, bed.url)


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        ("CU1:seal:S001-4471", "This is the seal; scan the dose label"),
        ("CU1:dose:DOSE-9999", "belongs to no dose that is ready for the bed here"),
        ("hello there", "belongs to no dose that is ready for the bed here"),
        ("", "belongs to no dose"),
    ],
)
def test_label_of_no_dose_is_refused_in_one_sentence_and_kept_as_evidence(bed, scan, said):
    nurse = bed.browser(NURSE_ONE)
    page = nurse.send(nurse.get("/bedside"), "/bedside/find", {"scan": scan})
    assert page.code in {404, 422}
    assert said in page.text
    assert refused_scans(bed, NURSE_ONE)[-1].seen == scan


def test_people_of_another_site_find_no_such_dose(bed):
    assert bed.browser("demo-coldchain-one").get(bed.url).code == 403


def test_first_person_waits_and_sees_no_verdict(bed):
    one = bed.browser(NURSE_ONE)
    assert scan_all(one, bed.cast).location == bed.url
    page = one.get(bed.url)
    assert "Waiting for the second person" in page.text
    assert "do not give" in page.text
    assert verdict_on(page) is None


def test_second_person_sees_nothing_of_what_the_first_scanned(bed):
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    untouched = two.get(bed.url)
    scan_all(one, bed.cast)
    page = two.get(bed.url)
    for secret in ("WB0001X7K2M9Q4", bed.cast.dose_bags[0].value, str(bed.cast.dose_volume_ml)):
        assert secret not in page.html
    assert without_keys(page.html) == without_keys(untouched.html)


def without_keys(html):
    return re.sub(r'name="(idempotency_key|csrf_token)" value="[^"]*"', "", re.sub(r"<time[^>]*>[^<]*</time>", "", html))


def test_go_is_shown_on_both_devices_in_both_languages(bed):
    one, two = both_scan(bed)
    for page in (one.get(bed.url), two.get(bed.url)):
        assert verdict_on(page) == "go"
        assert "可以输注" in page.html
        assert "GO" in page.text


def test_every_scan_and_the_verdict_are_entries(bed):
    both_scan(bed)
    kinds = [type(act) for act in acts_of(bed, bed.cast.dose.key)]
    assert kinds.count(BedsideScanned) == 2
    assert kinds[-1] is VerdictGiven


def test_wristband_of_somebody_else_is_a_stop_with_its_reason(bed):
    one, _ = both_scan(bed, wristband="CU1:wristband:WB9999X7K2M9Q4")
    page = one.get(bed.url)
    assert verdict_on(page) == "stop"
    assert "BED-PID" in page.html
    assert "禁止输注" in page.html
    assert "+86 25 5550 0192" in page.text
    assert f'action="{bed.url}/start"' not in page.html


def test_after_a_stop_both_people_scan_again(bed):
    one, two = both_scan(bed, wristband="CU1:wristband:WB9999X7K2M9Q4")
    bed.clock.advance(seconds=30)
    scan_all(two, bed.cast, again=True)
    assert "Waiting for the second person" in two.get(bed.url).text
    scan_all(one, bed.cast, again=True)
    assert verdict_on(one.get(bed.url)) == "go"


@pytest.mark.parametrize(
    ("field", "scan", "said"),
    [
        ("wristband", "CU1:bag:{bag}", "This is the bag label; scan the wristband"),
        ("wristband", "{bag}", "This is the bag label; scan the wristband"),
        ("wristband", "hello", "cannot be the number of a wristband"),
        ("bag", "CU1:wristband:WB0001X7K2M9Q4", "This is the wristband; scan the bag label"),
        ("bag", "CU1:bag:NONSENSE", "cannot be the number of a bag"),
        ("bag", "\u4f60\u597d", "cannot be the number of a bag"),
        ("bag", "CU1:bag:{other}", "which is not a bag of dose"),
    ],
)
def test_bad_scan_is_refused_in_one_sentence_kept_as_evidence_and_shown_again(bed, field, scan, said):
    text = scan.format(bag=bed.cast.dose_bags[0], other=cast_of(bed, "warm").bags[0])
    one = bed.browser(NURSE_ONE)
    page = scan_all(one, bed.cast, **{field: text})
    assert page.code == 422
    assert said in page.text
    assert f'value="{text}"' in page.html
    refused = refused_scans(bed, NURSE_ONE)[-1]
    assert (refused.seen, refused.where) == (text, f"bedside {bed.cast.dose} {field}")
    assert not [act for act in acts_of(bed, bed.cast.dose.key) if isinstance(act, BedsideScanned)]


def test_what_was_typed_stays_when_one_field_of_a_step_is_wrong(bed):
    page = scan_all(bed.browser(NURSE_ONE), bed.cast, rate_ml_per_min="a lot")
    assert page.code == 422
    assert f'value="{bed.cast.dose_volume_ml}"' in page.html
    assert 'value="a lot"' in page.html
    assert "Write a number in digits" in page.text


def test_second_identifier_never_comes_back_as_it_was_typed(bed):
    one = bed.browser(NURSE_ONE)
    page = one.send(one.get(bed.url), f"{bed.url}/scan", {"scans.wristband": "CU1:wristband:WB0001X7K2M9Q4"})
    given = {"scans.second_identifier": demonstration.HOSPITAL_NUMBER, "scans.second_identifier_method": "spoken"}
    page = one.send(page, f"{bed.url}/scan", given)
    assert page.code == 200
    assert demonstration.HOSPITAL_NUMBER not in page.html


def test_step_without_the_earlier_ones_begins_again_at_what_is_missing(bed):
    one = bed.browser(NURSE_ONE)
    page = one.send(one.get(bed.url), f"{bed.url}/scan", {"step": "pump", "scans.volume_ml": "1", "scans.rate_ml_per_min": "1"})
    assert page.code == 422
    assert "Scan the wristband on the patient" in page.text


def test_code_typed_by_hand_is_marked_in_the_entry(bed):
    one = bed.browser(NURSE_ONE)
    by_hand = {"scans.wristband": "WB0001X7K2M9Q4", "typed.wristband": "1", "typed_why.wristband": "printed too faint"}
    page = one.send(one.get(bed.url), f"{bed.url}/scan", by_hand)
    values = {"scans.second_identifier": demonstration.HOSPITAL_NUMBER, "scans.second_identifier_method": "spoken"}
    page = one.send(page, f"{bed.url}/scan", values)
    assert page.form(f"{bed.url}/scan")["typed.wristband"] == ["1"]
    for step in STEPS[2:]:
        page = one.send(page, f"{bed.url}/scan", {f"scans.{name}": scan_values(bed.cast)[name] for name in step})
    assert stations_of(bed, bed.cast.dose.key)[-1] == "typed: wristband = printed too faint"
    timeline = one.get(f"/things/dose/{bed.cast.dose}").text
    assert "Typed, not scanned Wristband: printed too faint" in timeline


@pytest.mark.parametrize("reason", ["", "   ", "x" * 121])
def test_code_typed_by_hand_without_its_reason_is_asked_for_it(bed, reason):
    one = bed.browser(NURSE_ONE)
    by_hand = {"scans.wristband": "WB0001X7K2M9Q4", "typed.wristband": "1", "typed_why.wristband": reason}
    page = one.send(one.get(bed.url), f"{bed.url}/scan", by_hand)
    assert page.code == 422
    assert "write why" in page.text or "Shorten it" in page.text
    assert page.form(f"{bed.url}/scan")["scans.wristband"] == ["WB0001X7K2M9Q4"]
    assert 'name="typed_why.wristband"' in page.html
    again = one.send(page, f"{bed.url}/scan", {"typed_why.wristband": "printed too faint"})
    assert again.code == 200
    assert again.form(f"{bed.url}/scan")["step"] == ["identity"]


def test_reason_lost_on_the_way_leads_back_to_the_step_that_was_typed(bed):
    one = bed.browser(NURSE_ONE)
    by_hand = {"scans.wristband": "WB0001X7K2M9Q4", "typed.wristband": "1", "typed_why.wristband": "printed too faint"}
    page = one.send(one.get(bed.url), f"{bed.url}/scan", by_hand)
    values = {"scans.second_identifier": demonstration.HOSPITAL_NUMBER, "scans.second_identifier_method": "spoken"}
    back = one.send(page, f"{bed.url}/scan", {**values, "typed_why.wristband": ""})
    assert back.code == 422
    assert back.form(f"{bed.url}/scan")["step"] == ["wristband"]


def test_scanned_code_is_not_marked(bed):
    scan_all(bed.browser(NURSE_ONE), bed.cast)
    assert stations_of(bed, bed.cast.dose.key)[-1] == ""


def test_answer_not_given_is_asked_for(bed):
    page = scan_all(bed.browser(NURSE_ONE), bed.cast, physician_present="")
    assert page.code == 422
    assert "Answer this question" in page.text


def test_form_sent_twice_records_one_scan(bed):
    one = bed.browser(NURSE_ONE)
    page = one.get(bed.url)
    for step in STEPS[:-1]:
        page = one.send(page, f"{bed.url}/scan", {f"scans.{name}": scan_values(bed.cast)[name] for name in step})
    last = {f"scans.{name}": scan_values(bed.cast)[name] for name in STEPS[-1]}
    assert [one.send(page, f"{bed.url}/scan", last).code for _ in range(2)] == [303, 303]
    assert sum(isinstance(act, BedsideScanned) for act in acts_of(bed, bed.cast.dose.key)) == 1


def test_first_signature_waits_and_second_starts_the_infusion(bed):
    one, two = both_scan(bed)
    page = one.send(one.get(bed.url), f"{bed.url}/start", {"secret": SECRET})
    assert page.code == 303
    shown = one.get(bed.url).text
    assert "You have signed" in shown
    assert "Sign below" not in shown
    assert isinstance(acts_of(bed, bed.cast.dose.key)[-1], Proposed)
    two.send(two.get(bed.url), f"{bed.url}/start", {"secret": SECRET})
    assert "The infusion has started" in one.get(bed.url).text
    assert any(isinstance(act, Countersigned) for act in acts_of(bed, bed.cast.dose.key))


def test_signature_with_a_wrong_password_signs_nothing(bed):
    one, _ = both_scan(bed)
    page = one.send(one.get(bed.url), f"{bed.url}/start", {"secret": "wrong wrong"})
    assert page.code == 403
    assert "password is not right" in page.text
    assert not any(isinstance(act, Proposed) for act in acts_of(bed, bed.cast.dose.key)[-3:])


def test_signature_sent_twice_signs_once(bed):
    one, _ = both_scan(bed)
    page = one.get(bed.url)
    one.send(page, f"{bed.url}/start", {"secret": SECRET})
    again = one.send(page, f"{bed.url}/start", {"secret": SECRET})
    assert again.code == 303
    waiting = [act for act in acts_of(bed, bed.cast.dose.key) if isinstance(act, Proposed) and act.act == InfusionStarted.rule.name]
    assert len(waiting) == 1


def test_page_from_before_the_other_signed_must_be_looked_at_again(bed):
    one, two = both_scan(bed)
    stale = two.get(bed.url)
    one.send(one.get(bed.url), f"{bed.url}/start", {"secret": SECRET})
    page = two.send(stale, f"{bed.url}/start", {"secret": SECRET})
    assert page.code == 409
    assert "changed while you were looking" in page.text


def test_verdict_older_than_five_minutes_is_cannot_check_and_cannot_be_signed(bed):
    one, _ = both_scan(bed)
    page = one.get(bed.url)
    bed.clock.advance(minutes=5, seconds=1)
    later = one.get(bed.url)
    assert verdict_on(later) == "unsure"
    assert "too old" in later.text
    assert one.send(page, f"{bed.url}/start", {"secret": SECRET}).code == 303
    assert not any(isinstance(act, Proposed) and act.act == "infusion_started" for act in acts_of(bed, bed.cast.dose.key))


def test_verdict_of_exactly_five_minutes_may_still_be_signed(bed):
    one, _ = both_scan(bed)
    bed.clock.advance(minutes=5)
    assert verdict_on(one.get(bed.url)) == "go"


def test_hold_that_comes_between_the_two_signatures_stops_the_start(bed):
    one, two = both_scan(bed)
    one.send(one.get(bed.url), f"{bed.url}/start", {"secret": SECRET})
    hold_the_bag(bed)
    two.send(two.get(bed.url), f"{bed.url}/start", {"secret": SECRET})
    for page in (one.get(bed.url), two.get(bed.url)):
        assert verdict_on(page) == "stop"
        assert "BAG-HOLD" in page.html
    verdicts = [act for act in acts_of(bed, bed.cast.dose.key) if isinstance(act, VerdictGiven) and act.hold_point.value == "G12"]
    assert [verdict.word for verdict in verdicts[-2:]] == [VerdictWord.GO, VerdictWord.STOP]


def hold_the_bag(bed):
    road = Script(bed.clock.now)
    road.do(HoldPlaced(node=bed.cast.dose_bags[0], hold="H-1", reason="sister bag under investigation", owner="QA"), "demo-qa-one")
    Player(bed.store).play(road.in_order()[0])
    bed.clock.advance(seconds=5)


def cover_the_bag(bed, label):
    road = Script(bed.clock.now)
    road.do(CoverBound(bag=bed.cast.dose_bags[0], cover_label=label), PREPARERS)
    Player(bed.store).play(road.in_order()[0])
    bed.clock.advance(seconds=5)


def test_bag_under_a_cover_is_scanned_by_its_cover_label(bed):
    cover_the_bag(bed, "Cover 7/A")
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    scan_all(one, bed.cast, bag="Cover 7/A")
    bed.clock.advance(seconds=30)
    scan_all(two, bed.cast, bag=" Cover 7/A ")
    assert verdict_on(two.get(bed.url)) == "go"
    scanned = [act.scans.bag for act in acts_of(bed, bed.cast.dose.key) if isinstance(act, BedsideScanned)]
    assert scanned == [bed.cast.dose_bags[0]] * 2
    assert one.send(one.get("/bedside"), "/bedside/find", {"scan": "Cover 7/A"}).location == bed.url


def read_as(bed):
    return [act.scans.bag_read_as for act in acts_of(bed, bed.cast.dose.key) if isinstance(act, BedsideScanned | InfusionStarted)]


def test_record_says_which_label_of_the_bag_was_read(bed):
    cover_the_bag(bed, "Cover 7/A")
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    scan_all(one, bed.cast, bag="Cover 7/A")
    bed.clock.advance(seconds=30)
    scan_all(two, bed.cast)
    assert read_as(bed) == [BagReadAs.COVER_LABEL, BagReadAs.OWN_LABEL], "two labels of one bag are one bag"
    signing = one.get(bed.url)
    assert verdict_on(signing) == "go"
    assert "Label read on the bag The cover label" in signing.text
    timeline = one.get(f"/things/dose/{bed.cast.dose}").text
    assert timeline.index("Label read on the bag The cover label") < timeline.index("Label read on the bag The bag's own label")


def test_what_was_read_on_the_bag_is_told_by_the_server_and_by_nobody_else(bed):
    page = bed.browser(NURSE_ONE).get(bed.url)
    assert "bag_read_as" not in page.html
    step = scan_all(bed.browser(NURSE_ONE), bed.cast, rate_ml_per_min="a lot")
    assert step.form(f"{bed.url}/scan")["kept.bag_read_as"] == ["own_label"]
    again = bed.browser(NURSE_TWO)
    refused = again.send(
        step, f"{bed.url}/scan", {"kept.bag_read_as": "", "csrf_token": again.get(bed.url).form(f"{bed.url}/scan")["csrf_token"]}
    )
    assert refused.code == 422
    assert refused.form(f"{bed.url}/scan")["step"] == ["bag"], "a bag without it is scanned again"


def test_cover_label_that_was_replaced_names_no_bag(bed):
    cover_the_bag(bed, "Cover 7/A")
    cover_the_bag(bed, "Cover 8/A")
    nurse = bed.browser(NURSE_ONE)
    assert scan_all(nurse, bed.cast, bag="Cover 7/A").code == 422
    assert [act.where for act in refused_scans(bed, NURSE_ONE)] == [f"bedside {bed.cast.dose} bag"]


@pytest.mark.parametrize("label", ["{bag}", "CU1:bag:{bag}"])
def test_cover_label_that_reads_as_the_code_of_another_bag_is_taken_for_that_bag(bed, label):
    other = next(bag for bag in bed.cast.bags if bag not in bed.cast.dose_bags)
    cover_the_bag(bed, label.format(bag=other))
    for scan in (other.value, other.value.lower(), f"CU1:bag:{other}"):
        assert scan_all(bed.browser(NURSE_ONE), bed.cast, bag=scan).code == 422


def test_person_who_did_not_scan_is_offered_no_signature(bed):
    both_scan(bed)
    page = bed.browser(PHYSICIAN).get(bed.url)
    assert verdict_on(page) == "go"
    assert f'action="{bed.url}/start"' not in page.html


def test_state_changes_when_the_page_would(bed):
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    scan_all(one, bed.cast)
    first = one.client.get(f"{bed.url}/state").get_json()
    assert first["mark"] in one.get(bed.url).html
    scan_all(two, bed.cast)
    second = one.client.get(f"{bed.url}/state").get_json()
    assert (second["stage"], first["stage"]) == ("go", "waiting")
    assert second["mark"] != first["mark"]
    assert set(second) == {"mark", "stage", "now"}


def test_server_fault_at_the_bed_reads_no_verdict(bed, monkeypatch):
    one = bed.browser(NURSE_ONE)

    def broken(*_args, **_more):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(bedside_workflow, "seen_state", broken)
    page = one.get(bed.url)
    assert page.code == 503
    assert "NO VERDICT: do not give" in page.text
    assert "disk" not in page.html


def test_fault_while_judging_loses_no_scan_and_ends_in_cannot_check(bed, monkeypatch):
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    scan_all(one, bed.cast)
    with monkeypatch.context() as patch:
        patch.setattr(bedside_workflow, "judge", lambda *_args: 1 / 0)
        assert scan_all(two, bed.cast).code == 303
    assert sum(isinstance(act, BedsideScanned) for act in acts_of(bed, bed.cast.dose.key)) == 2
    page = two.get(bed.url)
    assert verdict_on(page) == "unsure"
    assert two.send(page, f"{bed.url}/check").code == 303
    assert verdict_on(two.get(bed.url)) == "go"


def test_no_page_of_the_bedside_offers_an_override(bed):
    one, _ = both_scan(bed, wristband="CU1:wristband:WB9999X7K2M9Q4")
    html = one.get(bed.url).html.casefold()
    assert "override" not in html
    assert [action for action in one.get(bed.url).actions if "bedside" in action] == []


def test_running_infusion_keeps_pause_reaction_and_stop_on_screen(bed):
    one, _ = start(bed)
    bed.clock.advance(minutes=12)
    page = one.get(bed.url)
    for name in ("infusion_paused", "reaction_recorded", "infusion_ended"):
        assert f'href="{bed.url}/acts/{name}"' in page.html
    assert "12 min" in page.text
    assert str(bed.cast.dose_bags[0]) in page.text


def test_pause_is_recorded_and_only_the_physician_resumes(bed):
    one, _ = start(bed)
    form = one.get(f"{bed.url}/acts/infusion_paused")
    assert one.send(form, f"{bed.url}/acts/infusion_paused", {"reason": "cough"}).code == 303
    assert isinstance(acts_of(bed, bed.cast.dose.key)[-1], InfusionPaused)
    assert "paused" in one.get(bed.url).text
    assert one.get(f"{bed.url}/acts/infusion_resumed").code == 403
    doctor = bed.browser(PHYSICIAN)
    form = doctor.get(f"{bed.url}/acts/infusion_resumed")
    assert doctor.send(form, f"{bed.url}/acts/infusion_resumed", {"reason": "cough over", "secret": SECRET}).code == 303
    assert "The infusion has started" in one.get(bed.url).text


def test_pause_without_a_reason_is_asked_for_it(bed):
    one, _ = start(bed)
    page = one.send(one.get(f"{bed.url}/acts/infusion_paused"), f"{bed.url}/acts/infusion_paused")
    assert page.code == 422
    assert "Fill this in" in page.text


def test_hold_during_the_infusion_alarms_and_the_physician_decides(bed):
    one, _ = start(bed)
    quiet = one.client.get(f"{bed.url}/state").get_json()
    hold_the_bag(bed)
    assert one.client.get(f"{bed.url}/state").get_json()["mark"] != quiet["mark"]
    page = one.get(bed.url)
    assert "Alarm during the infusion" in page.text
    assert "BAG-HOLD" in page.html
    assert f"{bed.url}/acts/infusion_alarm_answered" not in page.html
    doctor = bed.browser(PHYSICIAN)
    link = re.search(rf'href="({bed.url}/acts/infusion_alarm_answered\?[^"]+)"', doctor.get(bed.url).html)[1].replace("&amp;", "&")
    form = doctor.get(link)
    values = {"decision": "go_on", "reason": "benefit outweighs", "secret": SECRET}
    assert doctor.send(form, f"{bed.url}/acts/infusion_alarm_answered", values).code == 303
    assert "The physician decided" in one.get(bed.url).text


def test_infusion_that_runs_is_shown_whichever_wristband_counts_by_now(bed):
    """A new band, and then the sheet of the first one written down once more: nobody could start with these, but it runs."""
    one, _ = start(bed)
    cast = bed.cast
    band = WristbandIssued(participant=cast.participant, wristband=wristband(cast), second_identifier=second_identifier(cast))
    at, player = bed.clock.now + timedelta(minutes=1), Player(bed.store)
    newer = replace(band, wristband=type(band.wristband)("NEWBAND7NEWBAND7"))
    player.play(Step(name="wristband_issued", at=at, by=NURSES, act=newer))
    player.play(Step(name="wristband_issued", at=at + timedelta(minutes=1), by=NURSES, act=band, happened_at=at - timedelta(days=1)))
    bed.clock.now = at + timedelta(minutes=2)
    page = one.get(bed.url)
    assert page.code == 200
    assert f"{bed.url}/acts/infusion_ended" in page.html


def test_infusion_without_an_alarm_shows_none(bed):
    one, _ = start(bed)
    bed.clock.advance(minutes=30)
    assert "Alarm during the infusion" not in one.get(bed.url).text


def test_bag_finished_is_signed_here_and_by_the_second_person_in_their_list(bed):
    start(bed)
    bed.clock.advance(minutes=40)
    one, two = bed.browser(NURSE_ONE), bed.browser(NURSE_TWO)
    given = bed.cast.dose_volume_ml
    values = {
        "bag": f"CU1:bag:{bed.cast.dose_bags[0]}",
        "given_ml": str(given),
        "residual_ml": str(30 - given),
        "line_ml": "0",
        "samples_ml": "0",
        "spill_ml": "0",
        "reason_if_partial": "the dose needs no more of it",
        "secret": SECRET,
    }
    page = one.send(one.get(f"{bed.url}/acts/bag_finished"), f"{bed.url}/acts/bag_finished", values)
    assert page.code == 303, page.text
    link = re.search(r'href="(/proposals/dose/[^"]+)"', two.get(bed.url).html)[1]
    page = two.send(two.get(link), f"{link}/countersign", {"secret": SECRET})
    assert page.code == 200, page.text
    ended = one.get(f"{bed.url}/acts/infusion_ended")
    values = {"completed": "yes", "secret": SECRET, **moment("ended_at", bed)}
    assert one.send(ended, f"{bed.url}/acts/infusion_ended", values).code == 303
    assert "The infusion has ended" in one.get(bed.url).text


def moment(name, bed):
    local = bed.clock.now
    return {f"{name}.date": local.date().isoformat(), f"{name}.time": f"{local:%H:%M:%S}", f"{name}.offset": "+00:00"}


def test_next_bag_is_refused_when_it_is_of_another_dose(bed):
    one, _ = start(bed)
    other = cast_of(bed, "warm").bags[0]
    form = one.get(f"{bed.url}/next")
    values = {
        "scans.wristband": "CU1:wristband:WB0001X7K2M9Q4",
        "scans.bag": f"CU1:bag:{other}",
        "scans.container_whole": "yes",
        "scans.nothing_unusual_seen": "yes",
        "secret": SECRET,
    }
    page = one.send(form, f"{bed.url}/next", values)
    assert page.code == 422
    assert "which is not a bag of dose" in page.text


def test_hospital_number_counts_however_it_is_spelled(bed):
    one, _ = both_scan(bed, second_identifier=" h-2026-0001 ")
    assert verdict_on(one.get(bed.url)) == "go"


def test_another_hospital_number_is_a_stop(bed):
    one, _ = both_scan(bed, second_identifier="H-2026-0002")
    page = one.get(bed.url)
    assert verdict_on(page) == "stop"
    assert "BED-ID2" in page.html


def test_looking_again_and_again_does_not_keep_a_session_awake(bed):
    one = bed.browser(NURSE_ONE)
    for _ in range(8):
        bed.clock.advance(minutes=2)
        answer = one.client.get(f"{bed.url}/state")
    assert answer.status_code == 302
