"""The packing desk: which shipper must leave when, what of it is ready, each bag scanned into it, its seals and its packing list."""

from __future__ import annotations

from dataclasses import replace

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.codes.scan import custody_symbol
from custody.domain.ids import BagId, Node, ShipmentId
from custody.errors import InputError, NotFoundError, UnreadableCodeError
from custody.web import access, current
from custody.web.commands import command_of, follow
from custody.web.desk_kit import SCAN_MAX, Page, act_panel, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import ActPanel, Button, QueueRow, QueueShown, desk_href, step_button
from custody.web.desk_times import time_of_now
from custody.web.desk_waiting import waiting_shown
from custody.web.desks import desk
from custody.web.errors import sentence, status_of
from custody.web.foresight import foresight_text, rule_rows
from custody.web.pages.desk import keep_refused
from custody.web.pages.desks import packing_shown as shown
from custody.web.pages.desks.packing_shown import picture
from custody.web.standings import next_text, time_left
from custody.words import Words
from custody.workflows.desks import packing as read
from custody.workflows.desks.packing import OF_A_BAG, ShipmentSheet, ToPack
from custody.workflows.desks.packing_checks import supplies
from custody.workflows.desks.things import meant
from custody.workflows.scans import is_symbol

DESK = desk("packing")


def home() -> Page:
    """What must leave first, with what is not ready; then the shippers and loggers that can be taken."""
    words, now = current.words(), current.now()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), now).value
        ready = supplies(connection, current.viewer(), current.local_now().date()).value
    queue = QueueShown(
        title=words.say("desk.packing.queue"),
        rows=tuple(_row(words, row) for row in found.rows),
        empty=words.say("desk.packing.empty"),
        note=cut_note() if found.cut else "",
    )
    return home_page(
        DESK,
        (queue,),
        template="pages/desks/packing.html",
        broken=found.unreadable,
        shipper_columns=shown.columns(words, "shipper", "qualified_until", "hold_time"),
        shippers=shown.shipper_rows(words, ready),
        logger_columns=shown.columns(words, "logger", "calibrated_until", "started_at"),
        loggers=shown.logger_rows(words, ready),
    )


def sheet(node: Node) -> Page:
    if isinstance(node, ShipmentId):
        return _shipment(node)
    return _bag(node) if isinstance(node, BagId) else plain_sheet(DESK, node)


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


@blueprint.post("/scan")
@access.needs(*DESK.roles)
def scan() -> Response | tuple[str, int]:
    """A bag of the list opens the form of its next step, which already holds this scan; another thing opens itself."""
    node = ShipmentId.parse(request.args.get("shipment", ""))
    text = request.form.get("scan", "").strip()[:SCAN_MAX]
    here = desk_href(DESK, node)
    try:
        command = command_of(text)
        if command:
            return follow(DESK, command)
        with current.store().reading() as connection:
            thing = meant(connection, current.viewer(), DESK.kinds, text)
            found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value.shipment
        if not isinstance(thing, BagId):
            return redirect(desk_href(DESK, thing), 303)
        return redirect(_form_of(found, thing, text), 303)
    except (InputError, NotFoundError) as error:
        if text:
            keep_refused("desks/packing", text, error)
        page = _shipment(node, problem=sentence(error))
        return (page, status_of(error)) if isinstance(page, str) else redirect(here, 303)


def _form_of(found: ToPack, bag: BagId, text: str) -> str:
    """The form of what comes next for a scanned bag. Raises UnreadableCodeError for a bag that is not on the list, or is packed already."""
    row = next((each for each in found.bags if each.where.bag == bag), None)
    if row is None:
        raise UnreadableCodeError(f"bag {bag} is not on this packing list", code="bag_not_on_list", bag=bag, shipment=found.node)
    if not row.next:
        raise UnreadableCodeError(f"nothing is to be done with bag {bag} here now", code="bag_needs_nothing", bag=bag)
    return _bag_href(found.node, bag, row.next, scanned=text if is_symbol(text) else "")


def _bag_href(node: ShipmentId, bag: BagId, act: str, *, scanned: str = "") -> str:
    """The form of an act about a bag on the sheet of its shipment. `scanned`: the scan that was just made there."""
    return desk_href(DESK, node, act, of=bag.value, shipment=node.value, bag=scanned)


def _row(words: Words, row: ToPack) -> QueueRow:
    bad = [check for check in row.checks if check.state == "bad"]
    remarks = [shown.check_text(words, check) for check in bad]
    if row.stops:
        remarks.append(words.say("foresight.blocked", count=row.stops))
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=shown.state_text(words, row),
        left=time_left(words, row.leave_by),
        until=row.leave_by,
        late=row.leave_by is not None and row.leave_by <= current.now(),
        bad=bool(remarks),
        remark=" ".join(remarks) or words.say("desk.packing.to_site", site=row.destination),
        who=next_text(words, row.next),
        step=_step(words, row),
    )


