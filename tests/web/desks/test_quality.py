"""The quality desk: excursions with their curve, gaps, holds with scope and owner, deviations, recalls in both directions."""

import re

import pytest

from custody.domain.acts.quality import ColdChainDecided, GapDisposed, HoldLifted, HoldPlaced, Recalled
from custody.workflows import demonstration
from tests.web.at_the_desks import acts_of
from tests.web.desks.test_quality_control import address, inline

DESK = "/desks/quality"
QA, QP = "demo-qa-one", "demo-qp-one"


def cast(web, word):
    return next(lot.cast for lot in demonstration.casts(web.config.key_dir) if lot.word == word)


def warm_bag(web):
    return cast(web, "warm").bags[0]


def signed(browser, path, values=None):
    """Fills the form in, signs it, and gives back the page that comes last."""
    done = inline(browser, path, values or {})
    assert 'class="confirmation"' in done.html, done.text
    return done


def section(text, start, end):
    return text[text.index(start) : text.index(end)]


def test_queue_names_every_bag_of_class_2_with_its_reason_and_the_decision_as_next_step(looked_at):
    page = looked_at.signed_in(QA).get(DESK)
    assert page.code == 200, page.text
    shown = section(page.text, "Temperature excursions to decide", "Gaps in custody to dispose of")
    assert f"bag {warm_bag(looked_at)} Class 2" in shown
    assert f"{DESK}/bag/{warm_bag(looked_at)}?act=cold_chain_decided" in page.html


def test_queue_names_the_gap_of_a_shipment_once_for_all_its_bags(looked_at):
    text = looked_at.signed_in(QA).get(DESK).text
    shown = section(text, "Gaps in custody to dispose of", "Open holds")
    assert re.search(r"shipment \S+ .*2 bags", shown), shown


def test_recalled_lot_leads_to_its_list(looked_at):
    page = looked_at.signed_in(QA).get(DESK)
    assert "RC-0001" in page.text
    assert f"{DESK}/lot/LOT-0005/recall" in page.html


def test_bag_shows_its_class_in_one_sentence_with_curve_and_every_excursion(looked_at):
    browser = looked_at.signed_in(QA)
    page = browser.get(f"{DESK}/bag/{warm_bag(looked_at)}")
    assert re.search(r"Class 2: \d+ × out of range, [\d.]+ min in total, warmest −?-?130(\.0)? °C", page.text), page.text
    assert page.text.index("× out of range") < page.text.index("Times out of range")
    href = re.search(r'src="(/desks/quality/bag/[^"]+\.svg)"', page.html)[1]
    picture = browser.get(href)
    assert picture.code == 200
    assert picture.html.startswith("<svg")


def test_decision_about_an_excursion_is_written_with_the_reasons_beside_it_and_comes_back(web):
    bag, qa = warm_bag(web), web.browser(QA)
    page = qa.get(f"{DESK}/bag/{bag}?act=cold_chain_decided")
    assert page.html.index(".svg") < page.html.index('id="act"'), "the curve stands above the form"
    assert "Class 2" in section(page.text, "Cold-chain excursion decided", "Continue")
    done = signed(qa, f"{DESK}/bag/{bag}?act=cold_chain_decided", {"decision": "release", "reason": "short, above glass transition"})
    assert f'<a class="button" href="{DESK}/bag/{bag}">Back to Quality</a>' in done.html
    assert any(isinstance(act, ColdChainDecided) for act in acts_of(web, f"bag:{bag}"))
    web.clock.advance(seconds=5)
    text = qa.get(f"{DESK}/bag/{bag}").text
    assert "short, above glass transition" in text
    assert "There is nothing to decide: no class 2 that is not decided." in text
    assert f"bag {bag} Class 2" not in qa.get(DESK).text


def test_excursion_that_was_rejected_waits_for_nobody(web):
    bag, qa = warm_bag(web), web.browser(QA)
    signed(qa, f"{DESK}/bag/{bag}?act=cold_chain_decided", {"decision": "reject", "reason": "too warm for too long"})
    web.clock.advance(seconds=5)
    assert f"bag {bag} Class 2" not in qa.get(DESK).text


def test_gap_is_disposed_of_with_its_times_filled_in_and_the_seals_beside(web):
    qa = web.browser(QA)
    href = address(qa.get(DESK), "Dispose of it")
    page = qa.get(href)
    assert "Seals put on" in page.text
    assert "Seals read on arrival" in page.text
    answers = {"seals_intact": "yes", "trace_continuous": "yes", "reason": "courier stood in traffic, seals whole"}
    done = inline(qa, href, answers)
    assert 'class="confirmation"' in done.html, done.text
    web.clock.advance(seconds=5)
    text = qa.get(DESK).text
    assert "No gap in custody is open." in text
    shipment = re.search(r"/desks/quality/shipment/([^?]+)", href)[1]
    assert any(isinstance(act, GapDisposed) for act in acts_of(web, f"shipment:{shipment}"))
    assert "Disposed of by Demo QA One" in qa.get(f"{DESK}/shipment/{shipment}").text


