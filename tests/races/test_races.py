"""Races over HTTP against two serving processes: exactly one wins, nothing is given after a hold, and who loses is told why; and a request
sent many times is one act.

A race is one thing that several people want at the same moment, each over a connection of their own that stands before the first request is
sent. Races are run on copies of one prepared store, in which nobody has asked for anything yet; each copy proves itself afterwards.
"""

from __future__ import annotations

import random
import re
from collections import Counter

from custody.domain.acts.allocation import BagReserved, DoseAllocated, DoseDeallocated, KitAssigned
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import ParticipantDoseStarted
from custody.domain.acts.quality import HoldPlaced, Recalled
from custody.domain.acts.record import VerdictGiven
from custody.domain.acts.shipping import HandoffAccepted
from custody.domain.ids import CohortId, KitId
from custody.domain.terms import VerdictWord
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.downstream import handoff
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.road import QA, QP
from custody.workflows.rehearsal.steps import Step
from tests.counts import IN_FULL, count_of
from tests.races.bed import IWRS, act_form, ready_to_start, shown_at, start_form
from tests.races.clients import at_once
from tests.races.keyed import A_STORE, KINDS, answer_in
from tests.races.prepared import WANTING

AT_ONCE = 4
A_PLACE = 100
"""Races of one thing that is free again after each, before the next copy: its history does not grow without end."""
CODE = re.compile(r"\b[A-Z]{3}-[A-Z]+\b")
KNOWN = "is registered already; use it, or choose another number"
SENT_BEFORE = "sent before with other content"
MOST = 50 if IN_FULL else 6
RANDOM = random.Random(20260601)
WITHIN_S = 0.06
"""What stops a start comes at any moment from before it is sent until after it is answered."""


def is_stop(page):
    return page.code == 200 and page.text.startswith("STOP")


def is_done(page):
    return page.code == 200 and not is_stop(page)


def only_winner(answers):
    """Which of them was recorded; nobody lost without a word."""
    done = [n for n, page in enumerate(answers) if is_done(page)]
    assert len(done) == 1, [(page.code, page.text) for page in answers]
    return done[0]


# ── one bag ──


def test_one_bag_is_reserved_for_one_dose_and_the_others_are_told(fleet, figure):
    """One race: three doses want the one bag that is left, each by a client of its own. Afterwards it is freed for the next race."""
    wanted, races, lost = count_of(8_000, 4), 0, Counter()
    while races < wanted:
        place = fleet.fresh("reserving")
        for _ in range(min(wanted - races, A_PLACE)):
            lost.update(_reserve(place))
            races += 1
    figure(f"races for one bag: {races:,} times {WANTING} doses wanted it, one winner each; losers told {dict(lost)}")


def _reserve(place):
    bag, kit_system = place.groups.wanted, place.person(IWRS)
    before = len(place.log_numbers(bag.key, "bag_reserved"))
    acts = [DoseAllocated(dose=cast.dose, cohort=CohortId(cast.cohort), bags=(bag,)) for cast in place.groups.wanting]
    answers = at_once([act_form(kit_system, act, {"cohort": act.cohort.value, "bags": str(bag)}) for act in acts])
    winner = only_winner(answers)
    assert len(place.log_numbers(bag.key, "bag_reserved")) == before + 1
    assert place.acts_of(bag.key, BagReserved)[-1].dose == acts[winner].dose
    free = DoseDeallocated(dose=acts[winner].dose, cohort=acts[winner].cohort, bags=(bag,), reason="for the next race")
    values = {"cohort": free.cohort.value, "bags": str(bag), "reason": free.reason}
    freed = at_once([act_form(kit_system, free, values)])[0]
    assert is_done(freed), freed.text
    return [_codes(page) for n, page in enumerate(answers) if n != winner]


def _codes(page):
    """The gates that a STOP names."""
    assert is_stop(page), page.text
    return " ".join(sorted({code for code in CODE.findall(page.text) if code != "CANNOT-CHECK"}))


def test_one_dose_is_started_once_however_many_send_the_second_signature(fleet, figure):
    """One race: the second signature under one start from four devices of the person who has to give it."""
    wanted, races = count_of(2_000, 2), 0
    while races < wanted:
        place = fleet.fresh("starting")
        for cast in place.groups.starting[: wanted - races]:
            values = ready_to_start(place, cast)
            answers = at_once([start_form(place, cast, values) for _ in range(AT_ONCE)])
            assert {page.code for page in answers} <= {303, 409}, [page.text for page in answers]
            assert len(started(place, cast)) == 1
            assert len(place.log_numbers(f"bag:{cast.dose_bags[0]}", "bag_spiked")) == 1
            assert "The infusion has started" in shown_at(place, cast)
            races += 1
    figure(f"races for one bag: {races:,} starts sent by {AT_ONCE} at once, each started once")


