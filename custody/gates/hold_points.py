"""The table of hold points: which gates run where, in the order of the rules page (section 4). This is the only place that says so."""

from __future__ import annotations

from custody.domain.terms import HoldPoint

STANDING = ("BAG-REL", "BAG-COLD", "BAG-HOLD", "BAG-RECALL", "BAG-DONOR", "BAG-EXP", "BAG-GAP", "BAG-STATE")
CONSENT = ("CON-NONE", "CON-LATE", "CON-VER", "CON-WDN", "CON-TICK")
ELIGIBILITY = (*CONSENT, "ELG-MISS", "ELG-REACT", "ELG-WINDOW", "ELG-DILUTE", "ELG-REPEAT", "ELG-HIST", "ELG-SIGN")
RESULTS = ("QC-UNIT", "QC-MISS", "QC-FAIL", "QC-REVIEW", "QC-OOS")
ALLOCATION = ("ALO-COHORT", "ALO-PART", "ALO-WINDOW", "ALO-DUP", "ALO-WT", "ALO-MIX", "ALO-RAND")
RECEIPT = ("RCV-DEC", "RCV-SEAL", "RCV-INT", "RCV-LABEL", "RCV-DOC")

HOLD_POINTS: dict[HoldPoint, tuple[str, ...]] = {
    HoldPoint.COLLECTION: CONSENT,
    HoldPoint.ELIGIBILITY: ELIGIBILITY,
    HoldPoint.TISSUE_RECEIPT: ("CON-WDN", "TIS-TIME", "TIS-TEMP", "TIS-SEAL", "TIS-LABEL", "TIS-QTY", "TIS-DOC"),
    HoldPoint.MANUFACTURING: (
        "CON-WDN",
        "TIS-TIME",
        "MFG-PARENT",
        "MFG-MAT",
        "MFG-EQP",
        "MFG-TRAIN",
        "MFG-PASS",
        "MFG-CPD",
        "MFG-BAL",
    ),
    HoldPoint.RESULT_REVIEW: RESULTS,
    HoldPoint.RELEASE: (
        *ELIGIBILITY,
        *RESULTS,
        "REL-DONOR",
        "REL-ANC",
        "REL-TEST",
        "REL-BMR",
        "REL-TRAIL",
        "REL-DEV",
        "REL-LABEL",
        "REL-HOLD",
        "REL-ROLE",
        "REL-SELF",
    ),
    HoldPoint.ALLOCATION: (*STANDING, *ALLOCATION, "DOS-VOL"),
    HoldPoint.SHIP: (*STANDING, "SHP-BOX", "SHP-TIME", "SHP-LOG", "SHP-SEAL", "SHP-DOC", "SHP-SCAN"),
    HoldPoint.HANDOFF: ("HOF-GIVER", "HOF-RECEIVER", "HOF-SEAL", "HOF-CODE", "HOF-TIME"),
    HoldPoint.RECEIPT: (*STANDING, *RECEIPT),
    HoldPoint.PREPARE: (
        *STANDING,
        *RECEIPT,
        *ALLOCATION,
        "DOS-VOL",
        "BED-CONS",
        "BED-STUDY",
        "BED-DUP",
        "BED-RX",
        "BED-WT",
        "PRP-READY",
        "PRP-ORDER",
        "PRP-BAG",
        "PRP-INT",
        "PRP-TWO",
    ),
    HoldPoint.DOSE_RELEASE: (*STANDING, "DOS-TEST", "DOS-CELLS", "DOS-ENDO", "DOS-DMSO", "DOS-VOL", "DOS-COVER"),
    HoldPoint.BEDSIDE: (
        *STANDING,
        "RCV-DEC",
        "DOS-TEST",
        "DOS-CELLS",
        "BED-PID",
        "BED-ID2",
        "BED-BAG",
        "BED-CONS",
        "BED-STUDY",
        "BED-DUP",
        "BED-DOSE",
        "BED-RX",
        "BED-INT",
        "BED-LINE",
        "BED-RESUS",
        "BED-PREMED",
        "BED-TWO",
        "BED-WT",
        "BED-VIT",
        "BED-FIT",
    ),
    HoldPoint.NEXT_BAG: (
        *STANDING,
        "RCV-DEC",
        "DOS-TEST",
        "BED-PID",
        "BED-BAG",
        "BED-CONS",
        "BED-STUDY",
        "BED-INT",
        "BED-TWO",
    ),
    HoldPoint.CLOSE: ("CLS-VOL", "CLS-FATE", "CLS-VIT"),
    HoldPoint.EXCEPTION: ("EXC-ORDER", "EXC-NEVER", "EXC-SIGN", "EXC-BLIND"),
}

BAG_HOLDING = frozenset({"BED-INT", "PRP-INT", "RCV-SEAL", "RCV-INT", "RCV-LABEL", "BAG-COLD", "BAG-GAP"})
"""Codes whose STOP places a hold on that bag; no other code holds anything (rules section 4, what a STOP does)."""

PAIR_CODES = frozenset({"REL-SELF", "RCV-DEC", "BED-TWO", "PRP-TWO", "HOF-RECEIVER", "EXC-SIGN", "QC-REVIEW"})
"""Codes that themselves refuse a pair of signers who may not be one person; the general duty check leaves those pairs to them."""
