"""Labels scanned back at the bench: right, wrong, twice and missing ones, before their number is recorded."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from custody.domain.acts import manufacturing as acts
from custody.domain.acts.manufacturing import Balance
from custody.domain.ids import BagId, LotId
from custody.workflows.rehearsal.downstream import CRYOMEDIUM, HOOD
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script
from tests.web.at_the_desks import cast_of, refused_scans
from tests.web.desks.test_bench import LOT, OPERATOR, VERIFIER, in_culture

__all__ = ["in_culture"]
PATH = f"{LOT}/labels"
BAGS = tuple(BagId.from_random(f"LABEL0077B0{n}") for n in (1, 2))


@pytest.fixture
def labelled(in_culture):
    """Two bags filled and four labels printed; nobody has said yet that any is on a bag."""
    web, lot = in_culture, LotId("LOT-0077")
    script = Script(web.clock.now + timedelta(minutes=30))
    filled = acts.BagsFilled(
        lot=lot,
        bags=BAGS,
        volume_ml=Decimal(30),
        viable_cells_label=Decimal(120000000),
        filled_at=script.when(minutes=-20),
        expires_at=script.when() + timedelta(days=365),
        materials=(CRYOMEDIUM,),
        equipment=(HOOD,),
        balance=Balance(unit="bags", quantity_in=Decimal(2), quantity_out=Decimal(2)),
    )
    script.do(filled, (OPERATOR, VERIFIER), minutes=-20)
    script.do(acts.LabelsPrinted(node=lot, design="bag_50x25mm", copies=4), OPERATOR, minutes=-10)
    player = Player(web.store)
    for each in script.in_order():
        player.play(each)
    web.clock.now = script.start
    return web


def scan(browser, page, text):
    page = browser.send(page, PATH, {"more.labels": text})
    assert page.code == 200, page.text
    return page


def newest(page):
    found = re.search(r'class="scan-lines".*?<li>(.*?)</li>', page.html, re.DOTALL)
    return " ".join(re.sub("<[^>]*>", " ", found[1]).split())


def test_every_label_is_read_once_before_their_number_is_recorded(labelled):
    browser = labelled.browser(OPERATOR)
    assert f'href="{PATH}"' in browser.get(LOT).html
    page = browser.get(PATH)
    assert "printed 4 = applied 0 + destroyed 0 + open 4" in page.text
    assert "0 read, 2 missing" in page.text
    page = scan(browser, page, f"CU1:bag:{BAGS[0]}")
    assert newest(page).startswith(f"Fits {BAGS[0]} belongs to this lot")
    assert "1 label is still to be read" in page.text
    assert "act=labels_applied" not in page.html
    page = scan(browser, page, f"CU1:bag:{BAGS[1]}")
    assert "2 read, 0 missing" in page.text
    assert f'href="{LOT}?act=labels_applied&amp;copies=2"' in page.html
    assert 'name="copies" value="2"' in browser.get(f"{LOT}?act=labels_applied&copies=2").html


def test_label_read_twice_of_another_lot_or_of_nothing_is_a_cross_that_is_not_counted(labelled):
    browser = labelled.browser(OPERATOR)
    page = scan(browser, browser.get(PATH), f"CU1:bag:{BAGS[0]}")
    page = scan(browser, page, f"CU1:bag:{BAGS[0]}")
    assert "read already" in newest(page)
    foreign = cast_of(labelled, "good").bags[0]
    page = scan(browser, page, f"CU1:bag:{foreign}")
    assert "ANOTHER lot" in newest(page)
    page = scan(browser, page, "CU1:lot:LOT-0077")
    assert newest(page).startswith("Does not fit CU1:lot:LOT-0077")
    assert "1 read, 1 missing" in page.text
    assert page.form(PATH)["labels"] == [BAGS[0].value]
    assert [act.refusal for act in refused_scans(labelled, OPERATOR)] == ["twice", "other_lot", "wrong_code_kind"]


def test_verifier_reads_the_labels_too_and_in_chinese(labelled):
    browser = labelled.browser(VERIFIER, "zh")
    page = scan(browser, browser.get(PATH), f"CU1:bag:{BAGS[1]}")
    assert "属于本批次" in newest(page)
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)


def test_labels_of_a_lot_that_is_not_theirs_are_not_found(labelled):
    assert labelled.browser("demo-nurse-one").get(PATH).code == 403
    assert labelled.browser(OPERATOR).get("/desks/bench/lot/LOT-9999/labels").code == 404


def test_nothing_is_offered_to_scan_where_no_label_is_open(in_culture):
    assert f'href="{PATH}"' not in in_culture.browser(OPERATOR).get(LOT).html
