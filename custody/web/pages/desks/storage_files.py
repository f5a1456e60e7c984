"""The storage desk reads files of loggers: of a store's own, and of the one that came with cord tissue."""

from __future__ import annotations

from flask import render_template, request

from custody.domain.acts.shipping import LoggerFileRead
from custody.errors import InputError, NotFoundError, OutOfOrderError
from custody.web import current
from custody.web.desk_kit import Page
from custody.web.desk_parts import desk_href
from custody.web.desks import desk
from custody.web.errors import sentence, status_of
from custody.web.forms import Field
from custody.web.outcomes import outcome_page
from custody.web.problems import Problem
from custody.web.signing import key_sent
from custody.workflows.door import unit_of_work
from custody.workflows.receiving import keep_store_file

NAME_MAX = 200


def file_form() -> Page:
    """The empty form, for whoever may read such a file."""
    current.signer(LoggerFileRead.rule, 0)
    return _page("", 200)


def read_file() -> Page:
    """Kept whole and recorded; a file that cannot be read is refused in one sentence."""
    file = request.files.get("file")
    data = file.read() if file is not None else b""
    name = (file.filename or "")[:NAME_MAX] if file is not None else ""
    if not data:
        return _page(current.words().say("error.file_empty" if name else "error.file_missing"), 422)
    signer = current.signer(LoggerFileRead.rule, 0, key=key_sent())
    try:
        with unit_of_work(current.store()) as connection:
            outcome = keep_store_file(connection, data, name or "logger.txt", signer, current.now())
    except (InputError, NotFoundError, OutOfOrderError) as error:
        return _page(sentence(error), status_of(error))
    return outcome_page(outcome, LoggerFileRead.rule, signed=1)


def _page(fault: str, status: int) -> Page:
    words = current.words()
    field = Field(name="file", kind="file", label=words.say("receiving.choose_file"), hint=words.say("receiving.upload_hint"), error=fault)
    text = render_template(
        "pages/desks/storage_file.html",
        page_title=words.say("desk.storage.read_file"),
        field=field,
        problems=(Problem(fault, "file"),) if fault else (),
        home_href=desk_href(desk("storage")),
    )
    return text, status
