"""Two studies in one store: a person works in one at a time, with their roles there, and nothing of the other exists for them."""

import json
import re

import pytest

from custody.domain.acts.people import AccountCreated, RoleGranted, SignaturePolicyAccepted, SiteRegistered
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import content_digest, content_from
from custody.domain.ids import AccountId, PersonId, SiteId, StudyId
from custody.domain.terms import ProductForm, Role, SiteKind
from custody.ledger.canonical import canonical
from custody.store import entries, log
from custody.web import current
from custody.workflows import demonstration
from custody.workflows import people as sessions
from custody.workflows.door import unit_of_work
from custody.workflows.recording import record
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.rehearsal.whole import study_of
from tests.web.at_the_desks import scan_all, scan_values
from tests.web.test_scope import do
from tests.web.test_things import open_blinded_phase

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
    approve(web, draft(web))
    return web


@pytest.fixture
def bed_of_two(at_the_bed):
    """A dose at its bed, and a second study in force."""
    approve(at_the_bed, draft(at_the_bed))
    return at_the_bed


def draft(web):
    content = json.loads(study_of(ProductForm.FROZEN)[1])
    content["protocol"] |= {"id": OTHER.value, "title": "Another trial", "title_zh": "另一项试验"}
    text = canonical(content).decode()
    do_in(web, OTHER, "demo-sponsor-one", StudyProposed(study=OTHER, study_version=1, content=text))
    return text


def approve(web, text):
    defaults = content_from(text).settings.left_at_default
    approved = StudyApproved(study=OTHER, study_version=1, content_digest=content_digest(text), confirmed_defaults=defaults)
    do_in(web, OTHER, "demo-qp-one", approved)


def choose(browser, study, then="/"):
    page = browser.get(f"/study?then={then}")
    return browser.post("/study", {**page.form("/study"), "study": study.value, "then": then})


def newcomer(web, *grants):
    """A browser of somebody new with these roles, each for one study or for all (None), and at the hospital unless a site is named."""
    name = AccountId("newcomer")
    do(web, "demo-admin-one", AccountCreated(account=name, person=PersonId("P-903"), printed_name="New", identity_verified_by="nobody"))
    for role, study, *site in grants:
        granted = RoleGranted(account=name, role=role, site=(*site, HOSPITAL)[0], study=study, valid_from=web.clock().date())
        do(web, "demo-admin-one", granted)
    do_in(web, grants[0][1] or STUDY, name.value, SignaturePolicyAccepted(account=name, policy_version="1"))
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


def test_draft_beside_a_study_in_force_moves_nobody_and_can_be_opened_by_who_approves_it(at_the_bed):
    nurse = at_the_bed.browser(NURSE)
    page = nurse.get(at_the_bed.url)
    draft(at_the_bed)
    wristband = {"scans.wristband": scan_values(at_the_bed.cast)["wristband"]}
    assert nurse.send(page, f"{at_the_bed.url}/scan", wristband).code == 200
    assert (nurse.get("/").code, nurse.get(f"{at_the_bed.url}/state").code) == (200, 200)
    qp = at_the_bed.browser("demo-qp-one")
    assert f"{STUDY} · change" in qp.get("/").text
    assert "No version is in force yet" in qp.get("/study").text
    choose(qp, OTHER)
    assert qp.get(f"/acts/study_approved?about=study:{OTHER}").code == 200


def test_bed_and_box_are_looked_at_in_their_own_study_whichever_was_chosen(bed_of_two):
    """So nobody sees there what the study of the dose hides, and nobody is asked before a dose that lives for hours."""
    web, nurse = bed_of_two, bed_of_two.browser(NURSE)
    open_blinded_phase(web)
    for before in (None, OTHER, STUDY):
        if before is not None:
            choose(nurse, before)
        page = nurse.get(web.url)
        assert (page.code, f"{STUDY} · change" in page.text) == (200, True)
    choose(nurse, OTHER)
    with web.app.test_request_context(web.url, headers={"Cookie": cookies_of(nurse)}):
        web.app.preprocess_request()
        assert (current.study(), current.viewer().blind) == (STUDY, True)
    receiver = web.browser("demo-receiver-one")
    choose(receiver, OTHER)
    for path in ("/receiving/SH-0002", "/receiving/SH-0002/arrival", "/receiving/SH-0002/bags/DEMO0002B0019"):
        assert receiver.get(path).code == 200, path
    assert f"{STUDY} · change" in receiver.get("/").text, "whoever opened it stays in its study"


def test_dose_and_shipment_of_a_study_in_which_somebody_has_no_role_do_not_exist(bed_of_two):
    stranger = newcomer(bed_of_two, (Role.BEDSIDE_NURSE, OTHER), (Role.HOSPITAL_RECEIVER, OTHER))
    for path in (bed_of_two.url, f"{bed_of_two.url}/state", f"{bed_of_two.url}/scan", "/receiving/SH-0002", "/receiving/SH-0002/arrival"):
        assert stranger.get(path).code == 404, path
    assert stranger.get("/bedside/DOSE-9999").text == stranger.get(bed_of_two.url).text.replace(bed_of_two.cast.dose.value, "DOSE-9999")


