"""The labels of a lot, scanned back one by one after they were applied; a wrong one is a cross and is not counted."""

from __future__ import annotations

from flask import render_template, request, url_for

from custody.domain.ids import LotId
from custody.errors import InputError
from custody.web import current
from custody.web.desk_kit import SCAN_MAX, Page
from custody.web.desk_parts import Button, desk_href
from custody.web.desks import desk
from custody.web.errors import sentence
from custody.web.forms import Field
from custody.web.scan_lists import LAST_ADDED, MORE, ScanLine, gathered, one, scans_listed
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.label_scans import LabelScan, LabelsScanned, labels_scanned
from custody.workflows.door import unit_of_work
from custody.workflows.refusals import keep_scan

LABELS = "labels"
LABELS_MAX = 200
DESK = desk("bench")


def label_page(name: str) -> Page:
    """Nothing scanned yet: the labels that are expected, and how many were printed."""
    return _page(LotId.parse(name), (), focus=True)


def scan_label(name: str) -> Page:
    """One more label, answered at once. A label of another lot, or read twice, is kept as evidence."""
    lot = LotId.parse(name)
    typed = request.form.to_dict(flat=False)
    new = one(typed, MORE + LABELS)[:SCAN_MAX]
    on_list, _ = gathered(typed)
    texts = scans_listed(on_list, LABELS, most=LABELS_MAX)
    page = _page(lot, texts, focus=one(on_list, LAST_ADDED) == LABELS)
    if new:
        _keep_wrong(lot, texts, new)
    return page


def _page(lot: LotId, texts: tuple[str, ...], *, focus: bool) -> Page:
    words = current.words()
    with current.store().reading() as connection:
        found = labels_scanned(connection, current.viewer(), lot, texts).value
    field = Field(
        name=LABELS,
        kind="scans",
        label=words.say("desk.bench.label.field"),
        hint=words.say("scan.one_by_one"),
        required=False,
        lines=tuple(_lines(words, found.scans)),
        focus=focus,
    )
    return render_template(
        "pages/desks/bench_labels.html",
        page_title=words.say("desk.bench.label.title", lot=words.named(lot)),
        field=field,
        facts=_facts(words, found),
        missing=[bag.value for bag in found.missing],
        done=_done(words, found),
        home_href=desk_href(DESK, lot),
        action=url_for("desk_bench.scan_label", name=lot.value),
    )


def _lines(words: Words, scans: tuple[LabelScan, ...]) -> list[ScanLine]:
    lines, number = [], 0
    for scan in scans:
        said = sentence(scan.refusal) if scan.refusal is not None else words.say(f"desk.bench.label.{scan.said}")
        lines.append(ScanLine(text=scan.text, fits=scan.fits, said=said, kept=scan.fits, number=number))
        number += scan.fits
    return lines


def _facts(words: Words, found: LabelsScanned) -> tuple[Line, ...]:
    counts = {"printed": found.printed, "applied": found.applied, "destroyed": found.destroyed}
    left = found.printed - found.applied - found.destroyed
    return (
        Line(words.say("desk.bench.labels"), words.say("desk.bench.labels_of", open=left, **counts)),
        Line(words.say("desk.bench.label.read"), words.say("desk.bench.label.read_of", right=found.right, missing=len(found.missing))),
    )


def _done(words: Words, found: LabelsScanned) -> Button | None:
    """The form that records what was scanned; not before every label was read, each once."""
    if not found.right:
        return None
    why = words.say("desk.bench.label.why_missing", count=len(found.missing)) if found.missing else ""
    href = desk_href(DESK, found.lot, "labels_applied", copies=str(found.right))
    return Button(label=words.say("desk.bench.label.record", count=found.right), href=href, why_not=why, is_main=not why)


def _keep_wrong(lot: LotId, texts: tuple[str, ...], new: str) -> None:
    with current.store().reading() as connection:
        last = labels_scanned(connection, current.viewer(), lot, texts).value.scans[-1]
    if last.fits:
        return
    refusal = last.refusal.code if isinstance(last.refusal, InputError) else last.said or "unknown_thing"
    with unit_of_work(current.store()) as connection:
        keep_scan(connection, current.present(), current.study(), where="desks/bench", seen=new, refusal=refusal, now=current.now())
