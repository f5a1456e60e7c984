"""The release certificate: everything rules section 9.1 asks for, on a page to print, and none for what was rejected."""

import re

import pytest

from custody.domain.acts.quality import Recalled
from custody.domain.acts.release import Rejected
from custody.domain.ids import LotId
from custody.store import entries
from custody.workflows import proving
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script
from tests.web.desks.test_release_exceptional import exceptionally_released
from tests.web.test_things import open_blinded_phase

QP, QA, OPERATOR, NURSE = "demo-qp-one", "demo-qa-one", "demo-operator-one", "demo-nurse-one"
LOT = "/certificates/lot/LOT-0001"


def test_certificate_shows_decision_specification_every_result_and_who_signed_what_when(looked_at):
    page = looked_at.signed_in(QP).get(LOT)
    assert page.code == 200, page.text
    assert "Release certificate of lot LOT-0001" in page.text
    assert "Decision released" in page.text
    assert "Version 1" in page.text or "version 1" in page.text
    assert re.search(
        r"Signed by Demo QP One I certify release · Qualified person[^·]* · 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", page.text, re.IGNORECASE
    ), page.text
    with looked_at.store.reading() as connection:
        stream = entries.load_streams(connection, ["lot:LOT-0001"])["lot:LOT-0001"]
    results = [entry.act for entry in stream if entry.act.rule.name == "result_recorded"]
    assert results
    criteria = page.html[page.html.index("Every result") : page.html.index("Tests pending")]
    for result in results:
        assert f"<h3>{result.test} · " in criteria, result.test
    assert criteria.count('class="measured"') == len(results), "a result is left out or hidden"
    assert "<details" not in criteria, "nothing is folded on paper"
    assert "No test is pending." in page.text
    assert "No deviation" in page.text


def test_root_of_the_record_stands_as_qr_and_in_text(looked_at):
    page = looked_at.signed_in(QP).get(LOT)
    now = proving.standing(looked_at.store, looked_at.config.key_dir)
    origin, size, root = re.search(r'<pre class="code">([^\n]+)\n(\d+)\n([^\n]+)\n', page.html).groups()
    assert now.text.startswith(origin)
    assert 0 < int(size) <= now.size
    assert len(root) == 44
    assert 'src="data:image/svg+xml;base64,' in page.html
    assert f"{size} entries, with their root" in page.text


def test_signed_checkpoint_is_printed_once_the_installation_has_a_key(web):
    browser = web.browser(QP)
    assert "has no key yet that signs" in browser.get(LOT).text
    proving.checkpoint(web.store, web.config.key_dir)
    page = browser.get(LOT)
    assert "has no key yet" not in page.text
    assert re.search(r"\n— \S+ \S{80,}", page.html)


def test_certificate_is_reached_from_the_release_desk_and_from_the_passport(looked_at):
    browser = looked_at.signed_in(QP)
    for path in ("/desks/release/lot/LOT-0001", "/things/lot/LOT-0001"):
        assert f'href="{LOT}"' in browser.get(path).html, path
    for path in ("/desks/release/lot/LOT-0004", "/things/lot/LOT-0004", "/things/bag/DEMO0004B0013"):
        assert "/certificates/" not in browser.get(path).html, path


def test_lot_nobody_released_has_none(looked_at):
    page = looked_at.signed_in(QP).get("/certificates/lot/LOT-0004")
    assert page.code == 409
    assert "lot:LOT-0004 was not released, so it has no certificate yet" in page.text or "LOT-0004 was not released" in page.text


def decide(web, act, account):
    script = Script(web.clock.now)
    script.do(act, account)
    Player(web.store).play(script.in_order()[0])
    web.clock.advance(minutes=1)


def test_rejected_lot_has_none_and_says_so(web):
    decide(web, Rejected(node=LotId("LOT-0004"), reason_code="out_of_specification", reason="identity differs"), QP)
    page = web.browser(QP).get("/certificates/lot/LOT-0004")
    assert page.code == 409
    assert "was REJECTED" in page.text
    assert 'class="certified"' not in page.html


def test_certificate_of_a_recalled_lot_is_void(web):
    decide(web, Recalled(node=LotId("LOT-0001"), recall="RC-1", reason="contamination in a sister lot"), QA)
    page = web.browser(QP).get(LOT)
    assert page.code == 409
    assert "was RECALLED" in page.text


def test_exceptional_release_has_a_certificate_of_its_own_which_blinded_people_do_not_find(web):
    exceptionally_released(web)
    path = "/certificates/dose/DOSE-0001"
    assert f'href="{path}"' in web.browser(QP).get("/desks/release/dose/DOSE-0001").html
    text = web.browser(QP).get(path).text
    assert "Certificate of exceptional release from lot LOT-0004" in text
    assert "released EXCEPTIONALLY for this one dose" in text
    assert "The lot itself stays In quarantine" in text, text
    assert "the failed result of VIA" in text
    assert "viable cells are enough" in text
    assert re.search(r"Valid until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", text)
    open_blinded_phase(web)
    for hidden in (path, LOT):
        page = web.browser(NURSE).get(hidden)
        assert page.code == 404, hidden
        assert "LOT-0004" not in page.text
        assert "VIA" not in page.text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_certificate_is_worded_in_both_languages(looked_at, language):
    page = looked_at.signed_in(QP, language).get(LOT)
    assert page.code == 200
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)


def test_thing_of_another_kind_or_nowhere_has_no_certificate(looked_at):
    browser = looked_at.signed_in(QP)
    assert browser.get("/certificates/bag/DEMO0004B0013").code == 404
    assert browser.get("/certificates/lot/LOT-9999").code == 404
