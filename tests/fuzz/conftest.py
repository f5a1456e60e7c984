"""A demonstration store whose good lot's bag is at the bed, and copies of it: fuzzing leaves none as it was."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from tests.once import made_once
from tests.web.at_the_desks import bring_to_the_bed, cast_of
from tests.web.conftest import Web, demonstration_folder, over_a_copy

__all__ = ["copy_of_the_bed", "demonstration_folder", "no_faults_logged"]


@pytest.fixture(scope="module")
def copy_of_the_bed(demonstration_folder, tmp_path_factory) -> Callable[[], Iterator[Web]]:
    """`with copy_of_the_bed() as web`: `web.cast` says which dose is at the bed."""

    def bring(folder):
        for web in over_a_copy(demonstration_folder, folder / "store"):
            bring_to_the_bed(web)
            (folder / "now").write_text(web.clock.now.isoformat(), encoding="utf-8")

    made = made_once(tmp_path_factory, "at-the-bed", bring)
    now = datetime.fromisoformat((made / "now").read_text(encoding="utf-8"))

    @contextmanager
    def copied():
        folder = tmp_path_factory.mktemp("fuzz")
        for web in over_a_copy(made / "store", folder / "store", now=now):
            web.cast = cast_of(web, "good")
            yield web
        shutil.rmtree(folder)

    return copied


@pytest.fixture
def no_faults_logged(caplog) -> Iterator[None]:
    """A rule that could not run, a dose that could not be judged: such a fault stops safely, and is a fault all the same."""
    yield
    faults = [record.getMessage() for record in caplog.get_records("call") if record.exc_info and record.levelno >= logging.ERROR]
    assert faults == []
