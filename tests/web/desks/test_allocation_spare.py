"""A spare bag at the allocation desk: proposed where one was discarded, of the same donor and lot, oldest expiry first."""

import re

from custody.domain.acts.allocation import SpareAllocated
from custody.domain.acts.bedside import BagDiscarded
from custody.domain.folds.dose import DoseFold
from custody.domain.folds.study import StudyFold
from custody.workflows.desks.spares import candidates, hospital_of, lacking
from custody.workflows.dossiers import dossier_of
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import STUDY, Script
from tests.web.at_the_desks import acts_of, cast_of
from tests.web.desks.test_allocation import ALLOCATOR, DESK, NURSE
from tests.web.desks.test_quality_control import address, inline

PREPARERS = ("demo-preparer-one", "demo-preparer-two")


def lose_a_bag(web):
    """The one bag of the dose leaks at the thaw."""
    cast = cast_of(web, "good")
    road = Script(web.clock.now.replace(second=0, microsecond=0))
    bedside.thaw(road, cast, cast.dose_bags[0], minutes=2)
    steps = road.in_order()
    player = Player(web.store)
    begun = next(n for n, step in enumerate(steps) if step.name == "bag_preparation_started")
    for step in steps[: begun + 1]:
        player.play(step)
    lost = Script(steps[begun].at)
    lost.do(BagDiscarded(dose=cast.dose, bag=cast.dose_bags[0], reason="a leak at the port"), PREPARERS, minutes=3)
    player.play(lost.in_order()[0])
    web.clock.now = lost.in_order()[0].at
    web.clock.advance(minutes=1)
    return cast


def fold_of(web, cast):
    with web.store.reading() as connection:
        dossier = dossier_of(connection, (cast.dose, STUDY, *cast.bags, *cast_of(web, "warm").bags))
    return DoseFold(dossier, cast.dose, StudyFold(dossier, STUDY))


def test_nothing_is_proposed_while_the_dose_has_its_bags(looked_at):
    cast = cast_of(looked_at, "good")
    assert lacking(fold_of(looked_at, cast)) == 0
    assert "Spare bag proposed" not in looked_at.signed_in(ALLOCATOR).get(f"{DESK}/dose/{cast.dose}").text


def test_spare_is_proposed_with_what_the_gates_say_and_reserved_in_place(web):
    cast = lose_a_bag(web)
    browser = web.browser(ALLOCATOR)
    page = browser.get(f"{DESK}/dose/{cast.dose}")
    assert "Spare bag proposed" in page.text
    href = address(page, "Reserve this spare bag")
    (proposed,) = re.findall(r"bag=(\w+)", href)
    assert proposed in {bag.value for bag in cast.bags}, "of the same lot"
    assert "Oldest expiry first, one donor, one lot" in page.text
    page = inline(browser, href, {})
    assert [act.bag.value for act in acts_of(web, f"dose:{cast.dose}") if isinstance(act, SpareAllocated)] == [proposed], page.text


def test_candidates_are_never_of_another_lot_and_in_the_order_of_their_expiry(web):
    cast = lose_a_bag(web)
    fold = fold_of(web, cast)
    others = cast_of(web, "warm").bags
    found = list(candidates(fold, (*others, *cast.bags), hospital_of(fold), web.clock.now))
    assert found
    assert set(found) <= set(cast.bags) - set(cast.dose_bags)
    assert lacking(fold) == 1


def test_spare_is_proposed_to_nobody_who_does_not_allocate(web):
    cast = lose_a_bag(web)
    assert "Spare bag proposed" not in web.browser(NURSE).get(f"{DESK}/dose/{cast.dose}").text
