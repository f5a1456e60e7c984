"""The receiving desk: taking over, the arrival checklist, the temperature file before it is accepted, and each bag by two people."""

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.quality import HoldPlacedByCustody
from custody.domain.acts.record import VerdictGiven
from custody.domain.acts.shipping import BagAccepted, BagRefusedAtReceipt, HandoffAccepted, LoggerFileRead, ShipmentArrived
from custody.domain.ids import LoggerId
from custody.domain.terms import VerdictWord
from custody.workflows import demonstration
from custody.workflows.rehearsal import downstream
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Script
from tests.web.at_the_desks import RECEIVER_ONE, RECEIVER_TWO, acts_of, cast_of, refused_scans

SECRET = demonstration.SECRET


@pytest.fixture
def warm(web):
    web.cast = cast_of(web, "warm")
    web.url = f"/receiving/{web.cast.shipment}"
    return web


@pytest.fixture
def coming(web):
    """A second shipment of the good lot: packed now, four hours on the road, and just offered to the receiver."""
    good = cast_of(web, "good")
    cast = Cast(number=9, upstream=1, batch=9, bag_count=4)
    road = Script(web.clock.now + timedelta(minutes=130))
    bags = good.bags[2:4]
    downstream.store_until_packing(road, days=0, fill_day=-2)
    downstream.pack(road, cast, bags, days=0)
    downstream.seal(road, cast, bags, days=0)
    downstream.travel(road, cast, days=0)
    to_receiver = [step for step in road.in_order() if step.name == "handoff_offered"][-1]
    player = Player(web.store)
    for step in road.in_order():
        if step.at <= to_receiver.at:
            player.play(replace(step, at=max(step.at, web.clock.now)))
    web.cast, web.bags, web.url = cast, bags, f"/receiving/{cast.shipment}"
    web.clock.now = to_receiver.at + timedelta(minutes=3)
    return web


def bag_answers(bag, cast, **changed):
    values = {
        "bag": f"CU1:bag:{bag}",
        "container_whole": "yes",
        "no_sign_of_thaw": "yes",
        "label_readable": "yes",
        "label_equals_order": "yes",
        "out_of_shipper_minutes": "2",
        "equipment": str(cast.kept.ward_store),
        "position": "H9-01",
        "secret": SECRET,
    }
    return values | changed


def receive(web, bag, *, second=None):
    """Both receivers, one after the other; the first's browser."""
    one, two = web.browser(RECEIVER_ONE), web.browser(RECEIVER_TWO)
    where = f"{web.url}/bags/{bag}"
    page = one.send(one.get(where), where, bag_answers(bag, web.cast))
    assert page.code == 303, page.text
    web.clock.advance(seconds=40)
    page = two.send(two.get(f"{where}/second"), f"{where}/second", bag_answers(bag, web.cast) | (second or {}))
    return one, page


def upload(web, browser, data, name="logger.txt"):
    page = browser.get(f"{web.url}/temperature")
    token = page.form(f"{web.url}/temperature")["csrf_token"]
    return browser.post(f"{web.url}/temperature", {"csrf_token": token, "file": (io.BytesIO(data), name)})


def file_of(web, **changed):
    start = web.clock.now - timedelta(hours=5)
    values = {"logger": web.cast.trip_logger, "start": start, "end": web.clock.now, "celsius": "-180.0"} | changed
    return logger_file(**values)[2]


def test_list_shows_what_waits_here_and_not_what_was_decided(web):
    page = web.browser(RECEIVER_ONE).get("/receiving")
    assert set(re.findall(r'href="/receiving/([^"]+)"', page.html)) == {cast_of(web, word).shipment.value for word in ("warm", "gap")}


@pytest.mark.parametrize("scan", ["CU1:shipper:{shipper}", "CU1:shipment:{shipment}", "{shipment}"])
def test_shipment_is_found_by_its_labels(warm, scan):
    receiver = warm.browser(RECEIVER_ONE)
    text = scan.format(shipper=warm.cast.shipper, shipment=warm.cast.shipment)
    page = receiver.send(receiver.get("/receiving"), "/receiving/find", {"scan": text})
    assert (page.code, page.location) == (303, warm.url)


def test_other_label_is_refused_in_one_sentence_and_kept(warm):
    receiver = warm.browser(RECEIVER_ONE)
    text = f"CU1:bag:{warm.cast.bags[0]}"
    page = receiver.send(receiver.get("/receiving"), "/receiving/find", {"scan": text})
    assert page.code == 422
    assert "This is the bag label; scan the shipper label" in page.text
    assert refused_scans(warm, RECEIVER_ONE)[-1].seen == text


