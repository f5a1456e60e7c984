"""Light or dark, in one tap: the choice of this browser, kept in a cookie."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, make_response, redirect, request
from werkzeug.wrappers import Response

from custody.web import current
from custody.web.access import signed_in
from custody.web.context import THEME, THEMES
from custody.web.keeping import same_site_path

blueprint = Blueprint("appearance", __name__)
LASTS = timedelta(days=365)


@blueprint.post("/appearance")
@signed_in
def choose() -> Response:
    """Anything but light or dark leaves it to the device."""
    chosen = request.form.get("theme", "")
    response = make_response(redirect(same_site_path(request.form.get("then", ""))))
    secure = current.installation().config.secure_cookies
    if chosen in THEMES:
        response.set_cookie(THEME, chosen, max_age=LASTS, httponly=True, samesite="Strict", secure=secure, path="/")
    else:
        response.delete_cookie(THEME, path="/", httponly=True, samesite="Strict", secure=secure)
    return response
