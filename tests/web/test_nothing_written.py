"""A disk that takes nothing more: one clear sentence with 503, and CANNOT CHECK where a rule would have judged."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from werkzeug.exceptions import InternalServerError

from custody.store import entries
from custody.web import errors
from custody.workflows.demonstration import SECRET
from custody.workflows.rehearsal import downstream
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import Script
from tests.databases import only_sqlite
from tests.disk import failing_disk, full_disk
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO, STEPS, bring_to_the_bed, cast_of, scan_all, scan_values, verdict_on

NOT_RECORDED = "this does not count as recorded"


def size(web):
    with web.store.reading() as connection:
        return entries.size(connection)


@pytest.fixture(autouse=True)
def _print_into_memory(capsys):
    """The disk fails for pytest's own files too."""
    del capsys


def review_of(browser, act, about, values=None):
    return browser.send(browser.get(f"/acts/{act}?about={about}"), f"/acts/{act}/review", values or {})


def hold(browser):
    return review_of(browser, "hold_placed", "lot:LOT-0001", {"hold": "H-1", "reason": "seen a crack", "owner": "QA"})


@only_sqlite
@pytest.mark.parametrize(("language", "said"), [("en", NOT_RECORDED), ("zh", "本次操作不视为已记录")])
def test_act_that_no_rule_guards_is_refused_in_one_sentence(web, language, said):
    browser = web.browser("demo-qp-one", language)
    review = hold(browser)
    before = size(web)
    with failing_disk():
        page = browser.send(review, "/acts/hold_placed", {"secret": SECRET})
    assert page.code == 503
    assert said in page.text
    assert "data-verdict" not in page.html
    assert size(web) == before
    assert browser.send(review, "/acts/hold_placed", {"secret": SECRET}).code == 200
    assert size(web) == before + 1


@only_sqlite
def test_act_at_a_hold_point_is_cannot_check(web):
    browser = web.browser("demo-qp-one")
    review = review_of(browser, "released", "lot:LOT-0004")
    before = size(web)
    with failing_disk():
        page = browser.send(review, "/acts/released", {"secret": SECRET})
    assert page.code == 503
    assert 'data-verdict="unsure"' in page.html
    assert NOT_RECORDED in page.text
    assert "本次操作不视为已记录" in page.text
    assert "Treat this as STOP" in page.text
    assert "tel:" in page.html
    assert size(web) == before


@pytest.fixture
def sealed_by_one(web):
    """A shipper whose seals the first of two people has signed for; the rules judge with the second signature."""
    cast = Cast(number=9, upstream=1, batch=9, bag_count=4)
    road = Script(web.clock.now + timedelta(minutes=130))
    bags = cast_of(web, "good").bags[2:4]
    downstream.store_until_packing(road, days=0, fill_day=-2)
    downstream.pack(road, cast, bags, days=0)
    downstream.seal(road, cast, bags, days=0)
    player = Player(web.store)
    for step in road.in_order():
        if step.at > web.clock.now + timedelta(minutes=150):
            break
        first_only = replace(step, by=step.by[:1]) if step.name == "shipper_sealed" else step
        player.play(replace(first_only, at=max(step.at, web.clock.now)))
    web.clock.now = road.when(minutes=21)
    return web


@only_sqlite
def test_countersignature_at_a_hold_point_is_cannot_check(sealed_by_one):
    web = sealed_by_one
    second = web.browser(downstream.VERIFIER)
    link = second.get("/waiting").html.partition('href="/proposals/shipment/')[2].partition('"')[0]
    shown = second.get(f"/proposals/shipment/{link}")
    before = size(web)
    with failing_disk():
        page = second.send(shown, f"/proposals/shipment/{link}/countersign", {"secret": SECRET})
    assert page.code == 503
    assert 'data-verdict="unsure"' in page.html
    assert size(web) == before


@only_sqlite
def test_full_disk_at_the_bed_is_cannot_check_and_the_scan_is_done_again(web):
    cast = bring_to_the_bed(web)
    where = f"/bedside/{cast.dose}"
    one, two = web.browser(NURSE_ONE), web.browser(NURSE_TWO)
    scan_all(one, cast)
    web.clock.advance(seconds=20)
    values = scan_values(cast)
    page = two.get(where)
    for step in STEPS[:-1]:
        page = two.send(page, f"{where}/scan", {f"scans.{name}": values[name] for name in step})
    before = size(web)
    last = {f"scans.{name}": values[name] for name in STEPS[-1]}
    with failing_disk():
        refused = two.send(page, f"{where}/scan", last)
    assert refused.code == 503
    assert 'data-verdict="unsure"' in refused.html
    assert NOT_RECORDED in refused.text
    assert "GO" not in refused.text.split()
    assert size(web) == before
    assert two.send(page, f"{where}/scan", last).code == 303
    assert verdict_on(two.get(where)) == "go"


@only_sqlite
def test_full_disk_names_itself(web):
    receiver, cast = web.browser("demo-receiver-one"), cast_of(web, "warm")
    where = f"/receiving/{cast.shipment}/temperature"
    token = receiver.get(where).form(where)["csrf_token"]
    start = web.clock.now - timedelta(days=20)
    data = logger_file(logger=cast.trip_logger, start=start, end=web.clock.now, celsius="-180.0")[2]
    with full_disk(web.store):
        page = receiver.post(where, {"csrf_token": token, "file": (io.BytesIO(data), "logger.txt")})
    assert page.code == 503
    assert 'data-verdict="unsure"' in page.html
    assert "The disk of the server is full, so nothing was recorded. Call the administrator" in page.text


@only_sqlite
def test_sign_in_says_so_too(web):
    browser = web.browser()
    with failing_disk():
        page = browser.post("/sign-in", {"account": "demo-qp-one", "secret": SECRET, "then": "/"})
    assert page.code == 503
    assert NOT_RECORDED in page.text


def test_fault_of_a_page_about_a_fault_reads_no_verdict_at_the_bed(web):
    with web.app.test_request_context("/bedside"):
        text, code = errors._http(InternalServerError(original_exception=OSError("disk")))
    assert code == 503
    assert "NO VERDICT: do not give" in text
