"""What need not be typed: things that stand already are picked or scanned, and several of them one by one, each answered at once."""

import re
from datetime import timedelta

import pytest

from custody.domain.acts.allocation import KitAssigned
from custody.domain.acts.base import ACTS
from custody.domain.acts.manufacturing import LotStarted
from custody.domain.ids import BagId, BankId, KitId, LoggerId, StudyId
from custody.domain.masking import Viewer
from custody.domain.terms import Role
from custody.words.catalogues import phrases
from custody.workflows import sight
from custody.workflows.demonstration import SECRET
from custody.workflows.desks.bench_supplies import STATES
from custody.workflows.nearby import NEAR_MAX, nearby
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script, people
from tests.web.at_the_desks import acts_of, cast_of, refused_scans
from tests.web.desks.test_bench import LOT, OPERATOR, in_culture
from tests.web.desks.test_packing import PACKER, PATH, SHIPMENT, in_store, plan

__all__ = ["in_culture"]
NURSE = "demo-procurement-one"
REVIEW = "/acts/lot_step_recorded/review"
FORM = f"{LOT}?act=lot_step_recorded"
MATERIALS = "culture.materials"


def offered(page, field):
    """The suggestions of a field."""
    found = re.search(rf'<datalist id="list-{re.escape(field)}">(.*?)</datalist>', page.html, re.DOTALL)
    return re.findall(r'<option value="([^"]*)"', found[1]) if found else []


def lines(page, field=MATERIALS):
    """The answers to the scans of a list, newest first."""
    block = page.html.partition(f'id="field-{field}"')[2].partition("</fieldset>")[0]
    return [" ".join(re.sub("<[^>]*>", " ", each).split()) for each in re.findall(r"<li>(.*?)</li>", block, re.DOTALL)]


def scan(browser, page, text, field=MATERIALS, review=REVIEW, **more):
    return browser.send(page, review, {f"more.{field}": text, "add": field, **more})


@pytest.mark.parametrize(
    ("account", "path", "field", "expected"),
    [
        (NURSE, "/acts/cord_collected", "donor", "DN-"),
        (NURSE, "/acts/tissue_packed", "donation", "A999"),
        (NURSE, "/acts/tissue_packed", "logger", "LOGGER-"),
        ("demo-physician-one", "/acts/dose_requested", "participant", "P"),
        ("demo-analyst-one", "/desks/quality-control/lot/LOT-0004?act=result_recorded", "sample", "Q-LOT-0004"),
        ("demo-analyst-one", "/desks/quality-control/lot/LOT-0004?act=result_recorded", "bag", ""),
    ],
)
def test_thing_that_stands_already_is_picked_or_scanned(looked_at, account, path, field, expected):
    page = looked_at.signed_in(account).get(path)
    assert page.code == 200
    assert offered(page, field)
    assert any(each.startswith(expected) for each in offered(page, field)), offered(page, field)
    box = re.search(rf'<input [^>]*name="{field}"[^>]*>', page.html, re.DOTALL)
    assert box is not None
    assert "data-scan data-pick" in box[0]


def viewer_of(web, account, *, blind=False):
    who = people()[account]
    with web.store.reading() as connection:
        study = next(iter(sight.newest(connection, everybody(), "study", 1))).stream
    return Viewer(
        account=who.account,
        printed_name=who.printed_name,
        roles=frozenset(who.roles),
        site=who.site,
        study=StudyId(study.partition(":")[2]),
        blind=blind,
    )


def everybody():
    who = people()["demo-inspector-one"]
    roles = frozenset({Role.INSPECTOR})
    return Viewer(account=who.account, printed_name="", roles=roles, site=who.site, study=None, blind=False)


