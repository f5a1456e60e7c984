"""A product at the bench in the reader's words: its facts, its culture steps, its bags, what may be used, and the last scans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from custody.domain.ids import MaterialId
from custody.web.desk_lineage import culture_texts
from custody.web.desk_parts import QueueRow, QueueShown, correct_href, desk_href, step_button
from custody.web.desks import Desk
from custody.web.standings import time_left
from custody.web.wording import Line
from custody.web.workstation import ScanNoted
from custody.words import Words
from custody.workflows.desks.bench_sheets import BagMade, BenchSheet, Cord, Step
from custody.workflows.desks.bench_supplies import Supply
from custody.workflows.line_clearance import LiesOpen

SAID = frozenset(
    {f"scan.{word}" for word in ("this", "its_bag", "other", "opened", "found", "refused", "store", "workstation")}
    | {f"supply.{word}" for word in ("ready", "not_released", "refused", "expired", "not_calibrated", "lapsed", "unknown")}
)
BEFORE_PROCESSING = frozenset({"tissue_arrived", "tissue_accepted", "processing_started"})
STEP_COLUMNS = ("step", "passage", "seeded", "harvested", "doublings", "used", "balance", "by")
NUMBERS = frozenset({"passage", "seeded", "harvested", "doublings"})
CULTURE_ACTS = frozenset({"primary_culture_harvested", "bank_step_recorded", "lot_step_recorded"})
Cell = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class ScanShown:
    """One of the last scans: tick or cross, and the same in words."""

    text: str
    at: str
    fits: bool
    word: str
    said: str


def scans_shown(words: Words, scans: tuple[ScanNoted, ...]) -> tuple[ScanShown, ...]:
    """The last scans of this person, newest first. What the device remembers is worded only where the catalogue knows it."""
    return tuple(
        ScanShown(
            text=scan.text,
            at=words.time(scan.at),
            fits=scan.fits,
            word=words.say("desk.bench.fits" if scan.fits else "desk.bench.fits_not"),
            said=words.say(f"desk.bench.{scan.said}") if scan.said in SAID else "",
        )
        for scan in scans
    )


def facts(words: Words, found: BenchSheet) -> tuple[Line, ...]:
    """How the product stands, numbers beside their limits."""
    lines = [Line(words.say("work.state"), words.say(f"desk.bench.{found.stage.state}"))]
    if found.culture is not None:
        lines.append(Line(words.say("desk.bench.culture"), " · ".join(culture_texts(words, found.culture))))
    if found.cord is not None:
        lines += _cord_facts(words, found, found.cord)
    if found.containers is not None:
        lines.append(Line(words.say("desk.bench.containers"), _containers(words, found)))
    if found.labels is not None and found.labels.printed:
        counts = {"printed": found.labels.printed, "applied": found.labels.applied, "destroyed": found.labels.destroyed}
        lines.append(Line(words.say("desk.bench.labels"), words.say("desk.bench.labels_of", open=found.labels.open, **counts)))
    if found.disposition:
        lines.append(Line(words.say("passport.disposition"), words.say(f"term.disposition.{found.disposition}")))
    return tuple(lines)


def open_lines(words: Words, places: tuple[LiesOpen, ...]) -> tuple[Line, ...]:
    """Where it lies open now, for the second person too."""
    return tuple(
        Line(words.say("desk.bench.open_at", workstation=each.workstation), words.say("desk.bench.open_since", at=each.since, by=each.by))
        for each in places
    )


def _containers(words: Words, found: BenchSheet) -> str:
    if found.vials_left is not None:
        return words.say("desk.bench.vials_count", count=found.containers, left=found.vials_left)
    return words.say("desk.bench.bags_count", count=found.containers, retained=sum(bool(bag.retained) for bag in found.bags))


def _cord_facts(words: Words, found: BenchSheet, cord: Cord) -> Iterator[Line]:
    yield Line(words.say("desk.bench.born_at"), words.date_time(cord.delivered_at))
    if cord.process_by is not None:
        # Once processing has begun the limit is judged, and no clock runs any more.
        left = f" · {time_left(words, cord.process_by)}" if found.stage.next in BEFORE_PROCESSING else ""
        yield Line(words.say("desk.bench.process_by"), f"{words.date_time(cord.process_by)}{left}")
    yield Line(words.say("desk.bench.packed_at"), words.date_time(cord.packed_at))
    if cord.arrived_at is not None:
        yield Line(words.say("desk.bench.arrived_at"), words.date_time(cord.arrived_at))
    trip = words.say("desk.bench.trip_unknown")
    if cord.trip_class is not None:
        trip = words.say("desk.bench.trip_of", klass=cord.trip_class, coldest=cord.coldest, warmest=cord.warmest)
    yield Line(words.say("desk.bench.trip"), trip)
    documents = words.say("format.comma").join(words.word("document", code) for code in cord.documents)
    yield Line(words.say("desk.bench.documents"), documents or words.say("format.none"))


def beside(words: Words, found: BenchSheet, act: str) -> tuple[Line, ...]:
    """What must be seen while the form of an act is filled in."""
    lines: list[Line] = []
    if act in CULTURE_ACTS and found.culture is not None:
        passage, doublings = culture_texts(words, found.culture)
        left = found.culture.doublings_max - found.culture.doublings
        lines += [Line(words.say("desk.bench.passage"), passage), Line(words.say("desk.bench.doublings"), doublings)]
        lines.append(Line(words.say("desk.bench.doublings_left"), words.value(left)))
    if act == "bags_filled" and found.expires_by is not None:
        lines.append(Line(words.say("desk.bench.expires_by"), words.date_time(found.expires_by)))
        lines.append(Line(words.say("desk.bench.bags"), words.say("desk.bench.bags_note")))
    if act in {"tissue_accepted", "tissue_arrived"} and found.cord is not None:
        lines += [line for line in _cord_facts(words, found, found.cord) if line.label != words.say("desk.bench.documents")]
        lines.append(Line(words.say("desk.bench.read_afresh"), words.say("desk.bench.read_afresh_why")))
    if act in {"labels_applied", "labels_destroyed"} and found.labels is not None:
        counts = {"printed": found.labels.printed, "applied": found.labels.applied, "destroyed": found.labels.destroyed}
        lines.append(Line(words.say("desk.bench.labels"), words.say("desk.bench.labels_of", open=found.labels.open, **counts)))
    return tuple(lines)


def step_rows(words: Words, desk: Desk, found: BenchSheet) -> tuple[list[dict[str, object]], list[list[Cell]]]:
    """Columns and rows of the culture steps; the first cell leads to the correction of that entry."""
    columns: list[dict[str, object]] = [{"label": words.say(f"desk.bench.{key}"), "number": key in NUMBERS} for key in STEP_COLUMNS]
    return columns, [_step(words, desk, found, step) for step in found.steps]


def _step(words: Words, desk: Desk, found: BenchSheet, step: Step) -> list[Cell]:
    balance = step.balance
    used = words.say("format.comma").join(node.value for node in (*step.materials, *step.equipment))
    parts = {name: getattr(balance, name) for name in ("quantity_in", "quantity_out", "samples", "waste", "retains")}
    counted = words.value(step.doublings) if step.doublings is not None else words.say("desk.bench.cannot_count")
    return [
        _cell(f"{step.step} · {words.date_time(step.at)}", correct_href(desk, found.node, step.digest.value)),
        _cell(words.value(step.passage)),
        _cell(words.value(step.seeded)),
        _cell(words.value(step.harvested)),
        _cell(counted),
        _cell(used),
        _cell(words.say("desk.bench.balance_of", unit=words.word("unit", balance.unit), **parts)),
        _cell(step.by),
    ]


def bag_queue(words: Words, desk: Desk, found: BenchSheet) -> QueueShown:
    """The bags of a lot, each with its newest act and its next step at the bench."""
    return QueueShown(
        title=words.say("desk.bench.bags"),
        rows=tuple(_bag(words, desk, bag) for bag in found.bags),
        empty="",
        note=words.say("desk.bench.bags_note"),
    )


def _bag(words: Words, desk: Desk, bag: BagMade) -> QueueRow:
    return QueueRow(
        thing=bag.bag.value,
        href=desk_href(desk, bag.bag),
        state=words.act_title(bag.newest) if bag.newest else "",
        left="",
        remark=words.say("desk.bench.retained", place=bag.retained) if bag.retained else "",
        step=step_button(words, desk, bag.bag, "bag_stored") if bag.newest == "bag_filled" else None,
    )


def supply_rows(words: Words, every: tuple[Supply, ...]) -> tuple[list[dict[str, object]], list[list[Cell]]]:
    """What may be used today, and what may not, in words."""
    keys = ("used", "supply_name", "supply_state", "supply_until")
    columns: list[dict[str, object]] = [{"label": words.say(f"desk.bench.{key}"), "number": False} for key in keys]
    rows = [
        [
            _cell(each.node.value, code=True),
            _cell(each.name),
            _cell(words.say(f"desk.bench.supply.{each.state}")),
            _cell(f"{words.date_time(each.until)} · {time_left(words, each.until)}" if each.until is not None else ""),
        ]
        for each in every
    ]
    return columns, rows


def used_of(used: tuple[Supply, ...]) -> dict[str, str]:
    """What was scanned, as the fields of a step take it: one code on each line."""
    kinds = {
        "materials": [each.node.value for each in used if isinstance(each.node, MaterialId)],
        "equipment": [each.node.value for each in used if not isinstance(each.node, MaterialId)],
    }
    return {name: "\n".join(codes) for name, codes in kinds.items() if codes}


def _cell(text: str, href: str = "", *, code: bool = False) -> Cell:
    return {"text": text, "href": href, "code": code}
