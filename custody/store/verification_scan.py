"""Has the whole log checked in segments: a short one here, the segments of a long one side by side, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, literal_column, select

from custody.domain.acts import ACTS
from custody.store.segment import NotProvedError, Segment, Task
from custody.store.statements import as_bytes
from custody.store.tables import entry, leaf, node

# 2^10 entries are read at a time.
BLOCK_LEVEL = 10
# Below so many entries a pass is over before a second process would have begun.
ENTRIES_FOR_PROCESSES = 16_384
PROCESSES_MAX = 8
# The process reads nothing of this one's surroundings, and needs no library: so it begins at once, and in any folder.
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from custody.store.segment import main; main()"
_ROOT = str(Path(__file__).resolve().parents[2])

_e = entry.c
# The pass reads the bytes of the text, which would be the same in a column of bytes.
_text = case((func.typeof(_e.envelope) == literal_column("'text'"), as_bytes(_e.envelope)))
_first: Any = bindparam("first")
_last: Any = bindparam("last")
# Their parameters are given by place, in the order in which they stand here.
_STATEMENTS = {
    "rows": select(
        *(leaf.c.hash, _e.stream, _e.position, _e.act, _e.evidence, _e.site, _e.study, _e.recorded_at),
        *(_e.previous, _e.digest, _e.salt, _text),
    )
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
    """A pass over the first `size` entries of the log. Made by `scanning`."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._cursor = connection.connection.cursor()
        self._tasks = _tasks(connection, size)
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
            _check_said(task, process)

    def close(self) -> None:
        self._cursor.close()
        self._end_processes()

    def _end_processes(self) -> None:
        while self._processes:
            process = self._processes.pop()
            process.kill()
            process.communicate()


@contextmanager
def scanning(connection: Connection, size: int) -> Iterator[Scan]:
    """A pass that goes on beside what the block does, and ends with it."""
    scan = Scan(connection, size)
    try:
        scan.begin()
        yield scan
    finally:
        scan.close()


def _tasks(connection: Connection, size: int) -> list[Task]:
    """Segments of about the same length. Other processes see the log as it is later, so where it ends is settled here."""
    path = connection.engine.url.database
    processes = min(os.cpu_count() or 1, PROCESSES_MAX) if path and sys.executable and size >= ENTRIES_FOR_PROCESSES else 1
    blocks = -(-size >> BLOCK_LEVEL)
    length = -(-blocks // processes) << BLOCK_LEVEL
    statements = {name: str(statement.compile(dialect=connection.dialect)) for name, statement in _STATEMENTS.items()}
    evidence = {name: int(rule.evidence) for name, rule in ACTS.items()}
    return [
        Task(
            database=f"{Path(path or '.').resolve().as_uri()}?mode=ro",
            first=first,
            end=min(first + length, size),
            level=BLOCK_LEVEL,
            statements=statements,
            evidence=evidence,
        )
        for first in range(0, size, length or 1)
    ]


def _begun(task: Task) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, _ROOT, json.dumps(asdict(task))]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 - our own program


def _check_said(task: Task, process: subprocess.Popen[bytes]) -> None:
    """Only a process that says that it reached the end of its segment has proved it."""
    out, complaint = process.communicate()
    try:
        said = json.loads(out)
    except ValueError:
        said = {}
    if process.returncode == 0 and "why" in said:
        raise NotProvedError(said["leaf"], said["why"], said["stream"], said["position"])
    if process.returncode != 0 or said != {"end": task.end}:
        last_words = complaint.decode(errors="replace").strip().rpartition("\n")[2][:200] or f"status {process.returncode}"
        why = f"entries {task.first + 1} to {task.end} of the log were not checked: the process that checks them ended ({last_words})"
        raise NotProvedError(task.first, why)
