"""Signing in: who gets a session, who does not, and what it takes to sign."""

import pytest

from custody.workflows import people
from custody.workflows.demonstration import SECRET
from custody.workflows.door import unit_of_work
from custody.workflows.rehearsal.steps import people as cast


def test_right_secret_opens_the_page_that_was_asked_for(web):
    browser = web.browser()
    asked = browser.get("/acts")
    assert asked.location == "/sign-in?then=/acts"
    page = browser.send(browser.get(asked.location), "/sign-in", {"account": "demo-qp-one", "secret": SECRET})
    assert (page.code, page.location) == (302, "/acts")
    assert browser.get("/acts").code == 200


def test_session_cookie_is_kept_from_scripts_and_from_other_sites(web):
    response = web.browser().client.post("/sign-in", data={"account": "demo-qp-one", "secret": SECRET})
    (cookie,) = [value for value in response.headers.getlist("Set-Cookie") if value.startswith("custody_session=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie


def test_session_cookie_is_secure_in_an_installation(web):
    object.__setattr__(web.config, "secure_cookies", True)
    response = web.browser().client.post("/sign-in", data={"account": "demo-qp-one", "secret": SECRET})
    (cookie,) = [value for value in response.headers.getlist("Set-Cookie") if value.startswith("custody_session=")]
    assert "; Secure" in cookie


@pytest.mark.parametrize("badge", ["CU1:badge:DEMO-NURSE-ONE", "]Q1CU1:badge:DEMO-NURSE-ONE", "DEMO-Nurse-One", "  demo-nurse-one "])
def test_account_may_be_scanned_from_a_badge_or_typed_in_any_letters(web, badge):
    browser = web.browser()
    assert browser.post("/sign-in", {"account": badge, "secret": SECRET}).code == 302
    assert "Demo Nurse One" in browser.get("/").text


@pytest.mark.parametrize("account", ["demo-qp-one", "nobody", "", "CU1:bag:DEMO0001B0014", "x" * 5000, "שלום", "'; --"])
def test_wrong_account_and_wrong_secret_answer_alike(web, account):
    page = web.browser().post("/sign-in", {"account": account, "secret": "wrong secret"})
    assert page.code == 403
    assert "This account and password do not belong together" in page.text


def test_fifth_wrong_secret_locks_the_account_and_the_right_one_waits(web):
    browser = web.browser()
    codes = [browser.post("/sign-in", {"account": "demo-qp-one", "secret": "wrong"}) for _ in range(5)]
    assert "locked" in codes[-1].text
    assert "locked" in browser.post("/sign-in", {"account": "demo-qp-one", "secret": SECRET}).text
    web.clock.advance(minutes=16)
    assert browser.post("/sign-in", {"account": "demo-qp-one", "secret": SECRET}).code == 302


@pytest.mark.parametrize("then", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", "x\n/y", ""])
def test_nobody_is_led_to_another_site_after_signing_in(web, then):
    page = web.browser().post("/sign-in", {"account": "demo-qp-one", "secret": SECRET, "then": then})
    assert page.location == "/"


def test_signing_out_ends_the_session(web):
    browser = web.browser("demo-qp-one")
    page = browser.send(browser.get("/"), "/sign-out")
    assert page.location == "/sign-in?why=signed_out"
    assert browser.get("/").code == 302


def test_session_is_over_after_fifteen_idle_minutes(web):
    browser = web.browser("demo-qp-one")
    web.clock.advance(minutes=14)
    assert browser.get("/").code == 200
    web.clock.advance(minutes=14)
    assert browser.get("/").code == 200, "asking for a page keeps the session awake"
    web.clock.advance(minutes=15)
    assert browser.get("/").code == 302


def test_page_that_asks_by_itself_does_not_keep_a_session_awake(web):
    browser = web.browser("demo-nurse-one")
    assert browser.get("/bedside/DOSE-0001/state").code == 200
    web.clock.advance(minutes=10)
    assert browser.get("/bedside/DOSE-0001/state").code == 200
    web.clock.advance(minutes=6)
    assert browser.get("/").code == 302


def test_language_changes_with_one_tap_and_stays(web):
    browser = web.browser("demo-qp-one")
    page = browser.send(browser.get("/acts"), "/language", {"language": "zh"})
    assert page.location == "/acts"
    assert "您可以记录的操作" in browser.get("/acts").text


def test_form_of_another_site_is_refused(web):
    browser = web.browser("demo-qp-one")
    values = dict(browser.get("/").form("/sign-out"))
    page = browser.post("/sign-out", values, **{"Sec-Fetch-Site": "cross-site"})
    assert page.code == 403
    assert browser.get("/").code == 200


def give_first_secret(web, account="demo-qp-one", secret="one-time secret"):
    with unit_of_work(web.store) as connection:
        admin = cast()["demo-admin-one"].account
        people.give_first_secret(connection, web.store, cast()[account].account, secret, admin, web.clock())


def test_first_secret_must_be_replaced_before_anything_else(web):
    give_first_secret(web)
    browser = web.browser()
    browser.post("/sign-in", {"account": "demo-qp-one", "secret": "one-time secret"})
    assert browser.get("/acts").location == "/secret"
    form = browser.get("/secret")
    assert "one-time password" in form.text
    changed = {"secret": "one-time secret", "new_secret": "a secret of my own", "new_secret_again": "a secret of my own"}
    assert browser.send(form, "/secret", changed).location == "/"
    assert browser.get("/acts").code == 200
    assert web.browser().post("/sign-in", {"account": "demo-qp-one", "secret": "a secret of my own"}).code == 302
    assert web.browser().post("/sign-in", {"account": "demo-qp-one", "secret": "one-time secret"}).code == 403


@pytest.mark.parametrize(
    ("secret", "new", "again", "said"),
    [
        (SECRET, "short", "short", "at least 10 characters"),
        (SECRET, "long enough one", "long enough two", "differ"),
        (SECRET, SECRET, SECRET, "is the old one"),
        ("wrong", "long enough one", "long enough one", "not right"),
        ("", "long enough one", "long enough one", "Enter your password again"),
    ],
)
def test_secret_that_does_not_do_is_refused_with_its_reason(web, secret, new, again, said):
    browser = web.browser("demo-qp-one")
    page = browser.send(browser.get("/secret"), "/secret", {"secret": secret, "new_secret": new, "new_secret_again": again})
    assert page.code in {403, 422}
    assert said in page.text
    assert web.browser().post("/sign-in", {"account": "demo-qp-one", "secret": SECRET}).code == 302
