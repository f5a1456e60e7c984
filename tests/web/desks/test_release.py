"""The release desk: the queue by deadline, what decides a lot with exceptions first, reviews as signed steps, the release itself."""

import re

import pytest

from custody.domain.acts.release import AuditTrailReviewed, Rejected, Released
from tests.web.at_the_desks import acts_of
from tests.web.desks.test_quality_control import inline

DESK = "/desks/release"
LOT = f"{DESK}/lot/LOT-0004"
QA, QP = "demo-qa-one", "demo-qp-one"


def reviewed(web):
    """Both reviews signed by the QA reviewer."""
    qa = web.browser(QA)
    for act in ("batch_record_reviewed", "audit_trail_reviewed"):
        assert 'class="confirmation"' in inline(qa, f"{LOT}?act={act}", {}).html
        web.clock.advance(minutes=1)


def test_queue_shows_what_waits_with_its_deadline_and_next_step(looked_at):
    page = looked_at.signed_in(QA).get(DESK)
    assert page.code == 200
    assert "lot LOT-0004" in page.text
    assert "To be reviewed" in page.text
    assert f"{LOT}?act=batch_record_reviewed" in page.html
    assert "lot LOT-0001" not in page.text, "a released lot waits for nothing here"


def test_release_is_disabled_with_the_reasons_in_words(looked_at):
    text = looked_at.signed_in(QP).get(LOT).text
    shown = text[text.index("Not possible now") :]
    assert "Released by the qualified person Not yet. The batch record was not reviewed since its last entry" in shown
    assert not any(action.startswith("/acts/released") for action in looked_at.signed_in(QP).get(f"{LOT}?act=released").actions)


def test_rules_in_the_way_come_before_those_that_hold(looked_at):
    text = looked_at.signed_in(QP).get(LOT).text
    rules = text[text.index("What the release is judged by") :]
    assert rules.index("REL-BMR") < rules.index("rules hold") < rules.index("REL-LABEL")
    assert "2 rules stand in the way now." in rules


def test_every_result_stands_beside_its_limit_with_its_source(looked_at):
    text = looked_at.signed_in(QA).get(LOT).text
    assert "VIA · Viability Passed Limit ≥ 80.0 % 92.5 % within its limit Reviewed Source" in text
    assert "sample Q-LOT-0004" in text


def test_trail_review_opens_with_the_last_entry_and_what_is_to_be_read(looked_at):
    page = looked_at.signed_in(QA).get(f"{LOT}?act=audit_trail_reviewed")
    assert re.search(r"You sign that you read \d+ critical entries up to entry \d+, of which 0 corrected", page.text)
    assert re.search(r'<details class="trail-read" open', page.html)
    assert "not reviewed" in page.text


def test_lot_is_reviewed_by_one_and_released_by_another_on_this_desk(web):
    reviewed(web)
    qa, qp = web.browser(QA), web.browser(QP)
    assert "Ready to be decided" in qa.get(DESK).text
    refused = qa.get(LOT).text
    assert "Released by the qualified person" in refused[refused.index("Not possible now") :]
    shown = qp.get(f"{LOT}?act=released")
    assert "I certify release of lot LOT-0004 · study version" in shown.text
    page = inline(qp, f"{LOT}?act=released", {})
    assert f'<a class="button" href="{LOT}">Back to Release</a>' in page.html, page.text
    assert [type(act) for act in acts_of(web, "lot:LOT-0004")][-1] is Released
    assert "lot LOT-0004" not in qp.get(DESK).text
    assert "Released by Demo" in qp.get(LOT).text


