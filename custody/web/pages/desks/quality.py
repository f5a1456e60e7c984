"""The quality desk: excursions, gaps, holds, deviations and recalls that wait, and the sheet of any thing with what weighs on it."""

from __future__ import annotations

from flask import Response, render_template, request, url_for

from custody.domain.ids import BagId, Node, node_of
from custody.errors import NotFoundError
from custody.web import access, current
from custody.web.curve import NARROW, WIDE, curve_svg
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, sheet_page
from custody.web.desk_parts import QueueShown, desk_href, thing_href
from custody.web.desks import desk
from custody.web.lists import csv_file
from custody.web.pages.desks import quality_cold, quality_rows, quality_sheet, recall_rows
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import quality as read
from custody.workflows.desks.quality import QualityQueue, QualitySheet
from custody.workflows.desks.recall_bags import DONOR_SIDE, recall_bags
from custody.workflows.desks.recalls import SHOWN_AT_MOST, recall_list

DESK = desk("quality")
LISTED = read.RECALLABLE | {"bag", "material", "equipment"}
"""Also what cannot be recalled itself, and puts what it touched in doubt. Not a dose: behind it stand its participant and its donor, who
never meet on one screen."""


def home() -> Page:
    """What only quality can decide, worst first."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.now()).value
    return home_page(DESK, _queues(words, found), broken=found.unreadable)


def _queues(words: Words, found: QualityQueue) -> tuple[QueueShown, ...]:
    rows = quality_rows
    note = cut_note() if found.cut else ""
    queues = [
        QueueShown(
            title=words.say("desk.quality.cold"),
            rows=tuple(rows.cold(words, each) for each in found.cold),
            empty=words.say("desk.quality.no_cold"),
            note=note,
        ),
        QueueShown(
            title=words.say("desk.quality.gaps"),
            rows=tuple(rows.gap(words, each) for each in found.gaps),
            empty=words.say("desk.quality.no_gaps"),
        ),
        QueueShown(
            title=words.say("desk.quality.holds"),
            rows=tuple(rows.hold(words, each) for each in found.holds),
            empty=words.say("desk.quality.no_holds"),
        ),
        QueueShown(
            title=words.say("desk.quality.deviations"),
            rows=tuple(rows.deviation(words, each) for each in found.deviations),
            empty=words.say("desk.quality.no_deviations"),
        ),
    ]
    if found.recalls:
        recalled = tuple(rows.recall(words, each, recall_href(each.node)) for each in found.recalls)
        queues.append(QueueShown(title=words.say("desk.quality.recalls"), rows=recalled, empty=""))
    if found.unknown:
        unknown = tuple(rows.unknown(words, bag) for bag in found.unknown)
        queues.append(QueueShown(title=words.say("desk.quality.unknown"), rows=unknown, empty=""))
    return tuple(queues)


def sheet(node: Node) -> Page:
    """Holds with their owner and reach, deviations, gaps, and for a bag its temperature curves with the decision beside them."""
    words, act = current.words(), request.args.get("act", "")
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/quality_sheet.html",
        facts=quality_sheet.facts(words, found),
        beside=quality_sheet.beside(words, found, act),
        problem=words.say("desk.quality.unknown_what", what=words.word("reason.what", found.unknown)) if found.unknown else "",
        main=found.next,
        given=_given(node, found, act),
        recalls=tuple(Line(each.number, f"{words.named(each.node)} · {each.reason}") for each in found.recalls),
        recall_href=recall_href(node) if node.kind in LISTED else "",
        holds=quality_sheet.holds(words, found),
        deviations=quality_sheet.deviations(words, found),
        gaps=quality_sheet.gaps(words, found),
        has_custody=bool(found.custody) or bool(found.gaps) or node.kind in {"bag", "shipment"},
        custody=quality_sheet.custody(words, found),
        custody_columns=quality_sheet.columns(words, "custodian", "from", "to"),
        cold=quality_cold.cold_shown(words, found.cold) if found.cold is not None else None,
        deciding=act in {"cold_chain_decided", "trace_given_up"},
        excursion_columns=quality_sheet.columns(words, "from", "to", "excursion_place"),
    )


def _given(node: Node, found: QualitySheet, act: str) -> dict[str, str]:
    """What a form of this desk opens with: a free number, the one open hold, the gap's times, the time of a decision."""
    offered = next((each for each in found.offers if each.act == act), None)
    if offered is None or offered.why_not is not None:
        return {}
    zone = current.words().zone
    if act in {"hold_placed", "deviation_opened", "recalled"}:
        with current.store().reading() as connection:
            number = read.number_for(connection, current.viewer(), node, act)
        named = {"hold_placed": "hold", "deviation_opened": "deviation", "recalled": "recall"}[act]
        return {named: number} | ({"owner": current.present().printed_name} if act == "hold_placed" else {})
    if act == "cold_chain_decided":
        return quality_sheet.moment("covers_until", current.now(), zone)
    if act == "gap_disposed":
        gap = next((gap for gap in found.gaps if gap.is_open and gap.end is not None), None)
        return quality_sheet.gap_given(gap, zone) if gap is not None else {}
    return {}


