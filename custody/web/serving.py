"""Runs the application: waitress for a demonstration, gunicorn for an installation."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import waitress
from gunicorn.app.base import BaseApplication

from custody.config import Config
from custody.web.app import create_app
from custody.workflows.door import Store, open_ready

HOST = "127.0.0.1"
THREADS = 8


def run_waitress(store: Store, config: Config, *, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve on this machine only, until interrupted. `on_ready` is told the address once the port is open."""
    server = waitress.create_server(create_app(store, config), host=HOST, port=port, threads=THREADS, ident="custody")
    signal.signal(signal.SIGTERM, _stop)
    on_ready(f"http://{HOST}:{server.effective_port}")
    sys.stdout.flush()
    try:
        server.run()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        server.close()
        store.close()


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn over one application, with its settings given here instead of in a file."""

    def __init__(self, config: Config, settings: dict[str, Any]) -> None:
        self._config = config
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # Each worker opens the store for itself: connections never cross a fork.
        return create_app(open_ready(self._config.database_url), self._config)


def run_gunicorn(config: Config, *, host: str, port: int, workers: int, threads: int) -> None:
    """Serve an installation behind a TLS proxy (design section 9)."""
    settings = {
        "bind": f"{host}:{port}",
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "keepalive": 30,
        "graceful_timeout": 20,
        "timeout": 60,
        "proc_name": "custody",
        "accesslog": None,
        "errorlog": "-",
    }
    _Server(config, settings).run()
