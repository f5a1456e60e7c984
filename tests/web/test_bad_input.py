"""Bad input: one clear sentence, nothing lost, never a fault of ours."""

import io

import pytest

from custody.domain.ids import node_of
from custody.workflows.demonstration import SECRET
from custody.workflows.dossiers import dossier_of

REVIEW = "/acts/hold_placed/review"
WRITE = "/acts/hold_placed"
TYPED = {"hold": "H-1", "reason": "seen a crack", "owner": "QA"}


def holds(web):
    lot = node_of("lot:LOT-0001")
    with web.store.reading() as connection:
        return [deed.act for deed in dossier_of(connection, [lot]).deeds(lot) if deed.act.rule.name == "hold_placed"]


def form(browser):
    return browser.get("/acts/hold_placed?about=lot:LOT-0001")


def test_session_lost_while_a_form_is_filled_in_brings_back_what_was_typed(web):
    browser = web.browser("demo-qp-one")
    page = form(browser)
    web.clock.advance(minutes=20)
    lost = browser.send(page, REVIEW, TYPED)
    assert lost.code == 401
    assert "What you typed is kept" in lost.text
    resumed = browser.send(lost, "/sign-in", {"account": "demo-qp-one", "secret": SECRET})
    assert resumed.code == 200
    review = browser.send(resumed, REVIEW)
    assert review.code == 200
    assert "seen a crack" in review.text
    assert browser.send(review, WRITE, {"secret": SECRET}).code == 200
    assert len(holds(web)) == 1


def test_session_lost_in_the_middle_of_signing_leads_back_to_the_signature_without_the_secret(web):
    browser = web.browser("demo-qp-one")
    review = browser.send(form(browser), REVIEW, TYPED)
    web.clock.advance(minutes=20)
    lost = browser.send(review, WRITE, {"secret": SECRET})
    assert lost.code == 401
    assert SECRET not in [value for values in lost.form("/sign-in").values() for value in values]
    resumed = browser.send(lost, "/sign-in", {"account": "demo-qp-one", "secret": SECRET})
    again = browser.send(resumed, WRITE)
    assert again.code == 403
    assert "Enter your password again" in again.text
    assert holds(web) == []
    assert browser.send(again, WRITE, {"secret": SECRET}).code == 200
    assert len(holds(web)) == 1


def test_wrong_secret_on_the_way_back_keeps_what_was_typed(web):
    browser = web.browser("demo-qp-one")
    page = form(browser)
    web.clock.advance(minutes=20)
    lost = browser.send(page, REVIEW, TYPED)
    wrong = browser.send(lost, "/sign-in", {"account": "demo-qp-one", "secret": "wrong"})
    assert wrong.code == 403
    resumed = browser.send(wrong, "/sign-in", {"account": "demo-qp-one", "secret": SECRET})
    assert resumed.form(REVIEW)["reason"] == ["seen a crack"]


def test_page_older_than_the_session_is_sent_again_with_one_button(web):
    browser = web.browser("demo-qp-one")
    page = form(browser)
    browser.sign_in("demo-qp-one")
    stale = browser.send(page, REVIEW, TYPED)
    assert stale.code == 409
    assert "nothing is lost" in stale.text
    assert browser.send(stale, REVIEW).code == 200


def test_form_without_its_token_does_nothing(web):
    browser = web.browser("demo-qp-one")
    review = browser.send(form(browser), REVIEW, TYPED)
    page = browser.send(review, WRITE, {"secret": SECRET, "csrf_token": ""})
    assert page.code == 409
    assert holds(web) == []


@pytest.mark.parametrize("key", [None, "", "k" * 500])
def test_form_without_a_usable_key_records_nothing(web, key):
    browser = web.browser("demo-qp-one")
    review = browser.send(form(browser), REVIEW, TYPED)
    page = browser.send(review, WRITE, {"secret": SECRET, "idempotency_key": key})
    assert page.code == 422
    assert holds(web) == []


@pytest.mark.parametrize("digest", [None, "", "0" * 64, "nonsense"])
def test_form_without_the_digest_of_what_was_shown_records_nothing(web, digest):
    browser = web.browser("demo-qp-one")
    review = browser.send(form(browser), REVIEW, TYPED)
    page = browser.send(review, WRITE, {"secret": SECRET, "digest": digest})
    assert page.code in {409, 422}
    assert holds(web) == []