def test_only_things_in_the_scope_of_the_person_are_suggested_and_nothing_hidden_to_the_blinded(looked_at):
    rule = ACTS["cord_collected"]
    with looked_at.store.reading() as connection:
        near = nearby(connection, rule, None, viewer_of(looked_at, NURSE))
        assert 0 < len(near["donor"]) <= NEAR_MAX
        assert nearby(connection, rule, None, viewer_of(looked_at, "demo-physician-one")) == {}
        assert nearby(connection, rule, None, viewer_of(looked_at, NURSE, blind=True)) == {}
        shown = nearby(connection, ACTS["dose_requested"], None, viewer_of(looked_at, "demo-physician-one", blind=True))["participant"]
    assert {known.act for known in shown} == {""}, "what happened last may tell the arm"


def test_sample_and_bags_of_a_result_are_not_suggested_to_the_blinded(looked_at):
    lot = cast_of(looked_at, "good").lot
    rule = ACTS["result_recorded"]
    with looked_at.store.reading() as connection:
        assert set(nearby(connection, rule, lot, viewer_of(looked_at, "demo-analyst-one"))) == {"sample", "bag"}
        assert nearby(connection, rule, lot, viewer_of(looked_at, "demo-analyst-one", blind=True)) == {}


def test_shipment_being_packed_stands_first_and_may_be_scanned_instead(web):
    plan(web, in_store(web), until="packing_started")
    bag = in_store(web)[0]
    page = web.browser(PACKER).get(f"/acts/bag_packed?about=bag:{bag}")
    assert offered(page, "shipment")[0] == SHIPMENT.value
    assert f"{SHIPMENT} · Packing started" in page.html


def test_kit_is_found_by_the_hospital_of_its_participant_before_any_dose_follows_it_and_by_no_other(web):
    cast = cast_of(web, "good")
    script = Script(web.clock.now)
    script.do(KitAssigned(kit=KitId("KIT-0077"), participant=cast.participant, bags=(BagId.parse(str(cast.bags[2])),)), "demo-iwrs-one")
    Player(web.store).play(script.in_order()[0])
    with web.store.reading() as connection:
        here = sight.newest(connection, viewer_of(web, "demo-preparer-one"), "kit", 10)
        there = sight.newest(connection, viewer_of(web, "demo-operator-one"), "kit", 10)
    assert "kit:KIT-0077" in {item.stream for item in here}
    assert "kit:KIT-0077" not in {item.stream for item in there}


def test_materials_are_scanned_one_by_one_and_each_is_answered_with_tick_or_cross(in_culture):
    browser = in_culture.browser(OPERATOR)
    page = browser.get(FORM)
    assert "Nothing scanned yet." in page.text
    page = scan(browser, page, "CU1:material:MED-0001")
    assert page.code == 200
    assert [line[:13] for line in lines(page)] == ["Fits MED-0001"]
    page = scan(browser, page, "INC-01")
    assert "expected" in lines(page)[0] or "no " in lines(page)[0], lines(page)
    assert "not on the list" in lines(page)[0]
    page = scan(browser, page, "MED-0001")
    assert "scanned already" in lines(page)[0]
    assert page.form(REVIEW)[MATERIALS] == ["MED-0001"], "the form carries what is known, once"
    page = scan(browser, page, "INC-01", "culture.equipment")
    assert "Fits INC-01" in lines(page, "culture.equipment")[0]
    assert page.form(REVIEW)["culture.equipment"] == ["INC-01"]
    assert page.form(REVIEW)[MATERIALS] == ["MED-0001"]


def test_scan_that_ends_with_enter_is_answered_before_the_rest_of_the_form(in_culture):
    browser = in_culture.browser(OPERATOR)
    page = browser.send(browser.get(FORM), REVIEW, {f"more.{MATERIALS}": "MED-0001"})
    assert page.code == 200
    assert lines(page)[0].startswith("Fits MED-0001")
    assert "There is a problem" not in page.text
    assert re.search(r'name="more.culture.materials"[^>]*autofocus', page.html, re.DOTALL), "ready for the next scan"
    page = browser.send(page, REVIEW)
    assert page.code == 422, "then everything else is asked for"
    assert lines(page)[0].startswith("Fits MED-0001"), "and the scans stay"


