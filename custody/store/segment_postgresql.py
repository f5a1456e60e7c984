"""Checks a segment of a log in PostgreSQL, in a process of its own that sees exactly what the process that asks for it sees."""

from __future__ import annotations

import ast
import gc
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from custody.store.segment import Segment, Task, said_by

if TYPE_CHECKING:
    import psycopg


def main() -> None:
    """The task comes in as a Python literal, for it holds what opens the database and no command line may; what is said goes out as one."""
    import psycopg  # noqa: PLC0415 - an installation on SQLite needs no driver of PostgreSQL

    from custody.store.answering import Hangs, connect  # noqa: PLC0415 - see above

    task = Task(**ast.literal_eval(sys.stdin.read()))
    gc.disable()
    with connect(Hangs(), task.database, autocommit=True) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute(psycopg.sql.SQL("SET TRANSACTION SNAPSHOT {}").format(task.snapshot))
        sys.stdout.write(said_by(Segment(connection.cursor(), task), task, partial(_finds_nothing, connection)))


def _finds_nothing(connection: psycopg.Connection[Any], statement: str, parameters: Any) -> bool:
    import psycopg  # noqa: PLC0415 - see above

    try:
        return connection.execute(statement.encode(), parameters).fetchone() is None
    except psycopg.Error:
        # The other process asks again, and says what is the matter.
        return False
