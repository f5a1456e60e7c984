"""Command bar codes where pages are older than the kit, or read their scans themselves: bench, receiving and bedside."""

import pytest

from tests.web.at_the_desks import NURSE_ONE, RECEIVER_ONE, bring_to_the_bed, refused_scans

OPERATOR = "demo-operator-one"
SHIPMENT, BAG, DOSE = "SH-0002", "DEMO0002B0019", "DOSE-0001"
RECEIVING = f"/receiving/{SHIPMENT}"
LOT = "/desks/bench/lot/LOT-0004"


@pytest.fixture(scope="module")
def bed(demonstration_folder, tmp_path_factory):
    from tests.web.conftest import over_a_copy

    for web in over_a_copy(demonstration_folder, tmp_path_factory.mktemp("commands") / "store"):
        bring_to_the_bed(web)
        yield web


def scan(browser, page, action, field, name, **more):
    return browser.send(page, action, {field: f"CU1:command:{name}", **more})


@pytest.mark.parametrize(
    ("here", "action", "field", "name", "there"),
    [
        ("/receiving", "/receiving/find", "scan", "CANCEL", "/"),
        ("/receiving", "/receiving/find", "scan", "SUPERVISOR", "/station/supervisor?then=/receiving"),
        (f"{RECEIVING}/bags/{BAG}", f"{RECEIVING}/bags/{BAG}", "bag", "CANCEL", RECEIVING),
        (f"{RECEIVING}/bags/{BAG}", f"{RECEIVING}/bags/{BAG}", "equipment", "NEXT", f"{RECEIVING}/bags/{BAG}"),
        (f"{RECEIVING}/bags/{BAG}", f"{RECEIVING}/bags/{BAG}", "bag", "PRINT", f"/things/bag/{BAG}?print=1"),
        (f"{RECEIVING}/bags/{BAG}/refuse", f"{RECEIVING}/bags/{BAG}/refuse", "bag", "CANCEL", RECEIVING),
    ],
)
def test_command_is_understood_on_every_page_of_receiving(looked_at, here, action, field, name, there):
    browser = looked_at.signed_in(RECEIVER_ONE)
    page = scan(browser, browser.get(here), action, field, name)
    assert (page.code, page.location) == (303, there)
    assert browser.get(there).code == 200


def test_next_on_the_list_of_shipments_opens_the_first(looked_at):
    browser = looked_at.signed_in(RECEIVER_ONE)
    page = scan(browser, browser.get("/receiving"), "/receiving/find", "scan", "NEXT")
    assert page.location in browser.get("/receiving").html
    assert page.location.startswith("/receiving/SH-")


@pytest.mark.parametrize(
    ("here", "action", "field", "name", "there"),
    [
        ("/bedside", "/bedside/find", "scan", "NEXT", f"/bedside/{DOSE}"),
        ("/bedside", "/bedside/find", "scan", "CANCEL", "/"),
        (f"/bedside/{DOSE}/scan", f"/bedside/{DOSE}/scan", "scans.wristband", "CANCEL", f"/bedside/{DOSE}"),
        (
            f"/bedside/{DOSE}/scan",
            f"/bedside/{DOSE}/scan",
            "scans.wristband",
            "SUPERVISOR",
            f"/station/supervisor?then=/bedside/{DOSE}/scan",
        ),
        (f"/bedside/{DOSE}/scan", f"/bedside/{DOSE}/scan", "scans.wristband", "PRINT", f"/things/dose/{DOSE}?print=1"),
    ],
)
def test_command_is_understood_at_the_bed_and_is_no_scan_of_the_patient(bed, here, action, field, name, there):
    browser = bed.signed_in(NURSE_ONE)
    before = len(refused_scans(bed, NURSE_ONE))
    page = scan(browser, browser.get(here), action, field, name)
    assert (page.code, page.location) == (303, there)
    assert len(refused_scans(bed, NURSE_ONE)) == before


def test_undo_at_the_bed_corrects_the_last_own_entry_or_says_that_there_is_none(bed):
    browser = bed.signed_in(NURSE_ONE)
    where = f"/bedside/{DOSE}/scan"
    page = scan(browser, browser.get(where), where, "scans.wristband", "UNDO")
    assert page.location.startswith(f"/corrections/dose/{DOSE}/")
    receiver = bed.signed_in(RECEIVER_ONE)
    page = scan(receiver, receiver.get(f"{RECEIVING}/bags/{BAG}"), f"{RECEIVING}/bags/{BAG}", "bag", "UNDO")
    assert page.code == 404
    assert "recorded nothing" in page.text


def test_unknown_command_at_the_bed_is_a_refused_scan_like_any_other(bed):
    browser = bed.signed_in(NURSE_ONE)
    where, before = f"/bedside/{DOSE}/scan", len(refused_scans(bed, NURSE_ONE))
    page = scan(browser, browser.get(where), where, "scans.wristband", "JUMP")
    assert page.code == 422
    assert len(refused_scans(bed, NURSE_ONE)) == before + 1


@pytest.mark.parametrize(
    ("here", "name", "there"),
    [
        (LOT, "CANCEL", "/desks/bench"),
        (f"{LOT}?act=sample_taken", "CANCEL", LOT),
        (LOT, "NEXT", f"{LOT}?do=next"),
        (LOT, "PRINT", "/things/lot/LOT-0004?print=1"),
        (LOT, "SUPERVISOR", f"/station/supervisor?then={LOT}"),
    ],
)
def test_command_at_an_open_product_is_no_scan_of_a_material(looked_at, here, name, there):
    browser = looked_at.signed_in(OPERATOR)
    before = len(refused_scans(looked_at, OPERATOR))
    page = scan(browser, browser.get(LOT), f"{LOT}/scan", "scan", name, here=here)
    assert (page.code, page.location) == (303, there)
    assert len(refused_scans(looked_at, OPERATOR)) == before


def test_command_on_the_page_of_the_bench_leads_away_and_lays_nothing_open(looked_at):
    browser = looked_at.signed_in(OPERATOR)
    page = scan(browser, browser.get("/desks/bench"), "/desks/bench/find", "scan", "CANCEL", here="/desks/bench")
    assert (page.code, page.location) == (303, "/")
    page = scan(browser, browser.get("/desks/bench"), "/desks/bench/find", "scan", "SUPERVISOR", here="/desks/bench")
    assert page.location.startswith("/station/supervisor")