def test_scanned_thing_is_taken_away_again(in_culture):
    browser = in_culture.browser(OPERATOR)
    page = scan(browser, browser.get(FORM), "MED-0001")
    page = browser.send(page, REVIEW, {"drop": f"{MATERIALS}.0"})
    assert lines(page) == []
    assert MATERIALS not in page.form(REVIEW)
    assert browser.send(page, REVIEW, {"drop": f"{MATERIALS}.7"}).code == 200


def test_material_that_is_out_of_date_is_a_cross_the_form_still_carries(in_culture):
    in_culture.clock.advance(days=900)
    browser = in_culture.browser(OPERATOR)
    page = scan(browser, browser.get(FORM), "MED-0001")
    assert "EXPIRED" in lines(page)[0]
    assert lines(page)[0].startswith("Does not fit")
    assert page.form(REVIEW)[MATERIALS] == ["MED-0001"], "gates judge it"


def test_scan_that_nobody_can_read_is_kept_as_evidence(in_culture):
    browser = in_culture.browser(OPERATOR)
    scan(browser, browser.get(FORM), "CU1:bag:NONSENSE")
    assert refused_scans(in_culture, OPERATOR)[-1].seen == "CU1:bag:NONSENSE"


def test_logger_that_was_not_started_is_a_cross_and_a_typed_one_keeps_its_reason(web):
    plan(web, in_store(web), started=False, until="shipment_planned")
    browser, review = web.browser(PACKER), "/acts/packing_started/review"
    page = browser.get(f"{PATH}?act=packing_started")
    typed = {"typed.more.loggers": "1", "typed_why.more.loggers": "label torn"}
    page = scan(browser, page, "LOGGER-T-0001", "loggers", review, **typed)
    assert "NOT started" in lines(page, "loggers")[0]
    form = page.form(review)
    assert (form["loggers"], form["typed.loggers"], form["typed_why.loggers"]) == (["LOGGER-T-0001"], ["1"], ["label torn"])
    assert acts_of(web, LoggerId("LOGGER-T-0001").key)


def test_every_state_of_a_supply_is_worded():
    assert {f"scans.state.{state}" for state in (*STATES, "not_started")} <= set(phrases())


def test_scans_read_in_chinese(in_culture):
    browser = in_culture.browser(OPERATOR, "zh")
    page = scan(browser, browser.get(FORM), "MED-0001")
    assert lines(page)[0].startswith("可用 MED-0001")
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)


def test_seals_are_scanned_one_by_one_at_the_sealing_and_a_bag_code_is_no_seal(web):
    bags = in_store(web)[:1]
    plan(web, bags, until="bag_packed")
    browser, review = web.browser(PACKER), "/acts/shipper_sealed/review"
    page = browser.get(f"{PATH}?act=shipper_sealed")
    assert 'name="more.seals"' in page.html
    assert not re.search(r"<textarea[^>]*name=.(seals|bags)", page.html)
    assert page.form(review)["bags"] == [str(bag) for bag in bags], "what was packed stands on the list already"
    assert lines(page, "bags")[0].startswith(f"On the list {bags[0]}")
    page = scan(browser, page, "CU1:seal:S100-7001", "seals", review)
    assert lines(page, "seals")[0].startswith("On the list S100-7001")
    page = scan(browser, page, f"CU1:bag:{bags[0]}", "seals", review)
    assert lines(page, "seals")[0].startswith("Does not fit")
    assert refused_scans(web, PACKER)[-1].refusal == "wrong_code_kind"
    page = scan(browser, page, "S100-7001", "seals", review)
    assert "scanned already" in lines(page, "seals")[0]
    assert page.form(review)["seals"] == ["S100-7001"]
    page = browser.send(page, review, {"drop": "seals.0"})
    assert lines(page, "seals") == []


def test_bags_of_an_allocation_are_scanned_one_by_one_in_their_order(web):
    bags, review = cast_of(web, "good").bags, "/acts/dose_allocated/review"
    browser = web.browser("demo-iwrs-one")
    page = browser.get(f"/acts/dose_allocated?about=dose:{cast_of(web, 'good').dose}")
    before = page.form(review).get("bags", [])
    for bag in bags[-2:]:
        page = scan(browser, page, f"CU1:bag:{bag}", "bags", review)
    assert page.form(review)["bags"] == [*before, *(str(bag) for bag in bags[-2:] if str(bag) not in before)]
    page = scan(browser, page, "CU1:bag:K7Q2M9X4T1ZB8", "bags", review)
    assert "not on the list" in lines(page, "bags")[0]


