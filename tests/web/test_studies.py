"""Two studies in one store: a person works in one at a time, with their roles there, and nothing of the other exists for them."""

import json
import re

import pytest

from custody.domain.acts.people import AccountCreated, RoleGranted, SignaturePolicyAccepted
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import content_digest, content_from
from custody.domain.ids import AccountId, PersonId, SiteId, StudyId
from custody.domain.terms import ProductForm, Role
from custody.ledger.canonical import canonical
from custody.store import log
from custody.workflows import demonstration
from custody.workflows import people as sessions
from custody.workflows.door import unit_of_work
from custody.workflows.recording import record
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.rehearsal.whole import study_of
from tests.web.test_scope import do

OTHER = StudyId("NCT06505942")
NURSE, QA = "demo-nurse-one", "demo-qa-one"
HOSPITAL = SiteId("A9992")
LOT = "/things/lot/LOT-0001"


def do_in(web, study, by, act):
    with unit_of_work(web.store) as connection:
        signer = Player.signer(connection, by, act, 0, web.clock(), study=study)
        assert record(connection, act, signer, web.clock()).kind == "recorded"


@pytest.fixture
def two(web):
    """A second study, in force."""
    content = json.loads(study_of(ProductForm.FROZEN)[1])
    content["protocol"] |= {"id": OTHER.value, "title": "Another trial", "title_zh": "另一项试验"}
    text = canonical(content).decode()
    do_in(web, OTHER, "demo-sponsor-one", StudyProposed(study=OTHER, study_version=1, content=text))
    defaults = content_from(text).settings.left_at_default
    approved = StudyApproved(study=OTHER, study_version=1, content_digest=content_digest(text), confirmed_defaults=defaults)
    do_in(web, OTHER, "demo-qp-one", approved)
    return web


def choose(browser, study, then="/"):
    page = browser.get(f"/study?then={then}")
    return browser.post("/study", {**page.form("/study"), "study": study.value, "then": then})


def newcomer(web, *grants):
    """A browser of somebody new with these roles, each for one study or for all (None)."""
    name = AccountId("newcomer")
    do(web, "demo-admin-one", AccountCreated(account=name, person=PersonId("P-903"), printed_name="New", identity_verified_by="nobody"))
    for role, study in grants:
        granted = RoleGranted(account=name, role=role, site=HOSPITAL, study=study, valid_from=web.clock().date())
        do(web, "demo-admin-one", granted)
    do(web, name.value, SignaturePolicyAccepted(account=name, policy_version="1"))
    with unit_of_work(web.store) as connection:
        sessions.choose_secret(connection, web.store, name, demonstration.SECRET, web.clock())
    return web.browser(name.value)


def size(web):
    with web.store.reading() as connection:
        return log.size(connection)


def test_nobody_is_asked_where_there_is_one_study(web):
    page = web.browser(QA).get("/")
    assert (page.code, "/study" in page.html) == (200, False)


def test_whoever_may_work_in_both_chooses_first_and_is_led_back(two):
    browser = two.browser(QA)
    page = browser.get("/desks/quality?page=1")
    assert (page.code, page.location) == (302, "/study?then=/desks/quality?page%3D1")
    page = browser.get(page.location)
    assert "Another trial" in page.text
    assert "Umbilical-cord mesenchymal stem cells" in page.text
    done = choose(browser, STUDY, "/desks/quality")
    assert (done.code, done.location) == (303, "/desks/quality")
    page = browser.get("/desks/quality")
    assert (page.code, f"{STUDY} · change" in page.text) == (200, True)


def test_things_of_the_other_study_do_not_exist(two):
    browser = two.browser(QA)
    choose(browser, STUDY)
    assert browser.get(LOT).code == 200
    choose(browser, OTHER)
    assert browser.get(LOT).code == 404
    assert "LOT-0001" not in browser.get("/search?q=LOT-0001").text.partition("Results")[2]
    choose(browser, STUDY)
    assert browser.get(LOT).code == 200


