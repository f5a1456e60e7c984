"""What must hold: importing this package fills the table `GATES`, one rule per function, one module per code prefix."""

from custody.gates import (
    allocation,
    bag,
    bedside,
    closing,
    consent,
    dose,
    eligibility,
    exception,
    handoff,
    manufacturing,
    preparation,
    receipt,
    release,
    results,
    shipping,
    tissue,
)
from custody.gates.case import Case
from custody.gates.hold_points import HOLD_POINTS
from custody.gates.registry import GATES, Gate, evaluate

__all__ = [
    "GATES",
    "HOLD_POINTS",
    "Case",
    "Gate",
    "allocation",
    "bag",
    "bedside",
    "closing",
    "consent",
    "dose",
    "eligibility",
    "evaluate",
    "exception",
    "handoff",
    "manufacturing",
    "preparation",
    "receipt",
    "release",
    "results",
    "shipping",
    "tissue",
]
