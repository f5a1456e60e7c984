"""The people pages: resets with a code shown once, PIN and badge, the shared bench, due dates, the access review."""

import re

import pytest

from custody.domain.acts.people import AccessReviewed, BadgeRevoked, BenchOpened, SecretResetIssued, SecretSet, SignInRefused
from custody.store import entries
from custody.workflows.demonstration import SECRET
from custody.workflows.resets import CODE_LETTERS
from tests.databases import bytes_of
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO, acts_of, signatures

ADMIN, QA, QP, OPERATOR = "demo-admin-one", "demo-qa-one", "demo-qp-one", "demo-operator-one"
PIN, OTHERS_PIN = "270416", "805193"
BADGE, OTHERS_BADGE = "CU1:badge:DEMO-NURSE-ONE", "]Q1CU1:badge:DEMO-NURSE-TWO"
CHOSEN = "chosen with the code"


def accept_policy(browser):
    page = browser.get("/policy")
    if "/policy" in page.actions:
        browser.send(page, "/policy", {"secret": SECRET})
    return browser


def issue(web, account=NURSE_ONE, **changed):
    """The administrator's page after they signed a reset."""
    browser = accept_policy(web.browser(ADMIN))
    page = browser.get(f"/people/{account}/reset")
    values = {"identity_verified_by": "staff card seen", "reason": "forgotten", "secret": SECRET} | changed
    return browser, browser.send(page, f"/people/{account}/reset", values)


def code_on(page):
    found = re.search(rf"([{CODE_LETTERS}]{{5}}-[{CODE_LETTERS}]{{5}})", page.html)
    return found[1] if found else None


def witness(web, by=NURSE_TWO):
    browser = accept_policy(web.browser(by))
    href = next(href for href in re.findall(r'href="(/proposals/account/[^"]+)"', browser.get("/waiting").html))
    page = browser.get(href)
    return browser.send(page, f"{href}/countersign", {"secret": SECRET})


def choose(web, code, account=NURSE_ONE, new=CHOSEN, again=None, browser=None):
    browser = browser or web.browser()
    values = {"account": account, "code": code, "new_secret": new, "new_secret_again": new if again is None else again}
    return browser.send(browser.get("/reset"), "/reset", values)


def sign_in(browser, account, secret, **more):
    return browser.post("/sign-in", {"account": account, "secret": secret, "then": "/", **more})


def choose_pin(web, account, pin):
    browser = web.browser(account)
    page = browser.send(browser.get("/account"), "/account/pin", {"pin": pin, "pin_again": pin, "secret": SECRET})
    assert (page.code, page.location) == (302, "/account"), page.text
    return browser


def methods(web, stream):
    return [method for _, method in signatures(web, stream)]


