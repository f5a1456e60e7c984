"""`custody serve` with a clock that goes so many seconds ahead of this machine's: `python -m tests.races.serve SECONDS …`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from custody import clock


def main() -> None:
    ahead = timedelta(seconds=float(sys.argv.pop(1)))
    # Before anything takes the clock from its module.
    clock.now = lambda: datetime.now(UTC) + ahead
    from custody.cli import main as custody

    custody(["serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
