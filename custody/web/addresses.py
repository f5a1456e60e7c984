"""Addresses of pages: a list has hundreds, and the router takes its time over each."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import request, url_for


def address(endpoint: str, **values: str) -> str:
    """What `url_for` says of an endpoint named in full, worked out once for each place at which the application is mounted."""
    return _built(request.script_root, endpoint, tuple(values.items()))


@lru_cache(maxsize=16_384)
def _built(_mounted_at: str, endpoint: str, values: tuple[tuple[str, str], ...]) -> str:
    named: dict[str, Any] = dict(values)
    return url_for(endpoint, **named)