def test_two_nurses_start_a_dose_while_another_study_is_chosen(bed_of_two):
    web = bed_of_two
    one, two = (web.browser(nurse) for nurse in NURSES)
    choose(one, OTHER)
    for nurse in (one, two):
        scan_all(nurse, web.cast)
    web.clock.advance(seconds=20)
    for nurse in (one, two):
        nurse.send(nurse.get(web.url), f"{web.url}/start", {"secret": demonstration.SECRET})
    assert "The infusion has started" in two.get(web.url).text


def test_form_shown_in_one_study_is_not_recorded_in_another(two):
    """Another tab of the same person has changed the study meanwhile."""
    browser = two.browser("demo-coordinator-one")
    choose(browser, STUDY)
    form = browser.get("/acts/donor_registered")
    review = browser.send(form, "/acts/donor_registered/review", {"donor": "DN-0977"})
    choose(browser, OTHER)
    before = size(two)
    page = browser.send(review, "/acts/donor_registered")
    assert (page.code, size(two)) == (409, before)
    assert "DN-0977" in page.text
    assert f"{OTHER} · change" in page.text
    assert browser.send(page, "/acts/donor_registered").code in {200, 302, 303}
    with two.store.reading() as connection:
        [entry] = entries.load_streams(connection, ["donor:DN-0977"])["donor:DN-0977"]
    assert entry.study == OTHER


def test_signing_out_and_choosing_the_language_work_from_any_page(two):
    browser = two.browser(QA)
    choose(browser, STUDY)
    page = browser.get("/")
    choose(browser, OTHER)
    assert browser.post("/language", {**page.form("/language"), "language": "zh"}).code == 302
    assert browser.post("/sign-out", page.form("/sign-out")).code in {302, 303}


def test_who_comes_to_a_device_after_somebody_else_chooses_for_themselves(two):
    browser = two.browser(QA)
    choose(browser, OTHER)
    browser.post("/sign-out", browser.get("/").form("/sign-out"))
    browser.sign_in("demo-qp-one")
    assert browser.get("/").location.startswith("/study?")


def test_accounts_and_sites_are_of_no_study_alone(two):
    """Whoever administers works in either, and who was made known in one can sign in another."""
    fresh = AccountId("fresh-one")
    made = AccountCreated(account=fresh, person=PersonId("P-950"), printed_name="Fresh", identity_verified_by="nobody")
    do_in(two, STUDY, "demo-admin-one", made)
    granted = RoleGranted(account=fresh, role=Role.BEDSIDE_NURSE, site=HOSPITAL, study=OTHER, valid_from=two.clock().date())
    do_in(two, STUDY, "demo-admin-one", granted)
    with unit_of_work(two.store) as connection:
        sessions.choose_secret(connection, two.store, fresh, demonstration.SECRET, two.clock())
    browser = two.browser(fresh.value)
    done = browser.send(browser.get("/policy"), "/policy", {"secret": demonstration.SECRET})
    assert done.code in {200, 302, 303}, done.text
    admin = two.browser("demo-admin-one")
    choose(admin, OTHER)
    for path in ("/things/account/demo-nurse-one", "/things/site/A9992", "/acts/account_disabled?about=account:demo-nurse-one"):
        assert admin.get(path).code == 200, path
    form = admin.get("/acts/role_revoked?about=account:demo-nurse-one")
    assert form.code == 200


def test_clock_of_a_page_is_that_of_the_site_of_the_chosen_study(two):
    berlin = SiteId("A9996")
    do(two, "demo-admin-one", SiteRegistered(site=berlin, name="Berlin", kind=SiteKind.HOSPITAL, zone="Europe/Berlin", phone="+49"))
    browser = newcomer(two, (Role.BEDSIDE_NURSE, OTHER, berlin), (Role.BEDSIDE_NURSE, STUDY))
    for study, zone in ((STUDY, "Asia/Shanghai"), (OTHER, "Europe/Berlin")):
        choose(browser, study)
        with two.app.test_request_context("/", headers={"Cookie": cookies_of(browser)}):
            two.app.preprocess_request()
            assert str(current.zone()) == zone


@pytest.mark.parametrize("wished", ["NCT99999999", "", "<b>"])
def test_study_that_is_none_of_theirs_cannot_be_chosen(two, wished):
    browser = two.browser(QA)
    page = browser.post("/study", {**browser.get("/study").form("/study"), "study": wished})
    assert (page.code, "Choose one of the studies on the list" in page.text) == (422, True)
    browser.client.set_cookie("study", f"{QA}:{wished}")
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
        assert current.present().roles == {Role.BEDSIDE_NURSE}
        assert current.viewer().roles == {Role.BEDSIDE_NURSE}


def test_whoever_works_in_no_study_sees_no_arm(two):
    browser = two.browser(NURSE)
    with two.app.test_request_context("/study", headers={"Cookie": cookies_of(browser)}):
        two.app.preprocess_request()
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
