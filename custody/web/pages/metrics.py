"""What this server counted, for a machine that knows the token of its environment; to everybody else there is no such page."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, abort, request

from custody.web import current
from custody.web.access import public
from custody.web.counts import heading
from custody.workflows.watching import log_size

blueprint = Blueprint("metrics", __name__)
TEXT = "text/plain; version=0.0.4; charset=utf-8"


@blueprint.get("/metrics")
@public("a machine that watches has no account; it shows the token of the environment, and without it there is no such page")
def counted() -> Response:
    # Never by its address: behind a proxy on the same machine every stranger comes from there.
    token = current.installation().surroundings.metrics_token
    given = request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        abort(404)
    lines = list(current.installation().counts.lines())
    size = log_size(current.store())
    if size is not None:
        lines += [*heading("custody_log_entries", "gauge", "Entries in the record."), f"custody_log_entries {size}"]
    return Response("\n".join(lines) + "\n", content_type=TEXT)
