"""Acts through their forms: filled in, read once more, signed, recorded, stopped, refused."""

import re

import pytest

from custody.domain.ids import node_of
from custody.workflows.demonstration import SECRET
from custody.workflows.dossiers import dossier_of


def acts_on(web, key):
    with web.store.reading() as connection:
        return [deed.act.rule.name for deed in dossier_of(connection, [node_of(key)]).deeds(node_of(key))]


def hold(browser, about="lot:LOT-0001", **typed):
    """The review page of a hold."""
    values = {"hold": "H-1", "reason": "seen a crack", "owner": "QA"} | typed
    return browser.send(browser.get(f"/acts/hold_placed?about={about}"), "/acts/hold_placed/review", values)


def test_signed_act_is_read_once_more_and_recorded_with_the_secret(web):
    browser = web.browser("demo-qp-one")
    review = hold(browser)
    assert review.code == 200
    for shown in ("lot LOT-0001", "H-1", "seen a crack", "I did this", "Demo QP One", "Qualified person"):
        assert shown in review.text
    page = browser.send(review, "/acts/hold_placed", {"secret": SECRET})
    assert page.code == 200
    assert "Reference number" in page.text
    assert acts_on(web, "lot:LOT-0001")[-1] == "hold_placed"


def test_wrong_secret_signs_nothing_keeps_everything_and_is_kept_as_evidence(web):
    browser = web.browser("demo-qp-one")
    page = browser.send(hold(browser), "/acts/hold_placed", {"secret": "wrong"})
    assert page.code == 403
    assert "This password is not right" in page.text
    assert page.form("/acts/hold_placed")["reason"] == ["seen a crack"]
    assert "hold_placed" not in acts_on(web, "lot:LOT-0001")
    story = web.browser("demo-admin-one").get("/things/account/demo-qp-one")
    assert "Sign-in or signature refused" in story.text
    assert browser.send(page, "/acts/hold_placed", {"secret": SECRET}).code == 200


def test_five_wrong_secrets_at_a_signature_end_the_session(web):
    browser = web.browser("demo-qp-one")
    page = hold(browser)
    for _ in range(4):
        page = browser.send(page, "/acts/hold_placed", {"secret": "wrong"})
    assert browser.send(page, "/acts/hold_placed", {"secret": "wrong"}).location == "/sign-in?why=locked"
    assert browser.get("/").code == 302


def test_wrong_value_comes_back_with_the_error_summary_and_everything_typed(web):
    browser = web.browser("demo-qp-one")
    page = hold(browser, hold="")
    assert page.code == 422
    assert "There is a problem" in page.text
    assert '<a href="#field-hold">' in page.html
    assert page.form("/acts/hold_placed/review")["reason"] == ["seen a crack"]


def test_unsigned_act_asks_for_no_secret(web):
    browser = web.browser("demo-coldchain-one")
    form = browser.get("/acts/bag_damaged?about=bag:DEMO0001B0014")
    review = browser.send(form, "/acts/bag_damaged/review", {"bag": "CU1:bag:DEMO0001B0014", "description": "a leak at the port"})
    assert 'type="password"' not in review.html
    assert "You record exactly this" in review.text
    assert browser.send(review, "/acts/bag_damaged").code == 200
    assert acts_on(web, "bag:DEMO0001B0014")[-1] == "bag_damaged"


def test_release_of_an_unconcluded_lot_is_stopped_with_codes_reasons_and_what_to_do_in_both_languages(web):
    browser = web.browser("demo-qp-one")
    review = browser.send(browser.get("/acts/released?about=lot:LOT-0004"), "/acts/released/review")
    page = browser.send(review, "/acts/released", {"secret": SECRET})
    assert page.code == 200
    assert "STOP" in page.text
    assert "禁止继续" in page.text
    assert re.search(r'<span class="code">REL-[A-Z]+</span>', page.html)
    assert 'lang="zh-Hans"' in page.html
    assert "What to do now" in page.text
    assert "+86 25 5550 0191" in page.text
    assert "released" not in acts_on(web, "lot:LOT-0004")
    assert "STOP · " in browser.get("/things/lot/LOT-0004").text


def test_form_sent_twice_records_once_and_says_when(web):
    browser = web.browser("demo-qp-one")
    review = hold(browser)
    browser.send(review, "/acts/hold_placed", {"secret": SECRET})
    page = browser.send(review, "/acts/hold_placed", {"secret": SECRET})
    assert page.code == 200
    assert "This was recorded before, at 2026-06-01 14:00:20 (UTC+8)" in page.text
    assert acts_on(web, "lot:LOT-0001").count("hold_placed") == 1