def test_shipment_of_another_site_is_not_found(warm):
    assert warm.browser("demo-verifier-one").get(warm.url).code == 404


def test_shipper_is_taken_over_with_seals_and_code(coming):
    receiver = coming.browser(RECEIVER_ONE)
    assert "Handed over by Demo Courier One" in receiver.get(coming.url).text
    form = receiver.get(f"{coming.url}/hand-over")
    values = {"seals": str(coming.cast.seals[0]), "code": "B-118204", "secret": SECRET}
    page = receiver.send(form, f"{coming.url}/hand-over", values)
    assert (page.code, page.location) == (303, coming.url), page.text
    assert isinstance(acts_of(coming, coming.cast.shipment.key)[-1], HandoffAccepted)
    assert f"{coming.url}/hand-over" not in receiver.get(coming.url).html


@pytest.mark.parametrize(("changed", "gate"), [({"seals": "S999-0001"}, "HOF-SEAL"), ({"code": "B-000000"}, "HOF-CODE")])
def test_wrong_seal_or_code_stops_the_hand_over(coming, changed, gate):
    receiver = coming.browser(RECEIVER_ONE)
    values = {"seals": str(coming.cast.seals[0]), "code": "B-118204", "secret": SECRET} | changed
    page = receiver.send(receiver.get(f"{coming.url}/hand-over"), f"{coming.url}/hand-over", values)
    assert gate in page.html
    assert "禁止继续" in page.html
    assert not isinstance(acts_of(coming, coming.cast.shipment.key)[-1], HandoffAccepted)


def test_seals_are_scanned_one_by_one_at_the_receiving_desk_and_nothing_is_signed_before(coming):
    receiver, path = coming.browser(RECEIVER_ONE), f"{coming.url}/hand-over"
    seal = str(coming.cast.seals[0])
    page = receiver.send(receiver.get(path), path, {"more.seals": f"CU1:seal:{seal}", "code": "B-118204"})
    assert page.code == 200, page.text
    assert "There is a problem" not in page.text
    assert page.form(path)["seals"] == [seal]
    assert page.form(path)["code"] == ["B-118204"], "what was typed stays"
    assert not isinstance(acts_of(coming, coming.cast.shipment.key)[-1], HandoffAccepted)
    done = receiver.send(page, path, {"secret": SECRET})
    assert (done.code, done.location) == (303, coming.url), done.text
    assert isinstance(acts_of(coming, coming.cast.shipment.key)[-1], HandoffAccepted)


def take_over_and_arrive(coming, **changed):
    receiver = coming.browser(RECEIVER_ONE)
    values = {"seals": str(coming.cast.seals[0]), "code": "B-118204", "secret": SECRET}
    receiver.send(receiver.get(f"{coming.url}/hand-over"), f"{coming.url}/hand-over", values)
    coming.clock.advance(minutes=2)
    answers = {
        "shipper": f"CU1:shipper:{coming.cast.shipper}",
        "seals": str(coming.cast.seals[0]),
        "outside_undamaged": "yes",
        "shock_and_tilt_marks_clear": "yes",
        "logger_present_and_running": "yes",
        "bags_counted": "2",
        "documents": list(downstream.DOCUMENTS),
        "liquid_nitrogen_kg": "4.2",
        "secret": SECRET,
    }
    return receiver, receiver.send(receiver.get(f"{coming.url}/arrival"), f"{coming.url}/arrival", answers | changed)


def test_arrival_checklist_is_recorded_with_every_answer(coming):
    _, page = take_over_and_arrive(coming, outside_undamaged="no")
    assert page.code == 303, page.text
    act = acts_of(coming, coming.cast.shipment.key)[-1]
    assert isinstance(act, ShipmentArrived)
    assert (act.outside_undamaged.value, act.documents, act.bags_counted) == ("no", downstream.DOCUMENTS, 2)


def test_arrival_keeps_what_was_typed_when_something_is_missing(coming):
    _, page = take_over_and_arrive(coming, bags_counted="two", liquid_nitrogen_kg="3.9")
    assert page.code == 422
    assert 'value="3.9"' in page.html
    assert 'value="two"' in page.html


def test_bags_cannot_be_received_before_the_arrival(coming):
    page = coming.browser(RECEIVER_ONE).get(coming.url)
    assert page.text.count("Cannot start yet") >= 3
    assert f"{coming.url}/bags/" not in page.html