class TestResets:
    def test_whole_reset_from_the_administrator_to_the_owners_own_secret(self, web):
        asleep = web.browser(NURSE_ONE)
        _, page = issue(web)
        code = code_on(page)
        assert page.code == 200
        assert code
        assert "It is shown only now" in page.text
        assert asleep.get("/").code == 302, "every session of the account has ended"
        assert "Secret reset by an administrator" in witness(web).text
        stranger = web.browser()
        done = choose(web, code, browser=stranger)
        assert (done.code, done.location) == (302, "/sign-in?why=secret_chosen")
        assert stranger.client.get_cookie("custody_session") is None, "no session began"
        assert sign_in(web.browser(), NURSE_ONE, SECRET).code == 403
        owner = web.browser()
        assert sign_in(owner, NURSE_ONE, CHOSEN).code == 302
        mine = owner.get("/account").text
        assert "Your password was reset by" in mine
        assert "Demo" in mine
        assert "staff card seen" in mine

    def test_code_is_on_no_other_page_and_in_no_log(self, web, caplog, capsys):
        browser, page = issue(web)
        code = code_on(page)
        assert code_on(browser.get(f"/people/{NURSE_ONE}/reset")) is None
        assert code not in browser.get(f"/people/{NURSE_ONE}").html
        assert code not in browser.get(f"/things/account/{NURSE_ONE}").html
        printed = capsys.readouterr()
        assert code not in caplog.text + printed.out + printed.err

    def test_page_of_a_reset_that_is_sent_twice_shows_no_second_code(self, web):
        browser, _ = issue(web)
        form = browser.get(f"/people/{NURSE_ONE}/reset").form(f"/people/{NURSE_ONE}/reset")
        values = form | {"identity_verified_by": "card", "reason": "lost", "secret": SECRET}
        first, again = (browser.post(f"/people/{NURSE_ONE}/reset", values) for _ in range(2))
        assert code_on(first)
        assert code_on(again) is None
        assert again.code == 409

    def test_administrator_alone_gets_nowhere_with_the_code(self, web):
        _, page = issue(web)
        refused = choose(web, code_on(page))
        assert refused.code == 403
        assert "no witness has signed" in refused.text
        assert sign_in(web.browser(), NURSE_ONE, CHOSEN).code == 403
        assert sign_in(web.browser(), NURSE_ONE, SECRET).code == 302

    def test_witness_sees_whom_and_why_before_they_sign(self, web):
        issue(web)
        browser = accept_policy(web.browser(NURSE_TWO))
        href = re.search(r'href="(/proposals/account/[^"]+)"', browser.get("/waiting").html)[1]
        text = browser.get(href).text
        assert "staff card seen" in text
        assert "forgotten" in text

    @pytest.mark.parametrize(
        ("changed", "status", "said"),
        [
            ({"secret": "wrong"}, 403, "not right"),
            ({"identity_verified_by": " "}, 422, "proved who they are"),
            ({"reason": " "}, 422, "reason"),
        ],
    )
    def test_reset_that_lacks_something_shows_no_code_and_ends_no_session(self, web, changed, status, said):
        nurse = web.browser(NURSE_ONE)
        _, page = issue(web, **changed)
        assert page.code == status
        assert said in page.text
        assert code_on(page) is None
        assert nurse.get("/").code == 200

    @pytest.mark.parametrize("account", [QA, NURSE_ONE, "demo-physician-one"])
    def test_only_an_administrator_resets(self, web, account):
        assert web.browser(account).get(f"/people/{NURSE_TWO}/reset").code == 403

    def test_nobody_resets_themselves(self, web):
        _, page = issue(web, account=ADMIN)
        assert page.code == 403
        assert "ask another administrator" in page.text

    def test_wrong_codes_lock_the_account_and_say_so(self, web):
        browser = web.browser()
        texts = [choose(web, "00000-00000", browser=browser).text for _ in range(5)]
        assert "do not belong together" in texts[0]
        assert "locked" in texts[-1]
        refused = [act for act in acts_of(web, f"account:{NURSE_ONE}") if isinstance(act, SignInRefused)]
        assert {act.reason for act in refused} == {"wrong reset code"}

    def test_secrets_that_differ_leave_the_code_good(self, web):
        _, page = issue(web)
        witness(web)
        code = code_on(page)
        assert choose(web, code, again="another one").code == 422
        assert choose(web, code, new="short").code == 422
        assert choose(web, code).code == 302


