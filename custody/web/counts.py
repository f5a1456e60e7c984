"""What a server counts: requests by endpoint and code with their length, verdicts by hold point and word, waits for
the lock of the store; no person, no thing.

The workers of a server count in memory that they share, each in a row of its own, so that whichever of them is asked knows the sum. The
row of a worker that ended goes to the next one, which counts on from there: a sum never falls while the server runs.
"""

from __future__ import annotations

import mmap
import threading
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator

from custody.domain.terms import HoldPoint, VerdictWord

ROWS = 128
ENDPOINTS_MAX = 384
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CODES = (200, 201, 204, 206, 301, 302, 303, 304, 308, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503)
NO_ENDPOINT = "none"
"""Of an address that leads nowhere. The address itself is anybody's text, and no label."""
_LABELS = (*map(str, CODES), "other")
_BUCKETS = len(BOUNDS_S) + 1
_PER_ENDPOINT = len(_LABELS) + _BUCKETS + 1
_VERDICTS = tuple((point, word) for point in HoldPoint for word in VerdictWord)
_VERDICTS_AT = 1 + ENDPOINTS_MAX * _PER_ENDPOINT
_WAITS_AT = _VERDICTS_AT + len(_VERDICTS)
# How long, the sum of it, and the longest.
_CELLS = _WAITS_AT + _BUCKETS + 2
_WORD = 8


class Counts:
    """Made before the workers fork; `rows`: how many processes may count at once."""

    def __init__(self, rows: int = 1) -> None:
        self._rows = rows
        # Written a whole aligned word at a time, so that a reader in another process never sees half a number.
        self._cells = memoryview(mmap.mmap(-1, rows * _CELLS * _WORD)).cast("Q")
        self._endpoints: dict[str, int] = {}
        self._adding = threading.Lock()
        self._start = 0
        self.take_row(0)

    def know(self, endpoints: Iterable[str]) -> None:
        """The endpoints of the application, the same in every worker. Raises RuntimeError when there are more than there is room for."""
        names = [NO_ENDPOINT, *sorted(set(endpoints))]
        if len(names) > ENDPOINTS_MAX:
            raise RuntimeError(f"{len(names)} endpoints, and room for the counts of {ENDPOINTS_MAX}")
        self._endpoints = {name: number for number, name in enumerate(names)}

    def free_row(self, taken: Collection[int]) -> int:
        """A row that no living worker counts in; the last one for all, should there be more workers than rows."""
        return next((row for row in range(self._rows) if row not in taken), self._rows - 1)

    def take_row(self, row: int) -> None:
        """This process counts here from now on."""
        self._start = row * _CELLS
        self._cells[self._start] = 1

    def request(self, endpoint: str | None, code: int, seconds: float) -> None:
        at = self._start + 1 + self._endpoints.get(endpoint or NO_ENDPOINT, 0) * _PER_ENDPOINT
        label = CODES.index(code) if code in CODES else len(CODES)
        bucket = len(_LABELS) + bisect_left(BOUNDS_S, seconds)
        with self._adding:
            self._cells[at + label] += 1
            self._cells[at + bucket] += 1
            self._cells[at + _PER_ENDPOINT - 1] += round(seconds * 1e6)

    def verdict(self, hold_point: HoldPoint, word: VerdictWord) -> None:
        with self._adding:
            self._cells[self._start + _VERDICTS_AT + _VERDICTS.index((hold_point, word))] += 1

    def lock_wait(self, seconds: float) -> None:
        """One writer waited so long for the lock of the store."""
        at, microseconds = self._start + _WAITS_AT, round(seconds * 1e6)
        with self._adding:
            self._cells[at + bisect_left(BOUNDS_S, seconds)] += 1
            self._cells[at + _BUCKETS] += microseconds
            self._cells[at + _BUCKETS + 1] = max(self._cells[at + _BUCKETS + 1], microseconds)

    def lines(self) -> Iterator[str]:
        """All of it in the text format of Prometheus, version 0.0.4."""
        used = [row * _CELLS for row in range(self._rows) if self._cells[row * _CELLS]]

        def total(cell: int) -> int:
            return sum(self._cells[start + cell] for start in used)

        seen = {
            name: [total(1 + number * _PER_ENDPOINT + cell) for cell in range(_PER_ENDPOINT)] for name, number in self._endpoints.items()
        }
        seen = {name: cells for name, cells in seen.items() if any(cells)}
        yield from heading("custody_requests_total", "counter", "Requests answered.")
        for name, cells in seen.items():
            for label, count in zip(_LABELS, cells, strict=False):
                if count:
                    yield f'custody_requests_total{{endpoint="{name}",code="{label}"}} {count}'
        yield from heading("custody_request_seconds", "histogram", "How long requests took.")
        for name, cells in seen.items():
            yield from _histogram("custody_request_seconds", f'endpoint="{name}"', cells[len(_LABELS) : -1], cells[-1])
        yield from heading("custody_verdicts_total", "counter", "Verdicts given and kept.")
        for number, (point, word) in enumerate(_VERDICTS):
            yield f'custody_verdicts_total{{hold_point="{point.value}",word="{word.value}"}} {total(_VERDICTS_AT + number)}'
        yield from heading("custody_write_lock_wait_seconds", "histogram", "How long writers waited for the lock of the store.")
        waits = [total(_WAITS_AT + cell) for cell in range(_BUCKETS + 1)]
        yield from _histogram("custody_write_lock_wait_seconds", "", waits[:-1], waits[-1])
        yield from heading("custody_write_lock_wait_seconds_max", "gauge", "The longest of these waits since the server began.")
        longest = max(self._cells[start + _WAITS_AT + _BUCKETS + 1] for start in used)
        yield f"custody_write_lock_wait_seconds_max {longest / 1e6:.6f}"


def heading(name: str, kind: str, says: str) -> tuple[str, str]:
    return f"# HELP {name} {says}", f"# TYPE {name} {kind}"


def _histogram(name: str, label: str, buckets: list[int], microseconds: int) -> Iterator[str]:
    so_far = 0
    for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), buckets, strict=True):
        so_far += count
        labels = f'{label},le="{bound}"' if label else f'le="{bound}"'
        yield f"{name}_bucket{{{labels}}} {so_far}"
    labels = f"{{{label}}}" if label else ""
    yield f"{name}_sum{labels} {microseconds / 1e6:.6f}"
    yield f"{name}_count{labels} {so_far}"