def recall_href(node: Node) -> str:
    return url_for("desk_quality.recall", kind=node.kind, name=node.value)


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


@blueprint.get("/bag/<name>/curve/<int:place>/<int:number>.svg")
@access.needs(*DESK.roles)
def curve(name: str, place: int, number: int) -> Response:
    """One logger's readings in one place of a bag's life, as a picture."""
    with current.store().reading() as connection:
        found = read.curve(connection, current.viewer(), BagId.parse(name), place, number, current.now()).value
    sheet = NARROW if request.args.get("narrow") else WIDE
    svg = curve_svg(found.series, found.criteria, found.gaps, current.words(), sheet)
    return Response(svg, mimetype="image/svg+xml")


@blueprint.get("/<kind>/<name>/recall")
@access.needs(*DESK.roles)
def recall(kind: str, name: str) -> str | Response:
    """Every bag, where it is and whom it was for; or, backward, what the thing came from. Both print; the bags are also a file."""
    words, node = current.words(), node_of(f"{kind}:{name}")
    if kind not in LISTED:
        raise NotFoundError(f"there is no recall of a {kind}", code="unknown_thing", kind=kind, seen=node)
    if request.args.get("file") == "csv":
        return _recall_file(node)
    with current.store().reading() as connection:
        found = recall_list(connection, current.viewer(), node, current.now()).value
    backward = request.args.get("direction") == "backward"
    title = "desk.quality.recall_behind_title" if backward else "desk.quality.recall_title"
    return render_template(
        "pages/desks/recall.html",
        page_title=words.say(title, thing=words.named(node)),
        desk=DESK,
        sheet_href=desk_href(DESK, node) if kind in DESK.kinds else thing_href(node),
        other_href=url_for("desk_quality.recall", kind=kind, name=name, direction="forward" if backward else "backward"),
        backward=backward,
        found=found,
        said=words.say("desk.quality.recall_is", number=found.recall, reason=found.reason) if found.recall else "",
        names_participants=node.kind not in DONOR_SIDE,
        cut=words.say("desk.quality.recall_cut", count=SHOWN_AT_MOST) if found.cut else "",
        file_href=url_for("desk_quality.recall", kind=kind, name=name, file="csv"),
        **recall_rows.tables(words, found, recall_href),
    )


def _recall_file(node: Node) -> Response:
    words, viewer, named = current.words(), current.viewer(), node.kind not in DONOR_SIDE
    return csv_file(
        f"recall-{node.kind}-{node.value}",
        recall_rows.file_head(words, named=named),
        current.store().reading,
        lambda connection: recall_rows.file_rows(words, recall_bags(connection, viewer, node).value, named=named),
        lambda count: words.say("trace_page.file_ends", count=count),
    )