def _step(words: Words, row: ToPack) -> Button | None:
    """Of several bags the one that is scanned says which: the shipment opens with its scan field ready."""
    if row.next in OF_A_BAG:
        may = step_button(words, DESK, row.bags[0].where.bag, row.next) if row.bags else None
        return Button(label=words.say("desk.packing.scan_bags"), href=desk_href(DESK, row.node)) if may is not None else None
    return step_button(words, DESK, row.node, row.next)


def _shipment(node: ShipmentId, problem: str = "") -> Page:
    words, now = current.words(), current.now()
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts, now).value
        ready = supplies(connection, current.viewer(), current.local_now().date()).value if not found.shipment.is_started else None
    row = found.shipment
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/packing_shipment.html",
        facts=shown.facts(words, row),
        beside=shown.beside(words, row),
        problem=problem,
        main=row.next,
        form=_bag_form(row),
        scan_action=url_for("desk_packing.scan", shipment=node.value),
        waiting=waiting_shown(words, node, *(bag.where.bag for bag in row.bags)),
        next_said=next_text(words, row.next) if row.next else "",
        handoff=_handoff(words, row),
        checks=tuple(shown.check_row(words, check) for check in row.checks),
        bags=tuple(shown.bag_card(words, DESK, row, bag, now, _bag_step(words, found, bag.where.bag, bag.next)) for bag in row.bags),
        unknown=tuple(words.say("desk.packing.unknown_bag", bag=bag) for bag in row.unknown_bags),
        sentence=foresight_text(words, found.rules) if found.rules is not None else "",
        rules=rule_rows(words, found.rules) if found.rules is not None and row.is_started else (),
        shipper_columns=shown.columns(words, "shipper", "qualified_until", "hold_time"),
        shippers=shown.shipper_rows(words, ready) if ready is not None else [],
        logger_columns=shown.columns(words, "logger", "calibrated_until", "started_at"),
        loggers=shown.logger_rows(words, ready) if ready is not None else [],
        manifest=url_for("desk_packing.manifest", shipment=node.value),
    )


def _handoff(words: Words, row: ToPack) -> Button | None:
    """The hand-over lies on its own desk."""
    return step_button(words, None, row.node, "handoff_offered") if row.next == "handoff_offered" else None


def _bag_step(words: Words, found: ShipmentSheet, bag: BagId, act: str) -> Button | None:
    if not act or act not in found.can:
        return None
    return Button(label=words.act_title(act), href=_bag_href(found.shipment.node, bag, act))


def _bag_form(row: ToPack) -> ActPanel | None:
    """The form of an act about a bag that the address names with `of`; it leads back to this shipment."""
    act, of = request.args.get("act", ""), request.args.get("of", "")
    bag = next((each.where.bag for each in row.bags if each.where.bag.value == of), None)
    if bag is None or act not in OF_A_BAG:
        return None
    with current.store().reading() as connection:
        offer = read.offer_about(connection, current.viewer(), current.present(), bag, act)
    words = current.words()
    there = desk_href(DESK, row.node)
    panel = act_panel(DESK, bag, offer, beside=shown.beside_bag(words, row, bag), given=time_of_now(act))
    return replace(panel, then=there, leave_href=there)


def _bag(node: BagId) -> Page:
    """A bag leads to the shipment on whose packing list it stands; else it is shown as it stands."""
    with current.store().reading() as connection:
        shipment = read.shipment_of(connection, current.viewer(), node).value
    if shipment is None or request.args.get("act"):
        return plain_sheet(DESK, node)
    return redirect(url_for("desk_packing.sheet", kind=shipment.kind, name=shipment.value, _anchor=f"bag-{node.value}"))


@blueprint.get("/manifest/<shipment>")
@access.needs(*DESK.roles)
def manifest(shipment: str) -> str:
    """The packing list as it travels with the shipper: what is in it, how it is closed, where it goes, with the codes to scan."""
    words, node = current.words(), ShipmentId.parse(shipment)
    with current.store().reading() as connection:
        found = read.sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value.shipment
    return render_template(
        "pages/desks/packing_manifest.html",
        page_title=words.say("desk.packing.manifest_of", shipment=node),
        back=desk_href(DESK, node),
        shipment=found,
        facts=shown.manifest_facts(words, found),
        symbols=(
            (words.named(node), node.value, picture(custody_symbol("shipment", node.value))),
            *((words.named(box), box.value, picture(custody_symbol("shipper", box.value))) for box in (found.shipper,) if box is not None),
        ),
        columns=shown.columns(words, "number", "bag", "expires", "packed_at"),
        rows=shown.manifest_rows(words, found),
    )
