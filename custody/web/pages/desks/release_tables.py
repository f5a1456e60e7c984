"""Tests, entries, reviews and deviations of the release desk as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo

from custody.domain.acts.release import PendingTest
from custody.domain.ids import Digest
from custody.web.desk_parts import CriterionRow, ResultLine
from custody.web.foresight import reasons_text
from custody.web.pages.desks.quality_sheet import moment
from custody.web.wording import Line, lines_of, told_once
from custody.words import Words
from custody.workflows.desks.lot_record import Deviation, EntryRead, Review
from custody.workflows.desks.offers import Offer
from custody.workflows.desks.preview import Preview
from custody.workflows.desks.release_offers import BLOCKED
from custody.workflows.desks.tested import EXCEPTIONS, Result, SpecifiedTest

GOOD = frozenset({"passed", "not_asked"})


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """One entry of a trail. `tags`: corrected, late, not reviewed."""

    position: int
    what: str
    who: str
    when: str
    said: tuple[Line, ...]
    tags: tuple[str, ...]


def worded(words: Words, offers: Iterable[Offer], previews: Mapping[str, Preview | None]) -> tuple[Offer, ...]:
    """Where a hold point stands in the way, the reason is its own sentences."""
    return tuple(_worded(words, each, previews.get(each.act)) for each in offers)


def _worded(words: Words, offer: Offer, preview: Preview | None) -> Offer:
    if offer.why_not is None or offer.why_not.key != BLOCKED or preview is None:
        return offer
    return replace(offer, why_not=replace(offer.why_not, values={"reasons": reasons_text(words, preview)}))


def criterion(words: Words, test: SpecifiedTest) -> CriterionRow:
    """One row of the specification with its results and where they come from."""
    return CriterionRow(
        name=f"{test.code} · {test.title_zh if words.language == 'zh' else test.title}",
        limit=test.limit,
        state="bad" if test.state in EXCEPTIONS else "good" if test.state in GOOD else "open",
        word=words.say(f"desk.quality_control.state.{test.state}"),
        results=tuple(_result(words, test, result) for result in test.results),
    )


def _result(words: Words, test: SpecifiedTest, result: Result) -> ResultLine:
    tags = {
        "set_aside": result.set_aside,
        "retest": result.is_retest,
        "counts": result.counts and len(test.results) > 1,
        "reviewed": result.is_reviewed,
        "not_reviewed": not result.is_reviewed,
        "corrected": result.corrected,
    }
    source = words.say("desk.release.source_is", method=result.method, sample=result.sample, instrument=result.instrument)
    return ResultLine(
        text=result.text,
        word=words.say(f"desk.quality_control.judged.{result.why}"),
        tags=tuple(words.say(f"desk.quality_control.tag.{name}") for name, shown in tags.items() if shown),
        facts=(
            Line(words.say("desk.release.source"), source),
            Line(words.say("desk.release.read_at"), words.date_time(result.read_at)),
            Line(words.say("desk.release.analyst"), result.analyst),
        ),
    )


def evidence(words: Words, entry: EntryRead | None) -> Line | None:
    """An entry a rule rested on: what it was, by whom, when."""
    return None if entry is None else Line(words.act_title(entry.act), f"{entry.by}, {words.date_time(entry.at)}")


def entries(words: Words, found: Iterable[EntryRead], unread: frozenset[Digest]) -> tuple[EntryRow, ...]:
    return tuple(_entry(words, entry, unread) for entry in found)


def _entry(words: Words, entry: EntryRead, unread: frozenset[Digest]) -> EntryRow:
    marks = {"new_tag": entry.digest in unread, "corrected_tag": entry.corrected, "late_tag": entry.late}
    return EntryRow(
        position=entry.position,
        what=words.act_title(entry.act),
        who=entry.by,
        when=words.date_time(entry.at),
        said=tuple(told_once(line for line in lines_of(words, entry.act, entry.values, {}) if line.value)),
        tags=tuple(words.say(f"desk.release.{name}") for name, shown in marks.items() if shown),
    )


def reviews(words: Words, found: Iterable[Review]) -> tuple[CriterionRow, ...]:
    return tuple(_review(words, each) for each in found)


def _review(words: Words, each: Review) -> CriterionRow:
    read = words.say("desk.release.read_to", position=each.up_to_position) if each.up_to_position is not None else ""
    text = " · ".join(part for part in (each.by, words.date_time(each.at), read, each.remark) if part)
    return CriterionRow(
        name=words.act_title(each.act),
        limit=text,
        state="good" if each.stands else "open",
        word=words.say("desk.release.review_stands" if each.stands else "desk.release.review_overtaken"),
    )


def deviations(words: Words, found: Iterable[Deviation]) -> tuple[CriterionRow, ...]:
    return tuple(_deviation(words, each) for each in found)


def _deviation(words: Words, each: Deviation) -> CriterionRow:
    word = words.say("desk.release.deviation_open" if each.closed_at is None else "desk.release.deviation_closed")
    return CriterionRow(
        name=f"{each.number} · {words.term(each.severity)} · {words.named(each.node)}",
        limit=" · ".join(part for part in (each.description, each.conclusion) if part),
        state="bad" if each.stops_release else "open" if each.closed_at is None else "good",
        word=word,
    )


def pending_given(pending: Iterable[PendingTest], zone: tzinfo) -> dict[str, str]:
    """The open tests and when each is due, as the rows of a form."""
    given: dict[str, str] = {}
    for n, each in enumerate(pending):
        given |= {f"pending-{n}.test": each.test, **moment(f"pending-{n}.due_at", each.due_at, zone)}
    return given
