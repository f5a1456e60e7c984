"""What is made once for a whole run of the tests, by whichever worker needs it first, and only copied by all."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` has filled; a worker that comes meanwhile waits. Whoever takes it copies from it and writes nothing there."""
    every_worker = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    folder, whole = every_worker / f"once-{name}", every_worker / f"once-{name}.whole"
    with (every_worker / f"once-{name}.lock-file").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            # Somebody may have failed half way.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder
