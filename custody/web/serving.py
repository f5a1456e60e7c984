"""Runs the application: waitress for a demonstration, gunicorn for an installation."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import waitress
from gunicorn.app.base import BaseApplication

from custody.config import Config
from custody.errors import InputError
from custody.web import logs
from custody.web.app import create_app
from custody.web.counts import ROWS, Counts
from custody.web.proxies import BehindProxies
from custody.web.surroundings import Surroundings
from custody.workflows.door import Rereading, Store, open_ready

THREADS = 8
BACKLOG = 512
"""Connections that may wait to be accepted: every device of a ward at once, with room."""
GRACE_S = 20
"""Seconds that requests under way are given to finish when the server is stopped."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`; port 0 takes any. Raises InputError, with the remedy, when that is not possible."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        door = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InputError(f"“{host}” is no address of this machine; give one with --host", code="host_unknown") from error
    try:
        # Right after a stop the port still counts as taken for a minute; nothing else listens on it.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
        door.listen(BACKLOG)
    except OSError as error:
        door.close()
        remedy = "stop what uses it or give another --port (0 takes any)"
        raise InputError(f"{host}:{port} cannot be listened on ({error.strerror}); {remedy}", code="port_taken") from error
    return door


def address_of(door: socket.socket) -> str:
    """Where a browser on this machine finds a listening socket."""
    host, port = door.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_waitress(store: Store, config: Config, door: socket.socket, *, on_ready: Callable[[str], None]) -> None:
    """Serve a demonstration on an open socket until interrupted. `on_ready` is told the address once requests are answered."""
    server = waitress.create_server(create_app(store, config), sockets=[door], threads=THREADS, ident="custody")
    rereading = Rereading(store)
    signal.signal(signal.SIGTERM, _stop)
    on_ready(address_of(door))
    sys.stdout.flush()
    try:
        rereading.start()
        server.run()
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        server.close()
        rereading.stop()
        store.close()


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """gunicorn over one application, with its settings given here instead of in a file."""

    def __init__(self, config: Config, settings: dict[str, Any], surroundings: Surroundings | None = None) -> None:
        self._config = config
        self._surroundings = surroundings or Surroundings()
        # Made before any worker is: they share it.
        self._counts = Counts(ROWS)
        hooks = {"pre_fork": self._give_row, "post_fork": self._take_row, "post_worker_init": self._begin, "worker_exit": self._leave}
        # A worker that takes the place of one that was killed answers at once: all it needs was loaded before the fork.
        self._settings = {**settings, **hooks, "preload_app": True}
        self._store: Store | None = None
        self._rereading: Rereading | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        self._store = store = open_ready(self._config.database_url)
        application = create_app(store, self._config, surroundings=self._surroundings, counts=self._counts)
        application.wsgi_app = BehindProxies(application.wsgi_app, self._surroundings.proxies)  # type: ignore[method-assign]
        # Each worker opens the store for itself: connections never cross a fork.
        store.close()
        collect_rarely()
        return application

    def _give_row(self, arbiter: Any, worker: Any) -> None:
        """Before the fork: a new worker counts where one that ended did."""
        worker.custody_row = self._counts.free_row({living.custody_row for living in arbiter.WORKERS.values()})

    def _take_row(self, _arbiter: object, worker: Any) -> None:
        self._counts.take_row(worker.custody_row)

    def _begin(self, _worker: object) -> None:
        """A worker is about to answer its first request."""
        if self._store is not None:
            self._rereading = Rereading(self._store)
            self._rereading.start()

    def _leave(self, _arbiter: object, _worker: object) -> None:
        """A worker has answered its last request."""
        if self._rereading is not None:
            self._rereading.stop()


def collect_rarely() -> None:
    """What stands now stands as long as the process, and is not looked through again; of what comes later little lies in circles.

    With Python's own setting a twelfth of a verdict's time went into looking for those. The second number is small, so
    that a look at what is new holds nobody up long; the third large, so that all is seldom looked at.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 2, 1_000)


def run_gunicorn(config: Config, *, host: str, port: int, workers: int, threads: int, on_ready: Callable[[str], None]) -> None:
    """Serve an installation behind a TLS proxy (design section 9). `on_ready` is told the address when it listens.

    On SIGTERM it takes no more connections, finishes the requests under way for up to `GRACE_S`, and ends the process.
    Raises InputError when the address cannot be listened on, or what stands around the server is not well named.
    """
    surroundings = Surroundings.from_environment()
    # Opened here and not by gunicorn, which would try for five seconds and then say it in ten lines.
    door = listening(host, port)
    address = address_of(door)

    def ready(_arbiter: object) -> None:
        on_ready(address)
        sys.stdout.flush()

    settings = {
        "bind": f"fd://{door.detach()}",
        "workers": workers,
        "threads": threads,
        "worker_class": "gthread",
        "keepalive": 30,
        "graceful_timeout": GRACE_S,
        "timeout": 60,
        "proc_name": "custody",
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "logger_class": logs.GunicornLog,
        # Proxies are believed by `BehindProxies`, whatever FORWARDED_ALLOW_IPS says; none may set the path or the name of the user.
        "forwarded_allow_ips": "",
        "forwarder_headers": "",
        # It would lie in the home of whoever starts the server, for all of that user's servers together.
        "control_socket_disable": True,
        "when_ready": ready,
    }
    logs.begin()
    _Server(config, settings, surroundings).run()