def test_same_form_with_other_content_is_refused(web):
    browser = web.browser("demo-qp-one")
    review = hold(browser)
    browser.send(review, "/acts/hold_placed", {"secret": SECRET})
    changed = browser.send(review, "/acts/hold_placed/review", {"reason": "another reason", "add": None})
    page = browser.send(changed, "/acts/hold_placed", {"secret": SECRET})
    assert page.code == 409
    assert "sent before with other content" in page.text


def test_what_changed_after_the_review_must_be_read_again(web):
    browser = web.browser("demo-qa-one")
    review = browser.send(browser.get("/acts/audit_trail_reviewed?about=lot:LOT-0001"), "/acts/audit_trail_reviewed/review")
    other = web.browser("demo-qp-one")
    other.send(hold(other), "/acts/hold_placed", {"secret": SECRET})
    page = browser.send(review, "/acts/audit_trail_reviewed", {"secret": SECRET})
    assert page.code == 409
    assert "changed while you were looking" in page.text
    assert browser.send(page, "/acts/audit_trail_reviewed", {"secret": SECRET}).code == 200


def test_value_changed_between_review_and_signature_is_not_signed(web):
    browser = web.browser("demo-qp-one")
    page = browser.send(hold(browser), "/acts/hold_placed", {"secret": SECRET, "reason": "slipped in"})
    assert page.code == 409
    assert "hold_placed" not in acts_on(web, "lot:LOT-0001")


def test_another_label_than_the_form_is_about_is_refused_and_the_scan_kept(web):
    browser = web.browser("demo-coldchain-one")
    form = browser.get("/acts/bag_damaged?about=bag:DEMO0001B0014")
    page = browser.send(form, "/acts/bag_damaged/review", {"bag": "CU1:bag:DEMO0001B0022", "description": "a leak"})
    assert page.code == 422
    assert "You scanned bag DEMO0001B0022, but this form is about bag DEMO0001B0014" in page.text
    assert "Scan refused" in web.browser("demo-admin-one").get("/things/account/demo-coldchain-one").text


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        ("CU1:wristband:ABCDEFGHIJ", "This is the wristband; scan the bag label."),
        ("DEMO0001B0015", "was misread or mistyped"),
        ("CU1:bag:DEMO0009B0011", ""),
        ("]", ""),
        ("=", ""),
        ("&&&", ""),
        ("\u202e\u05d0\u05d1", ""),
        ("x" * 9000, ""),
        ("bag:", ""),
        ("nokind:1", ""),
    ],
)
def test_scan_of_nonsense_gets_one_clear_sentence(web, scan, said):
    browser = web.browser("demo-coldchain-one")
    form = browser.get("/acts/bag_damaged?about=bag:DEMO0001B0014")
    page = browser.send(form, "/acts/bag_damaged/review", {"bag": scan, "description": "a leak"})
    assert page.code == 422
    assert said in page.text
    assert "There is a problem" in page.text
    assert page.form("/acts/bag_damaged/review")["description"] == ["a leak"]
    assert (
        browser.get(
            "/acts/bag_damaged",
        ).code
        == 200
    )
    assert browser.client.get("/acts/bag_damaged", query_string={"about": scan}).status_code in {404, 422}


def test_act_of_another_role_is_refused(web):
    page = web.browser("demo-nurse-one").get("/acts/released?about=lot:LOT-0001")
    assert page.code == 403
    assert "Qualified person" in page.text


@pytest.mark.parametrize("act", ["nonsense", "verdict_given", "proposed", "bag_reserved", "x" * 300])
def test_act_without_a_form_is_no_page(web, act):
    assert web.browser("demo-qp-one").get(f"/acts/{act}").code == 404


@pytest.mark.parametrize("act", ["infusion_started", "bedside_scanned", "next_bag_started", "logger_file_read", "secret_set"])
def test_act_with_a_page_of_its_own_is_not_recorded_by_form(web, act):
    browser = web.browser("demo-nurse-one")
    page = browser.get(f"/acts/{act}")
    assert page.code == 200
    assert f"/acts/{act}/review" not in page.html
    token = page.form("/sign-out")["csrf_token"]
    assert browser.post(f"/acts/{act}", {"csrf_token": token, "idempotency_key": "k"}).code == 404
    assert browser.post(f"/acts/{act}/review", {"csrf_token": token, "idempotency_key": "k"}).code == 404


