"""A donation as rows of templates/parts/desk_criteria.html: rules, tests, samples with their worksheet, history and delivery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from custody.domain.terms import Answer, SamplePurpose
from custody.web.desk_parts import Button, CriterionRow, ResultLine, correct_href, desk_href
from custody.web.desks import Desk
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.donor_screening import TEST_ORDER, Measured, Result, Sample, Test
from custody.workflows.desks.donor_sheets import DonationSheet
from custody.workflows.desks.preview import Foreseen

BAD_TESTS = frozenset(TEST_ORDER[:3])
MENDED_BY = {
    "ELG-MISS": "donor_test_resulted",
    "ELG-WINDOW": "donor_sampled",
    "ELG-DILUTE": "donor_sampled",
    "ELG-REPEAT": "donor_sampled",
    "ELG-HIST": "donor_history_taken",
}
"""What a person records about the donation when this rule blocks; a rule of consent is looked at with her forms."""
OUTCOMES = {"blocked": ("bad", "rule_blocks"), "later": ("open", "rule_later")}


def rule_rows(words: Words, desk: Desk, found: DonationSheet) -> tuple[CriterionRow, ...]:
    """Every rule of hold point G2: what blocks with its reason and what to do now, the rest folded."""
    return tuple(_rule(words, desk, found, rule) for rule in found.rules)


def _rule(words: Words, desk: Desk, found: DonationSheet, rule: Foreseen) -> CriterionRow:
    state, word = OUTCOMES.get(rule.outcome, ("good", "rule_holds"))
    results: tuple[ResultLine, ...] = ()
    if rule.reason is not None:
        next_step = words.next_step(rule.reason.code, rule.reason.values) if rule.outcome == "blocked" else ""
        facts = (Line(words.say("desk.donor.what_now"), next_step),) if next_step else ()
        results = (ResultLine(text=words.reason(rule.reason.code, rule.reason.values), word="", facts=facts),)
    return CriterionRow(
        name=words.gate(rule.gate),
        limit=rule.gate,
        state=state,
        word=words.say(f"desk.donor.{word}"),
        results=results,
        steps=_mending(words, desk, found, rule) if rule.outcome == "blocked" else (),
    )


def _mending(words: Words, desk: Desk, found: DonationSheet, rule: Foreseen) -> tuple[Button, ...]:
    if rule.gate.startswith("CON-"):
        return (Button(label=words.say("desk.donor.see_consent"), href=desk_href(desk, found.donor)),)
    act = MENDED_BY.get(rule.gate, "")
    if not act or not _can(found, act):
        return ()
    purpose = {"purpose": SamplePurpose.REPEAT.value} if rule.gate == "ELG-REPEAT" else {}
    return (Button(label=words.act_title(act), href=desk_href(desk, found.node, act, **purpose)),)


def test_rows(words: Words, desk: Desk, found: DonationSheet) -> tuple[CriterionRow, ...]:
    """Every test with every result; what is reactive or missing stands first."""
    return tuple(_test(words, desk, found, test) for test in found.tests)


def _test(words: Words, desk: Desk, found: DonationSheet, test: Test) -> CriterionRow:
    steps: tuple[Button, ...] = ()
    if test.state in {"missing", "not_counting"} and found.samples and _can(found, "donor_test_resulted"):
        counting = [sample for sample in found.samples if sample.counts and sample.in_window and not sample.worksheet.diluted]
        sample = counting[-1].sample.value if counting else ""
        href = desk_href(desk, found.node, "donor_test_resulted", test=test.code, sample=sample)
        steps = (Button(label=words.say("desk.donor.step.enter"), href=href),)
    return CriterionRow(
        name=f"{test.code} · {words.word('donor_test', test.code)}",
        limit=words.say("desk.donor.test_limit" if test.required else "desk.donor.test_other"),
        state="bad" if test.state in BAD_TESTS else "good" if test.state == "non_reactive" else "open",
        word=words.say(f"desk.donor.test.{test.state}"),
        results=tuple(_result(words, desk, found, result) for result in test.results),
        steps=steps,
    )


def _result(words: Words, desk: Desk, found: DonationSheet, result: Result) -> ResultLine:
    tags = {"counts_not": not result.counts, "corrected": result.corrected}
    correct = Button(label=words.say("desk.donor.step.correct"), href=correct_href(desk, found.node, result.digest.value))
    return ResultLine(
        text=words.term(result.outcome),
        word="",
        tags=tuple(words.say(f"desk.donor.{name}") for name, shown in tags.items() if shown),
        facts=(
            Line(words.say("desk.donor.on_sample"), result.sample.value),
            Line(words.say("desk.donor.reported_at"), words.date_time(result.reported_at)),
            Line(words.say("desk.donor.method"), result.method),
            Line(words.say("desk.donor.laboratory"), result.laboratory),
            Line(words.say("desk.donor.result_by"), result.by),
        ),
        steps=(correct,) if _can(found, "donor_test_resulted") else (),
    )


def sample_rows(words: Words, desk: Desk, found: DonationSheet) -> tuple[CriterionRow, ...]:
    """Every sample with the times that matter and its dilution arithmetic; a good one is shown too, for the worksheet is read there."""
    return tuple(_sample(words, desk, found, sample) for sample in found.samples)


def _sample(words: Words, desk: Desk, found: DonationSheet, sample: Sample) -> CriterionRow:
    word = "sample_good"
    if not sample.counts:
        word = "sample_unclear"
    elif not sample.in_window:
        word = "sample_early"
    elif sample.worksheet.diluted:
        word = "sample_diluted"
    correct = Button(label=words.say("desk.donor.step.correct"), href=correct_href(desk, found.node, sample.digest.value))
    limit = "window_from" if sample.is_due_from else "window_limit"
    after = "before_birth" if sample.after_birth < timedelta(0) else "after_birth"
    return CriterionRow(
        name=f"{sample.sample.value} · {words.term(sample.purpose)}",
        limit=words.say(f"desk.donor.{limit}", first=sample.first, last=sample.last),
        state="open" if word == "sample_good" else "bad",
        word=words.say(f"desk.donor.{word}"),
        results=(
            ResultLine(
                text=words.date_time(sample.taken_at),
                word=words.say(f"desk.donor.{after}", length=abs(sample.after_birth)),
                tags=(words.say("desk.donor.corrected"),) if sample.corrected else (),
                facts=tuple(_worksheet(words, sample)),
                steps=(correct,) if _can(found, "donor_sampled") else (),
            ),
        ),
    )


def _worksheet(words: Words, sample: Sample) -> Iterator[Line]:
    sheet = sample.worksheet
    unit = {"weight": ("weight_kg", "kg"), "blood_48h": ("blood_ml", "ml"), "colloid_48h": ("colloid_ml", "ml")}
    unit["crystalloid_1h"] = ("crystalloid_ml", "ml")
    for key, (name, of) in unit.items():
        yield Line(words.say(f"desk.donor.{key}"), f"{words.value(getattr(sheet, name))} {of}")
    plasma = words.say("desk.donor.over" if sheet.into_plasma_ml > sheet.plasma_ml else "desk.donor.within")
    blood = words.say("desk.donor.over" if sheet.infused_ml > sheet.blood_volume_ml else "desk.donor.within")
    parts = {"colloid": sheet.colloid_ml, "crystalloid": sheet.crystalloid_ml, "sum": sheet.into_plasma_ml, "limit": sheet.plasma_ml}
    yield Line(words.say("desk.donor.into_plasma"), words.say("desk.donor.sum_of", word=plasma, **parts))
    every = {"plasma": sheet.into_plasma_ml, "blood": sheet.blood_ml, "sum": sheet.infused_ml, "limit": sheet.blood_volume_ml}
    yield Line(words.say("desk.donor.into_blood"), words.say("desk.donor.sum_all", word=blood, **every))
    yield Line(words.say("desk.donor.results_of"), words.value(sample.results))
    yield Line(words.say("desk.donor.taken_by"), sample.by)


def history_rows(words: Words, found: DonationSheet) -> Iterator[CriterionRow]:
    """The lines of the history; those with a risk, or that nobody checked, first."""
    words_of = {None: ("open", "not_taken"), Answer.NO: ("good", "no_risk"), Answer.YES: ("bad", "risk")}
    for line in found.history:
        state, word = words_of.get(line.answer, ("bad", "not_checked"))
        yield CriterionRow(
            name=words.field("donor_history_taken", line.line),
            limit=words.say("desk.donor.history_limit"),
            state=state,
            word=words.say(f"desk.donor.{word}"),
        )
    state, word = {None: ("open", "not_taken"), True: ("good", "confirmed"), False: ("bad", "not_confirmed")}[found.truth_confirmed]
    yield CriterionRow(
        name=words.say("desk.donor.truth"), limit=words.say("desk.donor.truth_limit"), state=state, word=words.say(f"desk.donor.{word}")
    )


def delivery_rows(words: Words, found: DonationSheet) -> Iterator[CriterionRow]:
    """What was measured at the delivery, each with its unit and what is accepted."""
    for row in found.delivery:
        yield CriterionRow(
            name=words.field("cord_collected", row.name),
            limit=_limit(words, row),
            state="good" if row.passed else "bad",
            word=f"{_measured(words, row, row.value)} · {words.say('desk.donor.accepted' if row.passed else 'desk.donor.not_accepted')}",
        )


def _limit(words: Words, row: Measured) -> str:
    if row.name == "chorioamnionitis":
        return words.say("desk.donor.never")
    if row.name == "gestation_days":
        return words.say("desk.donor.weeks_below", lowest=row.lowest, highest=row.highest)
    if row.lowest is None:
        return words.say("desk.donor.below", highest=_measured(words, row, row.highest))
    if row.highest is None:
        return words.say("desk.donor.at_least", lowest=_measured(words, row, row.lowest))
    return words.say("desk.donor.between", lowest=words.value(row.lowest), highest=_measured(words, row, row.highest))


def _measured(words: Words, row: Measured, value: object) -> str:
    if row.name == "gestation_days":
        return words.say("desk.donor.weeks", weeks=value)
    if isinstance(value, bool | timedelta):
        return words.value(value)
    return f"{words.value(value)} {words.unit('cord_collected', row.name)}".strip()


def _can(found: DonationSheet, act: str) -> bool:
    return any(offer.act == act and offer.why_not is None for offer in found.offers)
