"""The pages of the bench: what waits, and one product at a time with its culture, its family, and what was scanned for its next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request, url_for

from custody.domain.ids import BankId, LotId, Node, TissueId
from custody.domain.terms import Role
from custody.web import current
from custody.web.desk_kit import Page, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_lineage import culture_texts, family_shown
from custody.web.desk_parts import Button, QueueRow, QueueShown, correct_href, desk_href, step_button
from custody.web.desk_waiting import waiting_shown
from custody.web.desks import desk
from custody.web.pages.desks.bench_place import is_open_here, open_here, open_name, station_shown
from custody.web.pages.desks.bench_rows import bag_queue, beside, facts, open_lines, scans_shown, step_rows, supply_rows, used_of
from custody.web.standings import fault_text, next_text, time_left
from custody.web.workstation import workstation
from custody.words import Words
from custody.workflows.desks import bench as read
from custody.workflows.desks.bench import Row
from custody.workflows.desks.bench_sheets import BenchSheet
from custody.workflows.desks.bench_sheets import sheet as read_sheet
from custody.workflows.desks.bench_supplies import known_supplies, supplies
from custody.workflows.desks.offers import Offer, Why
from custody.workflows.desks.things import opened
from custody.workflows.line_clearance import AT_THE_PRODUCT, open_places
from custody.workflows.worklist import Waiting

DESK = desk("bench")
HANDLING = frozenset(cls.rule.name for cls in AT_THE_PRODUCT)


def home() -> Page:
    """What lies open here, what waits for a check, and what waits for a step; cords by the hours they have left."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.present(), current.now()).value
    queues = [
        QueueShown(
            title=words.say("desk.bench.queue"),
            rows=tuple(_row(words, row) for row in found.here),
            empty=words.say("desk.bench.empty"),
            note=cut_note() if found.cut else "",
        )
    ]
    if found.to_sign:
        to_sign = tuple(_waiting(words, each) for each in found.to_sign)
        queues.insert(0, QueueShown(title=words.say("desk.bench.to_sign"), rows=to_sign, empty=""))
    if found.blocked:
        queues.append(QueueShown(title=words.say("work.blocked"), rows=tuple(_row(words, row) for row in found.blocked), empty=""))
    return home_page(DESK, queues, template="pages/desks/bench.html", broken=found.unreadable, **_here(words))


def sheet(node: Node) -> Page:
    """One product; a bag as the plain sheet shows it."""
    return _product_page(node) if isinstance(node, TissueId | BankId | LotId) else plain_sheet(DESK, node)


def _here(words: Words) -> dict[str, Any]:
    """What every page of the bench shows of its workstation and of the last scans there."""
    return station_shown(words) | {"scans": scans_shown(words, workstation().scans_of(current.present().account))}


def _row(words: Words, row: Row) -> QueueRow:
    faults = [fault_text(words, fault) for fault in row.blocked]
    culture = culture_texts(words, row.culture) if row.culture is not None else ()
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=words.say(f"desk.bench.{row.state}"),
        left=time_left(words, row.due_at) if row.due_at is not None else "",
        until=row.due_at,
        late=row.due_at is not None and row.due_at <= current.now(),
        bad=bool(row.blocked),
        remark=" · ".join((*faults, *culture)),
        who=next_text(words, row.next) if row.next else "",
        step=step_button(words, DESK, row.node, row.next) if not row.blocked else None,
    )


def _waiting(words: Words, each: Waiting) -> QueueRow:
    href = url_for("proposals.show", kind=each.node.kind, name=each.node.value, digest=each.proposal.value)
    names = words.say("format.comma").join(signer.printed_name for signer in each.signed)
    return QueueRow(
        thing=words.named(each.node),
        href=href,
        state=words.act_title(each.act),
        left=time_left(words, each.expires_at),
        until=each.expires_at,
        remark=words.say("desk.bench.signed_by", names=names),
        step=Button(label=words.say("desk.bench.sign"), href=href, is_main=True),
    )


