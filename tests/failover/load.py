"""Nurses who scan at their beds without a pause, each sending the same request again until it is acknowledged."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Self

from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.road import Cast
from tests.races.bed import scan_values
from tests.races.clients import at_once
from tests.races.place import Place
from tests.web.conftest import Page

CLIENTS = 8
PAUSE_S = 0.05
AGAIN_AFTER_S = 0.05
REFUSED = 503
SIGNS_IN_WITHIN_S = 20


@dataclass(frozen=True)
class Answer:
    """To one request under a key; times in seconds of one clock that never goes back."""

    key: str
    sent_at: float
    answered_at: float
    page: Page

    @property
    def is_acknowledged(self) -> bool:
        return self.page.code == 303


def scan(place: Place, cast: Cast, nurse: str, key: str) -> Answer:
    """The last step of one person's check at the bed."""
    request = place.person(nurse).form(f"/bedside/{cast.dose}/scan", scan_values(cast, key=key))
    began = time.monotonic()
    [page] = at_once([request])
    return Answer(key, began, time.monotonic(), page)


@dataclass
class Load:
    """`answers` are all that came; a key that is not acknowledged is sent again."""

    place: Place
    casts: tuple[Cast, ...]
    answers: list[Answer] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        for nurse in NURSES:
            self._sign_in(nurse)
        self._threads = [threading.Thread(target=self._scan, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def _sign_in(self, nurse: str) -> None:
        """A serving process whose connections ended with the server of another test says so once."""
        ends_at = time.monotonic() + SIGNS_IN_WITHIN_S
        while True:
            try:
                self.place.person(nurse)
            except AssertionError:
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.2)
            else:
                return

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    def _scan(self, number: int) -> None:
        cast, round_ = self.casts[number % len(self.casts)], 0
        try:
            while not self._ends.is_set():
                round_ += 1
                self._until_acknowledged(cast, NURSES[round_ % 2], f"{number}-{round_}")
                time.sleep(PAUSE_S)
        except BaseException as fault:  # noqa: BLE001 - told by whoever waits for this thread
            self.faults.append(fault)

    def _until_acknowledged(self, cast: Cast, nurse: str, key: str) -> None:
        while not self._ends.is_set():
            try:
                answer = scan(self.place, cast, nurse, key)
            except (OSError, HTTPException) as fault:
                raise AssertionError(f"the serving processes must answer whatever the database does: {fault!r}") from fault
            self.answers.append(answer)
            if answer.is_acknowledged:
                return
            assert answer.page.code == REFUSED, (answer.page.code, answer.page.text)
            time.sleep(AGAIN_AFTER_S)

    def acknowledged(self) -> dict[str, Answer]:
        """Those that were so far, by their keys."""
        return {answer.key: answer for answer in tuple(self.answers) if answer.is_acknowledged}

    def until_answered(self, many: int, *, sent_after: float, within_s: float) -> list[Answer]:
        """Wait for so many answers to requests that were sent later than `sent_after`; all there are by then."""
        ends = time.monotonic() + within_s
        while True:
            assert not self.faults, self.faults
            found = [answer for answer in tuple(self.answers) if answer.sent_at > sent_after]
            if len(found) >= many:
                return found
            assert time.monotonic() < ends, f"{len(found)} answers, and {many} were waited for"
            time.sleep(0.005)

    def until(self, within_s: float, *, more: int = 0, sent_after: float = 0.0) -> Answer:
        """Wait until `more` requests that were sent later than `sent_after` are acknowledged; the answer to the first of them."""
        ends = time.monotonic() + within_s
        while True:
            assert not self.faults, self.faults
            found = [answer for answer in tuple(self.answers) if answer.is_acknowledged and answer.sent_at > sent_after]
            if len(found) >= max(more, 1):
                return min(found, key=lambda answer: answer.answered_at)
            assert time.monotonic() < ends, [answer.page.text for answer in self.answers[-8:]]
            time.sleep(0.005)
