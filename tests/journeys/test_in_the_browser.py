"""The demonstration in Chromium: the good lot to the end of its infusion with two people, the warm lot to its STOP."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from custody.domain.acts.bedside import BagFinished, InfusionEnded, InfusionStarted
from custody.workflows import demonstration
from custody.workflows.dossiers import dossier_of
from custody.workflows.rehearsal.bedside import rate_ml_per_min, wristband
from tests.journeys.browsing import DESK, PHONE, Person, barriers, no_sideways_scroll, serving
from tests.web.conftest import NOW

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ANSWERS = (
    "container_whole",
    "nothing_unusual_seen",
    "line_and_filter_right",
    "no_other_drug_on_line",
    "resuscitation_ready",
    "physician_present",
)


@pytest.fixture
def server(demonstration_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("CUSTODY_WEAK_SECRETS", "1")
    with serving(demonstration_folder, tmp_path / "store", NOW) as running:
        yield running


def picture(person, name):
    """Kept for people to look at, where CUSTODY_SCREENSHOTS names a folder; at both widths, never scrolling sideways."""
    folder = os.environ.get("CUSTODY_SCREENSHOTS")
    for word, size in (("360", PHONE), ("1280", DESK)):
        person.page.set_viewport_size(size)
        assert no_sideways_scroll(person.page), f"{name} at {word} px scrolls sideways"
        assert barriers(person.page) == [], f"{name} at {word} px"
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            person.page.screenshot(path=Path(folder) / f"{name}_{word}.png", full_page=True)


def dossier(server, cast):
    with server.store.reading() as connection:
        return dossier_of(connection, [cast.dose])


def pharmacy(browser, server, cast):
    """From the physician's “ready” to the nurse's hands, through the generic forms."""
    clock, bag, dose = server.clock, cast.dose_bags[0], cast.dose.key
    doctor = Person.arrives(browser, server, "demo-physician-one")
    one, two = (Person.arrives(browser, server, f"demo-preparer-{n}") for n in ("one", "two"))
    doctor.act("ready_confirmed", dose, {})
    taken = clock()
    one.act("bag_taken_out", bag.key, {"bag": bag, "taken_at": taken})
    two.countersign("taken out", {"bag": bag})
    clock.advance(seconds=60)
    one.act("bag_preparation_started", dose, {"bag": bag, "container_whole": "yes"})
    two.countersign("preparation", {"bag": bag, "container_whole": "yes"})
    clock.advance(minutes=8)
    one.act("sample_taken", dose, {"sample": "D-SAMPLE-1", "taken_at": clock()})
    clock.advance(minutes=1)
    for test, result, unit in (("APP", "conforms", ""), ("CCI", "no leak", ""), ("LAB", "100", "%")):
        one.act(
            "result_recorded",
            dose,
            {
                "test": test,
                "sample": "D-SAMPLE-1",
                "result": result,
                "unit": unit,
                "method": f"M-{test}",
                "method_version": "1",
                "instrument": "by eye",
                "read_at": clock(),
                "bag": bag,
            },
        )
    one.act("dose_bag_released", dose, {"bag": bag})
    one.act(
        "handoff_offered",
        bag.key,
        {
            "node": bag,
            "to_kind": "person",
            "to_organisation": "Demo University Hospital",
            "to_person": "demo-nurse-one",
            "code": "C-771035",
            "offered_at": clock(),
        },
    )
    return doctor, (one, two)


def ready_at_the_bed(nurse, doctor, cast):
    clock, bag, dose = nurse.server.clock, cast.dose_bags[0], cast.dose.key
    nurse.act("handoff_accepted", bag.key, {"node": bag, "code": "C-771035"})
    clock.advance(minutes=2)
    nurse.act("premedication_given", dose, {"drugs": ["chlorphenamine"], "given_at": clock()})
    signs = {"heart_rate": 96, "mean_arterial_pressure_mmhg": 74, "oxygen_saturation_percent": 93, "temperature_celsius": "37.4"}
    nurse.act("vitals_recorded", dose, {"measured_at": clock(), **signs})
    doctor.act("fit_to_infuse_signed", dose, {"alive": "yes", "still_eligible": "yes", "stable": "yes"})


def scan_at_the_bed(nurse, cast, *, pictures=False):
    """One person alone: wristband and bag by scanner, the rest by hand."""
    nurse.go("/bedside")
    with nurse.page.expect_navigation():
        nurse.scan("scan", f"CU1:dose:{cast.dose}")
    if pictures:
        picture(nurse, "bedside_1_wristband")
    with nurse.page.expect_navigation():
        nurse.scan("scans.wristband", f"CU1:wristband:{wristband(cast)}")
    nurse.fill({"scans.second_identifier": demonstration.HOSPITAL_NUMBER, "scans.second_identifier_method": "hospital_record"})
    if pictures:
        picture(nurse, "bedside_2_identity")
    nurse.press("Continue")
    with nurse.page.expect_navigation():
        nurse.scan("scans.bag", f"CU1:bag:{cast.dose_bags[0]}")
    nurse.fill({f"scans.{name}": "yes" for name in ANSWERS})
    if pictures:
        picture(nurse, "bedside_4_look")
    nurse.press("Continue")
    nurse.fill({"scans.volume_ml": cast.dose_volume_ml, "scans.rate_ml_per_min": rate_ml_per_min(cast)})
    if pictures:
        picture(nurse, "bedside_5_pump")
    nurse.press("Check")


def sign_start(nurse, button):
    nurse.page.fill("[name=secret]", demonstration.SECRET)
    nurse.press(button)


def test_good_lot_reaches_the_end_of_its_infusion_with_two_people_on_two_devices(browser, server):
    cast, clock = server.cast("good"), server.clock
    doctor, _ = pharmacy(browser, server, cast)
    one = Person.arrives(browser, server, "demo-nurse-one", PHONE, by_hand=True)
    ready_at_the_bed(one, doctor, cast)
    two = Person.arrives(browser, server, "demo-nurse-two")

    one.go("/bedside")
    picture(one, "bedside_0_choose")
    scan_at_the_bed(one, cast, pictures=True)
    expect(one.page.locator("h1")).to_have_text("Your scans are recorded")
    picture(one, "bedside_6_waiting")
    scan_at_the_bed(two, cast)
    expect(two.page.locator("[data-answer] .verdict-go")).to_be_visible()
    expect(one.page.locator("[data-answer] .verdict-go")).to_be_visible()  # by itself: the page asks every few seconds
    expect(one.page.locator("[data-answer] .verdict")).to_be_focused()
    expect(one.page.locator("[data-answer] [data-countdown]")).to_have_text(re.compile(r"[45]:[0-5]\d"))
    picture(one, "bedside_7_go")

    sign_start(one, "Sign")
    expect(one.page.locator("main")).to_contain_text("You have signed")
    expect(two.page.locator("main")).to_contain_text("Start the infusion")
    sign_start(two, "Start the infusion")
    expect(two.page.locator("h1")).to_have_text("The infusion has started")
    expect(one.page.locator("h1")).to_have_text("The infusion has started")
    picture(one, "bedside_8_running")
    assert dossier(server, cast).last(cast.dose, InfusionStarted) is not None

    clock.advance(minutes=9)
    finish_the_bag(one, two, cast)
    one.go(f"/bedside/{cast.dose}/acts/infusion_ended")
    picture(one, "bedside_9_end_form")
    one.fill({"ended_at": clock(), "completed": "yes", "secret": demonstration.SECRET})
    one.press("Sign and record")
    expect(one.page.locator("h1")).to_have_text("The infusion has ended")
    picture(one, "bedside_10_ended")

    record = dossier(server, cast)
    assert len(record.last(cast.dose, BagFinished).persons) == 2
    assert record.last(cast.dose, InfusionEnded).act.completed
    for person in (one, two, doctor):
        assert person.foreign == []
        assert person.complaints == []


def finish_the_bag(one, two, cast):
    given = cast.dose_volume_ml
    one.go(f"/bedside/{cast.dose}/acts/bag_finished")
    values = {"given_ml": given, "residual_ml": 30 - given, "line_ml": 0, "samples_ml": 0, "spill_ml": 0}
    one.scan("bag", f"CU1:bag:{cast.dose_bags[0]}")
    one.fill({**values, "reason_if_partial": "the dose needs no more of it", "secret": demonstration.SECRET})
    one.press("Sign as the first person")
    two.countersign("Bag finished")


def test_warm_lot_ends_in_stop_at_the_receiving_desk(browser, server):
    cast = server.cast("warm")
    one = Person.arrives(browser, server, "demo-receiver-one", PHONE)
    two = Person.arrives(browser, server, "demo-receiver-two")
    one.go("/receiving")
    picture(one, "receiving_0_choose")
    with one.page.expect_navigation():
        one.scan("scan", f"CU1:shipper:{cast.shipper}")
    picture(one, "receiving_1_tasks")
    bag = cast.bags[0]
    one.follow(f"Bag {bag}")
    receive_bag(one, bag, cast)
    picture(one, "receiving_2_bag")
    one.press("Sign as the first person")
    expect(one.page.locator("main")).to_contain_text("a second person scans and answers again")
    picture(one, "receiving_3_waiting")
    two.go(f"/receiving/{cast.shipment}/bags/{bag}/second")
    receive_bag(two, bag, cast)
    two.press("Sign as the second person")
    expect(two.page.locator(".verdict-stop")).to_be_visible()
    expect(two.page.locator("main")).to_contain_text("Do not put into use. Quarantine.")
    expect(two.page.locator(".verdict")).to_contain_text("BAG-COLD")
    picture(two, "receiving_4_stop")
    two.follow("Quarantine or reject a bag")
    picture(two, "receiving_5_refuse")
    for person in (one, two):
        assert person.foreign == []
        assert person.complaints == []


def receive_bag(person, bag, cast):
    person.scan("bag", f"CU1:bag:{bag}")
    answers = dict.fromkeys(("container_whole", "no_sign_of_thaw", "label_readable", "label_equals_order"), "yes")
    person.fill({**answers, "out_of_shipper_minutes": 2, "position": "H2-01", "secret": demonstration.SECRET})
    person.scan("equipment", str(cast.kept.ward_store))


def test_temperature_file_is_shown_with_its_curve_before_it_is_accepted(browser, server, tmp_path):
    from custody.workflows.rehearsal.files import logger_file

    cast, now = server.cast("warm"), server.clock()
    spike = (now - timedelta(hours=3), now - timedelta(hours=2), "-140.0")
    path = tmp_path / "logger.txt"
    path.write_bytes(logger_file(cast.trip_logger, now - timedelta(hours=6), now, "-180.0", spike=spike)[2])
    one = Person.arrives(browser, server, "demo-receiver-one", PHONE)
    one.go(f"/receiving/{cast.shipment}/temperature")
    picture(one, "receiving_6_upload")
    one.page.set_input_files("[name=file]", path)
    one.press("Upload")
    expect(one.page.locator("main")).to_contain_text("Nothing is recorded until you accept it")
    assert one.page.evaluate("document.querySelector('figure img').naturalWidth") > 0
    picture(one, "receiving_7_file")
    one.press("Accept these readings")
    expect(one.page.locator("main")).to_contain_text("This file was accepted")
    assert one.complaints == []


def test_demonstration_sheet_fits_phone_and_desk(browser, server):
    one = Person.arrives(browser, server, "demo-nurse-one")
    one.go("/demo")
    picture(one, "demonstration_sheet")
    assert one.page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
