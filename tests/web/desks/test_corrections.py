"""Corrections on pages: from the passport's line, with the reason, signed as the act itself, with both contents visible for ever."""

import re

from custody.domain.acts.quality import ResultRecorded
from custody.domain.acts.record import Corrected
from custody.domain.ids import LotId
from custody.workflows import demonstration
from custody.workflows.dossiers import dossier_of
from tests.web.test_things import open_blinded_phase

LOT = "/things/lot/LOT-0004"
ANALYST, REVIEWER, NURSE = "demo-analyst-one", "demo-qc-reviewer-one", "demo-nurse-one"


def viability(web):
    """The deed of the viability result as it stands."""
    with web.store.reading() as connection:
        lot = LotId("LOT-0004")
        return next(d for d in dossier_of(connection, [lot]).deeds(lot, ResultRecorded) if d.act.test == "VIA")


def address(web):
    return f"/corrections/lot/LOT-0004/{viability(web).digest.value}"


def reviewed(browser, path, **changes):
    page = browser.get(path)
    return browser.send(page, f"{path}/review", changes)


def test_line_of_the_timeline_leads_to_its_correction_for_those_who_sign_such_acts(web):
    assert address(web) in web.browser(ANALYST).get(LOT).html
    assert address(web) not in web.browser(REVIEWER).get(LOT).html


def test_form_shows_what_stands(web):
    form = web.browser(ANALYST).get(address(web)).form(address(web))
    assert (form["test"], form["result"], form["unit"]) == (["VIA"], ["92.5"], ["%"])


def test_correction_is_shown_from_what_to_what_and_signed(web):
    browser, path = web.browser(ANALYST), address(web)
    page = reviewed(browser, path, result="95.2", **{"correction.reason": "digits swapped; see the printout"})
    assert page.code == 200, page.text
    assert "92.5 → 95.2" in page.text
    assert "digits swapped" in page.text
    page = browser.send(page, path, {"secret": demonstration.SECRET})
    assert 'class="confirmation"' in page.html, page.text
    deed = viability(web)
    assert deed.act.result == "95.2"
    assert deed.corrected
    passport = browser.get(LOT).text
    assert "92.5 → 95.2" in passport
    assert "Corrected later" in passport
    assert "digits swapped; see the printout" in passport


def test_second_correction_tells_what_stood_before_it(web):
    browser, path = web.browser(ANALYST), address(web)
    for result in ("95.2", "96.1"):
        page = reviewed(browser, path, result=result, **{"correction.reason": "read again"})
        page = browser.send(page, path, {"secret": demonstration.SECRET})
        assert 'class="confirmation"' in page.html, page.text
        web.clock.advance(minutes=1)
    text = browser.get(LOT).text
    assert "92.5 → 95.2" in text
    assert "95.2 → 96.1" in text


def test_correction_without_a_reason_is_refused_and_what_was_typed_is_kept(web):
    page = reviewed(web.browser(ANALYST), address(web), result="95.2")
    assert page.code == 422
    assert "There is a problem" in page.text
    assert page.form(address(web))["result"] == ["95.2"]


def test_correction_that_changes_nothing_is_refused(web):
    page = reviewed(web.browser(ANALYST), address(web), **{"correction.reason": "none"})
    assert page.code == 422
    assert "changes nothing" in page.text


def test_wrong_password_records_nothing(web):
    browser, path = web.browser(ANALYST), address(web)
    page = reviewed(browser, path, result="95.2", **{"correction.reason": "swapped"})
    assert browser.send(page, path, {"secret": "not the secret"}).code == 403
    assert viability(web).act.result == "92.5"


def test_whoever_may_not_sign_the_act_may_not_correct_it(web):
    assert web.browser(REVIEWER).get(address(web)).code == 403


def test_entry_that_does_not_stand_there_is_not_found(looked_at):
    assert looked_at.signed_in(ANALYST).get(f"/corrections/lot/LOT-0004/{'0' * 64}").code == 404


def test_blinded_person_finds_no_entry_of_a_hidden_thing(web):
    path = address(web)
    open_blinded_phase(web)
    assert web.browser(NURSE).get(path).code == 404


def test_act_of_two_people_is_corrected_by_two(web):
    """The correction of a filling waits for the verifier, as the filling did."""
    operator = web.browser("demo-operator-one")
    passport = operator.get(LOT).html
    filled = passport[passport.index("Bags filled") :]
    path = re.search(r'href="(/corrections/lot/LOT-0004/[0-9a-f]{64})"', filled)[1]
    page = operator.get(path)
    assert page.code == 200, page.text
    cells = page.form(path)["viable_cells_label"][0]
    page = reviewed(operator, path, viable_cells_label=f"{cells[:-1]}1", **{"correction.reason": "a digit"})
    assert page.code == 200, page.text
    page = operator.send(page, path, {"secret": demonstration.SECRET})
    assert page.code == 200, page.text
    assert "waiting" in page.text.lower()
    with web.store.reading() as connection:
        assert not dossier_of(connection, [LotId("LOT-0004")]).deeds(LotId("LOT-0004"), Corrected)


ONE, TWO = "demo-receiver-one", "demo-receiver-two"
LOOKED = {"correction.reason": "weighed again"}


def arrival_of(browser):
    """The correction of the arrival of a shipment, which either of two receivers may sign."""
    passport = browser.get("/things/shipment/SH-0001").html
    arrived = passport[passport.index("<span>Shipment arrived") :]
    return re.search(r'href="(/corrections/shipment/SH-0001/[0-9a-f]{64})"', arrived)[1]


def test_second_of_two_who_correct_the_same_entry_is_shown_what_the_first_changed(web):
    quick, slow = web.browser(ONE), web.browser(TWO)
    path = arrival_of(quick)
    page = slow.get(path)
    first = reviewed(quick, path, liquid_nitrogen_kg="4.1", **LOOKED)
    done = quick.send(first, path, {"secret": demonstration.SECRET})
    assert 'class="confirmation"' in done.html, done.text
    web.clock.advance(minutes=1)
    page = slow.send(page, f"{path}/review", {"liquid_nitrogen_kg": "3.9", **LOOKED})
    assert "Demo Receiver One" in page.text, page.text
    assert "Reason: weighed again" in page.text
    assert "replacement" not in page.text.lower()
    page = slow.send(page, path, {"secret": demonstration.SECRET})
    assert 'class="confirmation"' in page.html, "who has read it may sign"


def test_correction_signed_before_it_was_read_what_another_corrected_is_refused(web):
    quick, slow = web.browser(ONE), web.browser(TWO)
    path = arrival_of(quick)
    page = reviewed(slow, path, liquid_nitrogen_kg="3.9", **LOOKED)
    assert page.code == 200, page.text
    quick.send(reviewed(quick, path, liquid_nitrogen_kg="4.1", **LOOKED), path, {"secret": demonstration.SECRET})
    web.clock.advance(minutes=1)
    page = slow.send(page, path, {"secret": demonstration.SECRET})
    assert page.code == 409, page.text
    assert "Somebody else has decided this meanwhile" in page.text