def test_rows_are_added_and_removed_without_losing_what_was_typed(web):
    browser = web.browser("demo-qp-one")
    form = browser.get("/acts/released_conditionally?about=lot:LOT-0004")
    path = "/acts/released_conditionally/review"
    more = browser.send(form, path, {"pending-0.test": "STE", "pending-0.due_at.date": "2026-06-05", "add": "pending"})
    assert more.code == 200
    assert more.form(path)["pending-0.due_at.date"] == ["2026-06-05"]
    assert "pending-1.due_at.date" in more.form(path)
    less = browser.send(more, path, {"pending-1.due_at.date": "2026-06-09", "remove": "pending.0"})
    assert less.form(path)["pending-0.due_at.date"] == ["2026-06-09"]
    assert "pending-1.due_at.date" not in less.form(path)


def test_time_is_typed_with_its_offset_and_shown_with_it(web):
    browser = web.browser("demo-analyst-one")
    values = {"sample": "Q-9", "taken_at.date": "2026-05-31", "taken_at.time": "14:32", "taken_at.offset": "+05:30"}
    review = browser.send(browser.get("/acts/sample_taken?about=lot:LOT-0004"), "/acts/sample_taken/review", values)
    assert "2026-05-31 17:02 (UTC+8)" in review.text


@pytest.mark.parametrize(
    ("day", "clock", "offset"), [("2026-02-30", "10:00", "+08:00"), ("yesterday", "10:00", "+08:00"), ("2026-05-31", "", "+08:00")]
)
def test_time_that_is_none_is_refused_beside_its_field(web, day, clock, offset):
    browser = web.browser("demo-analyst-one")
    values = {"sample": "Q-9", "taken_at.date": day, "taken_at.time": clock, "taken_at.offset": offset}
    page = browser.send(browser.get("/acts/sample_taken?about=lot:LOT-0004"), "/acts/sample_taken/review", values)
    assert page.code == 422
    assert 'href="#field-taken_at"' in page.html


def test_late_entry_says_when_it_happened(web):
    browser = web.browser("demo-qp-one")
    late = {"happened_at.date": "2026-06-01", "happened_at.time": "12:00"}
    page = browser.send(hold(browser, **late), "/acts/hold_placed", {"secret": SECRET})
    assert page.code == 200
    story = browser.get("/things/lot/LOT-0001")
    assert "Late entry" in story.text


def test_choices_come_from_the_study_in_force(web):
    form = web.browser("demo-analyst-one").get("/acts/result_recorded?about=lot:LOT-0004")
    assert '<option value="STE"' in form.html
    consent = web.browser("demo-coordinator-one").get("/acts/consent_signed?about=donor:DN-0001")
    assert 'type="checkbox" name="ticks" value="cord_donation"' in consent.html


def test_eligibility_form_begins_with_every_criterion_of_the_study(web):
    form = web.browser("demo-physician-one").get("/acts/participant_eligibility_recorded?about=participant:P-0001")
    values = form.form("/acts/participant_eligibility_recorded/review")
    assert values["lines-0.code"] == ["INC-AGE"]
    assert len([name for name in values if name.endswith(".code")]) > 5


def test_policy_comes_before_the_first_signature(web):
    admin = web.browser("demo-admin-one")
    made = {"account": "demo-qp-two", "person": "PERSON-099", "printed_name": "Demo QP Two", "identity_verified_by": "passport seen"}
    review = admin.send(admin.get("/acts/account_created"), "/acts/account_created/review", made)
    assert admin.send(review, "/acts/account_created").code == 200
    grant = {"role": "qp", "site": "A9991", "study": "NCT06505941", "valid_from": "2026-01-01"}
    review = admin.send(admin.get("/acts/role_granted?about=account:demo-qp-two"), "/acts/role_granted/review", grant)
    assert admin.send(review, "/acts/role_granted").code == 200, review.text
    from custody.domain.ids import AccountId
    from custody.workflows import people
    from custody.workflows.door import unit_of_work

    with unit_of_work(web.store) as connection:
        people.choose_secret(connection, web.store, AccountId("demo-qp-two"), "a secret of my own", web.clock())
    browser = web.browser()
    browser.sign_in("demo-qp-two", "a secret of my own")
    there = browser.get("/acts/hold_placed?about=lot:LOT-0001")
    assert there.location.startswith("/policy?then=")
    accepted = browser.send(browser.get(there.location), "/policy", {"secret": "a secret of my own"})
    assert accepted.location == "/acts/hold_placed?about=lot:LOT-0001"
    assert browser.get(accepted.location).code == 200