def _product_page(node: TissueId | BankId | LotId) -> Page:
    words, now, viewer = current.words(), current.local_now(), current.viewer()
    here = _here(words)
    lies_open, place = open_here(), workstation().place
    with current.store().reading() as connection:
        found = read_sheet(connection, viewer, current.present(), node, DESK.acts, now).value
        every = supplies(connection, viewer, now).value
        used = known_supplies(connection, viewer, workstation().used if is_open_here(node) else (), now).value
        places = open_places(connection, opened(connection, viewer, node), node).value
    other = open_name(words) if lies_open is not None and lies_open.node != node else ""
    closed = place.value if place is not None and lies_open is None else ""
    offered = tuple(_own_reason(each, found, other, closed) for each in found.offers)
    main = found.stage.next
    problem = words.say("format.comma").join(fault_text(words, fault) for fault in found.blocked)
    return sheet_page(
        DESK,
        node,
        offered,
        template="pages/desks/bench_sheet.html",
        facts=(*facts(words, found), *open_lines(words, places)),
        beside=beside(words, found, request.args.get("act", "")),
        problem=problem,
        main=main,
        scan_action=url_for("desk_bench.scan", kind=node.kind, name=node.value),
        is_open=is_open_here(node),
        may_open=bool(closed) and Role.OPERATOR in viewer.roles,
        other_open=words.say("desk.bench.other_open", thing=other) if other else "",
        open_action=url_for("desk_bench.open_product", kind=node.kind, name=node.value),
        used=[(each.node.value, each.name) for each in used],
        use_button=_use_button(words, found, offered, used_of(used)),
        undo=_undo(words, found),
        waits=waiting_shown(words, node),
        labels_href=url_for("desk_bench.label_page", name=node.value) if isinstance(node, LotId) and _labels_lie_open(found) else "",
        asks_bags=_can(offered, "bags_filled") and not found.bags,
        bags_action=url_for("desk_bench.new_bags", name=node.value) if isinstance(node, LotId) else "",
        step_columns=step_rows(words, DESK, found)[0],
        steps=step_rows(words, DESK, found)[1],
        bags=bag_queue(words, DESK, found) if found.bags else None,
        supply_columns=supply_rows(words, every)[0],
        supplies=supply_rows(words, every)[1],
        family=family_shown(words, DESK, found.family),
        **here,
    )


def _own_reason(offer: Offer, found: BenchSheet, other: str, closed: str) -> Offer:
    """Reasons only the bench knows, beside duty and order. `closed`: the workstation here, where nothing lies open."""
    if offer.why_not is not None:
        return offer
    if other and offer.act in HANDLING:
        return Offer(act=offer.act, why_not=Why(key="desk.bench.why_other_open", values={"thing": other}))
    if closed and offer.act in HANDLING:
        return Offer(act=offer.act, why_not=Why(key="desk.bench.why_not_opened", values={"workstation": closed}))
    reasons: dict[str, Callable[[], bool]] = {
        "why_filled": lambda: found.containers is not None and offer.act in {"bags_filled", "bank_filled"},
        "why_accepted": lambda: offer.act == "tissue_accepted" and found.stage.state not in {"state.tissue_coming", "state.tissue_arrived"},
    }
    key = next((key for key, holds in reasons.items() if holds()), "")
    return Offer(act=offer.act, why_not=Why(key=f"desk.bench.{key}")) if key else offer


def _use_button(words: Words, found: BenchSheet, offered: tuple[Offer, ...], used: dict[str, str]) -> Button | None:
    """The form of the next step with everything scanned filled in; None where nothing was scanned or the step uses nothing."""
    act = found.stage.next
    where = {"processing_started": "", "bags_filled": "", "primary_culture_harvested": "culture.", "bank_step_recorded": "culture."}
    where["lot_step_recorded"] = "culture."
    if act not in where or not used or not _can(offered, act):
        return None
    given = {f"{where[act]}{name}": text for name, text in used.items()}
    count = sum(text.count("\n") + 1 for text in used.values())
    label = words.say("desk.bench.with_these", act=words.act_title(act), count=count)
    return Button(label=label, href=desk_href(DESK, found.node, act, **given), is_main=True)


def _undo(words: Words, found: BenchSheet) -> Button | None:
    """Undo last, as what it is: a correction that leaves the first to be seen."""
    if found.last is None:
        return None
    label = words.say("desk.bench.undo_last", act=words.act_title(found.last.act), at=found.last.at)
    return Button(label=label, href=correct_href(DESK, found.node, found.last.digest.value))


def _labels_lie_open(found: BenchSheet) -> bool:
    """Labels were printed, and some are neither on a bag nor destroyed."""
    return found.labels is not None and found.labels.printed > 0 and found.labels.open > 0


def _can(offered: tuple[Offer, ...], act: str) -> bool:
    return any(offer.act == act and offer.why_not is None for offer in offered)
