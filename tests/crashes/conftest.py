"""Counts of crashes, and the figures they end in."""

from __future__ import annotations

import pytest

from tests.cli.conftest import cli, nowhere, seeded, seeding  # noqa: F401 - fixtures
from tests.crashes import vfs
from tests.web.conftest import at_the_bed, demonstration_folder  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def pages_on():
    """The pages lie over files here: it is their disk that fails."""


@pytest.fixture
def listening():
    """For tests that listen to SQLite's files: where that cannot be done they do not run."""
    why = vfs.lacking()
    if why is not None:
        pytest.skip(why)
