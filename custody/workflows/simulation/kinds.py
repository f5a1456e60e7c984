"""What goes wrong in a simulated trial: the slips of people, and the faults of things."""

from __future__ import annotations

from enum import StrEnum


class Slip(StrEnum):
    """A mistake somebody makes; the server must not let it pass."""

    ONE_PERSON_TWICE = "one person signs twice"
    CODE_MISSPELLED = "code typed wrongly"
    READINGS_DIFFER = "second person reads otherwise"
    RELEASED_TOO_EARLY = "lot released before its results are concluded"
    CODE_NOT_KNOWN = "possession code heard wrongly"
    SEAL_MISREAD = "seal number read wrongly"
    WRONG_BAG_RECEIVED = "another bag scanned at receipt"
    BAG_OF_ANOTHER_DOSE = "bag of another dose taken for thawing"
    DISPENSED_UNTESTED = "bag released before it was looked at"
    COVER_FORGOTTEN = "blinded bag released without its cover"
    WRONG_WRISTBAND = "wristband of somebody else scanned"
    WRONG_IDENTIFIER = "second identifier of somebody else"
    WRONG_BAG_AT_BED = "another bag scanned at the bed"
    WRONG_RATE = "pump set to another rate"
    LINE_NOT_CHECKED = "line and filter not checked"
    STARTED_UNSEEN = "start signed by somebody who scanned nothing"
    VITALS_FORGOTTEN = "vital signs not taken before the start"
    DOSED_TWICE = "second dose asked for somebody who has had one"
    CLOSED_TOO_EARLY = "dose closed before its vital signs are done"
    FOLLOW_UP_MISSED = "vital signs of the follow-up missed"
    CLOCK_AHEAD = "device clock a day ahead"


class Delay(StrEnum):
    """Somebody or something comes late; what comes of it is for the rules to say."""

    BENCH_QUEUE = "queue at the packing bench"
    COURIER_LATE = "courier late"
    HANDOVER_STALE = "hand-over left open"
    PREPARATION_WAITED = "prepared bag waited for the bed"
    VERDICT_WAITED = "verdict waited for its signatures"


class Fault(StrEnum):
    """Something breaks; from then on the product, or the participant, is unfit until somebody with the right has decided."""

    QC_FAILED = "failed QC result"
    STERILITY_LATE = "growth after release, then recall"
    DONOR_WITHDRAWS = "donor withdraws consent"
    TRIP_WARM = "trip too warm, quality decides"
    TRIP_HOT = "trip far too warm"
    LOGGER_CLOCK = "logger clock a day wrong"
    SEAL_BROKEN = "seal broken on the way"
    WARD_WARM = "hospital freezer warm"
    THAW_LEAK = "bag leaks at the thaw"
    HOLD_AT_LAST = "hold between verdict and start"
    PARTICIPANT_LEAVES = "participant withdraws consent"


SLIP_RATES: dict[Slip, float] = {
    Slip.ONE_PERSON_TWICE: 0.02,
    Slip.CODE_MISSPELLED: 0.02,
    Slip.READINGS_DIFFER: 0.05,
    Slip.RELEASED_TOO_EARLY: 0.08,
    Slip.CODE_NOT_KNOWN: 0.06,
    Slip.SEAL_MISREAD: 0.06,
    Slip.WRONG_BAG_RECEIVED: 0.05,
    Slip.BAG_OF_ANOTHER_DOSE: 0.06,
    Slip.DISPENSED_UNTESTED: 0.06,
    Slip.COVER_FORGOTTEN: 0.08,
    Slip.WRONG_WRISTBAND: 0.06,
    Slip.WRONG_IDENTIFIER: 0.05,
    Slip.WRONG_BAG_AT_BED: 0.06,
    Slip.WRONG_RATE: 0.05,
    Slip.LINE_NOT_CHECKED: 0.04,
    Slip.STARTED_UNSEEN: 0.05,
    Slip.VITALS_FORGOTTEN: 0.05,
    Slip.DOSED_TWICE: 0.08,
    Slip.CLOSED_TOO_EARLY: 0.06,
    Slip.FOLLOW_UP_MISSED: 0.08,
    Slip.CLOCK_AHEAD: 0.06,
}
"""How often each is made where it can be: often enough that a few lots show most of them."""

DELAY_RATES: dict[Delay, float] = {
    Delay.BENCH_QUEUE: 0.15,
    Delay.COURIER_LATE: 0.10,
    Delay.HANDOVER_STALE: 0.06,
    Delay.PREPARATION_WAITED: 0.06,
    Delay.VERDICT_WAITED: 0.06,
}

FAULT_RATES: dict[Fault, float] = {
    Fault.QC_FAILED: 0.08,
    Fault.STERILITY_LATE: 0.10,
    Fault.DONOR_WITHDRAWS: 0.08,
    Fault.TRIP_WARM: 0.10,
    Fault.TRIP_HOT: 0.06,
    Fault.LOGGER_CLOCK: 0.06,
    Fault.SEAL_BROKEN: 0.06,
    Fault.WARD_WARM: 0.08,
    Fault.THAW_LEAK: 0.08,
    Fault.HOLD_AT_LAST: 0.10,
    Fault.PARTICIPANT_LEAVES: 0.08,
}
"""With `--faults` only."""
