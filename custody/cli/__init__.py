"""The command line: tables and progress for people, `--json` for programs; exit status 0 only when the thing is true."""

from __future__ import annotations

import logging
import sys

import click
import structlog

from custody import __version__
from custody.cli import demonstration, installation, reading, studies
from custody.errors import CustodyError


class Group(click.Group):
    """Every error of custody's own becomes one sentence on standard error and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CustodyError as error:
            click.echo(f"custody: {error}", err=True)
            raise SystemExit(1) from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="custody")
def main() -> None:
    """Follow each lot of stem cells from consent to bedside, and stop the infusion whenever a rule or the chain fails.

    The store is named by CUSTODY_DATABASE_URL, for instance sqlite:////var/lib/custody/custody.db.
    Research use; not a medical device; validate before clinical use.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


for module in (demonstration, installation, studies, reading):
    for command in module.COMMANDS:
        main.add_command(command)
