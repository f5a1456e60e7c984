"""A bedside scan over HTTP through the real server: session, permission, the whole verdict and durable chained commits."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from custody.workflows.demonstration import SECRET
from custody.workflows.rehearsal.bedside import NURSES, scans
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import STUDY

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
WAIT_S = 20.0
LENGTH = re.compile(rb"(?i)content-length: (\d+)")
LOOKS = (
    "container_whole",
    "nothing_unusual_seen",
    "line_and_filter_right",
    "no_other_drug_on_line",
    "resuscitation_ready",
    "physician_present",
)


@dataclass(frozen=True)
class Measured:
    clients: int
    scans: int
    per_second: float
    p50_ms: float
    p99_ms: float


@contextmanager
def served(url: str, keys: Path, workers: int = 2, threads: int = 4) -> Iterator[int]:
    """`custody serve` over the store at `url` on a free port of this machine, ended by its own id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "CUSTODY_DATABASE_URL": url,
        "CUSTODY_KEY_DIR": str(keys),
        "CUSTODY_WEAK_SECRETS": "1",
        "CUSTODY_INSECURE_COOKIES": "1",
        "CUSTODY_SESSION_IDLE_MIN": "60",
    }
    command = [sys.executable, "-m", "custody.cli", "serve", "--port", str(port), "--workers", str(workers), "--threads", str(threads)]
    server = subprocess.Popen(  # noqa: S603 - our own server, with arguments of our own
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(port)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def _wait(port: int) -> None:
    began = time.monotonic()
    while time.monotonic() - began < WAIT_S:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/sign-in")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not answer")


class Nurse:
    """One signed-in person; each thread brings its own connection."""

    def __init__(self, port: int, account: str) -> None:
        self.port = port
        self.cookie = self._sign_in(account)
        self.token = ""

    def _sign_in(self, account: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        body = urlencode({"account": account, "secret": SECRET, "station": "bench"})
        connection.request("POST", "/sign-in", body, FORM)
        answer = connection.getresponse()
        answer.read()
        cookie = answer.getheader("Set-Cookie", "")
        assert answer.status in {302, 303}, answer.status
        # A long record has several studies; people work in the one of its last era.
        return f"{cookie.partition(';')[0]}; study={account}:{STUDY}"

    def csrf(self, dose: str) -> str:
        if not self.token:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", f"/bedside/{dose}/scan", headers={"Cookie": self.cookie})
            page = connection.getresponse().read().decode()
            found = re.search(r'name="csrf_token" value="([^"]+)"', page)
            assert found, page[:2000]
            self.token = found[1]
        return self.token

    def body(self, cast: Cast) -> str:
        """The form of the last step, as the page would send it; made before anything is timed."""
        made = scans(cast, cast.dose_bags[0])
        kept = {
            "wristband": made.wristband.value,
            "second_identifier": made.second_identifier.value,
            "second_identifier_method": made.second_identifier_method.value,
            "bag": made.bag.value,
            "bag_read_as": made.bag_read_as.value,
            **dict.fromkeys(LOOKS, "yes"),
        }
        return urlencode(
            {
                "csrf_token": self.csrf(cast.dose.value),
                "idempotency_key": secrets.token_urlsafe(12),
                "step": "pump",
                "scans.volume_ml": str(made.volume_ml),
                "scans.rate_ml_per_min": str(made.rate_ml_per_min),
                **{f"kept.{name}": value for name, value in kept.items()},
            }
        )

    def request(self, cast: Cast) -> bytes:
        """The whole request as it goes over the wire; made before anything is timed, for the server and not this client is measured."""
        body = self.body(cast).encode()
        headers = {**FORM, "Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie, "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST /bedside/{cast.dose.value}/scan HTTP/1.1\r\n{lines}\r\n".encode() + body


def measure(port: int, casts: tuple[Cast, ...], clients: int, rounds: int) -> Measured:
    """Rounds in which one nurse scans every dose (not timed), then the other does, `clients` at a time: each of those gives a verdict."""
    first, second = (Nurse(port, account) for account in NURSES)
    for nurse in (first, second):
        nurse.csrf(casts[0].dose.value)
    taken: list[float] = []
    timed = 0.0
    for _ in range(rounds):
        _all(first, casts, min(clients, 8))
        took, each = _all(second, casts, clients)
        timed += took
        taken += each
    ordered = sorted(taken)
    return Measured(
        clients=clients,
        scans=len(taken),
        per_second=len(taken) / timed,
        p50_ms=statistics.median(ordered) * 1000,
        p99_ms=ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000,
    )


def _all(nurse: Nurse, casts: tuple[Cast, ...], clients: int) -> tuple[float, list[float]]:
    """Seconds for all of them, and seconds for each: `clients` connections that stay open, each with one request under way.

    One thread serves them all: the server shares this machine's cores, and what the load itself costs is not what is measured.
    """
    waiting = [nurse.request(cast) for cast in reversed(casts)]
    taken: list[float] = []
    began = time.perf_counter()
    with selectors.DefaultSelector() as ready:
        for _ in range(min(clients, len(waiting))):
            _Client(nurse.port, ready).send(waiting.pop())
        while ready.get_map():
            for key, _ in ready.select(WAIT_S):
                client: _Client = key.data
                if client.read():
                    taken.append(time.perf_counter() - client.sent_at)
                    client.send(waiting.pop()) if waiting else client.close()
    took = time.perf_counter() - began
    assert len(taken) == len(casts), f"{len(casts) - len(taken)} scans failed"
    return took, taken


class _Client:
    """One connection that stays open."""

    def __init__(self, port: int, ready: selectors.BaseSelector) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ready = ready
        ready.register(self.connection, selectors.EVENT_READ, self)
        self.received = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.connection.sendall(request)

    def read(self) -> bool:
        """Whether the whole answer is there; anything but “see other”, which follows a scan that was kept, ends the benchmark."""
        part = self.connection.recv(65536)
        if not part:
            raise ConnectionError("the server ended the connection")
        self.received += part
        head, found, content = self.received.partition(b"\r\n\r\n")
        if not found or len(content) < int(LENGTH.search(head)[1]):
            return False
        assert head.startswith(b"HTTP/1.1 303"), (head[:300], re.sub(r"<[^>]+>|\s+", " ", content.decode())[:1500])
        return True

    def close(self) -> None:
        self.ready.unregister(self.connection)
        self.connection.close()
