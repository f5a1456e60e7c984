"""Files of loggers that belong to no shipment: uploaded, shown with class, minutes and gaps before anybody accepts them, then recorded."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.duties import roles_at
from custody.domain.ids import Digest
from custody.domain.terms import StorageForm
from custody.errors import InputError, NotFoundError, OutOfOrderError
from custody.web import access, current
from custody.web.errors import sentence, status_of
from custody.web.forms import Field
from custody.web.outcomes import outcome_page
from custody.web.pages.receiving.temperature import excursion_rows, file_lines, file_sentence, limits_text
from custody.web.problems import Problem
from custody.web.signing import key_sent
from custody.web.wording import Line
from custody.workflows.door import unit_of_work
from custody.workflows.logger_files import accept_file, keep_file, show_file
from custody.workflows.receiving import kept_upload
from custody.workflows.temperature import upload_of

Page = str | Response | tuple[str, int]
NAME_MAX = 200
blueprint = Blueprint("logger_files", __name__, url_prefix="/logger-files")
for_readers = access.needs(*roles_at(LoggerFileRead.rule, 0))


@blueprint.get("")
@for_readers
def form() -> Page:
    """The empty form, for whoever may record such a file."""
    return _form_page("", 200)


@blueprint.post("")
@for_readers
def upload() -> Page:
    """Kept whole and shown; a file that cannot be read is refused in one sentence."""
    file = request.files.get("file")
    data = file.read() if file is not None else b""
    name = (file.filename or "")[:NAME_MAX] if file is not None else ""
    if not data:
        return _form_page(current.words().say("error.file_empty" if name else "error.file_missing"), 422)
    try:
        read = upload_of(data, name or "logger.txt")
        with unit_of_work(current.store()) as connection:
            digest = keep_file(connection, current.viewer(), read)
    except (InputError, NotFoundError) as error:
        return _form_page(sentence(error), status_of(error))
    return redirect(url_for("logger_files.shown", digest=digest.value), 303)


@blueprint.get("/<digest>")
@for_readers
def shown(digest: str) -> Page:
    """What was found, by the limits of one kind of cold: nothing is recorded yet."""
    words, asked = current.words(), request.args.get("form", "")
    chosen = StorageForm(asked) if asked in set(StorageForm) else None
    with current.store().reading() as connection:
        found = show_file(connection, current.viewer(), Digest.parse(digest), chosen)
    other = next(each for each in StorageForm if each is not found.said.criteria.form)
    return render_template(
        "pages/logger_file.html",
        page_title=words.say("logger_files.title"),
        file=found,
        klass=words.say("logger_files.class_is", klass=found.said.klass),
        sentence=file_sentence(found.said),
        limits=words.say("logger_files.by_limits", limits=limits_text(found.said.criteria)),
        other=words.say("logger_files.by_other", form=words.term(other)),
        other_href=url_for("logger_files.shown", digest=digest, form=other.value),
        lines=file_lines(found, serial=found.logger.value),
        excursions=excursion_rows(found.said),
        gaps=[Line(words.date_time(gap.start), words.date_time(gap.end)) for gap in found.said.gaps],
        signature_bad=found.signature.value == "invalid",
        bad=bool(found.said.klass) or found.signature.value == "invalid",
    )


@blueprint.post("/<digest>/accept")
@for_readers
def accept(digest: str) -> Page:
    """The readings become part of the record."""
    signer = current.signer(LoggerFileRead.rule, 0, key=key_sent())
    try:
        with current.store().reading() as connection:
            kept = kept_upload(connection, Digest.parse(digest))
        with unit_of_work(current.store()) as connection:
            outcome = accept_file(connection, current.viewer(), kept, signer, current.now())
    except (InputError, OutOfOrderError) as error:
        return _form_page(sentence(error), status_of(error))
    return outcome_page(outcome, LoggerFileRead.rule, signed=1)


def _form_page(fault: str, status: int) -> Page:
    words = current.words()
    field = Field(name="file", kind="file", label=words.say("receiving.choose_file"), hint=words.say("receiving.upload_hint"), error=fault)
    text = render_template(
        "pages/logger_file_form.html",
        page_title=words.say("logger_files.title"),
        field=field,
        problems=(Problem(fault, "file"),) if fault else (),
    )
    return text, status