def test_whole_way_from_hand_over_to_two_accepted_bags(coming):
    receiver, _ = take_over_and_arrive(coming)
    coming.clock.advance(minutes=3)
    start = coming.clock.now - timedelta(hours=6)
    page = upload(coming, receiver, file_of(coming, start=start))
    page = receiver.send(receiver.get(page.location), f"{page.location}/accept")
    assert page.code == 303, page.text
    for bag in coming.bags:
        one, page = receive(coming, bag)
        assert page.code == 303, page.text
        assert "Bag accepted into the hospital" in one.get(f"{coming.url}/bags/{bag}").text
        assert any(getattr(act, "act", "") == "bag_accepted" for act in acts_of(coming, bag.key))
    assert f'href="{coming.url}"' not in receiver.get("/receiving").html


def test_file_is_shown_before_it_is_accepted_and_kept_whole(warm):
    receiver = warm.browser(RECEIVER_ONE)
    data = file_of(warm, spike=(warm.clock.now - timedelta(hours=2), warm.clock.now - timedelta(hours=1), "-140.0"))
    before = len(acts_of(warm, warm.cast.trip_logger.key))
    page = upload(warm, receiver, data)
    assert page.code == 303, page.text
    shown = receiver.get(page.location)
    for said in (
        "Nothing is recorded until you accept it",
        "−140.0 °C",
        "−180.0 °C",
        "10 min",
        "Out of range for",
        "verified: the file is unaltered",
    ):
        assert said in shown.text, said
    assert len(acts_of(warm, warm.cast.trip_logger.key)) == before
    assert receiver.send(shown, f"{page.location}/accept").code == 303
    recorded = acts_of(warm, warm.cast.trip_logger.key)[-1]
    assert isinstance(recorded, LoggerFileRead)
    assert page.location.endswith(recorded.file.value)


def test_same_file_accepted_twice_is_one_record(warm):
    receiver = warm.browser(RECEIVER_ONE)
    page = upload(warm, receiver, file_of(warm))
    shown = receiver.get(page.location)
    for _ in range(2):
        assert receiver.send(shown, f"{page.location}/accept").code == 303
    again = upload(warm, receiver, file_of(warm), "another name.txt")
    assert again.location == page.location
    assert "This file was accepted" in receiver.get(again.location).text
    digest = page.location.rpartition("/")[2]
    files = [act for act in acts_of(warm, warm.cast.trip_logger.key) if isinstance(act, LoggerFileRead) and act.file.value == digest]
    assert len(files) == 1


def cut(data):
    return data[: data.index(b"Cert:") - 40]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: b"", "empty"),
        (cut, r"[Ll]ine \d+"),
        (lambda data: data.replace(b"\t-180.0", b"\tcold", 1), r"[Ll]ine \d+"),
        (lambda data: b"%PDF-1.7 whatever", "a PDF report"),
        (lambda data: b"time;temp\n1;2\n", "begins with"),
    ],
)
def test_broken_file_is_refused_in_one_sentence_and_nothing_is_recorded(warm, spoil, said):
    receiver = warm.browser(RECEIVER_ONE)
    before = len(acts_of(warm, warm.cast.trip_logger.key))
    page = upload(warm, receiver, spoil(file_of(warm)))
    assert page.code == 422
    assert re.search(said, page.text), page.text
    assert len(acts_of(warm, warm.cast.trip_logger.key)) == before


def test_file_changed_by_one_byte_says_that_its_signature_does_not_match(warm):
    receiver = warm.browser(RECEIVER_ONE)
    page = upload(warm, receiver, file_of(warm).replace(b"-180.0", b"-181.0", 1))
    if page.code == 303:
        page = receiver.get(page.location)
    assert "INVALID: the file was changed" in page.text


def test_file_of_another_logger_is_refused_with_both_names(warm):
    other = LoggerId("LOGGER-T-0077")
    page = upload(warm, warm.browser(RECEIVER_ONE), file_of(warm, logger=other))
    assert page.code == 422
    assert f"written by logger {other}; expected {warm.cast.trip_logger}" in page.text


def test_no_file_chosen_is_asked_for(warm):
    page = upload(warm, warm.browser(RECEIVER_ONE), b"", "")
    assert page.code == 422
    assert "Choose the file to upload" in page.text


def test_curve_is_a_plain_picture_that_never_joins_a_gap(warm):
    receiver = warm.browser(RECEIVER_ONE)
    location = upload(warm, receiver, file_of(warm)).location
    response = receiver.client.get(f"{location}/curve.svg")
    assert response.mimetype == "image/svg+xml"
    picture = ET.fromstring(response.data)
    lines = [each for each in picture.iter() if each.tag.endswith("polyline")]
    assert len(lines) == 1
    assert "style" not in response.get_data(as_text=True)


def test_file_nobody_uploaded_is_not_found(warm):
    assert warm.browser(RECEIVER_ONE).get(f"{warm.url}/temperature/{'0' * 64}").code == 404


