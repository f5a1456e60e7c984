"""The temperatures of a bag's life as the quality desk shows them: a sentence, reasons, curves, every excursion, decisions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask import url_for

from custody.web.pages.desks.quality_sheet import cell
from custody.web.pages.receiving.temperature import limits_text
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.quality_facts import Cold, Curve, Decided, PlaceSeen

DECISIONS = {"release": "decision_release", "reject": "decision_reject", "given_up": "decision_given_up"}


@dataclass(frozen=True, kw_only=True)
class CurveShown:
    """`bad`: readings of it are out of range; such curves stand open."""

    title: str
    href: str
    narrow_href: str
    described: str
    signature: str
    bad: bool


@dataclass(frozen=True, kw_only=True)
class ColdShown:
    sentence: str
    bad: bool
    reasons: tuple[Line, ...]
    curves: tuple[CurveShown, ...]
    silent: tuple[str, ...]
    excursions: list[list[dict[str, object]]]
    decisions: tuple[Line, ...]


def cold_shown(words: Words, cold: Cold) -> ColdShown:
    curves = [_curve(words, cold, n, k, place, curve) for n, place in enumerate(cold.places) for k, curve in enumerate(place.curves)]
    silent = (place for place in cold.places if not place.curves)
    return ColdShown(
        sentence=_sentence(words, cold),
        bad=cold.klass > 1,
        reasons=tuple(Line(words.say("desk.quality.class_is", klass=cold.klass), words.reason(r.code, r.values)) for r in cold.reasons),
        curves=tuple(sorted(curves, key=lambda curve: not curve.bad)),
        silent=tuple(
            words.say("desk.quality.no_curve", place=words.named(place.node), start=place.start, end=place.end) for place in silent
        ),
        excursions=[
            [
                cell(words.date_time(each.start)),
                cell(words.date_time(each.end)),
                cell(words.named(each.place)),
                cell(_number(words, each.minutes)),
                cell(f"{words.value(each.extreme)} °C"),
            ]
            for each in cold.excursions
        ],
        decisions=tuple(_decision(words, each) for each in cold.decisions),
    )


def _sentence(words: Words, cold: Cold) -> str:
    limits = limits_text(cold.criteria)
    if cold.coldest is None or cold.warmest is None:
        return words.say("desk.quality.cold_unmeasured", klass=cold.klass)
    if not cold.minutes_outside:
        return words.say("desk.quality.cold_in_range", klass=cold.klass, limits=limits)
    return words.say(
        "desk.quality.cold_out_of_range",
        klass=cold.klass,
        count=len(cold.excursions),
        minutes=_number(words, cold.minutes_outside),
        warmest=cold.warmest,
        coldest=cold.coldest,
        limits=limits,
    )


def _number(words: Words, value: Decimal) -> str:
    return words.value(Decimal(f"{value.normalize():f}"))


def _curve(words: Words, cold: Cold, place_number: int, number: int, place: PlaceSeen, curve: Curve) -> CurveShown:
    values = curve.series.celsius_values
    href = url_for("desk_quality.curve", name=cold.bag.value, place=place_number, number=number)
    return CurveShown(
        title=words.say("desk.quality.curve_of", logger=curve.logger, place=words.named(place.node)),
        href=href,
        narrow_href=f"{href}?narrow=1",
        described=words.say(
            "desk.quality.curve_described",
            logger=curve.logger,
            start=curve.series.start,
            end=curve.series.end,
            coldest=min(values),
            warmest=max(values),
            limits=limits_text(curve.criteria),
        ),
        signature=words.term(curve.signature),
        bad=any(each.place == place.node.key for each in cold.excursions) or bool(curve.gaps),
    )


def _decision(words: Words, each: Decided) -> Line:
    covers = words.say("desk.quality.decision_covers", at=each.covers_until) if each.covers_until is not None else ""
    text = " · ".join(part for part in (each.reason, each.by, words.date_time(each.at), covers) if part)
    return Line(words.say(f"desk.quality.{DECISIONS[each.word]}"), text)
