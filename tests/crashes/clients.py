"""Eight clients that go on through every crash: each sends an act until it is acknowledged, under one key, as a browser's person would."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException

from custody.domain.acts.base import Act
from custody.workflows.rehearsal.bedside import NURSES, PHYSICIAN
from custody.workflows.rehearsal.road import QA
from tests.crashes.processor import Taken, below, taken
from tests.races.bed import IWRS
from tests.races.clients import Request
from tests.races.clients import _answered as answered_on
from tests.races.keyed import KINDS, Sent, answer_in, scan
from tests.races.place import Place
from tests.web.conftest import Page

CLIENTS = 8
GIVES_UP_AFTER_S = 120.0
PAUSE_S = 0.05
Kill = Callable[[Place], None]


@dataclass
class Acknowledged:
    """Every request with the answer it was given at last, and how often a request got none."""

    place: Place
    answers: list[tuple[Sent, str]] = field(default_factory=list)
    unanswered: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def send(self, kind: Callable[[Place, int], Sent], goes_on: Callable[[], bool] = lambda: True) -> None:
        """One new request, sent again until it is answered, or nobody waits any more."""
        one, ends = kind(self.place, next(self.numbers)), time.monotonic() + GIVES_UP_AFTER_S
        while goes_on():
            try:
                page = _asked(one.form(False))
            except (OSError, HTTPException):
                # Refused, reset or cut off: the process that should have answered was killed.
                self.unanswered += 1
                assert time.monotonic() < ends, "no server answers any more"
                time.sleep(PAUSE_S)
                continue
            self.answers.append((one, answer_in(page)))
            return

    def wait_for(self, more: int) -> None:
        """Until so many more were acknowledged."""
        wanted, ends = len(self.answers) + more, time.monotonic() + GIVES_UP_AFTER_S
        while len(self.answers) < wanted:
            assert time.monotonic() < ends, "nothing is acknowledged any more"
            time.sleep(PAUSE_S / 10)

    def check(self) -> None:
        """Each acknowledged act stands in the record, once."""
        streams = {one.stream for one, _ in self.answers}
        acts = {stream: self.place.acts_of(stream, Act) for stream in streams}
        found = Counter(sum(one.its(act) for act in acts[one.stream]) for one, _ in self.answers)
        assert found == {1: len(self.answers)}, found


@contextmanager
def at_work(place: Place) -> Iterator[Acknowledged]:
    """All clients send one act after the other, until the block ends; a client that fails fails the test."""
    sent, ends, faults = Acknowledged(place), threading.Event(), []
    for account in (PHYSICIAN, IWRS, QA, *NURSES):
        place.person(account)

    def work(number: int) -> None:
        try:
            for kind in itertools.cycle(KINDS[number % len(KINDS) :] + KINDS[: number % len(KINDS)]):
                if ends.is_set():
                    return
                sent.send(kind, goes_on=lambda: not ends.is_set())
        except BaseException as fault:  # noqa: BLE001 - told by the thread that waits for this one
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        ends.set()
        for thread in threads:
            thread.join()
        # Whoever waited for more in vain learns why there was none.
        if faults:
            raise faults[0]


def _asked(request: Request) -> Page:
    """Over a connection of its own, which is closed whatever becomes of the server."""
    with socket.create_connection(("127.0.0.1", request.port), timeout=GIVES_UP_AFTER_S) as door:
        door.sendall(request.text)
        return answered_on(door)[0]


def time_until_a_scan(sent: Acknowledged, kill: Kill) -> Taken:
    """From the crash to the answer of the first scan that is sent after it."""
    with taken(lambda: sent.place.process.pid) as found:
        kill(sent.place)
        sent.send(scan)
    return found


# ── crashes ──


def one_worker(place: Place) -> None:
    _end(below(place.process.pid)[:1])


def all_workers(place: Place) -> None:
    _end(below(place.process.pid))


def whole_server(place: Place) -> None:
    """The one above the workers too; what watches over servers starts it anew."""
    workers = below(place.process.pid)
    place.process.kill()
    _end(workers)
    place.process.wait()
    assert place.process.stdout is not None
    place.process.stdout.close()
    place.start()


def _end(processes: list[int]) -> None:
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            # It was ended with the one above it.
            continue