def test_what_is_sent_before_the_choice_is_not_done_and_says_so(two):
    browser = two.browser(QA)
    token = browser.get("/study").form("/study")["csrf_token"]
    before = size(two)
    page = browser.post("/acts/hold_placed", {"csrf_token": token, "node": "lot:LOT-0001", "hold": "H-1", "reason": "x", "owner": "QA"})
    assert (page.code, "Choose first in which study you work" in page.text) == (409, True)
    assert size(two) == before


@pytest.mark.parametrize("wished", ["NCT99999999", "", "<b>"])
def test_study_that_is_none_of_theirs_cannot_be_chosen(two, wished):
    browser = two.browser(QA)
    page = browser.post("/study", {**browser.get("/study").form("/study"), "study": wished})
    assert (page.code, "Choose one of the studies on the list" in page.text) == (422, True)
    browser.client.set_cookie("study", wished)
    assert browser.get("/").code == 302


def test_whoever_has_roles_in_one_study_only_is_not_asked(two):
    browser = newcomer(two, (Role.QA_REVIEWER, STUDY))
    page = browser.get(LOT)
    assert (page.code, "/study" in page.html) == (200, False)


def test_roles_count_in_their_own_study_alone(two):
    browser = newcomer(two, (Role.BEDSIDE_NURSE, STUDY), (Role.QA_REVIEWER, OTHER))
    choose(browser, STUDY)
    assert (browser.get("/bedside").code, browser.get("/desks/quality").code) == (200, 403)
    assert "QA reviewer" not in browser.get("/").text.partition("Server time")[0]
    choose(browser, OTHER)
    assert (browser.get("/bedside").code, browser.get("/desks/quality").code) == (403, 200)


def test_a_role_that_sees_everything_in_one_study_does_not_in_another_that_is_blinded(two):
    """Whoever prepares in one study and gives in the other is blind where they give."""
    browser = newcomer(two, (Role.BEDSIDE_NURSE, STUDY), (Role.UNBLINDED_MONITOR, OTHER))
    choose(browser, STUDY)
    with two.app.test_request_context("/", headers={"Cookie": cookies_of(browser)}):
        two.app.preprocess_request()
        from custody.web import current

        assert current.present().roles == {Role.BEDSIDE_NURSE}
        assert current.viewer().roles == {Role.BEDSIDE_NURSE}


def test_whoever_works_in_no_study_sees_no_arm(two):
    browser = two.browser(NURSE)
    with two.app.test_request_context("/study", headers={"Cookie": cookies_of(browser)}):
        two.app.preprocess_request()
        from custody.web import current

        assert current.study() is None
        assert current.viewer().blind


def cookies_of(browser):
    found = {name: browser.client.get_cookie(name) for name in ("custody_session", "study")}
    return "; ".join(f"{name}={cookie.value}" for name, cookie in found.items() if cookie)


NAMES = re.compile(
    r"\b(?:DN|LOT|SH|P|DOSE|MCB|WCB|TS)-000\d|\bDEMO000\d|\bA999926\d{6}|\b(?:INC|BSC|LN2)-\d\d|\b(?:MED|CRY)-0001|\bLOGGER-[A-Z]"
)
"""Of things; what they are called stands in no text of a page."""


@pytest.mark.parametrize("account", sorted(people()))
def test_no_page_names_a_thing_of_the_other_study(two, account):
    """Whatever the links of its pages lead to, from the work list on."""
    browser = two.browser(account)
    choose(browser, OTHER)
    waiting, seen, told = ["/"], set(), {}
    while waiting and len(seen) < 40:
        path = waiting.pop(0)
        seen.add(path)
        page = browser.get(path)
        assert page.code < 500
        told[path] = sorted(set(NAMES.findall(page.text)))
        found = dict.fromkeys(each.partition("#")[0] for each in re.findall(r'<a [^>]*href="(/[^"]*)"', page.html))
        waiting += [each for each in found if each not in seen and each not in waiting and not each.startswith(("/static", "/demo"))]
    assert {path: names for path, names in told.items() if names} == {}
    assert len(seen) > 4
