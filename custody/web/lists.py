"""Lists of any length as files: sent while they are found, so that neither the server nor the reader waits for the end of one."""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from io import StringIO

from flask import Response

from custody.workflows.door import Connection

# A table programme takes bytes without this mark for another code than UTF-8.
BYTE_ORDER_MARK = "\ufeff"
SENT_AT_ONCE = 65_536
"""Characters, about; the head and the first rows go at once."""

Rows = Generator[Sequence[Sequence[object]], None, None]


def csv_file(
    name: str,
    head: Sequence[str],
    reading: Callable[[], AbstractContextManager[Connection]],
    rows_in: Callable[[Connection], Rows],
    last: Callable[[int], str],
) -> Response:
    """A file of comma-separated values (RFC 4180) called `name`; its last line counts the rows, and one that was cut off lacks it.

    `rows_in` is asked, and may refuse, before anything is sent.
    """
    parts = _parts(head, reading, rows_in, last)
    next(parts)
    answer = Response(parts, mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _parts(
    head: Sequence[str],
    reading: Callable[[], AbstractContextManager[Connection]],
    rows_in: Callable[[Connection], Rows],
    last: Callable[[int], str],
) -> Iterator[bytes]:
    """First nothing, when it is certain that there will be a list."""
    waiting = StringIO(newline="")
    write = csv.writer(waiting, lineterminator="\r\n")
    count, at_once = 0, 0
    # Who goes away in the middle ends the search while its connection is still there.
    with reading() as connection, closing(rows_in(connection)) as batches:
        yield b""
        waiting.write(BYTE_ORDER_MARK)
        write.writerow(head)
        for rows in batches:
            plain = _without_marks(rows)
            if plain is None:
                write.writerows(rows)
            else:
                waiting.write(plain)
            count += len(rows)
            if waiting.tell() > at_once:
                at_once = SENT_AT_ONCE
                yield _taken(waiting)
    write.writerow([last(count)])
    yield _taken(waiting)


def _without_marks(rows: Sequence[Sequence[object]]) -> str | None:
    """The lines of rows in which nothing needs quotation marks, as `csv` would write them, three times as fast; None for all others."""
    try:
        text = "\r\n".join([",".join(row) for row in rows])  # type: ignore[arg-type]
    except TypeError:
        return None  # no texts
    ends, commas = len(rows) - 1, sum(map(len, rows)) - len(rows)
    if '"' in text or min(map(len, rows), default=0) < 2 or (text.count(","), text.count("\r"), text.count("\n")) != (commas, ends, ends):
        return None
    return f"{text}\r\n"


def _taken(waiting: StringIO) -> bytes:
    text = waiting.getvalue()
    waiting.seek(0)
    waiting.truncate()
    return text.encode()
