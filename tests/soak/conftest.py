"""A store of its own behind the browser without a screen; and the half minute of load, which only `make prove` has time for."""

from __future__ import annotations

import pytest

from tests.counts import IN_FULL
from tests.web.conftest import demonstration_folder, over_a_copy

__all__ = ["demonstration_folder", "web"]

collect_ignore = [] if IN_FULL else ["test_soak.py"]


@pytest.fixture
def web(demonstration_folder, tmp_path):
    yield from over_a_copy(demonstration_folder, tmp_path / "store")
