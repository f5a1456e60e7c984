"""Values of acts, verdicts and standings in the reader's words, ready for the parts of a page."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from custody.domain.acts.base import Act
from custody.domain.ids import Identifier, Node
from custody.domain.masking import NEUTRAL_GATE
from custody.domain.terms import HoldPoint, VerdictWord
from custody.web.coded_values import coded_text
from custody.words import Words
from custody.workflows.choices import Known
from custody.workflows.reading import SiteSeen
from custody.workflows.typed_codes import TypedCode
from custody.workflows.verdicts import FindingRead, VerdictRead

HAVE_COMMAS = frozenset({"confirmed_defaults"})
"""Lists whose items may hold a comma themselves: each stands on a line of its own."""
BETWEEN_PARTS = ": "
STEPS_MAX = 4
AT_THE_BED = frozenset({HoldPoint.BEDSIDE, HoldPoint.NEXT_BAG})


@dataclass(frozen=True)
class Line:
    """A label and a value."""

    label: str
    value: str


@dataclass(frozen=True)
class Both:
    """One sentence in both languages; `rule` and `about` where it is the reason of a finding."""

    english: str
    chinese: str
    rule: str = ""
    about: str = ""


@dataclass(frozen=True)
class Phone:
    name: str
    number: str


@dataclass(frozen=True, kw_only=True)
class VerdictShown:
    """What templates/parts/verdict.html reads."""

    word: str
    at_bedside: bool
    reasons: tuple[Both, ...]
    steps: tuple[Both, ...]
    phone: Phone | None
    judged_at: datetime
    valid_until: datetime | None = None
    compared: tuple[Line, ...] = ()
    remarks: tuple[Both, ...] = ()


def act_lines(words: Words, act: Act, *, instead: dict[str, str] | None = None) -> tuple[Line, ...]:
    """Every field of an act in words, its parts included. `instead`: texts to show for fields that are kept as a digest."""
    fields = ((field.name, getattr(act, field.name)) for field in dataclasses.fields(act))  # type: ignore[arg-type]
    return tuple(lines_of(words, act.rule.name, fields, instead or {}))


def lines_of(
    words: Words, act: str, values: Iterator[tuple[str, Any]] | tuple[tuple[str, Any], ...], instead: dict[str, str]
) -> Iterator[Line]:
    for name, value in values:
        label = words.field(act, name)
        if name in instead:
            yield Line(label, instead[name])
        elif _is_part(value):
            yield from _part(words, act, label, value)
        elif isinstance(value, tuple) and value and _is_part(value[0]):
            for n, part in enumerate(value, start=1):
                yield from _part(words, act, f"{label} {n}", part)
        else:
            yield Line(label, value_text(words, act, name, value))


def _is_part(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, Identifier | type)


def _part(words: Words, act: str, label: str, part: Any) -> Iterator[Line]:
    fields = tuple((field.name, getattr(part, field.name)) for field in dataclasses.fields(part))
    for line in lines_of(words, act, fields, {}):
        yield Line(f"{label}{BETWEEN_PARTS}{line.label}", line.value)


def told_once(lines: Iterable[Line]) -> Iterator[Line]:
    """Lines that are read one after the other: what a part is called stands before its first field only."""
    before: list[str] = []
    for line in lines:
        *parts, name = line.label.split(BETWEEN_PARTS)
        same = 0
        while same < min(len(parts), len(before)) and parts[same] == before[same]:
            same += 1
        before = parts
        yield Line(BETWEEN_PARTS.join((*parts[same:], name)), line.value)


def value_text(words: Words, act: str, name: str, value: Any) -> str:
    """One value with its unit; nothing for an empty text."""
    if value is None or value == "":
        return ""
    if isinstance(value, tuple):
        between = "\n" if name in HAVE_COMMAS else words.say("format.comma")
        return between.join(value_text(words, act, name, item) for item in value) or words.say("format.none")
    if isinstance(value, Node):
        return words.named(value) if name in {"node", "parents"} else value.value
    if type(value) is str:
        coded = coded_text(words, act, name, value)
        return words.choice(act, name, value) if coded is None else coded
    unit = words.unit(act, name)
    text = words.value(value)
    return f"{text} {unit}" if unit and not isinstance(value, bool) else text


def typed_lines(words: Words, act: str, codes: tuple[TypedCode, ...]) -> tuple[Line, ...]:
    """Which codes of an entry were typed and not scanned, each with its reason."""
    said = (words.say("typed.code", name=words.field(act, code.name), reason=code.reason) for code in codes)
    return tuple(Line(words.say("typed.fact"), text) for text in said)


def known_label(words: Words, known: Known) -> str:
    """A choice in the reader's language."""
    if known.vocabulary:
        word = words.word(known.vocabulary, known.value)
        return word if known.stands_at is None else words.say("format.stands_at", name=word, value=known.stands_at)
    if known.act:
        return f"{known.value} · {words.act_title(known.act)}"
    return (known.chinese if words.language == "zh" else known.english) or known.value


