"""What the release queue keeps of the rules is, after every act and at every time, what the rules say then."""

import inspect
from dataclasses import replace
from datetime import timedelta

import pytest

from custody.domain.acts.quality import HoldPlaced
from custody.domain.deeds import deeds_after, deeds_of
from custody.domain.dossier import Deeds, Dossier
from custody.domain.masking import Viewer
from custody.domain.terms import HoldPoint, Role
from custody.gates.hold_points import HOLD_POINTS
from custody.gates.registry import GATES
from custody.workflows.desks import foreseen_once as kept
from custody.workflows.desks.preview import foreseen, plain_act
from custody.workflows.rehearsal.steps import STUDY, people
from tests.chain import Memory
from tests.gates.lots import LOT_RELEASE

G6 = HoldPoint.RELEASE
SOME_TIMES = (timedelta(0), timedelta(seconds=1), timedelta(days=40), timedelta(days=4000))
ASKING = {"REL-TEST", "CON-LATE"}
"""The one compares due times, which only a conditional release names; the other waits for a delivery still to come."""


def viewer(*, blind=False):
    person = people()["demo-qa-one"]
    return Viewer(account=person.account, printed_name="Q", roles=frozenset({Role.QA_REVIEWER}), site=person.site, study=STUDY, blind=blind)


def said_anew(dossier, node, now, *, blind=False):
    fresh = replace(dossier, streams={key: Deeds(tuple(deeds)) for key, deeds in dossier.streams.items()})
    return foreseen(fresh, viewer(blind=blind), plain_act(G6, node), G6, now).value


class Growing:
    """The dossiers of one thing while acts are recorded: each stream goes on with what was worked out from it, as in the store."""

    def __init__(self, node) -> None:
        self.node = node
        self._streams = {}

    def dossier(self, memory) -> Dossier:
        now = memory.dossier(self.node, STUDY)
        self._streams = {key: self._grown(key, memory.streams[key]) for key in now.streams}
        return replace(now, streams={key: deeds for key, (_, deeds) in self._streams.items()})

    def _grown(self, key, entries):
        number, before = self._streams.get(key, (0, None))
        if number == len(entries) and before is not None:
            return number, before
        longer = None if before is None else deeds_after(before, entries[number:])
        return len(entries), deeds_of(entries) if longer is None else longer


@pytest.fixture
def asked(monkeypatch):
    """How often the rules were really asked."""
    times = []
    monkeypatch.setattr(kept, "foreseen", lambda *args: times.append(args[-1]) or foreseen(*args))
    return times


@pytest.mark.parametrize("which", ["master", "lot"])
def test_kept_answer_is_after_every_act_of_the_road_what_the_rules_say_anew(chain, asked, which):
    node = getattr(chain.cast, which)
    growing, memory = Growing(node), Memory()
    said, judged = set(), 0
    for step in sorted(chain.steps, key=lambda step: step.at):
        memory.play(step)
        if not memory.streams.get(node.key):
            continue
        dossier = growing.dossier(memory)
        for later in SOME_TIMES[::3]:
            found = kept.foreseen_once(dossier, viewer(), G6, node, step.at + later)
            assert found == said_anew(dossier, node, step.at + later)
        judged += 1
        said.add(found.findings)
    assert len(said) > 8, "the road changes what the rules say"
    assert len(said) <= len(asked) < judged, "what did not change was not asked again"


def test_hold_on_an_ancestor_changes_the_kept_answer(chain):
    growing = Growing(chain.cast.lot)
    memory, step = chain._until(G6, "released", LOT_RELEASE)
    before = kept.foreseen_once(growing.dossier(memory), viewer(), G6, chain.cast.lot, step.at)
    hold = HoldPlaced(node=chain.cast.master, hold="H-1", reason="freezer alarm", owner="QA")
    chain.add(hold, before="released", by="demo-qa-one", nth=LOT_RELEASE)
    memory, step = chain._until(G6, "released", LOT_RELEASE)
    after = kept.foreseen_once(growing.dossier(memory), viewer(), G6, chain.cast.lot, step.at)
    assert "REL-HOLD" not in {each.gate for each in before.blocking}
    assert "REL-HOLD" in {each.gate for each in after.blocking}


def test_blinded_and_unblinded_reader_are_kept_apart(chain):
    case, now = chain.case_at(G6, nth=LOT_RELEASE)
    open_eyes = kept.foreseen_once(case.dossier, viewer(), G6, case.subject, now)
    blinded = kept.foreseen_once(case.dossier, viewer(blind=True), G6, case.subject, now)
    assert any(each.evidence for each in open_eyes.findings)
    assert not any(each.evidence for each in blinded.findings)
    assert blinded == said_anew(case.dossier, case.subject, now, blind=True)


def test_kept_answer_says_when_it_was_asked(chain):
    case, now = chain.case_at(G6, nth=LOT_RELEASE)
    for later in SOME_TIMES:
        assert kept.foreseen_once(case.dossier, viewer(), G6, case.subject, now + later).judged_at == now + later


def test_clock_that_was_set_back_is_seen_past_a_kept_answer_and_is_not_kept(chain):
    """The newest entry of all may be in a stream that this lot has nothing to do with."""
    case, now = chain.case_at(G6, nth=LOT_RELEASE)
    set_back = replace(case.dossier, last_recorded_at=now + timedelta(hours=2))
    gates = []
    for dossier in (set_back, case.dossier, set_back, case.dossier):
        found = kept.foreseen_once(dossier, viewer(), G6, case.subject, now)
        gates.append([each.gate for each in found.blocking])
    assert gates == [["SYS-CLOCK"], [], ["SYS-CLOCK"], []]


@pytest.mark.parametrize("order", [(0, 4, 5, 6), (6, 4, 5, 0)])
def test_delivery_still_to_come_is_asked_for_until_it_has_come(chain, order):
    chain.change("cord_collected", delivered_at=chain.step("released", LOT_RELEASE).at + timedelta(minutes=5))
    case, now = chain.case_at(G6, nth=LOT_RELEASE)
    for minutes in order:
        at = now + timedelta(minutes=minutes)
        found = kept.foreseen_once(case.dossier, viewer(), G6, case.subject, at)
        assert found == said_anew(case.dossier, case.subject, at)
        assert ("delivered_in_future" in {each.reason.code for each in found.blocking}) == (minutes < 5)


@pytest.mark.parametrize("point", kept.STAYS_AS_TIME_GOES_ON)
def test_no_rule_whose_answer_is_kept_asks_what_time_it_is(point):
    asking = {id_ for id_ in HOLD_POINTS[point] if "now" in inspect.signature(GATES[id_].rule).parameters}
    assert asking == ASKING


@pytest.mark.parametrize("point", sorted(set(HoldPoint) - kept.STAYS_AS_TIME_GOES_ON))
def test_hold_point_whose_rules_ask_the_time_is_refused(chain, point):
    case, now = chain.case_at(G6, nth=LOT_RELEASE)
    with pytest.raises(ValueError, match="ask what time it is"):
        kept.foreseen_once(case.dossier, viewer(), point, case.subject, now)