class TestPinAndBench:
    @pytest.fixture
    def bench(self, web):
        """A browser at a shared bench that the first nurse opened; both nurses have a PIN."""
        choose_pin(web, NURSE_TWO, OTHERS_PIN)
        browser = choose_pin(web, NURSE_ONE, PIN)
        page = browser.send(browser.get("/bench"), "/bench", {"station": "CU1:station:BENCH-1"})
        assert (page.code, page.location) == (302, "/bench"), page.text
        return browser

    def who(self, browser):
        return re.search(r'<div class="who">\s*([^<\n]+)', browser.get("/").html)[1].strip()

    def test_person_changes_with_badge_and_pin_in_one_form(self, web, bench):
        page = bench.get("/sign-in")
        assert "Shared bench BENCH-1" in page.text
        assert bench.send(page, "/sign-in", {"account": OTHERS_BADGE, "secret": OTHERS_PIN}).location == "/"
        assert self.who(bench) == "Demo Nurse Two"
        assert sign_in(bench, BADGE, PIN).location == "/"
        assert self.who(bench) == "Demo Nurse One"
        opened = [act for act in acts_of(web, f"account:{NURSE_ONE}") if isinstance(act, BenchOpened)]
        assert [act.station for act in opened] == ["BENCH-1"]

    def test_pin_counts_nowhere_but_at_an_open_bench(self, web, bench):
        page = sign_in(web.browser(), BADGE, PIN)
        assert page.code == 403
        assert "only at a shared bench" in page.text

    def test_typed_name_needs_the_password(self, bench):
        page = sign_in(bench, NURSE_TWO, OTHERS_PIN)
        assert page.code == 403
        assert "scan your badge" in page.text
        assert sign_in(bench, NURSE_TWO, SECRET).code == 302
        assert self.who(bench) == "Demo Nurse Two"

    def test_badge_scanned_into_the_field_of_the_password_is_no_wrong_try(self, web, bench):
        page = sign_in(bench, "", OTHERS_BADGE)
        assert page.code == 200
        assert "That was your badge" in page.text
        assert page.form("/sign-in")["account"] == [OTHERS_BADGE]
        assert bench.send(page, "/sign-in", {"secret": OTHERS_PIN}).code == 302
        assert not [act for act in acts_of(web, f"account:{NURSE_TWO}") if isinstance(act, SignInRefused)]

    def test_badge_scanned_behind_a_name_that_stood_there_counts_as_scanned(self, bench):
        assert sign_in(bench, f"{NURSE_ONE}{OTHERS_BADGE}", OTHERS_PIN).code == 302
        assert self.who(bench) == "Demo Nurse Two"

    def test_first_signature_asks_the_password_and_the_next_takes_the_pin(self, web):
        """On a page that asks `signed_with`; the method stands in the entry."""
        choose_pin(web, QA, PIN)
        browser = accept_policy(web.browser(QA))
        page = browser.get("/access-review")
        assert "Your password or PIN" not in page.text
        refused = browser.send(page, "/access-review", {"secret": PIN})
        assert refused.code == 403
        assert "whole password" in refused.text
        assert browser.send(page, "/access-review", {"secret": SECRET}).code == 200
        again = browser.get("/access-review")
        assert "Your password or PIN" in again.text
        assert browser.send(again, "/access-review", {"secret": PIN}).code == 200
        assert methods(web, "study:NCT06505941")[-2:] == ["secret", "pin"]

    def test_page_that_asks_for_the_whole_secret_takes_no_pin(self, web):
        """A PIN that would be recorded as the whole secret must not pass."""
        browser = choose_pin(web, QA, PIN)
        assert (
            browser.send(browser.get("/account"), "/account/pin", {"pin": OTHERS_PIN, "pin_again": OTHERS_PIN, "secret": PIN}).code == 403
        )
        assert (
            browser.send(browser.get("/secret"), "/secret", {"secret": PIN, "new_secret": CHOSEN, "new_secret_again": CHOSEN}).code == 403
        )

    def test_closing_the_bench_signs_out_who_is_there(self, bench):
        sign_in(bench, OTHERS_BADGE, OTHERS_PIN)
        page = bench.send(bench.get("/bench"), "/bench/close")
        assert page.location == "/sign-in?why=bench_closed"
        assert bench.get("/").code == 302
        assert sign_in(bench, OTHERS_BADGE, OTHERS_PIN).code == 403

    def test_badge_and_pin_open_no_bench_and_choose_no_pin(self, bench):
        sign_in(bench, OTHERS_BADGE, OTHERS_PIN)
        bench.client.set_cookie("custody_bench", "x")
        page = bench.get("/bench")
        assert "badge and PIN do not open one" in page.text
        csrf = bench.get("/account").form("/account/pin")["csrf_token"]
        assert bench.post("/bench", {"station": "B", "csrf_token": csrf}).code == 403
        assert bench.post("/account/pin", {"pin": PIN, "pin_again": PIN, "secret": SECRET, "csrf_token": csrf}).code == 403

    @pytest.mark.parametrize(
        ("pin", "again", "said"), [("12345", "12345", "6 to 8 digits"), ("123456", "123456", "easy to guess"), (PIN, OTHERS_PIN, "differ")]
    )
    def test_pin_that_does_not_do_is_refused_with_its_reason(self, web, pin, again, said):
        browser = web.browser(NURSE_ONE)
        page = browser.send(browser.get("/account"), "/account/pin", {"pin": pin, "pin_again": again, "secret": SECRET})
        assert page.code == 422
        assert said in page.text
        assert pin not in page.html.replace(said, "")

    def test_form_with_a_pin_that_came_too_late_keeps_no_pin(self, web):
        browser = web.browser(NURSE_ONE)
        values = dict(browser.get("/account").form("/account/pin")) | {"pin": PIN, "pin_again": PIN, "secret": SECRET}
        web.clock.advance(minutes=16)
        page = browser.post("/account/pin", values)
        assert page.code == 401
        assert PIN not in page.html

    def test_lost_badge_is_reported_by_its_owner_and_everything_ends(self, web, bench):
        sign_in(bench, OTHERS_BADGE, OTHERS_PIN)
        at_home = web.browser(NURSE_TWO)
        page = at_home.send(at_home.get("/account"), "/account/badge", {"reason": "left on the bus"})
        assert page.location == "/sign-in?why=badge_revoked"
        assert bench.get("/").code == 302
        assert sign_in(bench, OTHERS_BADGE, OTHERS_PIN).code == 403
        assert isinstance(acts_of(web, f"account:{NURSE_TWO}")[-2], BadgeRevoked)
        assert "CU1:badge:DEMO-NURSE-TWO:2" in web.browser(NURSE_TWO).get("/account").text

    def test_administrator_revokes_the_badge_of_somebody_who_cannot(self, web):
        browser = web.browser(ADMIN)
        page = browser.get(f"/people/{NURSE_ONE}/badge")
        assert browser.send(page, f"/people/{NURSE_ONE}/badge", {"reason": " "}).code == 422
        assert browser.send(page, f"/people/{NURSE_ONE}/badge", {"reason": "stolen"}).location == f"/people/{NURSE_ONE}"
        assert "stolen" in browser.get(f"/people/{NURSE_ONE}").text


