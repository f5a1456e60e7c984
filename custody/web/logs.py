"""The log of a server: one JSON object a line, with the number of its request, and nothing that a person typed or a browser carried."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import g, has_request_context
from gunicorn.glogging import Logger
from structlog.typing import EventDict

OF_A_REQUEST = ("event", "request_id", "method", "endpoint", "code", "account", "milliseconds")
"""All that is written of a request. Not its address: that can hold a search, a thing or the ticket of a reset."""
OURS = "custody"


def begin() -> None:
    """From now on this process, and those that it forks, write their log like this to standard error."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Line())
    structlog.configure(
        processors=[only_known, structlog.processors.add_log_level, structlog.processors.TimeStamper(key="at"), _as_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def only_known(_logger: object, _method: str, said: EventDict) -> EventDict:
    return {name: said[name] for name in OF_A_REQUEST if name in said}


def _as_json(_logger: object, _method: str, said: EventDict) -> str:
    return json.dumps({**said, "at": datetime.fromtimestamp(said["at"], UTC).isoformat(timespec="milliseconds")})


class Line(logging.Formatter):
    """A message of the program. Of a fault: its class and where it arose, never its words, which may quote what was typed."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {"event": event_of(record), "level": record.levelname.lower(), "logger": record.name}
        said["at"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        if has_request_context():
            said["request_id"] = g.get("request_id", "")
        if record.exc_info and record.exc_info[1] is not None:
            said["fault"] = list(faults(record.exc_info[1]))
        return json.dumps(said)


def event_of(record: logging.LogRecord) -> str:
    """Our own messages as they are; of a library's only the words it was written with, for it may quote a header or an address."""
    if record.name == OURS or record.name.startswith(f"{OURS}."):
        return record.getMessage()
    if not isinstance(record.msg, str):
        return type(record.msg).__name__
    if isinstance(record.args, tuple) and all(isinstance(each, int | float) for each in record.args):
        return record.getMessage().partition(": ")[0]
    return record.msg.partition(": ")[0]


def faults(error: BaseException) -> Iterator[str]:
    """An error and what lies under it, each as its class and the last places it went through."""
    seen: set[int] = set()
    under: BaseException | None = error
    while under is not None and id(under) not in seen:
        seen.add(id(under))
        places = [f"{each.name} ({each.filename.rpartition('/')[2]}:{each.lineno})" for each in traceback.extract_tb(under.__traceback__)]
        yield " > ".join([type(under).__name__, *reversed(places[-8:])])
        under = under.__cause__ or under.__context__


class GunicornLog(Logger):  # type: ignore[misc]  # gunicorn carries no types
    """What gunicorn says, as lines like all others."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(Line())
