"""Has the whole log checked in segments: a short one here, the segments of a long one side by side, each in a process of its own."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Select, bindparam, func, select

from custody.domain.acts import ACTS
from custody.store.segment import NotProvedError, Segment, Task
from custody.store.tables import entry, leaf, node
from custody.store.watch import WRITES

# 2^10 entries are read at a time.
BLOCK_LEVEL = 10
# Below so many entries a pass is over before a second process would have begun.
ENTRIES_FOR_PROCESSES = 8_192
# There each process begins with the driver and a connection.
ENTRIES_FOR_PROCESSES_POSTGRESQL = 50_000
PROCESSES_MAX = 8
_ROOT = str(Path(__file__).resolve().parents[2])

_e = entry.c
_columns = (
    leaf.c.hash,
    _e.stream,
    _e.position,
    _e.act,
    _e.evidence,
    _e.site,
    _e.study,
    _e.recorded_at,
    _e.previous,
    _e.digest,
    _e.salt,
    _e.envelope,
)
_first: Any = bindparam("first")
_last: Any = bindparam("last")


# Their parameters are given by place, in the order in which they stand here.
_STATEMENTS = {
    "rows": select(*_columns)
    .select_from(leaf.outerjoin(entry, _e.id == leaf.c.entry_id))
    .where(leaf.c.number.between(_first, _last))
    .order_by(leaf.c.number),
    "before": select(_e.digest, leaf.c.number)
    .join(leaf, leaf.c.entry_id == _e.id)
    .where(_e.stream == bindparam("in_stream"), _e.position == bindparam("at_position")),
    "nodes": select(node.c.number, node.c.hash)
    .where(node.c.level == bindparam("at_level"), node.c.number.between(_first, _last))
    .order_by(node.c.number),
    "place": select(leaf.c.number, leaf.c.entry_id).where(
        leaf.c.number == select(func.min(leaf.c.number)).where(leaf.c.number >= _first).scalar_subquery()
    ),
}


class Scan:
    """A pass over the first `size` entries of the log. Made by `scanning`.

    `found_nothing` names, after `check`, those of `besides` that another process asked in vain; the others are still to be asked.
    """

    def __init__(self, connection: Connection, size: int, besides: Mapping[str, Select[Any]]) -> None:
        self._cursor = connection.connection.cursor()
        self._tasks = _tasks(connection, size, besides)
        self.found_nothing: frozenset[str] = frozenset()
        self._processes: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        """Where there are several segments, their processes begin; otherwise nothing happens before `check`."""
        if len(self._tasks) == 1:
            return
        try:
            for task in self._tasks:
                self._processes.append(_begun(task))
        except OSError:
            # Too little memory, or no right to begin one: then everything is checked here.
            self._end_processes()

    def check(self) -> None:
        """Wait for the end. Raises NotProvedError at the first place in the log that does not hold."""
        if not self._processes:
            for task in self._tasks:
                Segment(self._cursor, task).check()
        for task, process in zip(self._tasks, self._processes, strict=bool(self._processes)):
            self.found_nothing |= _said(task, process)

    def close(self) -> None:
        self._cursor.close()
        self._end_processes()

    def _end_processes(self) -> None:
        while self._processes:
            process = self._processes.pop()
            process.kill()
            process.communicate()


@contextmanager
def scanning(connection: Connection, size: int, besides: Mapping[str, Select[Any]]) -> Iterator[Scan]:
    """A pass that goes on beside what the block does, and ends with it."""
    scan = Scan(connection, size, besides)
    try:
        scan.begin()
        yield scan
    finally:
        scan.close()


def _tasks(connection: Connection, size: int, besides: Mapping[str, Select[Any]]) -> list[Task]:
    """Segments of about the same length, each with its share of `besides` when there are several.

    Other processes see the log as it is later, so where it ends is settled here.
    """
    least = ENTRIES_FOR_PROCESSES if connection.dialect.name == "sqlite" else ENTRIES_FOR_PROCESSES_POSTGRESQL
    is_long = size >= least and bool(sys.executable)
    database, snapshot = _way_to(connection) if is_long else ("", "")
    processes = min(os.cpu_count() or 1, PROCESSES_MAX) if database else 1
    blocks = -(-size >> BLOCK_LEVEL)
    length = -(-blocks // processes) << BLOCK_LEVEL
    firsts = range(0, size, length or 1)
    statements = {name: _with_parameters(statement, connection.dialect)[0] for name, statement in _STATEMENTS.items()}
    evidence = {name: int(rule.evidence) for name, rule in ACTS.items()}
    asked = [(name, _with_parameters(statement, connection.dialect)) for name, statement in besides.items()] if len(firsts) > 1 else []
    return [
        Task(
            database=database,
            first=first,
            end=min(first + length, size),
            level=BLOCK_LEVEL,
            statements=statements,
            evidence=evidence,
            besides=dict(asked[number :: len(firsts)]),
            snapshot=snapshot,
        )
        for number, first in enumerate(firsts)
    ]


def _way_to(connection: Connection) -> tuple[str, str]:
    """What lets other processes see what this one sees: how to open the database, and the name of a snapshot; nothing where they cannot."""
    if connection.dialect.name == "sqlite":
        path = connection.engine.url.database
        return (f"{Path(path).resolve().as_uri()}?mode=ro", "") if path else ("", "")
    if connection.get_execution_options().get(WRITES, True):
        # Nobody else sees what is not committed yet.
        return "", ""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - an installation on SQLite needs no driver of PostgreSQL

    driver: Any = connection.connection.driver_connection
    way = make_conninfo(**driver.info.get_parameters(), password=driver.info.password)
    return way, connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()


@lru_cache(maxsize=32)
def _with_parameters(statement: Select[Any], dialect: Dialect) -> tuple[str, tuple[Any, ...]]:
    make: Any = type(dialect)
    by_place = dialect if dialect.positional else make(paramstyle="format")
    compiled = statement.compile(dialect=by_place)
    return str(compiled), tuple(compiled.params[name] for name in compiled.positiontup or ())


def _program(task: Task) -> str:
    # Reads nothing of this process's surroundings, and needs no library: so it begins at once, and in any folder.
    return f"import sys; sys.path.append({_ROOT!r}); from custody.store.segment import Task, main; main(Task(**{vars(task)!r}))"


def _begun(task: Task) -> subprocess.Popen[bytes]:
    if not task.snapshot:
        command = [sys.executable, "-I", "-S", "-c", _program(task)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 - our own program
    # The driver lies where this process found it.
    program = f"import sys; sys.path[:] = {[_ROOT, *sys.path]!r}; from custody.store.segment_postgresql import main; main()"
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", "-S", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        # One that ended already is asked why when its word is waited for.
        process.stdin.write(repr(vars(task)).encode())
        process.stdin.close()
    process.stdin = None
    return process


def _said(task: Task, process: subprocess.Popen[bytes]) -> frozenset[str]:
    """Which of the statements besides found nothing. Only a process that says that it reached the end of its segment has proved it."""
    out, complaint = process.communicate()
    try:
        said = ast.literal_eval(out.decode())
    except (ValueError, SyntaxError):
        said = None
    if process.returncode == 0 and isinstance(said, dict):
        if "why" in said:
            raise NotProvedError(said["leaf"], said["why"], said["stream"], said["position"])
        if said.get("end") == task.end:
            return frozenset(said["found_nothing"])
    last_words = complaint.decode(errors="replace").strip().rpartition("\n")[2][:200] or f"status {process.returncode}"
    why = f"entries {task.first + 1} to {task.end} of the log were not checked: the process that checks them ended ({last_words})"
    raise NotProvedError(task.first, why)
