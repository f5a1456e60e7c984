"""What commands share: the store from the environment, JSON or a table, a prompt for a secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from custody.config import Config
from custody.workflows.door import Store, open_ready

Command = TypeVar("Command", bound=Callable[..., Any])
console = Console()

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON for programs instead of a table.")


def configured() -> tuple[Store, Config]:
    """The store of CUSTODY_DATABASE_URL, with tables of this version. Raises InputError with the remedy."""
    config = Config.from_environment()
    return open_ready(config.database_url), config


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left", header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)
