"""Codes to scan from the screen or from paper, drawn as pictures: nothing but custody's own symbols."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from custody.codes.scan import custody_symbol
from custody.errors import InputError, NotFoundError
from custody.printing.symbols import code128_svg, qr_svg
from custody.web import current
from custody.web.access import signed_in
from custody.workflows.sight import named_by_symbol

blueprint = Blueprint("symbols", __name__)
DRAWN = {"qr": qr_svg, "code128": code128_svg}


@blueprint.get("/symbols/<kind>/<value>.svg")
@signed_in
def symbol(kind: str, value: str) -> Response:
    """`CU1:kind:value` as QR or, with `?as=code128`, as Code 128. A kind custody does not print is refused.

    Of a thing that does not exist for this person there is no label, badge or wristband either.
    """
    wanted = request.args.get("as", "qr")
    if wanted not in DRAWN:
        raise InputError(f"“{wanted[:20]}” is no kind of symbol; expected qr or code128", code="not_a_choice", seen=wanted[:20])
    text = custody_symbol(kind, value)
    with current.store().reading() as connection:
        if not named_by_symbol(connection, current.viewer(), kind, value):
            raise NotFoundError(f"there is no {kind} {value}", code="unknown_thing", kind=kind, seen=value)
    return Response(DRAWN[wanted](text), mimetype="image/svg+xml")