def started(place, cast):
    """Where in the log this dose was started."""
    stream = cast.participant.key
    ids = place.log_numbers(stream, "participant_dose_started")
    doses = [act.dose for act in place.acts_of(stream, ParticipantDoseStarted)]
    return [number for number, dose in zip(ids, doses, strict=True) if dose == cast.dose]


# ── one participant ──


def test_one_participant_is_given_one_dose_and_the_other_bed_is_told(fleet, figure):
    """One race: two doses of one participant, each with GO and its first signature, are started at the same moment."""
    wanted, races = count_of(2_000, 2), 0
    while races < wanted:
        place = fleet.fresh("twice")
        for pair in place.groups.twice[: wanted - races]:
            forms = [start_form(place, cast, ready_to_start(place, cast)) for cast in pair]
            RANDOM.shuffle(forms)
            answers = at_once(forms)
            assert {page.code for page in answers} == {303}, [page.text for page in answers]
            assert sorted(len(started(place, cast)) for cast in pair) == [0, 1]
            loser = next(cast for cast in pair if not started(place, cast))
            told = shown_at(place, loser)
            assert "STOP" in told, told
            assert "BED-DUP" in told, told
            races += 1
    figure(f"races for one participant: {races:,} pairs of doses, one started each, the other told BED-DUP")


# ── a hold or a recall between verdict and start ──


def test_nothing_is_started_after_a_hold(fleet, figure):
    """One race: the second signature under a GO, and at a random moment within it quality places a hold on the bag."""
    wanted, ended = count_of(2_500, 4), Counter()
    while ended.total() < wanted:
        place = fleet.fresh("holding")
        for cast in place.groups.held[: wanted - ended.total()]:
            bag = cast.dose_bags[0]
            hold = HoldPlaced(node=bag, hold=f"H-{cast.number:04d}", reason="race", owner="QA")
            values = {"hold": hold.hold, "reason": hold.reason, "owner": hold.owner}
            start = start_form(place, cast, ready_to_start(place, cast), after_s=RANDOM.uniform(0, WITHIN_S))
            answers = at_once([start, act_form(place.person(QA), hold, values, after_s=RANDOM.uniform(0, WITHIN_S / 2))])
            assert is_done(answers[1]), answers[1].text
            ended[_nothing_after(place, cast, place.log_numbers(bag.key, "hold_placed")[0], "BAG-HOLD")] += 1
    figure(f"holds between verdict and start: {ended.total():,}, {_said(ended)}; 0 starts and 0 GO after a hold")


def test_nothing_is_started_after_a_recall(fleet, figure):
    """One race: one of the doses of a lot that are all started at once while the lot is recalled."""
    wanted, ended = count_of(2_500, 4), Counter()
    while ended.total() < wanted:
        place = fleet.fresh("recalling")
        lots = {cast.lot: [each for each in place.groups.recalled if each.lot == cast.lot] for cast in place.groups.recalled}
        for lot, casts in lots.items():
            recall = Recalled(node=lot, recall=f"RC-{lot}", reason="race")
            within_s = WITHIN_S * len(casts)
            forms = [start_form(place, cast, ready_to_start(place, cast), after_s=RANDOM.uniform(0, within_s)) for cast in casts]
            values = {"recall": recall.recall, "reason": recall.reason}
            *_, answer = at_once([*forms, act_form(place.person(QP), recall, values, after_s=RANDOM.uniform(0, within_s / 2))])
            assert is_done(answer), answer.text
            recalled = place.log_numbers(lot.key, "recalled")[0]
            ended.update(_nothing_after(place, cast, recalled, "BAG-HOLD|BAG-REL") for cast in casts)
    figure(f"recalls between verdict and start: {ended.total():,}, {_said(ended)}; 0 starts and 0 GO after a recall")


