"""Doses and bags of the preparation desk in the reader's words: clocks, foreseeable stops, tests beside their limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from custody.domain.ids import DoseId
from custody.domain.terms import HoldPoint
from custody.web import current
from custody.web.desk_parts import Button, desk_href, step_button
from custody.web.desks import Desk
from custody.web.foresight import RuleRow, rule_rows
from custody.web.standings import length, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.preparation import AtStep, DoseSheet, DoseToPrepare
from custody.workflows.desks.preview import Preview
from custody.workflows.desks.thawed import BagAtHand, TestSeen

STEP_WORDS = {HoldPoint.PREPARE: "at_thaw", HoldPoint.DOSE_RELEASE: "at_release", HoldPoint.BEDSIDE: "at_bed"}


@dataclass(frozen=True, kw_only=True)
class TestShown:
    """A test of a bag beside its limit. `state`: good, bad or open; `step`: the form of its result, filled in."""

    name: str
    limit: str
    result: str
    word: str
    state: str
    step: Button | None


@dataclass(frozen=True, kw_only=True)
class BagCard:
    """One bag of the dose. `clock`: the nearest clock in words; `late`: it has run out."""

    name: str
    href: str
    state: str
    place: str
    clock: str
    late: bool
    running: bool
    tests: tuple[TestShown, ...]
    step: Button | None


def state_text(words: Words, dose: DoseToPrepare) -> str:
    texts = [words.say("desk.preparation.bags_of", count=len(dose.bags))]
    if not dose.prescribed:
        texts.append(words.say("desk.preparation.not_prescribed"))
    open_bags = [bag for bag in dose.bags if bag.is_open]
    texts += [words.say("desk.preparation.bag_is", bag=bag.bag, state=words.word("BagState", bag.state)) for bag in open_bags]
    return " · ".join(texts)


def ready_text(words: Words, dose: DoseToPrepare) -> str:
    """The physician's word and how long it counts; it is asked for at each thaw and at nothing after."""
    left = [bag for bag in dose.bags if not bag.over]
    if dose.ready_until is not None and left and all(bag.is_open for bag in left):
        return words.say("desk.preparation.ready_used")
    if dose.ready_until is None:
        return words.say("desk.preparation.not_ready")
    return words.say("desk.preparation.ready", left=time_left(words, dose.ready_until))


def dose_facts(words: Words, dose: DoseToPrepare) -> tuple[Line, ...]:
    lines = [
        Line(words.say("desk.preparation.participant"), words.named(dose.participant)),
        Line(words.say("desk.preparation.prescribed"), _prescription(words, dose)),
        Line(words.say("desk.preparation.physician"), ready_text(words, dose)),
    ]
    if dose.kit is not None:
        lines.append(Line(words.say("term.node.kit"), dose.kit.value))
    lines += _clock_facts(words, dose)
    return tuple(lines)


def _prescription(words: Words, dose: DoseToPrepare) -> str:
    if not dose.prescribed:
        return words.say("desk.preparation.not_prescribed")
    given = {"volume": dose.volume_ml, "rate": dose.rate, "minutes": dose.planned or "", "drugs": dose.premedication}
    return words.say("desk.preparation.prescription", **given)


def _clock_facts(words: Words, dose: DoseToPrepare) -> Iterator[Line]:
    """Thawed: until when it has to be started and ended. Not thawed: what the clock would be, were it thawed now."""
    if dose.is_thawed and dose.clock is not None:
        yield Line(words.say("desk.preparation.must_end"), f"{time_left(words, dose.clock)} · {words.date_time(dose.clock)}")
        if dose.must_start_by is not None and dose.started_at is None:
            by = dose.must_start_by
            yield Line(words.say("desk.preparation.must_start"), f"{time_left(words, by)} · {words.date_time(by)}")
    elif dose.thaw_would_expire_at is not None:
        at = dose.thaw_would_expire_at
        yield Line(words.say("desk.preparation.if_thawed_now"), f"{time_left(words, at)} · {words.date_time(at)}")


def beside(words: Words, dose: DoseToPrepare) -> tuple[Line, ...]:
    """What must be seen while a bag is scanned: no bag number, which is read from the bag."""
    return tuple(_clock_facts(words, dose))


def foresight_sentence(words: Words, dose: DoseToPrepare) -> str:
    if dose.foresight is None:
        return ""
    stops = len({each.found.gate for each in dose.foresight.stops})
    key = "would_stop" if stops else "nothing_stops"
    return words.say(f"desk.preparation.{key}", count=stops)


