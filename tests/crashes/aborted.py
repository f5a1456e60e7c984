"""`custody db upgrade` in a process of its own, killed while it works."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from custody.cli import main


def upgrading(url: str, keys: Path) -> BaseProcess:
    """Begun in a copy of this process, so that it need not load custody first."""
    process = multiprocessing.get_context("fork").Process(target=_upgrade, args=(url, keys))
    process.start()
    return process


def ended(process: BaseProcess) -> int:
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


def killed_after(process: BaseProcess, seconds: float) -> bool:
    """Whether it still worked by then."""
    assert process.pid is not None
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return process.exitcode == -signal.SIGKILL


def _upgrade(url: str, keys: Path) -> None:
    os.environ |= {"CUSTODY_DATABASE_URL": url, "CUSTODY_KEY_DIR": str(keys)}
    main(["db", "upgrade"], standalone_mode=False)
