"""What dossiers remember never changes a verdict: whatever is recorded, undone or put right, it is what working it out anew says.

The streams grow here as they do in the store: each goes on with what was worked out from it, and so does one whose last entry was undone.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custody
from custody.domain.acts.base import Act, marked_nodes
from custody.domain.acts.codec import body_of
from custody.domain.acts.donation import ConsentWithdrawn, DonorRegistered, EligibilityDetermined, EligibilityRefused
from custody.domain.acts.equipment import LoggerInstalled
from custody.domain.acts.manufacturing import BagStored, BagTakenOut
from custody.domain.acts.quality import (
    ColdChainDecided,
    GapDisposed,
    HoldLifted,
    HoldPlaced,
    Recalled,
    ResultRecorded,
    TraceGivenUp,
)
from custody.domain.acts.record import Corrected
from custody.domain.acts.shipping import BagAccepted, LoggerCalibrated, LoggerFileRead
from custody.domain.acts.study import LoggerKeyRegistered, StudyApproved, StudyHalted, StudyProposed, StudyResumed
from custody.domain.criteria import content_digest
from custody.domain.deeds import deeds_after, deeds_of
from custody.domain.dossier import Deed, Deeds, Dossier, Entry, Head, closure
from custody.domain.folds.base import MissingFact
from custody.domain.folds.temperature_files import traces_of
from custody.domain.ids import Digest, DonorId, LoggerId
from custody.domain.readings import Reading, Series
from custody.domain.terms import Answer, ColdChainDecision, HoldPoint
from custody.gates import evaluate
from custody.gates.hold_points import HOLD_POINTS
from custody.gates.registry import GATES
from custody.workflows.rehearsal.road import FREEZER, FREEZER_LOGGER, WARD_FREEZER, WARD_LOGGER
from custody.workflows.rehearsal.steps import STUDY
from custody.workflows.site_days import site_days
from tests.chain import Chain

POINTS = (HoldPoint.PREPARE, HoldPoint.BEDSIDE, HoldPoint.RECEIPT, HoldPoint.SHIP, HoldPoint.DOSE_RELEASE, HoldPoint.ALLOCATION)
PLACES = (HoldPoint.SHIP, HoldPoint.RECEIPT, HoldPoint.PREPARE, HoldPoint.BEDSIDE)
"""Where the histories begin: the bag in the maker's freezer, on its way, in the ward's freezer, and prepared."""
OTHER_KEY = Digest("ab" * 32)
NOTHING = Deeds()
"""One object for all streams that are empty, as in the store."""


@dataclass
class Stream:
    entries: tuple[Entry, ...] = ()
    deeds: Deeds = NOTHING

    def grown(self, *new: Entry) -> Stream:
        """As the store lets it grow (custody.store.proven)."""
        after = deeds_after(self.deeds, new) if self.entries else None
        both = (*self.entries, *new)
        return Stream(both, deeds_of(both) if after is None else after)


@dataclass
class Ledger:
    """Streams as the store remembers them, and what undoing and reading at another time does with them."""

    streams: dict[str, Stream]
    series: dict[Digest, Series]
    now: datetime
    chain: Chain
    number: int = 0

    def dossier(self, *roots) -> Dossier:
        def load(ring):
            return {node.key: self.streams[node.key].deeds if node.key in self.streams else NOTHING for node in ring}

        streams = closure(roots, load)
        heads = {key: Head(len(s.entries), s.entries[-1].digest) for key, s in self.streams.items() if key in streams and s.entries}
        digests = {d.act.series for deeds in streams.values() for d in deeds if isinstance(d.act, LoggerFileRead)}
        return Dossier(streams=streams, heads=heads, series={d: self.series[d] for d in digests if d in self.series})

    def entry(self, act: Act, by) -> Entry:
        self.number += 1
        stream = self.streams.get(act.subject.key, Stream())
        before = stream.entries[-1].digest.value if stream.entries else ""
        text = f"{before} {self.number} {act.rule.name} {json.dumps(body_of(act), sort_keys=True)}"
        return Entry(
            stream=act.subject.key,
            position=len(stream.entries) + 1,
            digest=Digest(sha256(text.encode()).hexdigest()),
            act=act,
            happened_at=self.now,
            recorded_at=self.now,
            by=by,
            study=STUDY,
            station="test",
        )

    def record(self, act: Act, by) -> None:
        found = self.entry(act, by)
        self.streams = {**self.streams, found.stream: self.streams.get(found.stream, Stream()).grown(found)}

    def deeds(self, node, kind) -> tuple[Deed, ...]:
        return tuple(d for d in self.streams.get(node.key, Stream()).deeds if isinstance(d.act, kind))


@cache
def beginning(point):
    """The ledger just before the first guarded act of a hold point."""
    chain = Chain()
    memory, step = chain._until(point, None, 0)
    streams = {key: Stream(tuple(entries), deeds_of(entries)) for key, entries in memory.streams.items()}
    return chain, streams, dict(memory.series), step.at


@cache
def asked(point):
    """What is proposed at a hold point, and by whom."""
    return Chain().case_at(point)


def verdicts(ledger, point, now):
    """The verdict of dossiers that remember, and of one that remembers nothing."""
    known, _ = asked(point)
    roots = (known.subject, STUDY, *marked_nodes(known.proposed, None), *(s.account for s in known.signers))
    dossier = ledger.dossier(*roots)
    case = replace(known, dossier=dossier, day_at=site_days(dossier, now))
    anew = replace(dossier, streams={key: Deeds(tuple(deeds)) for key, deeds in dossier.streams.items()})
    return evaluate(point, case, now), evaluate(point, replace(case, dossier=anew), now)


def signer():
    return asked(HoldPoint.BEDSIDE)[0].signers[0]


def temperature_file(ledger, logger, number):
    """A new file of this logger: as cold as before or warm for an hour, up to now or a while ago, of a key that is trusted or not."""
    end = ledger.now - timedelta(hours=(0, 1, 30, 200)[number % 4])
    warm = Decimal(("-180", "-180", "-130", "-90")[number // 4 % 4])
    readings = tuple(
        Reading(end - timedelta(minutes=10 * n), warm if n in {3, 4, 5} else Decimal(-180)) for n in reversed(range(6 * 24 * 3))
    )
    series = Series(readings=readings, interval_minutes=Decimal(10))
    known = next(d.act for s in ledger.streams.values() for d in s.deeds if isinstance(d.act, LoggerFileRead))
    digest = Digest(series.digest)
    ledger.series = {**ledger.series, digest: series}
    valid, key = ((True, known.key_fingerprint), (True, OTHER_KEY), (False, known.key_fingerprint), (None, None))[number // 16 % 4]
    return replace(
        known,
        logger=logger,
        series=digest,
        file=digest,
        signature_valid=valid,
        key_fingerprint=key,
        interval_minutes=Decimal(10),
        count=len(readings),
        starts_at=series.start,
        ends_at=series.end,
        celsius_min=Decimal(-180),
        celsius_max=warm,
    )


def act_of(ledger, kind, number):
    """An act of this kind that fits the ledger, or None where there is none."""
    return ACTS_OF[kind](ledger, number)


def bag_of(ledger, number):
    return ledger.chain.cast.bags[number % 2]


def loggers_of(ledger):
    return (WARD_LOGGER, FREEZER_LOGGER, ledger.chain.cast.trip_logger)


def holdable(ledger, number):
    cast = ledger.chain.cast
    return (bag_of(ledger, number), cast.lot, cast.master, cast.donor, cast.donation, cast.shipment)


def hold(ledger, number):
    return HoldPlaced(node=holdable(ledger, number)[number % 6], hold=f"H-{ledger.number}", reason="alarm", owner="QA")


def lift(ledger, number):
    held = [d.act for node in holdable(ledger, number) for d in ledger.deeds(node, HoldPlaced)]
    return HoldLifted(node=held[-1].node, hold=held[-1].hold, reason="found harmless") if held else None


def recall(ledger, number):
    cast = ledger.chain.cast
    return Recalled(node=(cast.lot, cast.master, cast.donor)[number % 3], recall=f"R-{ledger.number}", reason="contaminated")


def accept_donor(ledger, _number):
    found = ledger.deeds(ledger.chain.cast.donation, EligibilityDetermined)
    return found[-1].act if found else None


def correct_file(ledger, number):
    found = [d for logger in loggers_of(ledger) for d in ledger.deeds(logger, LoggerFileRead)]
    return corrected(found[number % len(found)], signature_valid=number // 6 % 2 == 0) if found else None


def correct_result(ledger, number):
    found = ledger.deeds(ledger.chain.cast.lot, ResultRecorded)
    return corrected(found[number % len(found)], result="1") if found else None


def correct_place(ledger, number):
    found = ledger.deeds(bag_of(ledger, number), BagAccepted)
    return corrected(found[-1], no_sign_of_thaw=Answer.NO) if found else None


def correct_calibration(ledger, number):
    found = ledger.deeds(loggers_of(ledger)[number % 3], LoggerCalibrated)
    return corrected(found[-1], due_on=ledger.now.date() - timedelta(days=number // 6 % 3)) if found else None


def result(ledger, number):
    found = ledger.deeds(ledger.chain.cast.lot, ResultRecorded)
    return replace(found[number % len(found)].act, result="0.001") if found else None


def calibrate(ledger, number):
    day = ledger.now.date()
    due = day - timedelta(days=1) if number // 6 % 2 else day + timedelta(days=300)
    return LoggerCalibrated(logger=loggers_of(ledger)[number % 3], calibrated_on=date(2025, 1, 1), due_on=due, certificate="C-9")


def install(ledger, number):
    at = ledger.now - timedelta(hours=(0, 5, 400)[number // 6 % 3])
    return LoggerInstalled(equipment=FREEZERS[number % 2], logger=loggers_of(ledger)[number % 3], installed_at=at)


def decide(ledger, number):
    decision = ColdChainDecision.REJECT if number // 6 % 4 == 3 else ColdChainDecision.RELEASE
    return ColdChainDecided(bag=bag_of(ledger, number), decision=decision, covers_until=ledger.now, reason="short")


def dispose(ledger, number):
    start, whole = ledger.now - timedelta(days=90), number // 6 % 3 > 0
    return GapDisposed(
        node=bag_of(ledger, number), gap_started_at=start, gap_ended_at=ledger.now, seals_intact=whole, trace_continuous=True, reason="ok"
    )


def corrected(wrong, **fields):
    right = replace(wrong.act, **fields)
    return Corrected(
        node=right.subject,
        entry=wrong.digest,
        reason="typed wrong",
        act=right.rule.name,
        act_version=right.rule.version,
        replacement=json.dumps(body_of(right), sort_keys=True),
    )


def other_limits(ledger, number):
    """A version with other settings is proposed, and approved the next time."""
    proposed = ledger.deeds(STUDY, StudyProposed)
    approved = {d.act.study_version for d in ledger.deeds(STUDY, StudyApproved)}
    waiting = [d.act for d in proposed if d.act.study_version not in approved]
    if waiting:
        version, content = waiting[-1].study_version, waiting[-1].content
        return StudyApproved(study=STUDY, study_version=version, content_digest=content_digest(content), confirmed_defaults=())
    content = json.loads(proposed[-1].act.content)
    content["settings"] |= {"storage_trace_age_h": ("1", "24", "2000")[number % 3], "gap_internal_min": ("5", "15")[number % 2]}
    return StudyProposed(study=STUDY, study_version=len(proposed) + 1, content=json.dumps(content, sort_keys=True))


FREEZERS = (WARD_FREEZER, FREEZER)
ACTS_OF = {
    "hold": hold,
    "lift": lift,
    "recall": recall,
    "withdraw": lambda ledger, _: ConsentWithdrawn(donor=ledger.chain.cast.donor, withdrawn_at=ledger.now, reason="asked to"),
    "refuse donor": lambda ledger, _: EligibilityRefused(donation=ledger.chain.cast.donation, reason="reactive"),
    "accept donor": accept_donor,
    "file": lambda ledger, number: temperature_file(ledger, loggers_of(ledger)[number % 3], number // 3),
    "correct file": correct_file,
    "correct result": correct_result,
    "correct place": correct_place,
    "correct calibration": correct_calibration,
    "result": result,
    "key": lambda _, number: LoggerKeyRegistered(study=STUDY, issuer="maker", device_lot=f"L-{number}", fingerprint=OTHER_KEY),
    "calibrate": calibrate,
    "install": install,
    "take out": lambda ledger, number: BagTakenOut(bag=bag_of(ledger, number), taken_at=ledger.now),
    "store": lambda ledger, number: BagStored(
        bag=bag_of(ledger, number), equipment=FREEZERS[number // 6 % 2], position="R9", stored_at=ledger.now
    ),
    "decide": decide,
    "give up": lambda ledger, number: TraceGivenUp(
        node=bag_of(ledger, number) if number % 3 else ledger.chain.cast.shipment, reason="lost"
    ),
    "dispose": dispose,
    "halt": lambda *_: StudyHalted(study=STUDY, reason="toxicity"),
    "resume": lambda *_: StudyResumed(study=STUDY, reason="reviewed"),
    "other limits": other_limits,
}
SAME_THING = 6
"""Numbers that differ by this speak of the same bag, logger or other thing."""
WAITS = st.sampled_from((0, 0, 1, 20, 600, 1441, 100_000))
HOW = st.sampled_from(("record", "record", "undo"))
NUMBERS = st.integers(0, 200)
COLD = (
    "file",
    "file",
    "file",
    "correct file",
    "correct calibration",
    "calibrate",
    "key",
    "install",
    "take out",
    "store",
    "give up",
    "other limits",
)


def histories(*kinds):
    return st.lists(st.tuples(HOW, st.sampled_from(kinds), NUMBERS, WAITS), min_size=2, max_size=4)


def check(ledger, points, minutes):
    """Now, and so much later."""
    for point in points:
        for later in {timedelta(0), timedelta(minutes=minutes)}:
            remembered, anew = verdicts(ledger, point, ledger.now + later)
            assert remembered == anew


@given(begins=st.sampled_from(PLACES), deeds=histories(*ACTS_OF), other=st.sampled_from(POINTS))
def test_verdict_is_after_any_history_what_working_it_out_anew_says(begins, deeds, other):
    follow(begins, deeds, sorted({begins, other}))


@given(begins=st.sampled_from((HoldPoint.PREPARE, HoldPoint.BEDSIDE)), deeds=histories(*COLD))
def test_cold_life_is_after_any_history_what_working_it_out_anew_says(begins, deeds):
    follow(begins, deeds, (HoldPoint.PREPARE,))


def follow(begins, deeds, points):
    chain, streams, series, now = beginning(begins)
    ledger = Ledger(streams, series, now, chain)
    check(ledger, points, 0)
    for deed, kind, number, minutes in deeds:
        if deed == "undo" and (act := act_of(ledger, kind, number)) is not None:
            before = ledger.streams
            ledger.record(act, signer())
            check(ledger, points, minutes)
            # It was rolled back, and another act stands in its place; most often in the same stream.
            ledger.streams = before
        act = act_of(ledger, kind, number + (SAME_THING if deed == "undo" else 0))
        if act is not None:
            ledger.record(act, signer())
        ledger.now += timedelta(minutes=minutes)
        check(ledger, points, 0)


class TestOneDossierAskedInManyWays:
    """What an answer is remembered by tells apart whatever it is asked for."""

    def both(self, case, ask):
        """What is said of the dossier that remembers, and of one that remembers nothing."""
        anew = replace(case.dossier, streams={key: Deeds(tuple(deeds)) for key, deeds in case.dossier.streams.items()})
        return [said(partial(ask, each)) for each in (case, replace(case, dossier=anew))]

    @pytest.mark.parametrize("point", [HoldPoint.PREPARE, HoldPoint.BEDSIDE, HoldPoint.NEXT_BAG])
    def test_rule_about_each_bag_says_of_each_bag_what_it_says_anew(self, point):
        chain = Chain()
        case, now = chain.case_at(point)
        answers = {}
        for bag in chain.cast.bags:
            for gate in (GATES[name] for name in HOLD_POINTS[point] if GATES[name].each == "bag"):
                remembered, anew = self.both(case, lambda each, gate=gate, bag=bag: gate.rule(each.for_part(bag), now))
                assert remembered == anew
                answers.setdefault(gate.id, set()).add(repr(remembered))
        assert any(len(different) > 1 for different in answers.values())

    def test_life_is_judged_with_and_without_a_sign_of_thaw_at_every_time(self):
        case, now = Chain().case_at(HoldPoint.BEDSIDE)
        classes = set()
        for hours in (0, 200, 1, 5000):
            for thaw in (False, True, False):
                at = now + timedelta(hours=hours)
                life, anew = self.both(
                    case, lambda each, at=at, thaw=thaw: each.for_part(each.bags[0]).bag.cold_life.judged(at, sign_of_thaw=thaw)
                )
                assert life == anew
                classes.add((thaw, life.klass))
        assert classes == {(False, 0), (True, 3)}

    def test_files_of_a_logger_are_told_apart_by_the_time_since_when_they_count(self):
        case, now = Chain().case_at(HoldPoint.BEDSIDE)
        starts = set()
        for hours in (None, 1, 5, 1, None):
            since = None if hours is None else now - timedelta(hours=hours)
            traces, anew = self.both(case, lambda each, since=since: traces_of(each.study, WARD_LOGGER, since))
            assert traces == anew
            starts.add(traces[0].series.start)
        assert len(starts) == 3


def said(ask):
    """What is said, or what is missing."""
    try:
        return ask()
    except MissingFact as missing:
        return missing.reason


@pytest.mark.parametrize("point", POINTS)
def test_answer_that_is_remembered_holds_no_dossier_and_nobody_changes_it(point, monkeypatch):
    """What held a dossier would read an old one later; what a reader changes would be wrong for the next."""
    known, now = Chain().case_at(point)
    answers = {}
    once = Dossier.once

    def noted(dossier, about, key, work_out):
        answer = once(dossier, about, key, work_out)
        answers.setdefault((about, key), (answer, shape(answer)))
        return answer

    monkeypatch.setattr(Dossier, "once", noted)
    assert evaluate(point, known, now).is_go
    for later in (timedelta(hours=1), timedelta(days=400)):
        evaluate(point, known, now + later)
    assert answers
    for answer, before in answers.values():
        assert shape(answer) == before


def shape(value):
    """Everything in an answer, one part after the other. Fails for a dossier, and for what can be read only once."""
    assert not isinstance(value, Dossier | Iterator)
    if isinstance(value, Deed | str | int | bytes | Decimal | date | None | Deeds | Series):
        return value if not isinstance(value, Deed | Deeds | Series) else id(value)
    if isinstance(value, Mapping):
        return [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return {repr(shape(item)) for item in value}
    if isinstance(value, tuple | list):
        return [shape(item) for item in value]
    if hasattr(value, "__dict__"):
        # What it works out for itself comes later, and holds no dossier either.
        fields = {each.name for each in dataclasses.fields(value)} if dataclasses.is_dataclass(value) else vars(value).keys()
        _ = [shape(item) for name, item in vars(value).items() if name not in fields]
        return [type(value).__name__, *((name, shape(item)) for name, item in vars(value).items() if name in fields)]
    return repr(value)


class TestOnce:
    """`Dossier.once` by itself."""

    ONE, OTHER = DonorId("D-1"), DonorId("D-2")

    def dossiers(self):
        """Of two things: only one is recorded; then both are."""
        ledger = Ledger({}, {}, asked(HoldPoint.BEDSIDE)[1], beginning(HoldPoint.BEDSIDE)[0])
        ledger.record(DonorRegistered(donor=self.ONE), signer())
        first = ledger.dossier(self.ONE, self.OTHER)
        ledger.record(DonorRegistered(donor=self.OTHER), signer())
        return first, ledger.dossier(self.ONE, self.OTHER)

    def other_registered(self, dossier):
        def work_out(ledger):
            if ledger.last(self.OTHER, DonorRegistered) is None:
                raise MissingFact("donor", node=self.OTHER)
            return "registered"

        return dossier.once(self.ONE, "other", work_out)

    def other_shown(self, dossier):
        def work_out(ledger):
            try:
                return self.other_registered(ledger)
            except MissingFact:
                return "unknown"

        return dossier.once(self.ONE, "shown", work_out)

    def test_answer_rests_on_what_was_read_before_a_fact_was_missing(self):
        first, second = self.dossiers()
        assert [self.other_shown(first), self.other_shown(second), self.other_shown(first)] == ["unknown", "registered", "unknown"]

    def test_answer_rests_on_the_temperature_series_at_hand(self):
        _, dossier = self.dossiers()
        logger, digest = LoggerId("L-1"), Digest("cd" * 32)
        with_series = replace(dossier, series={digest: object()})
        found = [
            each.once(self.ONE, logger, lambda ledger: ledger.readings(digest) is not None) for each in (dossier, with_series, dossier)
        ]
        assert found == [False, True, False]

    def test_things_of_which_nothing_is_recorded_share_no_answer(self):
        dossier = Dossier(streams={self.ONE.key: NOTHING, self.OTHER.key: NOTHING})
        names = [dossier.once(node, "name", lambda ledger, node=node: (ledger.deeds(node), node.value)) for node in (self.ONE, self.OTHER)]
        assert names == [((), "D-1"), ((), "D-2")]

    def test_reading_of_an_answer_given_before_counts_for_the_answer_that_uses_it(self):
        first, second = self.dossiers()
        count = Counter()

        def registered(ledger):
            return sum(len(ledger.deeds(node, DonorRegistered)) for node in (self.ONE, self.OTHER))

        def counted(ledger):
            count["asked"] += 1
            return ledger.once(self.ONE, "registered", registered)

        for dossier in (first, first, second, second, first):
            dossier.once(self.ONE, "registered", registered)
            assert dossier.once(self.ONE, "counted", counted) == registered(dossier)
        assert count["asked"] == 3


def test_temperature_series_are_asked_for_where_it_is_noted():
    """`Dossier.readings` notes what an answer rests on; the mapping itself does not."""
    sources = [path for layer in ("domain", "gates") for path in Path(custody.__path__[0], layer).rglob("*.py")]
    assert len(sources) > 50
    past = re.compile(r"(dossier|ledger)\.series\b")
    assert [path.name for path in sources if path.name != "dossier.py" and past.search(path.read_text(encoding="utf-8"))] == []
