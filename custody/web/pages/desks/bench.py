"""The bench: its routes, the product that lies open at a workstation, and what becomes of a scan there."""

from __future__ import annotations

import secrets

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.manufacturing import LineCleared, ProductOpened
from custody.domain.ids import BagId, BankId, EquipmentId, LotId, TissueId, node_of
from custody.domain.terms import Role
from custody.errors import InputError, NotFoundError, OutOfOrderError
from custody.web import access, current
from custody.web.commands import lead_off, scanned_command
from custody.web.desk_kit import SCAN_MAX, blueprint_of
from custody.web.desk_parts import desk_href
from custody.web.pages.desks.bench_labels import label_page, scan_label
from custody.web.pages.desks.bench_page import DESK, home, sheet
from custody.web.pages.desks.bench_place import forget_open, is_open_here, open_here
from custody.web.workstation import ScanNoted, Workstation, remember, workstation
from custody.workflows.desks.bench_supplies import scanned
from custody.workflows.desks.things import meant
from custody.workflows.door import unit_of_work
from custody.workflows.line_clearance import check_workstation
from custody.workflows.proposing import BAG_LETTERS
from custody.workflows.recording import record
from custody.workflows.refusals import keep_scan
from custody.workflows.sight import require

BAGS_MOST = 200
CLEARED = "cleared"


blueprint = blueprint_of(DESK, home=home, sheet=sheet)
blueprint.before_request(lead_off(DESK))
blueprint.add_url_rule("/lot/<name>/labels", "label_page", access.needs(*DESK.roles)(label_page), methods=["GET"])
blueprint.add_url_rule("/lot/<name>/labels", "scan_label", access.needs(*DESK.roles)(scan_label), methods=["POST"])


@blueprint.post("/workstation")
@access.needs(*DESK.roles)
def stand_at() -> Response:
    """Say at which bench or cabinet this device stands, by its label; what lies open there is in the record."""
    text = request.form.get("workstation", "").strip()[:SCAN_MAX]
    there, station = redirect(desk_href(DESK), 303), workstation()
    try:
        with current.store().reading() as connection:
            node = meant(connection, current.viewer(), (EquipmentId.kind,), text)
            assert isinstance(node, EquipmentId)
            check_workstation(connection, current.viewer(), node)
    except (InputError, NotFoundError, OutOfOrderError) as error:
        said = "scan.store" if error.code == "store_is_no_workstation" else "scan.refused"
        return _remembering(there, _noted(station, text, fits=False, said=said, refusal=error.code))
    here = Workstation(place=node, account=station.account, scans=station.scans)
    return _remembering(there, _noted(here, text, fits=True, said="scan.workstation"))


@blueprint.post("/<kind>/<name>/scan")
@access.needs(*DESK.roles)
def scan(kind: str, name: str) -> Response:
    """A scan at an open product: a material or piece of equipment for its next step, or a cross with the reason."""
    node = _product(kind, name)
    text = request.form.get("scan", "").strip()[:SCAN_MAX]
    station = workstation()
    _open(node, station)
    there = desk_href(DESK, node)
    try:
        with current.store().reading() as connection:
            found = scanned(connection, current.viewer(), node, text, current.local_now()).value
    except (InputError, NotFoundError) as error:
        return _remembering(redirect(there, 303), _noted(station, text, fits=False, said="scan.refused", refusal=error.code))
    if found.supply is not None and found.fits and is_open_here(node):
        station = station.using(found.node)
    if found.said == "scan.its_bag":
        there = desk_href(DESK, found.node)
    refusal = "" if found.fits else found.said
    return _remembering(redirect(there, 303), _noted(station, text, fits=found.fits, said=found.said, refusal=refusal))


@blueprint.post("/<kind>/<name>/open")
@access.needs(*DESK.roles)
def open_product(kind: str, name: str) -> Response:
    """Lay the product open at this workstation, where nothing else lies."""
    node = _product(kind, name)
    _open(node, workstation())
    return redirect(desk_href(DESK, node), 303)