class TestPeople:
    @pytest.mark.parametrize("account", [ADMIN, QA, QP, "demo-sponsor-one", "demo-inspector-one", "demo-physician-one"])
    def test_who_looks_after_access_sees_the_list(self, looked_at, account):
        page = looked_at.signed_in(account).get("/people")
        assert page.code == 200
        assert "Demo Nurse One" in page.text

    @pytest.mark.parametrize("account", [NURSE_ONE, OPERATOR])
    def test_everybody_else_sees_their_own_account_and_no_other(self, looked_at, account):
        browser = looked_at.signed_in(account)
        assert browser.get("/people").code == 403
        assert browser.get(f"/people/{QA}").code == 403
        assert browser.get("/account").code == 200

    def test_hospital_finds_no_person_of_the_laboratory(self, looked_at):
        browser = looked_at.signed_in("demo-physician-one")
        assert "Demo Operator One" not in browser.get("/people").text
        assert browser.get(f"/people/{OPERATOR}").code == 404

    def test_page_of_a_person_shows_grants_training_and_what_the_viewer_may_do(self, looked_at):
        text = looked_at.signed_in(ADMIN).get(f"/people/{OPERATOR}").text
        assert "Training" in text
        assert "Reset the password" in text
        assert "Role granted" in text
        qa = looked_at.signed_in(QA).get(f"/people/{OPERATOR}").text
        assert "Reset the password" not in qa
        assert "Training recorded" in qa

    def test_account_nobody_made_is_not_found(self, looked_at):
        assert looked_at.signed_in(ADMIN).get("/people/nobody-here").code == 404
        assert looked_at.signed_in(ADMIN).get("/people/NO GOOD").code in {404, 422}

    def test_what_runs_out_stands_on_the_list_and_on_the_persons_own_page(self, web):
        admin = web.browser(ADMIN)
        day = web.clock.now.date()
        form = admin.get(f"/acts/role_granted?about=account:{NURSE_ONE}")
        values = {"role": "second_checker", "site": "A9992", "valid_from": day.isoformat(), "valid_until": day.replace(day=20).isoformat()}
        review = admin.send(form, "/acts/role_granted/review", values)
        assert admin.send(review, "/acts/role_granted").code == 200
        for page in (admin.get("/people"), web.browser(NURSE_ONE).get("/account")):
            assert f"ends on {day.replace(day=20)}" in page.text

    def test_disabled_account_says_so_and_offers_nothing_more(self, web):
        admin = web.browser(ADMIN)
        form = admin.get(f"/acts/account_disabled?about=account:{NURSE_ONE}")
        review = admin.send(form, "/acts/account_disabled/review", {"reason": "has left"})
        admin.send(review, "/acts/account_disabled")
        page = admin.get(f"/people/{NURSE_ONE}")
        assert "has left" in page.text
        assert "Reset the password" not in page.text


