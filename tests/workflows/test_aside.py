"""Work in a process of its own: its answer, its errors, and its end before it is done."""

from __future__ import annotations

import os
import signal

import pytest

from custody.errors import InputError, MalformedFileError, NotKeptError
from custody.workflows.aside import NICENESS, aside


def seen(text):
    return text, os.getpid(), os.nice(0)


def refused(text):
    raise MalformedFileError(text, code="malformed_file", field="file", line=3)


def ended():
    os.kill(os.getpid(), signal.SIGKILL)


def test_answer_comes_from_another_process_that_yields_to_this_one():
    text, process, niceness = aside(seen, "a")
    assert (text, niceness) == ("a", min(19, os.nice(0) + NICENESS))
    assert process != os.getpid()


def test_error_of_the_work_is_raised_here_with_all_it_says():
    with pytest.raises(InputError, match="line 3 is wrong") as raised:
        aside(refused, "line 3 is wrong")
    error = raised.value
    assert (type(error), error.code, error.field, error.values) == (MalformedFileError, "malformed_file", "file", {"line": 3})


def test_process_that_was_ended_kept_nothing():
    with pytest.raises(NotKeptError, match="ended before it was done") as raised:
        aside(ended)
    assert raised.value.code == "file_not_read"
