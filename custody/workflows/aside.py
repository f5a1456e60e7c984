"""Work of many seconds in a process of its own: whoever scans meanwhile does not wait for it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from custody.errors import NotKeptError

P = ParamSpec("P")
R = TypeVar("R")
NICENESS = 19
"""It works with what nobody else wants of the processor: beside 10 the slowest hundredth of scans took three times as long."""


def aside(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """`work`, a function of a module, done by another process that yields to this one; what it raises is raised here.

    Raises NotKeptError when that process was ended before it was done, as where memory is short.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), os.nice, (NICENESS,)) as pool:
        try:
            return pool.submit(work, *args, **kwargs).result()
        except BrokenProcessPool as error:
            raise NotKeptError("the process that read a long file was ended before it was done", code="file_not_read") from error
