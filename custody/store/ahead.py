"""Work done ahead of the lock: judged on a snapshot, kept under the lock only if nothing it rests on has changed meanwhile.

One scan needs milliseconds of judging and a fraction of one of writing. Under the lock every other writer would wait for both; ahead of
it they wait for the writing alone. Where anything the work read has changed, or it did what cannot be done ahead, it is done again under
the lock: what is kept is always what would have been kept had there been no snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from custody.domain.dossier import Entry
from custody.store.proven import Proven, proved_here

T = TypeVar("T")
AHEAD = "custody_ahead"


class MustWaitError(BaseException):
    """The work does something that can only be done under the lock. No handler of errors on the way may take it for one."""


@dataclass
class Ahead:
    """What one piece of work would write, and what it rests on.

    `streams` are all it read; `conditions` must hold under the lock, and where it `has_compared_clocks` the newest entry may hardly be
    younger. `rows` are its entries without their numbers in the log; `writes` come after them.
    """

    has_compared_clocks: bool = False
    streams: set[str] = field(default_factory=set)
    rows: list[dict[str, Any]] = field(default_factory=list)
    written: list[Entry] = field(default_factory=list)
    conditions: list[Callable[[Connection], bool]] = field(default_factory=list)
    writes: list[Callable[[Connection], None]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.writes)

    def newest(self, stream: str, act: str) -> Entry | None:
        """The newest of the entries not written yet that is one act in one stream."""
        return next((each for each in reversed(self.written) if each.stream == stream and each.act.rule.name == act), None)


def ahead_of(connection: Connection) -> Ahead | None:
    """What this transaction would write, where it is done ahead of the lock; None where it writes at once."""
    found: Ahead | None = connection.get_execution_options().get(AHEAD)
    return found


def refuse_ahead(connection: Connection) -> None:
    """For what cannot be told to be unchanged later. Raises MustWaitError ahead of the lock."""
    if ahead_of(connection) is not None:
        raise MustWaitError


@contextmanager
def undone_on_error(connection: Connection) -> Iterator[None]:
    """Whatever the block wrote is undone when it raises, and the error goes on; what the transaction did before stays.

    Ahead of the lock a fault is no answer: the work is done again under it.
    """
    if ahead_of(connection) is not None:
        try:
            yield
        except Exception as error:
            raise MustWaitError from error
        return
    proved: dict[str, Proven] = dict(proved_here(connection))
    cursor = connection.connection.cursor()
    cursor.execute("SAVEPOINT undone_on_error")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK TO undone_on_error")
        here = proved_here(connection)
        here.clear()
        here.update(proved)
        raise
    finally:
        cursor.execute("RELEASE undone_on_error")
        cursor.close()
