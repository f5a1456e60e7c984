"""The only place that reads the clock."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Server time in UTC. Whoever runs the server owns its clock; custody only notices when it jumps back (SYS-CLOCK)."""
    return datetime.now(UTC)
