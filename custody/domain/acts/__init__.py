"""All acts: importing this package fills the table `ACTS`."""

from custody.domain.acts import (
    allocation,
    bedside,
    donation,
    equipment,
    manufacturing,
    people,
    quality,
    record,
    release,
    safety,
    shipping,
    study,
)
from custody.domain.acts.base import ACTS, Act, ActRule, Slot

__all__ = [
    "ACTS",
    "Act",
    "ActRule",
    "Slot",
    "allocation",
    "bedside",
    "donation",
    "equipment",
    "manufacturing",
    "people",
    "quality",
    "record",
    "release",
    "safety",
    "shipping",
    "study",
]
