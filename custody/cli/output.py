"""What commands share: the store from the environment, JSON for programs, tables and progress for people."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from decimal import Decimal
from typing import Any, TypeVar

import click
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from custody.config import Config
from custody.words import Words
from custody.workflows.door import Store, open_ready
from custody.workflows.installation import sqlite_seen

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON for programs instead of a table.")


def configured() -> tuple[Store, Config]:
    """The store of CUSTODY_DATABASE_URL, with tables of this version. Raises InputError with the remedy."""
    config = Config.from_environment()
    store = open_ready(config.database_url)
    click.get_current_context().call_on_close(store.close)
    return store, config


def sqlite_line() -> str:
    """The SQLite library in use, in one sentence, with a warning where it has a known fault."""
    seen = sqlite_seen()
    return Words("en", UTC).say("installation.sqlite" if seen.is_repaired else "installation.sqlite_old", version=seen.version)


# ── for programs ──


def print_json(value: object) -> None:
    """JSON alone on standard output, as UTF-8 signs where the output can hold them; decimals become numbers."""
    click.echo(_written(value))


def print_json_list(values: Iterable[object]) -> None:
    """The same of a list of any length, each value printed when it is there."""
    before = "[\n"
    for value in values:
        click.echo(before + textwrap.indent(_written(value), "  "), nl=False)
        before = ",\n"
    click.echo("[]" if before == "[\n" else "\n]")


def _written(value: object) -> str:
    can_hold_all = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, ensure_ascii=not can_hold_all, indent=2, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        # A float keeps every digit that a logger's figures have: far fewer than its fifteen.
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


# ── for people ──


def shown(value: object) -> str:
    """One line of text that cannot steer a terminal, whatever somebody once typed into the record."""
    return "".join(character if character.isprintable() else "·" for character in str(value))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table as wide as the terminal; into a pipe or file, one whole line a row without frame, colour or folding."""
    cells = [[shown(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_framed(title, columns, cells)
        return
    click.echo(title)
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    for line in (columns, *cells):
        click.echo("  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)).rstrip())


def _print_framed(title: str, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    table = Table(title=Text(title), title_justify="left", header_style="bold", show_edge=False, show_header=any(columns))
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in cells:
        # As Text: square brackets in a value are no markup.
        table.add_row(*map(Text, row))
    Console().print(table)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """A bar on standard error while something long runs, and only on a terminal; call what it gives with `completed` and `total`."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    if total is None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())  # type: ignore[assignment]
    quiet = not sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=quiet, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task(what, total=total)
        yield lambda **numbers: bar.update(task, **numbers)
