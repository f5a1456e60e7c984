"""Whether this process answers and can do its work, for machines that watch it; and what it runs on, for administrators."""

from __future__ import annotations

from flask import Blueprint, Response, g

from custody.domain.terms import Role
from custody.web import current
from custody.web.access import public
from custody.workflows.installation import sqlite_seen
from custody.workflows.reading import studies
from custody.workflows.watching import lacking

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public("a watchdog has no account, and learns only that the store answers")
def answers() -> Response:
    with current.store().reading() as connection:
        studies(connection)
    lines = ["ok"]
    if g.get("present") is not None and current.holds(Role.ADMINISTRATOR) and current.store().url.startswith("sqlite"):
        seen = sqlite_seen()
        lines.append(current.words().say("installation.sqlite" if seen.is_repaired else "installation.sqlite_old", version=seen.version))
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


@blueprint.get("/readyz")
@public("a proxy has no account, and learns in one word whether to send people here")
def is_ready() -> Response:
    found = lacking(current.store(), wants_standby=current.installation().surroundings.wants_standby)
    return Response(f"{found or 'ready'}\n", 503 if found else 200, mimetype="text/plain")