def test_comment_of_ten_thousand_characters_is_kept_and_one_more_is_refused(web):
    browser = web.browser("demo-qp-one")
    review = browser.send(form(browser), REVIEW, TYPED | {"reason": "r" * 10_000})
    assert browser.send(review, WRITE, {"secret": SECRET}).code == 200
    assert len(holds(web)[0].reason) == 10_000
    page = browser.send(form(browser), REVIEW, TYPED | {"hold": "H-2", "reason": "r" * 10_001})
    assert page.code == 422
    assert "10 001 characters" in page.text.replace("\u202f", " ")
    assert len(page.form(REVIEW)["reason"][0]) == 10_001


@pytest.mark.parametrize(
    "text",
    [
        "\u202eabc\u202c",
        "سبب التعليق",
        "סיבה",
        "<script>alert(1)</script>",
        "{{ 7*7 }}",
        "\u0000 null",
        "\ud7ff\ufffd",
        "emoji 🧬",
        "line\r\nline",
    ],
)
def test_odd_text_is_kept_or_refused_and_never_a_fault(web, text):
    browser = web.browser("demo-qp-one")
    review = browser.send(form(browser), REVIEW, TYPED | {"reason": text})
    assert review.code in {200, 422}
    assert "<script>alert" not in review.html
    page = browser.send(review, WRITE, {"secret": SECRET}) if review.code == 200 else review
    assert page.code in {200, 422}, page.text
    assert browser.get("/things/lot/LOT-0001").code == 200


@pytest.mark.parametrize("name", ["hold", "reason", "owner", "about", "idempotency_key", "digest"])
@pytest.mark.parametrize("value", ["", "x" * 3000, "\u0000", "lot:LOT-0001\u202e", "-1", "9" * 40])
def test_any_field_may_hold_nonsense(web, name, value):
    browser = web.browser("demo-qp-one")
    for action in (REVIEW, WRITE):
        page = form(browser)
        values = page.form(REVIEW) | TYPED | {"digest": "0" * 64, "secret": SECRET} | {name: value}
        assert browser.post(action, values).code in {200, 404, 409, 422}


@pytest.mark.parametrize("value", ["-1", "1,5", "1e400", "NaN", "Infinity", "٣", "１２", "0x10", "1" * 400, "∞", ""])
def test_odd_numbers_are_refused_beside_their_field(web, value):
    browser = web.browser("demo-nurse-one")
    page = browser.get("/acts/infusion_rate_changed?about=dose:DOSE-0001")
    answer = browser.send(page, "/acts/infusion_rate_changed/review", {"rate_ml_per_min": value, "reason": "r"})
    assert answer.code in {200, 422}
    if answer.code == 422:
        assert 'href="#field-rate_ml_per_min"' in answer.html


def test_unknown_field_is_ignored_and_unknown_page_has_a_sentence(web):
    browser = web.browser("demo-qp-one")
    assert browser.send(form(browser), REVIEW, TYPED | {"nonsense": "x"}).code == 200
    page = browser.get("/nosuch/page")
    assert page.code == 404
    assert "There is no such page" in page.text
    assert browser.post("/acts", {"csrf_token": form(browser).form("/sign-out")["csrf_token"]}).code == 405


def test_far_too_large_a_form_is_refused(web):
    browser = web.browser("demo-qp-one")
    token = form(browser).form("/sign-out")["csrf_token"]
    page = browser.post(REVIEW, {"csrf_token": token, "reason": "r" * 5_000_000})
    assert page.code == 413
    assert "too large" in page.text


def test_file_where_none_is_due_is_ignored(web):
    browser = web.browser("demo-qp-one")
    values = {name: each[0] for name, each in form(browser).form(REVIEW).items()} | TYPED
    response = browser.client.post(REVIEW, data=values | {"file": (io.BytesIO(b"x"), "x.txt")}, content_type="multipart/form-data")
    assert response.status_code == 200


def test_store_that_does_not_answer_is_said_to_be_a_fault_of_ours(web, monkeypatch):
    browser = web.browser("demo-qp-one")

    def broken():
        raise OSError("disk gone")

    monkeypatch.setattr(web.store, "reading", broken)
    page = browser.get("/")
    assert page.code == 503
    assert "fault of its own" in page.text
    assert "disk gone" not in page.text
    assert "Traceback" not in page.text
