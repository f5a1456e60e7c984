"""The blinded phase at the desks, once with cells and once with placebo: what blinded people are shown is the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import unified_diff
from time import monotonic

import pytest

from custody.domain.acts.bedside import BedsideScanned, InfusionEnded
from custody.domain.acts.quality import HoldLifted, HoldPlaced
from custody.domain.masking import NEUTRAL_GATE, TELLING_GATES
from custody.store.verification import verify
from custody.workflows import demonstration
from custody.workflows.dossiers import dossier_of
from custody.workflows.proposing import second_identifier
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN
from custody.workflows.rehearsal.downstream import RECEIVERS
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.road import QA, Cast
from custody.workflows.rehearsal.steps import Step
from tests.journeys.browsing import Person, serving
from tests.journeys.desks.blinded_eyes import BLINDED, WHO, Answer, Eyes, watching
from tests.journeys.desks.blinded_store import KITS, BlindedWorld, cover_of, prepared
from tests.journeys.desks.road_bedside import ANSWERS
from tests.journeys.desks.road_hands import Hands, code_of
from tests.journeys.desks.road_people import A_MOMENT, EN, Company, StillClock, click
from tests.journeys.desks.road_play import by_hand

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AT_UNBLINDED_DESKS = ("kit_assigned", "dose_allocated", "cover_bound", "dose_bag_released")
"""By hand in the world of the cells; in the other they are played at the same moments, for no blinded person sees that desk."""
AT_THE_BED = ("bedside_scanned", "infusion_started", "infusion_ended")
WHY_HELD = {"cells": "viability below the limit", "placebo": "a particle seen"}
"""Why quality holds the lot for a while: never the same in both arms."""
READ_AFTER = {"fit_to_infuse_signed": NURSES[:1], "infusion_started": (PHYSICIAN, RECEIVERS[0]), "infusion_ended": NURSES[:1]}
"""Who looks at everything they can open after these acts."""
HOME_PAGES = (
    "/",
    "/waiting",
    "/acts",
    "/bedside",
    "/receiving",
    *(f"/desks/{d}" for d in ("closing", "handoff", "allocation", "preparation")),
)


ENOUGH_PAGES = 150


class Watched(Company):
    """Whoever is blinded says so with every request, for the answers to be sorted by."""

    def _arrived(self, account: str) -> Person | None:
        person = super()._arrived(account)
        if person is not None and account in BLINDED:
            person.context.set_extra_http_headers({WHO: account})
        return person

    def here(self, account: str) -> Person:
        """This person, wherever they are; signed in first where they have not come yet."""
        return self.people.get(account) or self.at_work_list(account)


@dataclass
class Journey:
    """One world walked from the kit to the end of the infusion, under the eyes of its blinded people."""

    arm: str
    world: BlindedWorld
    hands: Hands
    eyes: Eyes

    @property
    def clock(self) -> StillClock:
        return self.hands.company.server.clock

    def walk(self) -> None:
        done: set[tuple[str, tuple[str, ...]]] = set()
        for step in self.world.steps:
            began = monotonic()
            if isinstance(step.act, BedsideScanned) and step.by == NURSES[:1]:
                self.wrong_bag(step)
                self.bag_on_hold(step)
            self.clock.reach(step.at)
            self.do(step, again=(step.name, step.by) in done)
            done.add((step.name, step.by))
            for account in READ_AFTER.get(step.name, ()):
                self.look_around(account)
            if os.environ.get("ROAD_TIMES"):
                print(f"{monotonic() - began:6.2f} {step.name} {len(self.eyes.answers)}", file=sys.stderr, flush=True)

    def do(self, step: Step, *, again: bool) -> None:
        by_hands = step.name in AT_THE_BED or (step.name in AT_UNBLINDED_DESKS and self.arm == "cells")
        if again or not by_hands:
            self.play(step)
        elif step.name == "bedside_scanned":
            self.scan_all(step)
        elif step.name == "infusion_started":
            self.start(step)
        elif step.name == "kit_assigned":
            self.hands.act(step.act, step.by[0], desk="allocation")
        else:
            by_hand(self.world, self.hands, step)

    def play(self, step: Step) -> None:
        """As hands would do it: the second signature comes a moment later."""
        player = Player(self.hands.company.server.store)
        player.play(replace(step, by=step.by[:1], at=self.clock()))
        if len(step.by) > 1:
            self.clock.reach(self.clock() + A_MOMENT)
            player.play(replace(step, by=step.by[1:], from_place=1, at=self.clock()))

    # -- the bed ------------------------------------------------------------------------------------------------------------------------

    def wrong_bag(self, step: Step) -> None:
        """The nurse scans a bag of the kit of the other arm: it is refused where it is scanned."""
        self.clock.reach(step.at - timedelta(minutes=3))
        person = self.scan_up_to_the_bag(step, code_of(self.world.other.bags[0]))
        assert "scans.bag" in person.page.locator(".problems").inner_html(), person.text()
        self.leave(person)

    def scan_up_to_the_bag(self, step: Step, code: str) -> Person:
        """Wristband, who it is, and a bag; anew where there was a verdict already."""
        person = self.at_bed(step.by[0])
        again = person.page.locator("[data-answer]").get_by_role("link", name=EN.say("button.check_again"))
        if again.count():
            click(person, again.first)
        self._scan(person, "scans.wristband", f"CU1:wristband:{step.act.scans.wristband}")
        person.fill({"scans.second_identifier": demonstration.HOSPITAL_NUMBER, "scans.second_identifier_method": "hospital_record"})
        person.press(EN.say("button.go_on"))
        self._scan(person, "scans.bag", code)
        return person

    def scan_all(self, step: Step) -> None:
        # The bag lies under its cover, so its own number cannot be seen.
        person, scans = self.scan_up_to_the_bag(step, cover_of(step.act.scans.bag)), step.act.scans
        person.fill({f"scans.{name}": "yes" for name in ANSWERS})
        person.press(EN.say("button.go_on"))
        person.fill({"scans.volume_ml": scans.volume_ml, "scans.rate_ml_per_min": scans.rate_ml_per_min})
        person.press(EN.say("button.check"))
        self.leave(person)

    def at_bed(self, account: str) -> Person:
        person = self.hands.company.at_desk(account, "bedside")
        self._scan(person, "scan", code_of(self.world.cast.dose))
        return person

    @staticmethod
    def _scan(person: Person, name: str, code: str) -> None:
        with person.page.expect_navigation(wait_until="domcontentloaded"):
            person.scan(name, code)

    def bag_on_hold(self, step: Step) -> None:
        """Quality holds the lot for a reason of its arm; the check at the bed says STOP until the hold is lifted."""
        lot, act = self.world.cast.lot, step.act
        self.play_now(HoldPlaced(node=lot, hold="H-1", reason=WHY_HELD[self.arm], owner="QA"), QA)
        for nurse in NURSES:
            self.play_now(act, nurse)
        person = self.at_bed(step.by[0])
        click(person, person.page.get_by_role("button", name=EN.say("bedside.check_again")).first)
        assert person.page.locator("[data-answer] .verdict-stop").count(), person.text()
        assert NEUTRAL_GATE in person.text()
        # Whether a hold stands behind it is not told, and so neither that none does.
        assert EN.say("verdict.nothing_held") not in person.text()
        self.leave(person)
        self.look_around(NURSES[1])
        self.play_now(HoldLifted(node=lot, hold="H-1", reason="explained"), QA)

    def start(self, step: Step) -> None:
        """Both read GO and sign."""
        for account in step.by:
            person = self.at_bed(account)
            assert person.page.locator("[data-answer] .verdict-go").count(), person.text()
            person.page.fill("#sign [name=secret]", demonstration.SECRET)
            click(person, person.page.locator("#sign .signature button"))
            self.leave(person)

    @staticmethod
    def leave(person: Person) -> None:
        """Back to the work list: a page left open at the bed asks for itself anew, at moments that no two runs share."""
        person.go("/")

    def play_now(self, act, by: str) -> None:
        self.clock.reach(self.clock() + A_MOMENT)
        self.play(Step(name=act.rule.name, at=self.clock(), by=(by,), act=act))

    # -- reading ------------------------------------------------------------------------------------------------------------------------

    def look_around(self, account: str) -> None:
        """Work list, desks, passports and searches, in this person's session."""
        person = self.hands.company.here(account)
        for path in (*HOME_PAGES, *self.passports()):
            person.context.request.get(self.hands.company.server.url + path, headers={WHO: account})

    def passports(self) -> Iterator[str]:
        cast, other = self.world.cast, self.world.other
        for node in (cast.participant, cast.dose, KITS[cast.dose], cast.bags[0], other.bags[0], cast.shipment, cast.lot, cast.donor):
            yield f"/things/{node.kind}/{node.value}"
            yield f"/search?scan={node.value}"
        yield f"/things/bag/{cast.bags[0]}/trace"
        for desk in ("closing", "preparation", "allocation"):
            yield f"/desks/{desk}/dose/{cast.dose}"
        yield f"/desks/allocation/kit/{KITS[cast.dose]}"
        yield f"/bedside/{cast.dose}"


