"""The road to a bed, played once for all tests and copied for each, as in the tests of the workflows."""

from tests.workflows.conftest import copies, database, desk_at, played, pytest_generate_tests

__all__ = ["copies", "database", "desk_at", "played", "pytest_generate_tests"]
