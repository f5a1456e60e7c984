"""The command line: tables and progress for people, `--json` for programs; exit status 0 only when the thing is true."""

from __future__ import annotations

import errno
import logging
import sys
from io import TextIOWrapper

import click
import structlog

from custody import __version__
from custody.cli import accounts, checks, demonstration, installation, ledger, loggers, simulation, studies, things
from custody.cli.output import shown
from custody.errors import CustodyError
from custody.workflows.door import refusal_under


class Group(click.Group):
    """Every refusal of custody's own, and of the files it is given, becomes one sentence on standard error and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CustodyError as error:
            _refuse(str(error), error)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # the reader of a pipe has read enough; click ends quietly
            _refuse(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error), error)
        except Exception as error:
            # A database that was lost while it was read.
            refusal = refusal_under(error)
            if refusal is None:
                raise
            _refuse(str(refusal), error)
        return None


def _refuse(sentence: str, error: Exception) -> None:
    click.echo(f"custody: {shown(' '.join(sentence.split()))}", err=True)
    raise SystemExit(1) from error


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="custody")
def main() -> None:
    """Follow each lot of stem cells from consent to bedside, and stop the infusion whenever a rule or the chain fails.

    The store is named by CUSTODY_DATABASE_URL, for instance sqlite:////var/lib/custody/custody.db; its keys lie in CUSTODY_KEY_DIR.
    Exit status: 0 when it is done and true, 1 when it is refused or false (one sentence on standard error), 2 for a wrong command.

    Research use; not a medical device; validate before clinical use.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a sign shows its number; a sentence must never become a crash.
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


for module in (demonstration, simulation, installation, accounts, studies, things, checks, loggers, ledger):
    for command in module.COMMANDS:
        main.add_command(command)
