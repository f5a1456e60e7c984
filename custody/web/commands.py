"""Bar codes that give commands at a desk: Next, Cancel, Undo, Print, Supervisor; each is an ordinary page, so no script is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from custody.codes.scan import expect, read_scan
from custody.domain.ids import NODE_KINDS, Node, node_of
from custody.errors import NotFoundError, UnreadableCodeError
from custody.web import current
from custody.web.desk_parts import correct_href, desk_href, thing_href
from custody.web.desks import Desk
from custody.web.keeping import same_site_path
from custody.workflows.desks.undo import last_own

COMMANDS = ("NEXT", "CANCEL", "UNDO", "PRINT", "SUPERVISOR")
COMMAND_MAX = 80
DO_NEXT = "next"
"""What `?do=` says to a desk's page: go on to the step that comes next."""


def command_of(text: str) -> str:
    """The command a scan gives; empty for every other scan. Raises UnreadableCodeError for a command nobody knows."""
    if "CU1:command:" not in text:
        return ""
    found = expect(read_scan(text), "command")
    if found not in COMMANDS:
        raise UnreadableCodeError(f"there is no command {found[:20]}", code="unknown_command", seen=found[:20])
    return found


def follow(desk: Desk, command: str) -> Response:
    """Where a command leads from the page it was scanned on (`here` of the form). Raises NotFoundError where there is nothing to do."""
    here = same_site_path(request.form.get("here", ""))
    node = _node(desk, here)
    if command == "SUPERVISOR":
        return redirect(url_for("station.supervisor", then=here), 303)
    if command == "CANCEL":
        return redirect(_one_back(desk, here, node), 303)
    if command == "NEXT":
        there = desk_href(desk, node)
        return redirect(f"{there}?do={DO_NEXT}", 303)
    if node is None:
        raise NotFoundError("open a thing first", code="open_a_thing_first")
    return redirect(f"{thing_href(node)}?print=1" if command == "PRINT" else _undo(desk, node), 303)


def _one_back(desk: Desk, here: str, node: Node | None) -> str:
    """From an open form to its thing, from a thing to the desk, from the desk to the work list."""
    if node is None:
        return url_for("work.home")
    return desk_href(desk, node if "act=" in urlsplit(here).query else None)


def _undo(desk: Desk, node: Node) -> str:
    with current.store().reading() as connection:
        digest = last_own(connection, current.viewer(), current.present(), node)
    if digest is None:
        raise NotFoundError(f"you recorded nothing about {node} that could be corrected", code="nothing_to_undo", what=node.key)
    return correct_href(desk, node, digest.value)


def _node(desk: Desk, here: str) -> Node | None:
    """The thing of the page, where it shows one of this desk."""
    parts = urlsplit(here).path.removeprefix(desk_href(desk)).strip("/").split("/")
    if len(parts) != len(("kind", "name")) or parts[0] not in NODE_KINDS:
        return None
    return node_of(f"{parts[0]}:{parts[1]}")


def lead_off(desk: Desk) -> Callable[[], Response | None]:
    """For forms of a desk of the kit that read their scans themselves: a command scanned into any field is followed before they do."""

    def led() -> Response | None:
        # The ready scan of the desk says beside its own field why a command led nowhere.
        command = scanned_command() if request.method == "POST" and request.endpoint != f"desk_{desk.name}.find" else ""
        return follow(desk, command) if command else None

    return led


def lead_away(desk: Desk, first: Callable[[], str]) -> Callable[[], Response | None]:
    """For a desk whose pages are older than the kit: a command scanned into any of its fields leads away before the form is read.

    `first` gives the address of what the list shows first. The things of such a desk live at `/<desk>/<name>`, their forms beneath.
    """

    def led() -> Response | None:
        command = scanned_command() if request.method == "POST" else ""
        if not command:
            return None
        here = request.path.removesuffix("/find")
        base, _, rest = here.strip("/").partition("/")
        names = rest.split("/") if rest else []
        if command == "SUPERVISOR":
            return redirect(url_for("station.supervisor", then=here), 303)
        if command == "CANCEL":
            return redirect(f"/{base}/{names[0]}" if len(names) > 1 else f"/{base}" if names else url_for("work.home"), 303)
        if command == "NEXT":
            return redirect(here if names else first() or here, 303)
        node = _named(request.view_args or {})
        if node is None:
            raise NotFoundError("open a thing first", code="open_a_thing_first")
        return redirect(f"{thing_href(node)}?print=1" if command == "PRINT" else _undo(desk, node), 303)

    return led


def scanned_command() -> str:
    """The command in a field of this form; empty where there is none, and for one nobody knows: the form itself refuses and keeps that."""
    for text in request.form.values():
        try:
            command = command_of(text[:COMMAND_MAX].strip())
        except UnreadableCodeError:
            continue
        if command:
            return command
    return ""


def _named(values: Mapping[str, str]) -> Node | None:
    """The thing the address names most exactly: the bag of a shipment rather than the shipment."""
    return next((node_of(f"{kind}:{values[kind]}") for kind in ("bag", "dose", "shipment") if kind in values), None)
