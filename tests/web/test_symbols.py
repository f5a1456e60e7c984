"""Codes on screen and the demonstration's sheet: each picture reads back as the text beneath it."""

import base64
import re
from urllib.parse import unquote

import pytest
from zxingcpp import BarcodeFormat

from custody.config import Config
from custody.store.schema import upgrade
from custody.web.app import create_app
from custody.workflows.demonstration import HOSPITAL_NUMBER, SECRET
from custody.workflows.door import open_store
from tests.printing.pixels import read_back
from tests.web.at_the_desks import NURSE_ONE, cast_of


@pytest.mark.parametrize(("drawn", "symbology"), [("qr", BarcodeFormat.QRCode), ("code128", BarcodeFormat.Code128)])
def test_symbol_reads_back_as_custody_wrote_it(web, drawn, symbology):
    bag = cast_of(web, "good").bags[0]
    response = web.browser(NURSE_ONE).client.get(f"/symbols/bag/{bag}.svg?as={drawn}")
    assert response.mimetype == "image/svg+xml"
    assert read_back(response.get_data(as_text=True), symbology) == f"CU1:bag:{bag}"


@pytest.mark.parametrize("path", ["/symbols/poem/ROSE.svg", "/symbols/bag/small letters.svg", "/symbols/bag/A.svg?as=aztec"])
def test_anything_else_is_refused_in_words(web, path):
    page = web.browser(NURSE_ONE).get(path)
    assert page.code == 422
    assert "did not work" in page.text


def test_symbols_are_for_people_who_signed_in(web):
    assert web.browser().get("/symbols/bag/A.svg").code == 302


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sheet_shows_everything_a_shift_scans(web, language):
    page = web.browser(language=language).get("/demo")
    assert page.code == 200
    good = cast_of(web, "good")
    for text in (
        SECRET,
        HOSPITAL_NUMBER,
        "WB0001X7K2M9Q4",
        good.dose.value,
        good.bags[0].value,
        good.shipper.value,
        good.seals[0].value,
        NURSE_ONE,
    ):
        assert text in page.html, text
    assert page.html.count("<section") >= 5
    assert not re.search(r"\[(demo|receiving|term)\.", page.html)


def test_every_picture_of_the_sheet_reads_back_as_a_code_of_custody(web):
    html = web.browser().get("/demo").html
    pictures = [base64.b64decode(unquote(found)).decode() for found in re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)]
    assert len(pictures) > 30
    for picture in pictures[:8]:
        assert read_back(picture, BarcodeFormat.Code128).startswith("CU1:")
    for picture in pictures[-2:]:
        assert read_back(picture, BarcodeFormat.QRCode).startswith("CU1:badge:DEMO-")


def test_store_that_is_no_demonstration_has_no_such_page(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'real.db'}")
    upgrade(store)
    app = create_app(store, Config(database_url=store.url, key_dir=tmp_path / "keys", secure_cookies=False))
    assert app.test_client().get("/demo").status_code == 404
    store.close()
