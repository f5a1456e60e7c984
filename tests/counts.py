"""How often something is tried: in full where everything is proven (`make prove`), less often in `make test`."""

from __future__ import annotations

import os

IN_FULL = os.environ.get("CUSTODY_TEST_PROFILE") == "prove"


def count_of(full: int, reduced: int) -> int:
    return full if IN_FULL else reduced
