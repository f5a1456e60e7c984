"""The receiving desk of the road: the shipper is taken over, looked at, its temperature file read, and each bag accepted by two."""

from __future__ import annotations

from custody.domain.acts.base import Act
from custody.domain.acts.shipping import BagAccepted, HandoffAccepted, LoggerFileRead, ShipmentArrived
from custody.domain.ids import ShipmentId
from custody.workflows import demonstration
from custody.workflows.rehearsal.steps import Step
from tests.journeys.browsing import Person
from tests.journeys.desks.road_hands import Hands, code_of, fill_in
from tests.journeys.desks.road_people import EN, click


def take_over(hands: Hands, step: Step, act: HandoffAccepted, code: str) -> None:
    """With the seals read again and the code the courier reads out."""
    person = _at_shipment(hands, step.by[0], act.node)
    _task(person, EN.say("receiving.task_hand_over"))
    fill_in(person, act, {"code": code})
    _sign(person)
    hands.note(act, step.by[0], "receiving")


def look_over(hands: Hands, step: Step, act: ShipmentArrived) -> None:
    person = _at_shipment(hands, step.by[0], act.shipment)
    _task(person, EN.say("receiving.task_arrival"))
    fill_in(person, act, {})
    _sign(person)
    hands.note(act, step.by[0], "receiving")


def read_file(hands: Hands, step: Step, act: LoggerFileRead, shipment: ShipmentId) -> None:
    """Uploaded, looked at with its curve, accepted."""
    person = _at_shipment(hands, step.by[0], shipment)
    _task(person, EN.say("receiving.task_file", logger=act.logger))
    person.page.set_input_files("[name=file]", {"name": "logger.txt", "mimeType": "text/plain", "buffer": step.file})
    person.press(EN.say("button.upload"))
    assert person.page.evaluate("document.querySelector('figure img').naturalWidth") > 0
    person.press(EN.say("button.accept_rows"))
    assert EN.say("receiving.file_accepted") in person.text(), person.text()
    hands.note(act, step.by[0], "receiving")


def read_store_file(hands: Hands, step: Step, act: LoggerFileRead) -> None:
    """The file of a store's own logger, or of the one that came with the tissue, at the storage desk."""
    person = hands.company.at_desk(step.by[0], "storage")
    click(person, person.page.get_by_role("link", name=EN.say("logger_files.title")))
    person.page.set_input_files("[name=file]", {"name": "store.txt", "mimeType": "text/plain", "buffer": step.file})
    person.press(EN.say("button.upload"))
    person.press(EN.say("button.accept_rows"))
    assert person.page.locator(".confirmation").count(), person.text()
    hands.note(act, step.by[0], "storage")


def accept(hands: Hands, step: Step, act: BagAccepted) -> None:
    """By two people, each of whom scans and looks alone."""
    for place, account in enumerate(step.by):
        person = _at_shipment(hands, account, act.shipment)
        _task(person, EN.say("receiving.task_bag", bag=act.bag))
        if place:
            click(person, person.page.get_by_role("link", name=EN.say("button.repeat")))
        fill_in(person, act, {})
        _sign(person)
        hands.note(act, account, "receiving")
    assert EN.act_title(act.rule.name) in person.text(), person.text()


def _at_shipment(hands: Hands, account: str, shipment: ShipmentId) -> Person:
    """The clerk opens the page of the shipper in front of them by its label."""
    person = hands.company.at_desk(account, "receiving")
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        person.scan("scan", code_of(shipment))
    return person


def _task(person: Person, label: str) -> None:
    link = person.page.locator("main").get_by_role("link", name=label, exact=True)
    assert link.count(), f"“{label}” cannot be done on {person.page.url}: {person.text()}"
    click(person, link)


def _sign(person: Person) -> None:
    person.page.fill("main form.form [name=secret]", demonstration.SECRET)
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        person.page.locator("main form.form .button").last.click()
    assert not person.page.locator(".problems, .fault").count(), person.text()


def is_receiving(act: Act, account: str) -> bool:
    """Whether this happens at the receiving desk."""
    return isinstance(act, HandoffAccepted) and isinstance(act.node, ShipmentId) and "receiver" in account