def _nothing_after(place, cast, stopped_at, codes):
    """Whether the start or the STOP came first: no start and no GO stands behind it in the log."""
    verdicts = place.log_numbers(cast.dose.key, "verdict_given")
    words = [act.word for act in place.acts_of(cast.dose.key, VerdictGiven)]
    assert [n for n, word in zip(verdicts, words, strict=True) if word is VerdictWord.GO and n > stopped_at] == []
    numbers = started(place, cast)
    assert all(number < stopped_at for number in numbers)
    if numbers:
        return "started before"
    told = shown_at(place, cast)
    assert "STOP" in told, told
    assert re.search(codes, told), told
    return "stopped"


def _said(ended):
    return ", ".join(f"{count:,} {what}" for what, count in sorted(ended.items()))


# ── one leg of custody, one kit ──


def test_one_leg_of_custody_is_accepted_once(fleet, figure):
    """One race: one offer of a bag, accepted from three devices at once; the next leg leads back to who gave it."""
    wanted, races = count_of(2_000, 4), 0
    while races < wanted:
        place = fleet.fresh("handing over")
        for n in range(min(wanted - races, A_PLACE)):
            _hand_over(place, NURSES[n % 2], NURSES[(n + 1) % 2], f"C-{n:06d}")
            races += 1
    figure(f"races for one leg of custody: {races:,} offers accepted from {WANTING} devices, one winner each")


def _hand_over(place, giver, taker, code):
    bag = place.groups.handed.dose_bags[0]
    offer = handoff(bag, taker, code, place.groups.handed, place.now)
    Player(place.store).play(Step(name="handoff_offered", at=place.now, by=(giver,), act=offer))
    before = len(place.log_numbers(bag.key, "handoff_accepted"))
    accepted = HandoffAccepted(node=bag, seals=(), code=offer.code)
    answers = at_once([act_form(place.person(taker), accepted, {"node": str(bag), "code": code}) for _ in range(WANTING)])
    winner = only_winner(answers)
    assert len(place.log_numbers(bag.key, "handoff_accepted")) == before + 1
    assert all("HOF-GIVER" in _codes(page) for n, page in enumerate(answers) if n != winner)
    assert all("The hand-over was accepted at" in page.text for n, page in enumerate(answers) if n != winner)


def test_one_kit_is_assigned_to_one_participant(fleet, figure):
    """One race: three clients assign one new kit to three participants."""
    wanted, races = count_of(2_000, 4), 0
    while races < wanted:
        place = fleet.fresh("kits")
        for n in range(min(wanted - races, A_PLACE)):
            kit = KitId(f"KIT-{n:05d}")
            acts = [KitAssigned(kit=kit, participant=cast.participant, bags=(place.groups.wanted,)) for cast in place.groups.wanting]
            typed = [{"kit": str(kit), "participant": str(act.participant), "bags": str(act.bags[0])} for act in acts]
            answers = at_once([act_form(place.person(IWRS), *each, about=False) for each in zip(acts, typed, strict=True)])
            winner = only_winner(answers)
            assert place.acts_of(kit.key, KitAssigned) == [acts[winner]]
            for loser in (page for page in answers if page is not answers[winner]):
                assert (loser.code, KNOWN in loser.text) == (409, True), loser.text
            races += 1
    figure(f"races for one kit: {races:,} kits assigned to {WANTING} at once, one winner each")


# ── one request ──


def test_request_sent_many_times_is_one_act_with_one_answer(fleet, figure):
    """One filled-in form with its key over 2 to 50 connections at once; then the server is ended and started anew (at reduced counts one of
    its two processes is killed), and each request comes again: with its key it is answered as before, with another body it is refused.
    """
    wanted, requests, sent = count_of(10_000, 8), 0, 0
    while requests < wanted:
        place = fleet.fresh("idempotency")
        answered = []
        for n in range(min(wanted - requests, A_STORE)):
            one = KINDS[n % len(KINDS)](place, n)
            answers = at_once([one.form(False)] * RANDOM.randint(2, MOST))
            sent += len(answers)
            [answer] = {answer_in(page) for page in answers}
            answered.append((one, answer))
        place.start_anew() if IN_FULL else place.kill_one()
        for one, answer in answered:
            *same, other = at_once([one.form(False), one.form(False), one.form(True)])
            assert {answer_in(page) for page in same} == {answer}
            assert (other.code, SENT_BEFORE in other.text) == (409, True), other.text
            assert len([act for act in place.acts_of(one.stream, Act) if one.its(act)]) == 1
        requests += len(answered)
        sent += 3 * len(answered)
    figure(
        f"requests sent 2 to {MOST} times at once and again to new processes: {requests:,} ({sent:,} in all), one act each; other body 409"
    )