def test_hold_is_placed_with_owner_and_reach_and_lifted_from_the_queue(web):
    qa = web.browser(QA)
    page = qa.get(f"{DESK}/lot/LOT-0004?act=hold_placed")
    form = page.form("/acts/hold_placed/review")
    assert form["hold"] == ["H-LOT-0004-1"]
    assert form["owner"] == ["Demo QA One"]
    assert "Reaches bag: 4" in page.text
    signed(qa, f"{DESK}/lot/LOT-0004?act=hold_placed", {"reason": "particles seen"})
    assert any(isinstance(act, HoldPlaced) for act in acts_of(web, "lot:LOT-0004"))
    web.clock.advance(seconds=5)
    page = qa.get(DESK)
    assert "lot LOT-0004 H-LOT-0004-1, owner Demo QA One particles seen" in page.text
    bag = cast(web, "not_released").bags[0]
    assert "H-LOT-0004-1 · lot LOT-0004" in qa.get(f"{DESK}/bag/{bag}").text, "a hold counts for everything made from it"
    done = inline(qa, address(page, "Lift it"), {"reason": "a scratch on the bag, no particle"})
    assert 'class="confirmation"' in done.html, done.text
    assert any(isinstance(act, HoldLifted) for act in acts_of(web, "lot:LOT-0004"))
    web.clock.advance(seconds=5)
    assert "H-LOT-0004-1, owner" not in qa.get(DESK).text


def test_deviation_is_opened_and_closed_from_the_queue(web):
    qa = web.browser(QA)
    signed(qa, f"{DESK}/lot/LOT-0004?act=deviation_opened", {"severity": "major", "description": "hood alarm for 4 min"})
    web.clock.advance(seconds=5)
    page = qa.get(DESK)
    assert "DV-LOT-0004-1 · Major hood alarm for 4 min" in page.text
    done = inline(qa, address(page, "Close it"), {"conclusion": "settle plates clean"})
    assert 'class="confirmation"' in done.html, done.text
    web.clock.advance(seconds=5)
    assert "No deviation is open." in qa.get(DESK).text
    assert "settle plates clean" in qa.get(f"{DESK}/lot/LOT-0004").text


def test_recall_list_has_every_bag_with_place_and_participant(looked_at):
    good = cast(looked_at, "good")
    text = looked_at.signed_in(QA).get(f"{DESK}/lot/{good.lot}/recall").text
    for bag in good.bags:
        assert str(bag) in text
    assert str(good.participant) in text
    assert "to bring back" in text
    assert "It is not recalled. This is what a recall would reach." in text
    sisters = text[text.index("Bags of sister lots") :]
    for other in ("warm", "recalled"):
        assert str(cast(looked_at, other).bags[0]) in sisters


def test_recall_list_backward_names_the_donor_and_no_participant(looked_at):
    good = cast(looked_at, "good")
    text = looked_at.signed_in(QA).get(f"{DESK}/lot/{good.lot}/recall?direction=backward").text
    assert "donor " in text
    assert "bank " in text
    assert str(good.participant) not in text


def test_recall_list_of_a_donor_names_doses_and_never_a_participant(looked_at):
    browser = looked_at.signed_in(QA)
    good = cast(looked_at, "good")
    behind = browser.get(f"{DESK}/lot/{good.lot}/recall?direction=backward")
    donor = re.search(r"/things/donor/([^\"]+)", behind.html)[1]
    text = browser.get(f"{DESK}/donor/{donor}/recall").text
    assert str(good.bags[0]) in text
    assert str(good.participant) not in text
    assert "Donor and participant never stand on one page" in text
    assert browser.get(f"{DESK}/dose/DOSE-0001/recall").code == 404


def test_recall_is_signed_with_its_reach_beside_and_is_final(web):
    qp = web.browser(QP)
    page = qp.get(f"{DESK}/lot/LOT-0001?act=recalled")
    assert "Reaches" in section(page.text, "Recalled", "Continue")
    signed(qp, f"{DESK}/lot/LOT-0001?act=recalled", {"reason": "growth in a retain sample"})
    assert any(isinstance(act, Recalled) for act in acts_of(web, "lot:LOT-0001"))
    web.clock.advance(seconds=5)
    text = qp.get(f"{DESK}/lot/LOT-0001").text
    assert "growth in a retain sample" in text
    assert "It is recalled already, and a recall is final." in text
    assert "Recall RC-LOT-0001-1: growth in a retain sample" in qp.get(f"{DESK}/lot/LOT-0001/recall").text


def test_what_cannot_be_done_now_says_why(looked_at):
    text = looked_at.signed_in(QA).get(f"{DESK}/lot/LOT-0004").text
    assert "Hold lifted First: Hold placed or Hold placed by" in text
    assert "Deviation closed First: Deviation opened." in text
    bag = cast(looked_at, "good").bags[0]
    text = looked_at.signed_in(QA).get(f"{DESK}/bag/{bag}").text
    assert "Gap in the custody record disposed of No gap is open." in text


@pytest.mark.parametrize("path", ["/lot/LOT-9999", "/lot/LOT-9999/recall", "/material/M-1", "/bag/DEMO9999B0018/curve/0/0.svg"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(QA).get(f"{DESK}{path}").code in {404, 422}


@pytest.mark.parametrize("path", ["", "/lot/LOT-0004/recall", "/bag/DEMO0001B0014/curve/0/0.svg"])
def test_people_of_other_roles_are_kept_out(looked_at, path):
    assert looked_at.signed_in("demo-nurse-one").get(f"{DESK}{path}").code == 403


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("word", ["good", "warm", "gap", "not_released", "recalled"])
def test_pages_are_worded_in_both_languages(looked_at, word, language):
    browser = looked_at.signed_in(QA, language)
    lot, bag = cast(looked_at, word).lot, cast(looked_at, word).bags[0]
    for path in (DESK, f"{DESK}/lot/{lot}", f"{DESK}/bag/{bag}", f"{DESK}/lot/{lot}/recall", f"{DESK}/lot/{lot}/recall?direction=backward"):
        page = browser.get(path)
        assert page.code == 200, page.text
        assert not re.search(r"\[[a-z_]+(\.[A-Za-z_-]+)*\]", page.html)