def rules(words: Words, dose: DoseToPrepare) -> tuple[RuleRow, ...]:
    """Each rule once, with the step at which it speaks."""
    if dose.foresight is None:
        return ()
    return tuple(_rule(words, dose.node, each) for each in dose.foresight.rules if each.found.outcome != "later")


def judged_then(words: Words, dose: DoseToPrepare) -> tuple[str, ...]:
    """Rules about what is only scanned, answered or signed at the act itself."""
    rules = dose.foresight.rules if dose.foresight is not None else ()
    return tuple(dict.fromkeys(words.gate(each.found.gate) for each in rules if each.found.outcome == "later"))


def _rule(words: Words, node: DoseId, each: AtStep) -> RuleRow:
    alone = Preview(hold_point=each.hold_point, subject=node, judged_at=current.now(), findings=(each.found,))
    row = rule_rows(words, alone)[0]
    if row.state != "bad":
        return row
    at = words.say(f"desk.preparation.{STEP_WORDS[each.hold_point]}")
    return dataclasses.replace(row, word=f"{row.word}: {at}")


def to_come(words: Words, dose: DoseToPrepare) -> tuple[str, ...]:
    return tuple(words.gate(gate) for gate in dose.foresight.to_come) if dose.foresight is not None else ()


def bag_card(words: Words, desk: Desk, dose: DoseToPrepare, bag: BagAtHand, found: DoseSheet, now: datetime) -> BagCard:
    name = words.named(bag.bag) + (" · " + words.say("desk.preparation.spare") if bag.spare else "")
    sample = found.samples[-1].value if found.samples else ""
    about = bag.bag if bag.next in {"bag_taken_out", "cover_bound", "handoff_offered"} else dose.node
    can = frozenset(offer.act for offer in found.offers if offer.why_not is None)
    return BagCard(
        name=name,
        href=desk_href(desk, bag.bag),
        state=words.word("BagState", bag.state),
        place=_place(words, bag, now),
        clock=_clock(words, bag),
        late=bag.expires_at is not None and bag.expires_at <= now,
        running=bag.is_open,
        tests=tuple(_test(words, desk, dose, bag, test, sample, can) for test in bag.tests),
        step=step_button(words, desk, about, bag.next) if bag.next and (bag.is_open or dose.next_about == bag.bag) else None,
    )


def _place(words: Words, bag: BagAtHand, now: datetime) -> str:
    if bag.thawed_at is not None:
        return words.say("desk.preparation.thawed_at", at=bag.thawed_at)
    if bag.out_since is not None:
        return words.say("desk.preparation.out_since", at=bag.out_since, length=length(words, now - bag.out_since))
    return words.say("desk.preparation.stored_in", store=bag.store, position=bag.position) if bag.store else ""


def _clock(words: Words, bag: BagAtHand) -> str:
    if bag.over or not bag.clocks:
        return ""
    nearest = bag.clocks[0]
    kind = words.say(f"desk.preparation.clock.{nearest.kind}")
    return f"{kind}: {time_left(words, nearest.expires_at)} · {words.date_time(nearest.expires_at)}"


def _test(words: Words, desk: Desk, dose: DoseToPrepare, bag: BagAtHand, test: TestSeen, sample: str, can: frozenset[str]) -> TestShown:
    step = None
    if test.passed is None and sample and "result_recorded" in can:
        given = {"test": test.code, "unit": test.unit, "sample": sample, "bag": bag.bag.value}
        label = words.say("desk.preparation.enter", test=test.code)
        step = Button(label=label, href=desk_href(desk, dose.node, "result_recorded", **given))
    state = "open" if test.passed is None else "good" if test.passed else "bad"
    return TestShown(
        name=f"{test.code} · {test.title_zh if words.language == 'zh' else test.title}",
        limit=test.limit,
        result=test.result,
        word=words.say(f"desk.preparation.test.{state}"),
        state=state,
        step=step,
    )


def bag_facts(words: Words, bag: BagAtHand, now: datetime) -> tuple[Line, ...]:
    lines = [Line(words.say("work.state"), words.word("BagState", bag.state))]
    place = _place(words, bag, now)
    if place:
        lines.append(Line(words.say("desk.preparation.place"), place))
    for clock in bag.clocks:
        kind = words.say(f"desk.preparation.clock.{clock.kind}")
        lines.append(Line(kind, f"{time_left(words, clock.expires_at)} · {words.date_time(clock.expires_at)}"))
    return tuple(lines)
