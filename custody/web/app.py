"""The Flask application: one factory, and what happens before and after every view."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime

import structlog
from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from jinja2 import FileSystemLoader, StrictUndefined
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from custody import clock as real_clock
from custody.config import Config
from custody.errors import InputError, StaleError
from custody.resources import data_dir
from custody.web import counting, current, errors, studies
from custody.web.access import Access
from custody.web.context import add_to_templates
from custody.web.counts import Counts
from custody.web.current import EXTENSION, Installation
from custody.web.keeping import resume_page, typed_values
from custody.web.surroundings import Surroundings
from custody.workflows.door import NotKeptError, Store, only_shown, unit_of_work
from custody.workflows.people import keep_awake
from custody.workflows.people import present as person_present

COOKIE = "custody_session"
UPLOAD_BYTES_MAX = 32 * 1024 * 1024
FORM_BYTES_MAX = 2 * 1024 * 1024
"""A form without a file; a whole study is proposed at the command line."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
AT_HOLD_POINTS = frozenset({"bedside", "receiving"})
"""What these pages show is acted on at once: it rests on bytes as fresh as those of a verdict."""
log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "media-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(
    store: Store,
    config: Config,
    clock: Callable[[], datetime] = real_clock.now,
    *,
    surroundings: Surroundings | None = None,
    counts: Counts | None = None,
) -> Flask:
    """The application over one store. `clock` is only given by tests and rehearsals; `counts`: shared with the server's other workers."""
    app = Flask("custody.web", template_folder=None, static_folder="static", static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = UPLOAD_BYTES_MAX
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_BYTES_MAX
    app.config["MAX_FORM_PARTS"] = 5000
    app.extensions[EXTENSION] = Installation(
        store=store, config=config, clock=clock, surroundings=surroundings or Surroundings(), counts=counts or Counts()
    )
    app.jinja_loader = FileSystemLoader(data_dir("templates"))
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    counting.register(app)
    app.before_request(_open)
    app.after_request(_close)
    app.teardown_request(_end)
    add_to_templates(app)
    errors.register(app)
    _add_pages(app)
    app.extensions[EXTENSION].counts.know(rule.endpoint for rule in app.url_map.iter_rules())
    return app


def _add_pages(app: Flask) -> None:
    from custody.web.pages import ALL  # noqa: PLC0415 - pages import this module's neighbours

    for blueprint in ALL:
        app.register_blueprint(blueprint)


def _open() -> AnyResponse | None:
    """Who is there, may they, and did this form come from our own page: before any view runs."""
    g.request_id = secrets.token_hex(8)
    g.began = time.perf_counter()
    view = None if request.endpoint is None else current_app.view_functions.get(request.endpoint)
    access: Access | None = getattr(view, "custody_access", None)
    if request.endpoint in NOBODY_IS_THERE:
        return None
    if access is None:
        log.error("the route %s says nobody may call it", request.endpoint)
        abort(403)
    if request.method in SAFE_METHODS and request.blueprint not in AT_HOLD_POINTS:
        g.shown = ExitStack()
        g.shown.enter_context(only_shown())
    g.is_demonstration = current.store().is_demonstration
    _recognise()
    sends = request.method not in SAFE_METHODS
    if sends:
        if request.mimetype != "multipart/form-data":
            request.max_content_length = FORM_BYTES_MAX
        _check_sender()
    _refuse_no_text(request.args, *([request.form] if sends else ()))
    elsewhere = None if access.public else _turned_away(access)
    if elsewhere is not None:
        return elsewhere
    if sends and request.endpoint not in NO_SESSION_YET and _is_stale():
        return _send_again()
    if not access.public and current.present().must_change_secret and request.endpoint not in SECRET_PAGES:
        return redirect(url_for("sign_in.secret_form"))
    return None


def _turned_away(access: Access) -> AnyResponse | None:
    """Where somebody has to go first; 403 where they may not go on at all."""
    if g.get("present") is None:
        return _sign_in_first()
    if g.study is None and len(g.studies) > 1 and request.endpoint not in OF_NO_STUDY:
        return _choose_study_first()
    if access.roles and not current.holds(*access.roles):
        abort(403)
    return None


NOBODY_IS_THERE = frozenset({None, "static", "health.is_ready", "metrics.counted"})
"""What is answered alike to everybody, without a look at who asks or at the store."""
NO_SESSION_YET = frozenset({"sign_in.enter"})
"""The sign-in page may be older than a session that began in another tab."""
SECRET_PAGES = frozenset({"sign_in.secret_form", "sign_in.secret", "sign_in.leave", "sign_in.language"})

OF_NO_STUDY = SECRET_PAGES | {"study.choose_form", "study.choose", "appearance.choose"}
"""What somebody of several studies may open before they have chosen one; it is done alike whichever study its page was shown in."""


def _refuse_no_text(*sent: MultiDict[str, str]) -> None:
    """Raises InputError for the one character that no text holds, and that not every database can be asked for."""
    for name, value in (each for values in sent for each in values.items(multi=True)):
        if "\0" in value or "\0" in name:
            raise InputError("a character without a meaning was sent (0); type it again", code="no_text", field=name.replace("\0", ""))


def _recognise() -> None:
    token = request.cookies.get(COOKIE, "")
    if not token:
        return
    store, config = current.store(), current.installation().config
    with store.reading() as connection:
        found = person_present(connection, config, token, current.now())
        if found is None:
            return
        studies.recognise(connection, found)
    if request.endpoint in ASKED_BY_PAGES:
        return
    idle = (current.now() - found.session.last_seen_at).total_seconds()
    if idle > AWAKE_SECONDS:
        # Reading goes on where nothing can be written; whatever writes says so itself.
        with suppress(NotKeptError), unit_of_work(store) as connection:
            keep_awake(connection, found.session, current.now())


AWAKE_SECONDS = 30
ASKED_BY_PAGES = frozenset({"bedside.state"})
"""What an open page asks by itself every few seconds: that is nobody at the keyboard, so the idle time runs on."""


def _sign_in_first() -> AnyResponse:
    """To the sign-in page and back; what was typed into a form comes along."""
    from custody.web.pages.sign_in import sign_in_page  # noqa: PLC0415 - pages import this module

    if request.method == "GET":
        return redirect(url_for("sign_in.form", then=request.full_path.removesuffix("?")))
    notice = current.words().say("sign_in.idle")
    text, _ = sign_in_page(then=request.path, kept=typed_values(request.form), notice=notice)
    return Response(text, 401)


def _choose_study_first() -> AnyResponse:
    """Nothing is shown of any study, and nothing done, before it is known in which."""
    if request.method not in SAFE_METHODS:
        raise StaleError("choose first in which study you work, then send this again", code="study_not_chosen")
    return redirect(url_for("study.choose_form", then=request.full_path.removesuffix("?")))


def _check_sender() -> None:
    """Forms count only from our own pages, and the browser says where one came from."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403)


def _is_stale() -> bool:
    """Whether a form was shown to another session than the one that stands, or in another study."""
    if g.get("present") is None:
        return False
    given = request.form.get("csrf_token") or request.headers.get("X-CSRF-Token", "")
    return not studies.is_current(given, in_any=request.endpoint in OF_NO_STUDY)


def _send_again() -> AnyResponse:
    """A form of an older session: nothing is done, nothing typed is lost, one button sends it again."""
    values = typed_values(request.form)
    if not values or request.files:
        errors.stale_form()
    return Response(resume_page(request.path, values, studies.token_here()), 409)


def _end(_error: BaseException | None) -> None:
    shown: ExitStack | None = g.pop("shown", None)
    if shown is not None:
        shown.close()


def _close(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static" and "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    found = g.get("present")
    if g.get("moved_to_study") is not None and request.endpoint not in ASKED_BY_PAGES:
        studies.keep(response, g.moved_to_study)
    structlog.get_logger("custody.web").info(
        "request",
        request_id=g.get("request_id", ""),
        method=request.method,
        endpoint=request.endpoint,
        code=response.status_code,
        account=found.account.value if found else None,
        milliseconds=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
    )
    return response