def test_kit_bags_filled_anew_stay_a_text_of_numbers(in_culture):
    page = in_culture.browser(OPERATOR).get(f"{LOT}?act=bags_filled")
    assert re.search(r'<textarea[^>]*name="bags"', page.html)


def test_tissue_and_banks_a_bank_comes_from_are_scanned_one_by_one_and_carried_with_their_kind(looked_at):
    browser, review, form = looked_at.signed_in(OPERATOR), "/acts/bank_started/review", "/acts/bank_started"
    page = scan(browser, browser.get(form), "CU1:bank:MCB-0001", "parents", review)
    assert lines(page, "parents")[0].startswith("On the list cell bank MCB-0001")
    page = scan(browser, page, "TS-0001", "parents", review)
    assert lines(page, "parents")[0].startswith("On the list cord tissue TS-0001")
    page = scan(browser, page, "bank:MCB-0001", "parents", review)
    assert "scanned already" in lines(page, "parents")[0]
    page = scan(browser, page, "CU1:lot:LOT-0001", "parents", review)
    assert "not on the list" in lines(page, "parents")[0]
    assert page.form(review)["parents"] == ["bank:MCB-0001", "tissue:TS-0001"]
    assert not re.search(r"<textarea[^>]*name=.parents", page.html)


def test_lot_is_started_of_the_banks_that_were_scanned(web):
    browser, review = web.browser(OPERATOR), "/acts/lot_started/review"
    page = scan(browser, browser.get("/acts/lot_started"), "CU1:bank:WCB-0001", "banks", review)
    assert lines(page, "banks")[0].startswith("On the list WCB-0001")
    page = browser.send(page, review, {"lot": "LOT-0078", "product": "cells", "form": "frozen", "vials_drawn": "9"})
    assert page.code == 200
    assert "WCB-0001" in page.text
    done = browser.send(page, "/acts/lot_started", {"secret": SECRET})
    assert done.code in {200, 201, 303}, done.text
    (started,) = (act for act in acts_of(web, "lot:LOT-0078") if isinstance(act, LotStarted))
    assert started.banks == (BankId("WCB-0001"),)


def test_study_is_approved_by_the_names_of_its_defaults_in_words_and_their_values(looked_at):
    for language, said in (("en", "rounding of results: Not rounded"), ("zh", "结果修约方式：不修约")):
        page = looked_at.signed_in("demo-qp-one", language).get("/acts/study_approved")
        assert said in page.text


def test_culture_said_to_have_begun_in_the_future_is_refused_beside_its_field(in_culture):
    browser = in_culture.browser(OPERATOR)
    page = scan(browser, browser.get(FORM), "MED-0001")
    page = scan(browser, page, "INC-01", "culture.equipment")
    values = {
        "step": "expansion",
        "passage": "6",
        "viable_seeded": "4000000",
        "viable_harvested": "32000000",
        "balance.unit": "cells",
        "balance.quantity_in": "32000000",
        "balance.quantity_out": "32000000",
        "started_at.date": f"{in_culture.clock.now:%Y-%m-%d}",
        "started_at.time": "10:00",
    }
    typed = {"lot": "CU1:lot:LOT-0077"} | {f"culture.{name}": value for name, value in values.items()}
    tomorrow = f"{in_culture.clock.now + timedelta(days=1):%Y-%m-%d}"
    refused = browser.send(page, REVIEW, typed | {"culture.started_at.date": tomorrow})
    assert refused.code == 422
    assert "This lies in the future; write when it happened." in refused.text
    assert 'href="#field-culture.started_at' in refused.html
    assert refused.form(REVIEW)["culture.started_at.date"] == [tomorrow]
    assert browser.send(page, REVIEW, typed).code == 200
