"""Counts each request when it is answered, the verdicts that it came to, and how long its writing waited for the lock of the store."""

from __future__ import annotations

import time
from contextlib import ExitStack

from flask import Flask, Response, g, request

from custody.web import current
from custody.workflows.watching import listening


def register(app: Flask) -> None:
    """Before all else that happens around a view, so that all of it is measured."""
    app.before_request(_begin)
    app.after_request(_count)
    app.teardown_request(_end)


def _begin() -> None:
    g.counted_from = time.perf_counter()
    here = current.installation()
    here.store.when_waited = here.counts.lock_wait
    g.counting = ExitStack()
    g.judged = g.counting.enter_context(listening())


def _count(response: Response) -> Response:
    counts = current.installation().counts
    began = g.get("counted_from")
    if began is not None:
        counts.request(request.endpoint, response.status_code, time.perf_counter() - began)
    # A refusal takes back what was judged on the way to it.
    if response.status_code < 400:
        for (_, hold_point, _), word in g.get("judged", {}).items():
            counts.verdict(hold_point, word)
    return response


def _end(_error: BaseException | None) -> None:
    counting: ExitStack | None = g.pop("counting", None)
    if counting is not None:
        counting.close()
