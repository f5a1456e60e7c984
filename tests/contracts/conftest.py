"""The demonstration store of the page tests, for contracts that need things and people."""

from __future__ import annotations

from tests.web.conftest import demonstration_folder, pages_on

__all__ = ["demonstration_folder", "pages_on"]