@pytest.fixture(scope="module")
def journeys(browser, tmp_path_factory):
    """The journey in each arm. Nobody's browser may have complained, but of the bag that was refused."""
    walked, keys = {}, tmp_path_factory.mktemp("keys")
    second_identifier(keys, demonstration.HOSPITAL_NUMBER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        for arm in ("cells", "placebo"):
            folder = tmp_path_factory.mktemp(arm)
            world = prepared(folder / "made", keys, given_is_cells=arm == "cells")
            clock = StillClock(world.steps[0].at)
            with watching() as eyes, serving(world.folder, folder / "store", clock.start, clock=clock) as server:
                walked[arm] = Journey(arm, world, Hands(Watched(browser, server)), eyes)
                walked[arm].walk()
                check_the_end(server.store, world)
            assert [text for text in walked[arm].hands.company.complaints if "422" not in text] == []
    return walked


def check_the_end(store, world):
    with store.reading() as connection:
        assert dossier_of(connection, [world.cast.dose]).last(world.cast.dose, InfusionEnded) is not None
        assert verify(connection, checkpoint=None).faults == ()


def test_people_open_the_same_pages_in_both_arms(journeys):
    cells, placebo = (journeys[arm].eyes.pages for arm in ("cells", "placebo"))
    assert {answer.account for answer in cells} == set(BLINDED)
    assert [str(answer) for answer in cells] == [str(answer) for answer in placebo]


def test_every_page_reads_the_same_in_both_arms(journeys):
    cells, placebo = (journeys[arm].eyes.pages for arm in ("cells", "placebo"))
    assert len(cells) > ENOUGH_PAGES
    differing = [(one, other) for one, other in zip(cells, placebo, strict=True) if one.comparable != other.comparable]
    assert not differing, "\n".join(f"{one}\n{difference(one, other)}" for one, other in differing)


@pytest.mark.parametrize("arm", ["cells", "placebo"])
def test_no_answer_names_lot_donor_or_a_rule_that_tells(journeys, arm):
    journey = journeys[arm]
    telling = {*TELLING_GATES, *WHY_HELD.values(), *hidden_of(journey.world.cast), *hidden_of(journey.world.other)}
    found = [(str(answer), word) for answer in journey.eyes.answers for word in telling if word in answer.text and word not in answer.asked]
    assert found == []


def hidden_of(cast: Cast) -> Iterator[str]:
    for node in (cast.donor, cast.donation, cast.tissue, cast.master, cast.working, cast.lot):
        yield node.value


def difference(one: Answer, other: Answer) -> str:
    return "\n".join(unified_diff(one.comparable.splitlines(), other.comparable.splitlines(), "cells", "placebo", lineterm="", n=0))[:2000]
