"""The safety desk in Chromium: a reaction is reported, the sponsor is told, both sides assess it, and the regulator gets its report."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from custody.domain.acts.bedside import ReactionRecorded
from custody.domain.acts.safety import AdverseEventAssessed
from custody.domain.ids import AdverseEventId
from custody.domain.terms import Expectedness, Relatedness, Seriousness
from custody.workflows import demonstration
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script, Step
from tests.journeys.browsing import Person
from tests.journeys.desks.at_a_desk import back, is_fit_to_use, play, served, sign

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DESK = "Safety"


@pytest.fixture(scope="module")
def server(demonstration_folder, tmp_path_factory):
    with served(demonstration_folder, tmp_path_factory.mktemp("safety")) as running:
        yield running


def with_a_reaction(server):
    """The good lot at the bed, its infusion running, and a nurse who saw the participant react."""
    cast = server.cast("good")
    road = Script((server.clock() + demonstration.UNTIL_BEDSIDE).replace(second=0, microsecond=0))
    bedside.thaw(road, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(road, cast)
    bedside.start(road, cast)
    seen = ReactionRecorded(dose=cast.dose, seen_at=road.when(minutes=4), description="flush and wheeze")
    road.do(seen, "demo-nurse-one", minutes=5)
    play(server, road)
    return cast


def assess(person):
    person.follow("Adverse event assessed")
    judged = {"seriousness": "life_threatening", "ctcae_grade": "4", "relatedness": "possible", "expectedness": "unexpected"}
    sign(person, judged | {"reason": "began during the infusion"})
    back(person, DESK)
    person.server.clock.advance(seconds=2)


def sponsor_assesses(server, cast):
    """As the physician did, at a desk of their own."""
    judged = AdverseEventAssessed(
        participant=cast.participant,
        event=AdverseEventId("AE-1"),
        seriousness=Seriousness.LIFE_THREATENING,
        ctcae_grade=4,
        relatedness=Relatedness.POSSIBLE,
        expectedness=Expectedness.UNEXPECTED,
        reason="began during the infusion",
    )
    Player(server.store).play(Step(name="adverse_event_assessed", at=server.clock(), by=("demo-sponsor-one",), act=judged))
    server.clock.advance(seconds=2)


def test_reaction_becomes_a_report_to_the_regulator_in_time(browser, server):
    cast = with_a_reaction(server)
    physician, officer = (Person.arrives(browser, server, f"demo-{who}-one") for who in ("physician", "safety"))
    physician.follow(DESK, exact=True)
    expect(physician.page.locator("#field-scan")).to_be_focused()
    expect(physician.page.locator("main")).to_contain_text("flush and wheeze")
    is_fit_to_use(physician, "safety_home")
    physician.follow("Report as adverse event")
    sign(physician, {"seriousness": "life_threatening", "ctcae_grade": "4"})
    back(physician, DESK)
    server.clock.advance(seconds=2)
    physician.go("/desks/safety")
    physician.follow("Sponsor informed of an adverse event")
    sign(physician)
    back(physician, DESK)
    expect(physician.page.locator("main")).to_contain_text("Site tells the sponsor done in time")
    assess(physician)
    sponsor_assesses(server, cast)
    officer.follow(DESK, exact=True)
    officer.follow("Safety report submitted")
    sign(officer, {"document": "NMPA-1"})
    back(officer, DESK)
    expect(officer.page.locator("main")).to_contain_text("First report: Regulator done in time")
    is_fit_to_use(officer, "safety_participant")
    for person in (physician, officer):
        assert person.foreign == person.complaints == []
