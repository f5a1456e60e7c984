"""Faults in the middle of custody's own code: a line that is reached for the so-manieth time raises what no line there would."""

from __future__ import annotations

import dis
import linecache
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import custody

HOME = str(Path(custody.__file__).parent)
Line = tuple[str, int]


@dataclass
class Seen:
    """Every line of custody that runs while it watches, and how often."""

    lines: Counter[Line] = field(default_factory=Counter)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        with _traced(self._call):
            yield

    def heal(self) -> None:
        """Nothing is wrong."""

    def _call(self, frame: FrameType, _event: str, _given: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(HOME) else None

    def _line(self, frame: FrameType, event: str, _given: Any) -> Any:
        if event == "line" and not _leaves_a_with(frame):
            self.lines[frame.f_code.co_filename, frame.f_lineno] += 1
        return self._line


@dataclass
class Raising:
    """Raises `error` where `line` is reached for the time number `at`; once."""

    line: Line
    at: int
    error: BaseException
    has_raised: bool = False

    @contextmanager
    def under_way(self) -> Iterator[None]:
        if self.has_raised:
            yield
            return
        with _traced(self._call):
            yield

    def heal(self) -> None:
        """It has raised once and for all."""
        assert self.has_raised, self

    def _call(self, frame: FrameType, _event: str, _given: Any) -> Any:
        return self._line if frame.f_code.co_filename == self.line[0] else None

    def _line(self, frame: FrameType, event: str, _given: Any) -> Any:
        if event == "line" and frame.f_lineno == self.line[1] and not _leaves_a_with(frame):
            self.at -= 1
            if not self.at:
                self.has_raised = True
                sys.settrace(None)
                raise self.error
        return self._line


def _leaves_a_with(frame: FrameType) -> bool:
    """Between the body of a `with` and what its `__exit__` does only a tracer can raise: Python itself is at work there."""
    if frame.f_code.co_name == "__exit__":
        return True
    begins_with_none = frame.f_code.co_code[frame.f_lasti] == dis.opmap["LOAD_CONST"]
    return begins_with_none and linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with ")


@contextmanager
def _traced(trace: Callable[[FrameType, str, Any], Any]) -> Iterator[None]:
    # Somebody else may be measuring which lines run.
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
