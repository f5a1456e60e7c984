"""Whether this process answers and its store can be read; for machines that watch it."""

from __future__ import annotations

from flask import Blueprint, Response

from custody.web import current
from custody.web.access import public
from custody.workflows.reading import studies

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public("a watchdog has no account, and learns only that the store answers")
def answers() -> Response:
    with current.store().reading() as connection:
        studies(connection)
    return Response("ok\n", mimetype="text/plain")