@blueprint.post("/close")
@access.needs(*DESK.roles)
def close_product() -> Response:
    """Clear the workstation; only for somebody who says that the line is cleared."""
    station, lies_open = workstation(), open_here()
    if request.form.get(CLEARED) != "yes":
        return redirect(url_for(DESK.endpoint, clear="1"), 303)
    if lies_open is not None and lies_open.may_be_read:
        _record(LineCleared(node=lies_open.node, workstation=lies_open.workstation))
    closed = Workstation(place=station.place, account=station.account, scans=station.scans)
    return _remembering(redirect(desk_href(DESK), 303), closed)


@blueprint.post("/take-back")
@access.needs(*DESK.roles)
def take_back() -> Response:
    """Take the last scanned thing off the tray: nothing was recorded of it."""
    lies_open = open_here()
    there = desk_href(DESK, lies_open.node) if lies_open is not None and lies_open.may_be_read else desk_href(DESK)
    return _remembering(redirect(there, 303), workstation().without_last())


@blueprint.get("/lot/<name>/bags")
@access.needs(*DESK.roles)
def new_bags(name: str) -> Response:
    """The form of the fill with as many opaque numbers as bags will be filled; nothing is recorded yet."""
    node = _product("lot", name)
    asked = request.args.get("count", "")
    count = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < len("1000") else 0
    if not 1 <= count <= BAGS_MOST:
        return redirect(desk_href(DESK, node, "bags_filled"))
    bags = "\n".join(_new_bag().value for _ in range(count))
    return redirect(desk_href(DESK, node, "bags_filled", bags=bags))


@blueprint.after_request
def note_scan(response: Response) -> Response:
    """A scan on the page of the desk is noted with tick or cross; a product that was found lies open, where nothing else lies."""
    is_scan = request.endpoint == "desk_bench.find" and bool(request.form.get("scan", "").strip())
    if not is_scan or g.get("present") is None:  # nobody is signed in any more: they are asked to, and scan again
        return response
    text = request.form["scan"].strip()
    if response.status_code != redirect("/", 303).status_code:
        remember(response, _noted(workstation(), text, fits=False, said="scan.refused"))
        return response
    if scanned_command():
        return response
    kind, _, name = response.location.partition("?")[0].rpartition("/desks/bench/")[2].partition("/")
    node = node_of(f"{kind}:{name}")
    said = "scan.found"
    if isinstance(node, TissueId | BankId | LotId):
        _open(node, workstation())
        lies_open = open_here()
        said = "scan.found" if lies_open is None else "scan.opened" if lies_open.node == node else "scan.other"
    remember(response, _noted(workstation(), text, fits=said != "scan.other", said=said))
    return response


def _new_bag() -> BagId:
    """Random, with its check character: it says nothing of lot, donor or arm (design section 7)."""
    return BagId.from_random("".join(secrets.choice(BAG_LETTERS) for _ in range(12)))


def _product(kind: str, name: str) -> TissueId | BankId | LotId:
    node = node_of(f"{kind}:{name}")
    if not isinstance(node, TissueId | BankId | LotId):
        raise NotFoundError(f"a {kind} is not opened at the bench", code="unknown_thing", kind=kind, seen=name)
    with current.store().reading() as connection:
        require(connection, current.viewer(), node)
    return node


def _open(node: TissueId | BankId | LotId, station: Workstation) -> None:
    """Lay it open where this device stands, unless something lies there; a verifier opens nothing."""
    if station.place is None or open_here() is not None or Role.OPERATOR not in current.viewer().roles:
        return
    try:
        _record(ProductOpened(node=node, workstation=station.place))
    except OutOfOrderError:
        return  # somebody else was faster; the page shows what lies open


def _record(act: ProductOpened | LineCleared) -> None:
    with unit_of_work(current.store()) as connection:
        record(connection, act, current.signer(act.rule, 0, about=act.node), current.now())
    forget_open()


def _noted(station: Workstation, text: str, *, fits: bool, said: str, refusal: str = "") -> Workstation:
    """With the scan noted; one that fits nothing is kept in the ledger as evidence, too."""
    if refusal and text:
        with unit_of_work(current.store()) as connection:
            keep_scan(connection, current.present(), current.study(), where="desks/bench", seen=text, refusal=refusal, now=current.now())
    if not text:
        return station
    printable = "".join(each if each.isprintable() else "·" for each in text)
    return station.noting(ScanNoted(text=printable, at=current.now(), fits=fits, said=said), current.present().account)


def _remembering(response: Response, station: Workstation) -> Response:
    remember(response, station)
    return response
