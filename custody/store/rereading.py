"""Reads the remembered streams of a serving process again in the background, so that a page seldom meets a reading that is too old.

What it has read counts for what is only shown (custody.store.watch), never for a verdict or for writing. It only ever says that what is
remembered stands as it was: it adds nothing, and where it falls behind, fails or is not there, pages read for themselves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping

from custody.store.connection import Store
from custody.store.loading import read_again, remembered_before
from custody.store.proven import Remembered
from custody.store.watch import SHOWN_WITHIN_S

AGAIN_AFTER_S = 0.4 * SHOWN_WITHIN_S
"""How old a reading is when it is due: early enough for all that is remembered to be read before the minute is over."""
WANTED_FOR_S = 30 * 60.0
"""A stream that nobody has asked for in this time is not read any more."""
SHARE_OF_A_CORE = 0.05
"""At most this much of one core is spent, whatever is due."""
ROWS_AT_ONCE, STREAMS_AT_ONCE = 200, 32
"""About two milliseconds of work, after which others have their turn; a stream that is longer is read in one piece."""
LOOKS_EVERY_S = 1.0
TRIES_AGAIN_AFTER_S = 60.0

log = logging.getLogger(__name__)


class Rereading:
    """One thread for one store in one process. Start it after the last fork."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stopping = threading.Event()
        self._has_failed = False
        self._thread = threading.Thread(target=self._run, name="custody-rereading", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """After this nothing is read any more, unless one slice hangs for longer than the timeout."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read_all_due()
                pause = LOOKS_EVERY_S
            except Exception:
                # Nothing counts as read by this, so pages read for themselves meanwhile.
                if not self._has_failed:
                    log.exception("reading again in the background failed; pages are slower until it succeeds")
                self._has_failed = True
                pause = TRIES_AGAIN_AFTER_S
            self._stopping.wait(pause)

    def _read_all_due(self) -> None:
        for some in _slices(due(self._store, time.monotonic())):
            spent = time.thread_time()
            read_slice(self._store, some)
            spent = time.thread_time() - spent
            if self._stopping.wait(spent * (1 / SHARE_OF_A_CORE - 1)):
                return


def due(store: Store, now: float) -> list[tuple[str, Remembered]]:
    """The streams of this process that are to be read again (`now`: monotonic seconds), oldest reading first."""
    return remembered_before(store.url, now - AGAIN_AFTER_S, now - WANTED_FOR_S)


def read_slice(store: Store, some: Mapping[str, Remembered]) -> None:
    """Read these streams in one transaction."""
    began = time.monotonic()
    with store.reading() as connection:
        read_again(connection, some, began)


def _slices(streams: list[tuple[str, Remembered]]) -> Iterator[dict[str, Remembered]]:
    some: dict[str, Remembered] = {}
    rows = 0
    for stream, remembered in streams:
        rows += remembered.proven.position
        if some and (rows > ROWS_AT_ONCE or len(some) == STREAMS_AT_ONCE):
            yield some
            some, rows = {}, remembered.proven.position
        some[stream] = remembered
    if some:
        yield some
