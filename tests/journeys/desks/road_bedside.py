"""The bed of the road: two nurses scan, each alone; both read the verdict and sign; the infusion runs."""

from __future__ import annotations

from dataclasses import fields

from custody.domain.acts.bedside import BedsideScanned, BedsideScans, InfusionStarted
from custody.domain.ids import DoseId
from custody.domain.terms import Answer
from custody.workflows import demonstration
from custody.workflows.rehearsal.steps import Step
from tests.journeys.browsing import Person
from tests.journeys.desks.road_hands import Hands, code_of
from tests.journeys.desks.road_people import EN

ANSWERS = tuple(each.name for each in fields(BedsideScans) if each.type in {"Answer", Answer})


def scan(hands: Hands, step: Step, act: BedsideScanned) -> None:
    """Wristband and bag by scanner, everything else by eye, the pump read off."""
    person, scans = _at_bed(hands, step.by[0], act.dose), act.scans
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        person.scan("scans.wristband", f"CU1:wristband:{scans.wristband}")
    person.fill({"scans.second_identifier": demonstration.HOSPITAL_NUMBER, "scans.second_identifier_method": "hospital_record"})
    person.press(EN.say("button.go_on"))
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        person.scan("scans.bag", code_of(scans.bag))
    person.fill({f"scans.{name}": "yes" for name in ANSWERS})
    person.press(EN.say("button.go_on"))
    person.fill({"scans.volume_ml": scans.volume_ml, "scans.rate_ml_per_min": scans.rate_ml_per_min})
    person.press(EN.say("button.check"))
    hands.note(act, step.by[0], "bedside")


def start(hands: Hands, step: Step, act: InfusionStarted) -> None:
    """Both read GO and sign; the second signature starts the infusion."""
    for account in step.by:
        person = _at_bed(hands, account, act.dose)
        assert person.page.locator("[data-answer] .verdict-go").count(), person.text()
        person.page.fill("#sign [name=secret]", demonstration.SECRET)
        with person.page.expect_navigation(wait_until="domcontentloaded"):
            person.page.locator("#sign .signature button").click()
        hands.note(act, account, "bedside")
    assert EN.say("bedside.started") in person.text(), person.text()


def _at_bed(hands: Hands, account: str, dose: DoseId) -> Person:
    person = hands.company.at_desk(account, "bedside")
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        person.scan("scan", code_of(dose))
    return person