class TestAccessReview:
    def test_list_is_signed_as_it_stands_and_due_again_later(self, web):
        browser = accept_policy(web.browser(QA))
        page = browser.get("/access-review")
        assert "never reviewed" in page.text
        done = browser.send(page, "/access-review", {"secret": SECRET, "remarks": "all right"})
        assert done.code == 200
        assert "Recorded" in done.text or "Access reviewed" in done.text
        with web.store.reading() as connection:
            acts = [e.act for e in entries.load_evidence(connection, "study:NCT06505941") if isinstance(e.act, AccessReviewed)]
        assert [act.remarks for act in acts] == ["all right"]
        assert "Last reviewed at" in browser.get("/people").text

    def test_overdue_review_is_said_on_the_people_page(self, web):
        web.clock.advance(days=200)
        assert "was due on" in web.browser(QA).get("/people").text

    def test_access_that_changed_meanwhile_shows_the_new_list(self, web):
        browser = accept_policy(web.browser(QA))
        page = browser.get("/access-review")
        admin = web.browser(ADMIN)
        form = admin.get(f"/acts/account_disabled?about=account:{NURSE_ONE}")
        admin.send(admin.send(form, "/acts/account_disabled/review", {"reason": "has left"}), "/acts/account_disabled")
        stale = browser.send(page, "/access-review", {"secret": SECRET})
        assert stale.code == 409
        assert "Look at the list again" in stale.text
        assert NURSE_ONE not in stale.text

    def test_who_may_not_sign_sees_the_list_without_a_form(self, looked_at):
        page = looked_at.signed_in("demo-inspector-one").get("/access-review")
        assert page.code == 200
        assert 'name="digest"' not in page.html

    def test_form_of_these_acts_is_on_no_general_page(self, looked_at):
        for account, act in ((ADMIN, "secret_reset_issued"), (QA, "access_reviewed"), (NURSE_ONE, "badge_revoked")):
            browser = looked_at.signed_in(account)
            assert f'action="/acts/{act}' not in browser.get(f"/acts/{act}?about=account:{NURSE_ONE}").html
            csrf = browser.get("/secret").form("/secret")["csrf_token"]
            assert browser.post(f"/acts/{act}", {"about": f"account:{NURSE_ONE}", "csrf_token": csrf}).code == 404


def test_no_secret_of_these_pages_is_in_the_store(web):
    _, page = issue(web)
    witness(web)
    code = code_on(page)
    choose(web, code)
    choose_pin(web, NURSE_TWO, OTHERS_PIN)
    acts = acts_of(web, f"account:{NURSE_ONE}")
    assert [type(act) for act in acts if isinstance(act, SecretResetIssued | SecretSet)]
    web.store.close()
    content = bytes_of(web.store)
    for secret in (code, code.replace("-", ""), CHOSEN, OTHERS_PIN):
        assert secret.encode() not in content