def verdict_shown(words: Words, verdict: VerdictRead, site: SiteSeen | None, **more: Any) -> VerdictShown:
    """The three pictures: reasons and what to do now in both languages, a number to call when it is no GO."""
    blocking = verdict.blocking
    phone = Phone(site.name, site.phone) if site is not None and site.phone else None
    return VerdictShown(
        word=verdict.word.value,
        at_bedside=verdict.hold_point in AT_THE_BED,
        reasons=tuple(reason_of(words, finding) for finding in blocking),
        steps=_steps(words, blocking),
        phone=phone,
        judged_at=verdict.judged_at,
        remarks=tuple(_remarks(words, verdict)),
        **more,
    )


def unwritten_verdict(words: Words, english: str, chinese: str, *, at_bedside: bool, site: SiteSeen | None, now: datetime) -> VerdictShown:
    """CANNOT CHECK for one reason of our own: nothing could be written, so no rule was judged."""
    return VerdictShown(
        word=VerdictWord.CANNOT_CHECK.value,
        at_bedside=at_bedside,
        reasons=(Both(english, chinese, rule="SYS-ERROR"),),
        steps=(),
        phone=Phone(site.name, site.phone) if site is not None and site.phone else None,
        judged_at=now,
        remarks=(Both(*words.both("verdict.treat_as_stop")),),
    )


def verdict_key(verdict: VerdictRead) -> str:
    """The word of a verdict: at the bed it speaks of infusing, elsewhere of going on."""
    word = {VerdictWord.GO: "go", VerdictWord.STOP: "stop"}.get(verdict.word, "cannot_check")
    return f"verdict.{word}" if verdict.hold_point in AT_THE_BED else f"verdict.{word}_other"


def reason_of(words: Words, finding: FindingRead) -> Both:
    reason = finding.reason
    if reason is None:
        english, chinese = words.both("verdict.blocked")
    else:
        english, chinese = words.both_reason(reason.code, reason.values)
    return Both(english, chinese, rule=finding.gate, about=finding.about)


def _steps(words: Words, blocking: tuple[FindingRead, ...]) -> tuple[Both, ...]:
    every = (words.both_next_step(f.reason.code, f.reason.values) for f in blocking if f.reason is not None)
    return tuple(Both(*both) for both in dict.fromkeys(each for each in every if each[0]))[:STEPS_MAX]


def _remarks(words: Words, verdict: VerdictRead) -> Iterator[Both]:
    if verdict.word is VerdictWord.CANNOT_CHECK:
        yield Both(*words.both("verdict.treat_as_stop"))
    if verdict.word is VerdictWord.STOP:
        # A blinded reader is not told what stands behind the neutral code, so neither that it is a hold nor that it is none.
        if all(finding.gate != NEUTRAL_GATE for finding in verdict.blocking):
            yield Both(*words.both("verdict.bag_held" if verdict.holds else "verdict.nothing_held"))
        yield Both(*words.both("verdict.near_miss"))
