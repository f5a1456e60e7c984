"""The passport: where it is now first, gaps drawn as events, a print view with its own code; and everything found by any number on it."""

import pytest

from tests.web.at_the_desks import cast_of

QA = "demo-qa-one"


def test_gap_in_custody_is_an_event_with_its_length_and_reason_on_bag_and_shipment(looked_at):
    cast, browser = cast_of(looked_at, "gap"), looked_at.signed_in(QA)
    for path in (f"/things/bag/{cast.bags[0]}", f"/things/shipment/{cast.shipment}"):
        text = browser.get(path).text
        assert "with no custodian" in text, path
        assert "not disposed of" in text
        assert "Gaps in custody: " in text


def test_status_stands_before_the_first_event(looked_at):
    cast = cast_of(looked_at, "good")
    page = looked_at.signed_in(QA).get(f"/things/bag/{cast.bags[0]}")
    assert page.html.index('class="now') < page.html.index('<ol class="line">')


def test_print_view_carries_a_code_of_this_very_page(looked_at):
    page = looked_at.signed_in(QA).get("/things/lot/LOT-0001?print=1")
    assert "data-print-now" in page.html
    assert "Scan to open the live page" in page.text
    assert "Printed 2026-06-01" in page.text
    assert "data-print-now" not in looked_at.signed_in(QA).get("/things/lot/LOT-0001").html


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("DN-0001", "/things/donor/DN-0001"),
        ("A999926000001", "/things/donation/A999926000001"),
        ("A9999 26 000001", "/things/donation/A999926000001"),
        ("=A99992600000100", "/things/donation/A999926000001"),
        ("lot-0001", "/things/lot/LOT-0001"),
        ("SH-0001", "/things/shipment/SH-0001"),
        ("SHIPPER-0001", "/things/shipper/SHIPPER-0001"),
        ("LOGGER-T-0001", "/things/logger/LOGGER-T-0001"),
        ("P-0001", "/things/participant/P-0001"),
        ("DOSE-0001", "/things/dose/DOSE-0001"),
        ("S001-4471", "/things/shipment/SH-0001"),
        ("CU1:seal:S001-4471", "/things/shipment/SH-0001"),
    ],
)
def test_thing_is_found_by_any_number_on_it(looked_at, number, found):
    page = looked_at.signed_in("demo-inspector-one").client.get("/search", query_string={"q": number})
    assert page.headers.get("Location") == found, page.get_data(as_text=True)[-1500:]
