"""Reads a temperature logger's file at the command line."""

from __future__ import annotations

import os
from pathlib import Path

import click

from custody.cli.output import as_json, configured, print_json, print_table
from custody.domain.terms import StorageForm
from custody.errors import InputError
from custody.workflows.temperature import summary

BYTES_MAX = 32 * 1024 * 1024
"""As much as the web takes; no logger writes a tenth of it."""


@click.group()
def logger() -> None:
    """Read temperature loggers."""


@logger.command("read")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--range",
    "form",
    type=click.Choice([form.value for form in StorageForm]),
    default=StorageForm.COLD_2_8.value,
    show_default=True,
    help="The range that minutes out of range are counted against: 2 to 8 °C, or frozen.",
)
@as_json
def logger_read(file: Path, form: str, json_wanted: bool) -> None:
    """Read a logger's FILE and check its own signature.

    Keys registered in the store of CUSTODY_DATABASE_URL count; without a store none is registered. Exit status 1 when the file cannot be
    read or its signature is invalid.

    JSON: {serial, format, interval_minutes, count, start, end, min, max, mean, mkt, gaps, minutes_out_of_range, signature}. Times are UTC
    and temperatures °C; figures are JSON numbers; gaps are {start, end, minutes}; signature is “verified”, “key not registered”, “invalid”
    or “none”.
    """
    # A reading must not need an installation, but a store that is named and missing is a mistake.
    store = configured()[0] if os.environ.get("CUSTODY_DATABASE_URL") else None
    said = summary(_bytes_of(file), store, StorageForm(form))
    if json_wanted:
        print_json(said)
    else:
        rows = [(name.replace("_", " "), value) for name, value in said.items() if name != "gaps"]
        gaps = [("gap", f"{gap['start']} to {gap['end']}, {gap['minutes']} minutes") for gap in said["gaps"]]
        print_table(file.name, ("", ""), [*rows, *(gaps or [("gaps", "none")])])
    if said["signature"] == "invalid":
        raise InputError("the logger's own signature does not match this file: it was changed after the logger wrote it", code="signature")


def _bytes_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        raise InputError(f"{file} is larger than {BYTES_MAX // 1024**2} MiB; expected a temperature logger's own file", code="too_large")
    return data


COMMANDS = (logger,)
