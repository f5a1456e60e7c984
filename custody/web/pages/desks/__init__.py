"""The desks: each its own module here, or the plain desk of the kit where nobody needs more than the table tells."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from flask import Blueprint

from custody.web import desk_kit
from custody.web.desks import DESKS, Desk

HERE = Path(__file__).parent


def _blueprint(desk: Desk) -> Blueprint:
    """That of the module with the desk's name."""
    if not (HERE / f"{desk.name}.py").exists():
        return desk_kit.blueprint_of(desk)
    found: Blueprint = import_module(f"{__name__}.{desk.name}").blueprint
    return found


BLUEPRINTS: tuple[Blueprint, ...] = tuple(_blueprint(desk) for desk in DESKS if desk.has_sheets)
