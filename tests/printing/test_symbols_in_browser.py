"""Symbols as a ward sees them: drawn by Chromium under the strict content security policy, and read from the screen."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, Route
from zxingcpp import BarcodeFormat

from custody.printing.symbols import code128_svg, qr_svg

pytestmark = pytest.mark.browser
POLICY = "default-src 'none'; img-src 'self'; style-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
TEXT = "CU1:bag:K7Q2M9X4T1ZB8"


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 1280, "height": 400})


@pytest.mark.parametrize(("draw", "symbology"), [(code128_svg, BarcodeFormat.Code128), (qr_svg, BarcodeFormat.QRCode)])
def test_symbol_is_shown_and_read_from_the_screen(page: Page, draw: Callable[[str], str], symbology: BarcodeFormat):
    """No request leaves the page: both answers are given here."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))

    def answer(route: Route) -> None:
        headers = {"Content-Security-Policy": POLICY}
        if route.request.url.endswith("/symbol.svg"):
            route.fulfill(body=draw(TEXT), content_type="image/svg+xml", headers=headers)
        else:
            route.fulfill(body="<!doctype html><title>t</title><img alt='' src='/symbol.svg'>", content_type="text/html", headers=headers)

    page.route("**/*", answer)
    page.goto("http://custody.test/")
    assert page.evaluate("document.querySelector('img').naturalWidth") > 0
    screen = Image.open(io.BytesIO(page.screenshot()))
    found = zxingcpp.read_barcodes(screen, formats=symbology)
    assert [symbol.text for symbol in found] == [TEXT]
    assert complaints == []