def test_warm_bag_is_stopped_at_the_second_signature_and_held(warm):
    bag = warm.cast.bags[0]
    one, page = receive(warm, bag)
    assert page.code == 303
    shown = one.get(page.location)
    assert "BAG-COLD" in shown.html
    assert "Do not put into use. Quarantine." in shown.text
    assert "请勿使用，请隔离存放。" in shown.html
    acts = acts_of(warm, bag.key)
    assert [act.word for act in acts if isinstance(act, VerdictGiven)][-1] is VerdictWord.STOP
    assert any(isinstance(act, HoldPlacedByCustody) and act.cause == "BAG-COLD" for act in acts)
    assert "There is a problem" in one.get(warm.url).text


def test_gap_lot_is_stopped_for_its_gap(web):
    web.cast = cast_of(web, "gap")
    web.url = f"/receiving/{web.cast.shipment}"
    one, page = receive(web, web.cast.bags[0])
    assert "BAG-GAP" in one.get(page.location).html


def test_second_person_sees_nothing_of_the_first_answers(warm):
    bag = warm.cast.bags[0]
    where = f"{warm.url}/bags/{bag}"
    one, two = warm.browser(RECEIVER_ONE), warm.browser(RECEIVER_TWO)
    one.send(one.get(where), where, bag_answers(bag, warm.cast, position="H9-SECRET"))
    page = two.get(f"{where}/second")
    assert "H9-SECRET" not in page.html
    assert 'name="position" value=""' in page.html
    assert not re.search(r'"\s+checked', page.html)


def test_same_person_cannot_be_the_second(warm):
    bag = warm.cast.bags[0]
    where = f"{warm.url}/bags/{bag}"
    one = warm.browser(RECEIVER_ONE)
    one.send(one.get(where), where, bag_answers(bag, warm.cast))
    page = one.send(one.get(f"{where}/second"), f"{where}/second", bag_answers(bag, warm.cast))
    assert "RCV-DEC" in one.get(page.location).html
    assert not any(isinstance(act, BagAccepted) for act in acts_of(warm, bag.key))


def test_another_bag_than_the_page_is_about_is_refused(warm):
    bag, other = warm.cast.bags[:2]
    one = warm.browser(RECEIVER_ONE)
    where = f"{warm.url}/bags/{bag}"
    page = one.send(one.get(where), where, bag_answers(other, warm.cast))
    assert page.code == 422
    assert str(other) in page.text
    assert 'value="H9-01"' in page.html


def test_bag_off_the_packing_list_is_not_found_here(warm):
    stranger = cast_of(warm, "good").bags[0]
    page = warm.browser(RECEIVER_ONE).get(f"{warm.url}/bags/{stranger}")
    assert page.code == 404
    assert "not on the packing list" in page.text


def test_wrong_password_signs_nothing_and_keeps_the_answers(warm):
    bag = warm.cast.bags[0]
    one = warm.browser(RECEIVER_ONE)
    where = f"{warm.url}/bags/{bag}"
    page = one.send(one.get(where), where, bag_answers(bag, warm.cast, secret="not mine at all"))
    assert "password is not right" in page.text
    assert 'value="H9-01"' in page.html
    assert "not mine at all" not in page.html


def test_refused_bag_waits_for_its_witness_and_is_then_in_quarantine(warm):
    bag = warm.cast.bags[0]
    one, two = warm.browser(RECEIVER_ONE), warm.browser(RECEIVER_TWO)
    where = f"{warm.url}/bags/{bag}"
    values = {"bag": f"CU1:bag:{bag}", "reject": "no", "reason": "shipper warm to the touch", "secret": SECRET}
    page = one.send(one.get(f"{where}/refuse"), f"{where}/refuse", values)
    assert page.code == 303, page.text
    link = re.search(r'href="(/proposals/bag/[^"]+)"', two.get(where).html)[1]
    assert two.send(two.get(link), f"{link}/countersign", {"secret": SECRET}).code == 200
    assert "Do not put into use. Quarantine." in one.get(where).text
    assert any(getattr(act, "act", "") == BagRefusedAtReceipt.rule.name for act in acts_of(warm, bag.key))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_of_the_desk_has_its_words(warm, language):
    receiver = warm.browser(RECEIVER_ONE, language)
    location = upload(warm, receiver, file_of(warm)).location
    bag = warm.cast.bags[0]
    for path in (
        "/receiving",
        warm.url,
        f"{warm.url}/arrival",
        f"{warm.url}/temperature",
        location,
        f"{warm.url}/bags/{bag}",
        f"{warm.url}/bags/{bag}/refuse",
    ):
        page = receiver.get(path)
        assert page.code == 200, path
        assert not re.search(r"\[(receiving|bedside|trace|scan|button|task|field|act|term)\.", page.html), path
