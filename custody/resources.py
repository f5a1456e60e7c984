"""Finds the data folders (templates, labels, seed_data) in a wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str) -> Path:
    """The folder `name`: the wheel's own copy when there is one, else the checkout's.

    An editable install may leave stale copies in site-packages; they are never read, because
    `PACKAGE` is then the checkout itself, which has no `_data`.
    """
    for candidate in (PACKAGE / "_data" / name, PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"custody was installed without its {name}/ folder; reinstall it from the wheel or run it from a checkout")
