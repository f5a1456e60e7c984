"""The application over any store, without compiling its addresses and its pages anew for each test: that took most of their time."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import datetime
from functools import cache

from flask import Flask

from custody.config import Config
from custody.web.app import create_app
from custody.web.current import EXTENSION, Installation
from custody.workflows.door import Store


@cache
def _made_once() -> Flask:
    """Nobody ever asks this one for a page: whatever belongs to an installation, each copy has for itself."""
    return create_app(store=None, config=None)  # type: ignore[arg-type]


def application(store: Store, config: Config, clock: Callable[[], datetime]) -> Flask:
    """What `create_app` answers; only the table of addresses and the compiled pages are those of all other tests."""
    app = copy(_made_once())
    app.config = copy(app.config)
    app.extensions = {**app.extensions, EXTENSION: Installation(store=store, config=config, clock=clock)}
    return app