def test_review_that_a_later_entry_overtook_is_kept_and_asks_for_another(web):
    reviewed(web)
    qa = web.browser(QA)
    web.clock.advance(minutes=1)
    page = inline(
        qa, "/desks/quality/lot/LOT-0004?act=deviation_opened", {"deviation": "DV-9", "severity": "minor", "description": "label askew"}
    )
    assert 'class="confirmation"' in page.html, page.text
    page = qa.get(LOT)
    assert "Overtaken by a later entry: review again" in page.text
    assert "entries nobody has reviewed yet: 1" in page.text
    assert f"{LOT}?act=audit_trail_reviewed" in page.html


def test_open_major_deviation_stands_first_and_stops_the_release(web):
    qa = web.browser(QA)
    inline(qa, "/desks/quality/lot/LOT-0004?act=deviation_opened", {"deviation": "DV-1", "severity": "major", "description": "hood alarm"})
    text = qa.get(LOT).text
    assert "DV-1 · Major · lot LOT-0004 Open hood alarm" in text
    assert "REL-DEV" in text[: text.index("rules hold")]


def test_rejection_asks_for_a_coded_reason_and_a_text(web):
    qp = web.browser(QP)
    page = qp.get(f"{LOT}?act=rejected")
    assert '<option value="contamination">' in page.html
    assert '<option value="VIA">' in page.html, "the code of a failed test, which an exceptional release asks for"
    refused = qp.send(page, "/acts/rejected/review", {"reason_code": "", "reason": ""})
    assert refused.code == 422
    page = inline(qp, f"{LOT}?act=rejected", {"reason_code": "contamination", "reason": "cloudy bags"})
    assert 'class="confirmation"' in page.html, page.text
    rejected = [act for act in acts_of(web, "lot:LOT-0004") if isinstance(act, Rejected)]
    assert [act.reason_code for act in rejected] == ["contamination"]
    assert "Contamination, or doubt of it · cloudy bags" in qp.get(LOT).text


def test_released_lot_is_recalled_and_not_rejected(looked_at):
    text = looked_at.signed_in(QP).get(f"{DESK}/lot/LOT-0001").text
    assert "Rejected It is released: recall it at the quality desk." in text
    assert "Released by the qualified person It is released already." in text


def test_trail_review_signed_here_names_the_last_entry(web):
    reviewed(web)
    acts = acts_of(web, "lot:LOT-0004")
    review = next(act for act in acts if isinstance(act, AuditTrailReviewed))
    assert review.up_to_position > 0


def test_two_who_decide_at_once_the_second_reads_what_the_first_decided(web):
    reviewed(web)
    first, second = web.browser(QP), web.browser(QP)
    assert "/acts/released/review" in second.get(f"{LOT}?act=released").actions
    inline(first, f"{LOT}?act=released", {})
    page = second.get(f"{LOT}?act=released")
    assert "It is released already." in page.text
    assert not any(action.startswith("/acts/released") for action in page.actions)


def test_dose_nobody_asked_an_exception_for_says_so(looked_at):
    page = looked_at.signed_in(QP).get(f"{DESK}/dose/DOSE-0001")
    assert "Nobody asked for an exceptional release of this dose." in page.text


@pytest.mark.parametrize("path", ["/lot/LOT-9999", "/bag/DEMO0001B0014", "/dose/DOSE-9999"])
def test_thing_that_is_unknown_or_not_of_this_desk_is_not_found(looked_at, path):
    assert looked_at.signed_in(QA).get(f"{DESK}{path}").code in {404, 422}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "path", [DESK, LOT, f"{LOT}?act=batch_record_reviewed", f"{LOT}?act=rejected", f"{DESK}/bank/MCB-0001", f"{DESK}/lot/LOT-0005"]
)
def test_pages_are_worded_in_both_languages(looked_at, path, language):
    page = looked_at.signed_in(QA, language).get(path)
    assert page.code in {200, 404}, page.text
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_-]+)*\]", page.html)


def test_queue_is_sorted_by_deadline(looked_at):
    html = looked_at.signed_in(QA).get(DESK).html
    times = re.findall(r'<time class="remark" datetime="([^"]+)"', html)
    assert times == sorted(times)
