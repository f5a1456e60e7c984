"""The golden files: one body per act and version, written once and read for ever.

`python -m tests.contracts.golden` writes those that are missing. It never rewrites one: what an act meant when a ledger
was written is not ours to change. An act that must change its meaning gets a new version, an upcaster and a new file.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from custody.domain.acts import ACTS
from custody.domain.acts.codec import body_of
from custody.ledger.canonical import canonical
from tests.contracts.samples import sample_of

FOLDER = Path(__file__).parent / "golden" / "acts"
DIGESTS = FOLDER.parent / "acts.sha256.json"
HOLD_POINTS = FOLDER.parent / "hold_points.json"


def golden_name(act: str, version: int) -> str:
    return f"{act}.{version}.json"


def golden_bytes(act: str) -> bytes:
    """The canonical body of the act's sample, as the ledger would hold it."""
    return canonical(body_of(sample_of(act)))


def read_digests() -> dict[str, str]:
    kept: dict[str, str] = json.loads(DIGESTS.read_text(encoding="utf-8")) if DIGESTS.exists() else {}
    return kept


def write_missing() -> list[str]:
    """Write the files that are not there and note their digests. Returns their names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    digests = read_digests()
    written = []
    for rule in ACTS.values():
        name = golden_name(rule.name, rule.version)
        if name in digests:
            continue
        content = golden_bytes(rule.name)
        (FOLDER / name).write_bytes(content)
        digests[name] = hashlib.sha256(content).hexdigest()
        written.append(name)
    _write(DIGESTS, digests)
    return written


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for name in write_missing():
        print(name)
