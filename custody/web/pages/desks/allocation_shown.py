"""Participants, cohorts and doses of the allocation desk in the reader's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from custody.domain.criteria import EligibilityCriterion
from custody.domain.ids import BagId, Node
from custody.web.desk_parts import Button, CriterionRow, ResultLine, desk_href, step_button
from custody.web.desks import Desk
from custody.web.foresight import RuleRow, foresight_text, rule_rows
from custody.web.standings import time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.allocation import DoseSheet
from custody.workflows.desks.cohorts import CohortSeen, Decision
from custody.workflows.desks.dosed import BagSeen, Step
from custody.workflows.desks.enrolled import Enrolled, Weighing
from custody.workflows.desks.enrolled import Line as EligibilityLine

BAD_LINES = frozenset({"not_met", "beyond"})


@dataclass(frozen=True, kw_only=True)
class SumShown:
    """One step of the arithmetic. `within`: nothing without a limit, else the verdict in words; `bad` marks a limit that is passed."""

    name: str
    sum: str
    result: str
    limit: str
    within: str
    bad: bool


@dataclass(frozen=True, kw_only=True)
class ProposalShown:
    """Bags that could be reserved, what the gates say to them now, and the button that does it."""

    title: str
    note: str
    columns: list[dict[str, object]]
    bags: list[list[dict[str, object]]]
    verdict: str
    is_clear: bool
    rules: tuple[RuleRow, ...]
    reserve: Button | None


def standing_of(words: Words, person: Enrolled) -> str:
    """How far a participant has come, what stands in the way first."""
    texts = []
    if person.not_met:
        texts.append(words.say("desk.allocation.lines_not_met", count=person.not_met))
    texts.append(words.say("desk.allocation.consented" if person.consent is not None else "desk.allocation.no_consent"))
    if person.eligibility is not None and not person.not_met:
        texts.append(words.say("desk.allocation.eligible"))
    if person.weighings:
        texts.append(words.say("desk.allocation.weighed", weight=person.weighings[0].weight_kg))
    return " · ".join(texts)


def left_text(words: Words, person: Enrolled) -> str:
    if person.left is None:
        return ""
    act = person.left.act
    return words.say("desk.allocation.left", reason=words.word("leaving", act.reason), at=act.left_at)


def participant_facts(words: Words, person: Enrolled) -> tuple[Line, ...]:
    lines = [Line(words.say("work.state"), standing_of(words, person))]
    if person.consent is not None:
        act = person.consent.act
        by = words.term(act.signed_by) + (f" ({act.relation})" if act.relation else "")
        given = words.say("desk.allocation.consent_by", by=by, at=act.signed_at, version=act.form_version)
        lines.append(Line(words.say("desk.allocation.consent"), given))
    if person.eligibility is not None:
        lines.append(Line(words.say("desk.allocation.diagnosed"), words.date_time(person.eligibility.act.diagnosed_at)))
    if person.window_ends_at is not None:
        until = person.window_ends_at
        lines.append(Line(words.say("desk.allocation.window"), f"{time_left(words, until)} · {words.date_time(until)}"))
    if person.wristband is not None:
        lines.append(Line(words.say("desk.allocation.wristband"), words.date_time(person.wristband.at)))
    return tuple(lines)


def eligibility_row(words: Words, line: EligibilityLine) -> CriterionRow:
    """One criterion with its answer: what does not allow inclusion first, what was not answered next."""
    criterion = line.criterion
    text = words.term(line.answer) if line.answer is not None else words.say("desk.allocation.no_answer")
    if line.value is not None:
        text += f" · {words.value(line.value)} {criterion.unit}".rstrip()
    return CriterionRow(
        name=f"{criterion.code} · {criterion.text_zh if words.language == 'zh' else criterion.text}",
        limit=limit_text(words, criterion),
        state="good" if line.state == "met" else "bad" if line.state in BAD_LINES else "open",
        word=words.say(f"desk.allocation.line.{line.state}"),
        results=(ResultLine(text=text, word=""),),
    )


def limit_text(words: Words, criterion: EligibilityCriterion) -> str:
    """`≥ 18 years`, `< 150 mmHg`; a criterion without a number has to be answered yes."""
    limits = (("≥", criterion.lowest), (">", criterion.above), ("≤", criterion.highest), ("<", criterion.below))
    shown = [f"{sign} {words.value(value)} {criterion.unit}".rstrip() for sign, value in limits if value is not None]
    return words.say("format.comma").join(shown) or words.say("desk.allocation.answer_yes")


def weighing_cells(words: Words, each: Weighing) -> list[dict[str, object]]:
    agrees = words.say("desk.allocation.both_agree" if each.agrees else "desk.allocation.do_not_agree")
    texts = (
        words.date_time(each.measured_at),
        f"{words.value(each.weight_kg)} kg",
        f"{words.value(each.height_cm)} cm",
        words.term(each.sex),
        words.say("format.comma").join(each.people),
        agrees,
    )
    return [cell(text) for text in texts]


def cohort_text(words: Words, cohort: CohortSeen) -> str:
    """Open or not, and what it waits for."""
    if cohort.toxicities_not_judged:
        return words.say("desk.allocation.toxicity_not_judged", count=cohort.toxicities_not_judged)
    if cohort.is_open:
        return words.say("desk.allocation.open")
    if cohort.waits_for:
        committees = words.say("format.comma").join(words.term(each) for each in cohort.waits_for)
        return words.say("desk.allocation.waits_for_committee", committees=committees)
    return words.say("desk.allocation.not_open")


def cohort_step(words: Words, desk: Desk, node: Node, cohort: CohortSeen) -> Button | None:
    """The next step with the cohort filled in, and the committee where only one is missing."""
    step = step_button(words, desk, node, cohort.next)
    if step is None:
        return None
    committee = cohort.waits_for[0].value if cohort.next == "committee_decided" and len(cohort.waits_for) == 1 else ""
    return Button(label=step.label, href=desk_href(desk, node, cohort.next, cohort=cohort.id.value, committee=committee))


def cohort_criterion(words: Words, desk: Desk, node: Node, cohort: CohortSeen, can: frozenset[str]) -> CriterionRow:
    """A cohort as a row: its dose, its places, what the committees said, its watch and its toxicities."""
    phase = words.say("desk.allocation.phase_blinded" if cohort.blinded else "desk.allocation.phase", phase=cohort.phase)
    bad = bool(cohort.toxicities_not_judged)
    return CriterionRow(
        name=f"{cohort.id} · {words.say('desk.allocation.per_kg', cells=cohort.cells_per_kg)} · {phase}",
        limit=words.say("desk.allocation.size", size=cohort.size),
        state="bad" if bad else "open",
        word=cohort_text(words, cohort),
        results=(*(_decision(words, each) for each in cohort.decisions), ResultLine(text="", word="", facts=tuple(_facts(words, cohort)))),
        steps=tuple(_cohort_steps(words, desk, node, cohort, can)),
    )


def _decision(words: Words, each: Decision) -> ResultLine:
    if each.deed is None:
        return ResultLine(text=words.term(each.committee), word=words.say("desk.allocation.not_decided"))
    facts = (
        Line(words.say("desk.allocation.decided_at"), words.date_time(each.deed.at)),
        Line(words.say("desk.allocation.document"), each.deed.act.document),
        Line(words.say("desk.allocation.signed_by"), each.deed.signers[0].printed_name),
    )
    return ResultLine(text=words.term(each.committee), word=words.term(each.deed.act.decision), facts=facts)


def _facts(words: Words, cohort: CohortSeen) -> Iterator[Line]:
    if cohort.opened_at is not None:
        yield Line(words.say("desk.allocation.opened_at"), words.date_time(cohort.opened_at))
    yield Line(words.say("desk.allocation.taken"), str(len(cohort.slots)))
    yield Line(words.say("desk.allocation.started"), str(cohort.started))
    yield Line(words.say("desk.allocation.toxicities"), str(cohort.toxicities))
    if cohort.after:
        yield Line(words.say("desk.allocation.comes_after"), words.say("format.comma").join(each.value for each in cohort.after))
    if cohort.next_start_at is not None:
        yield Line(words.say("desk.allocation.stagger_until"), words.date_time(cohort.next_start_at))
    if cohort.watched_until is not None:
        yield Line(words.say("desk.allocation.watched_until"), words.date_time(cohort.watched_until))


def _cohort_steps(words: Words, desk: Desk, node: Node, cohort: CohortSeen, can: frozenset[str]) -> Iterator[Button]:
    acts = ("committee_decided", "cohort_closed" if cohort.is_open else "cohort_opened", "toxicity_recorded")
    for act in acts:
        if act in can:
            href = desk_href(desk, node, act, cohort=cohort.id.value)
            yield Button(label=words.act_title(act), href=href, is_main=act == cohort.next)


def dose_facts(words: Words, found: DoseSheet) -> tuple[Line, ...]:
    person = found.enrolled
    phase = words.say("desk.allocation.phase_blinded" if found.blinded else "desk.allocation.phase", phase=found.phase)
    lines = [
        Line(words.say("desk.allocation.cohort_label"), f"{found.cohort} · {phase}"),
        Line(words.say("desk.allocation.requested"), f"{found.requested_by} · {words.date_time(found.requested_at)}"),
        Line(words.say("desk.allocation.judged_by"), words.say("desk.allocation.version_of", version=found.criteria_version)),
        Line(words.say("desk.allocation.recipient"), standing_of(words, person)),
    ]
    if person.window_ends_at is not None:
        until = person.window_ends_at
        lines.append(Line(words.say("desk.allocation.window"), f"{time_left(words, until)} · {words.date_time(until)}"))
    if found.kit is not None:
        lines.append(Line(words.say("term.node.kit"), found.kit.value))
    return tuple(lines)


def beside_dose(words: Words, found: DoseSheet) -> tuple[Line, ...]:
    """What must be seen while bags are reserved or the dose is prescribed: bags, volume and their limits."""
    shown = {"bags", "bags_fewer", "bags_blind", "volume", "volume_blind"}
    made = (sum_shown(words, step) for step in found.sums.steps if step.key in shown)
    return tuple(Line(each.name, f"{each.result} · {each.limit}") for each in made)


def sum_shown(words: Words, step: Step) -> SumShown:
    limit = ""
    if step.limit is not None:
        limit = words.say(f"desk.allocation.limit.{step.limit[0]}", value=step.limit[1], unit=_unit(words, step.unit, step.limit[1]))
    within = "" if step.within is None else words.say("desk.allocation.within" if step.within else "desk.allocation.beyond")
    return SumShown(
        name=words.say(f"desk.allocation.step.{step.key}"),
        sum=words.say(f"desk.allocation.sum.{step.key}", **step.sum),
        result=f"{words.value(step.result)} {_unit(words, step.unit, step.result)}",
        limit=limit,
        within=within,
        bad=step.within is False,
    )


def _unit(words: Words, unit: str, amount: object) -> str:
    return words.say(f"desk.allocation.unit.{unit}", count=amount) if unit in {"cells", "bags"} else unit


def bag_cells(words: Words, number: int, bag: BagSeen, blind: bool) -> list[dict[str, object]]:
    state = words.word("BagState", bag.state) if bag.state else words.say("desk.allocation.not_known")
    order = words.say("desk.allocation.spare", number=number) if bag.spare else str(number)
    lot = "" if blind or bag.lot is None else bag.lot.value
    left = f"{words.date_time(bag.expires_at)} · {time_left(words, bag.expires_at)}" if bag.expires_at is not None else ""
    return [cell(order), cell(bag.bag.value, code=True), cell(lot, code=True), cell(state), cell(bag.holder), cell(left)]


def freed_text(words: Words, each: tuple[BagId, str, datetime]) -> str:
    bag, reason, at = each
    return words.say("desk.allocation.freed", bag=bag, reason=reason, at=at)


def proposal_shown(words: Words, found: DoseSheet, reserve: Button | None) -> ProposalShown | None:
    """None where there is nothing to propose and no reason to say so: bags are reserved, or this person does not allocate."""
    note = words.say("desk.allocation.looked_at_newest") if found.cut else ""
    columns_ = columns(words, "order", "bag", "lot", "expires")
    title = words.say("desk.allocation.spare_proposal") if found.for_spare else words.say("desk.allocation.proposal")
    if found.proposed is None:
        if not found.why_none:
            return None
        why = words.say(f"desk.allocation.{found.why_none}")
        return ProposalShown(title=title, note=note, columns=columns_, bags=[], verdict=why, is_clear=False, rules=(), reserve=None)
    assert found.foreseen is not None
    bags = [bag_cells(words, n, bag, blind=False) for n, bag in enumerate(found.proposed.bags, 1)]
    return ProposalShown(
        title=title,
        note=note,
        columns=columns_,
        bags=[[row[0], row[1], row[2], row[5]] for row in bags],
        verdict=foresight_text(words, found.foreseen),
        is_clear=found.foreseen.is_clear,
        rules=rule_rows(words, found.foreseen),
        reserve=reserve,
    )


def reserve_button(words: Words, desk: Desk, found: DoseSheet) -> Button:
    """The form with the proposed bags filled in, in the order in which they are to be given."""
    assert found.proposed is not None
    clear = found.foreseen is not None and found.foreseen.is_clear
    if found.for_spare:
        href = desk_href(desk, found.node, "spare_allocated", bag=found.proposed.bags[0].bag.value)
        return Button(label=words.say("desk.allocation.reserve_spare"), href=href, is_main=clear)
    given = {"bags": "\n".join(each.bag.value for each in found.proposed.bags)}
    if found.proposed.kit is not None:
        given["kit"] = found.proposed.kit.value
    href = desk_href(desk, found.node, "dose_allocated", **given)
    return Button(label=words.say("desk.allocation.reserve"), href=href, is_main=clear)


def columns(words: Words, *keys: str) -> list[dict[str, object]]:
    return [{"label": words.say(f"desk.allocation.column.{key}"), "number": False} for key in keys]


def cell(text: str, *, code: bool = False) -> dict[str, object]:
    return {"text": text, "href": "", "code": code}
