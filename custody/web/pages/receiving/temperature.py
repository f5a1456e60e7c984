"""The temperature file: uploaded, kept whole, shown with its curve before anybody accepts it, then recorded."""

from __future__ import annotations

from decimal import Decimal

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.cold_chain_criteria import ColdChainCriteria
from custody.domain.ids import Digest, ShipmentId
from custody.errors import InputError
from custody.web import current, errors
from custody.web.curve import NARROW, WIDE, curve_svg
from custody.web.pages.receiving.common import Page, at_the_desk, blueprint, desk_of, reader
from custody.web.problems import Problem
from custody.web.signing import key_sent
from custody.web.wording import Line
from custody.workflows.door import unit_of_work
from custody.workflows.receiving import FileShown, accept_upload, keep_upload, kept_upload, show_upload
from custody.workflows.temperature import FileJudged, upload_of

NAME_MAX = 200
SIGNATURES = {
    "verified": "receiving.signature_verified",
    "key not registered": "receiving.signature_unknown",
    "invalid": "receiving.signature_invalid",
    "none": "receiving.signature_none",
}


@blueprint.get("/<shipment>/temperature")
@at_the_desk
def upload_form(shipment: str) -> Page:
    return _upload_page(shipment, "")


@blueprint.post("/<shipment>/temperature")
@at_the_desk
def upload(shipment: str) -> Page:
    """Keep the file and show what it says. A file that cannot be read, or of another shipment's logger, is refused in one sentence."""
    file = request.files.get("file")
    data = file.read() if file is not None else b""
    name = (file.filename or "")[:NAME_MAX] if file is not None else ""
    if not data:
        return _upload_page(shipment, current.words().say("error.file_empty" if name else "error.file_missing")), 422
    try:
        read = upload_of(data, name or "logger.txt")
        with unit_of_work(current.store()) as connection:
            digest = keep_upload(connection, ShipmentId.parse(shipment), read, reader())
    except InputError as error:
        return _upload_page(shipment, errors.sentence(error)), 422
    return redirect(url_for("receiving.file", shipment=shipment, digest=digest.value), 303)


@blueprint.get("/<shipment>/temperature/<digest>")
@at_the_desk
def file(shipment: str, digest: str) -> Page:
    """Start, end, interval, extremes, gaps and signature, and whether the logger travelled here: nothing is recorded yet."""
    shown = _shown(shipment, digest)
    words = current.words()
    return render_template(
        "pages/receiving_file.html",
        page_title=words.say("receiving.file_read"),
        shipment=desk_of(shipment),
        file=shown,
        sentence=file_sentence(shown.said),
        lines=file_lines(shown, serial=f"{shown.logger} · {words.say('receiving.serial_matches')}"),
        limits=limits_text(shown.said.criteria),
        excursions=excursion_rows(shown.said),
        gaps=[Line(words.date_time(gap.start), words.date_time(gap.end)) for gap in shown.said.gaps],
        signature_bad=shown.signature.value == "invalid",
    )


@blueprint.post("/<shipment>/temperature/<digest>/accept")
@at_the_desk
def accept(shipment: str, digest: str) -> Page:
    """The readings become part of the record; what they mean for the bags is judged with each bag."""
    with current.store().reading() as connection:
        kept = kept_upload(connection, Digest.parse(digest))
    with unit_of_work(current.store()) as connection:
        signer = current.signer(LoggerFileRead.rule, 0, key=key_sent())
        accept_upload(connection, ShipmentId.parse(shipment), kept, signer, current.now())
    return redirect(url_for("receiving.file", shipment=shipment, digest=digest), 303)


@blueprint.get("/<shipment>/temperature/<digest>/curve.svg")
@at_the_desk
def curve(shipment: str, digest: str) -> Response:
    said = _shown(shipment, digest).said
    sheet = NARROW if request.args.get("narrow") else WIDE
    svg = curve_svg(said.outline, said.criteria, said.gaps, current.words(), sheet)
    return Response(svg, mimetype="image/svg+xml")


def _shown(shipment: str, digest: str) -> FileShown:
    with current.store().reading() as connection:
        return show_upload(connection, ShipmentId.parse(shipment), Digest.parse(digest), reader())


def _upload_page(shipment: str, fault: str) -> str:
    words = current.words()
    problems = (Problem(fault, "file"),) if fault else ()
    field = {
        "name": "file",
        "kind": "file",
        "label": words.say("receiving.choose_file"),
        "hint": words.say("receiving.upload_hint"),
        "error": fault,
        "required": True,
    }
    title = words.say("receiving.upload_title")
    return render_template("pages/receiving_upload.html", page_title=title, shipment=desk_of(shipment), field=field, problems=problems)


def file_lines(shown: FileShown, *, serial: str) -> tuple[Line, ...]:
    """What the file says, line by line; `serial`: the logger, and what is to be said of it."""
    words, said, file = current.words(), shown.said, shown.said.file
    lines = {
        "serial": serial,
        "format": f"{file.format} {file.model}".strip(),
        "start": words.date_time(file.series.start),
        "end": words.date_time(file.series.end),
        "interval": words.say("format.minutes", minutes=file.interval_minutes),
        "count": words.value(file.series.count),
        "lowest": _celsius(file.lowest),
        "highest": _celsius(file.highest),
        "mean": _celsius(file.mean),
        "mkt": _celsius(file.mean_kinetic),
        "gaps": words.value(len(said.gaps)),
        "outside": words.say("format.minutes", minutes=_minutes(said.minutes_outside)),
        "signature": words.say(SIGNATURES[shown.signature.value]),
    }
    return tuple(Line(words.say(f"trace.{name}"), value) for name, value in lines.items())


def file_sentence(said: FileJudged) -> str:
    """The first thing to read: in range, or for how long and how far out."""
    words, outside = current.words(), said.minutes_outside
    if not said.excursions and not outside:
        return words.say("receiving.in_range", limits=limits_text(said.criteria))
    return words.say("receiving.out_of_range", minutes=_minutes(outside), highest=said.file.highest, lowest=said.file.lowest)


def _celsius(value: Decimal) -> str:
    return f"{current.words().value(value)} °C"


def _minutes(value: Decimal) -> str:
    """Without the zeros that a sum to 0.001 min ends in."""
    return current.words().value(Decimal(f"{value.normalize():f}"))


def limits_text(criteria: ColdChainCriteria) -> str:
    words = current.words()
    if criteria.class_0_from is None:
        return words.say("receiving.limits_below", to=criteria.class_0_to)
    return words.say("receiving.limits_between", low=criteria.class_0_from, to=criteria.class_0_to)


def excursion_rows(said: FileJudged) -> list[list[dict[str, object]]]:
    """Rows of templates/parts/table.html."""
    words = current.words()
    return [
        [
            {"text": text, "href": "", "code": False}
            for text in (
                words.date_time(each.start),
                words.date_time(each.end),
                _minutes(each.minutes),
                _celsius(each.extreme),
            )
        ]
        for each in said.excursions
    ]
