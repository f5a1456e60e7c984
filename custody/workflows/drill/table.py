"""The must-block scenarios and the codes each must give, as rules section 18 states them: what is seen never changes this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One scenario: one thing broken in a valid chain, and at which hold points which codes then appear."""

    number: int
    title: str
    expected: str


TABLE: tuple[Row, ...] = (
    Row(1, "consent signed after birth", "G1 CON-LATE"),
    Row(2, "consent withdrawn after lot release, bag unused", "G7 BAG-DONOR; G8 BAG-DONOR; G10 BAG-DONOR; G12 BAG-DONOR"),
    Row(3, "donor sample taken 8 days after birth", "G2 ELG-WINDOW"),
    Row(4, "anti-HBc reactive alone (strict)", "G2 ELG-REACT"),
    Row(5, "cord processed at 48 h 01 min", "G4 TIS-TIME"),
    Row(6, "medium lot expired one day before use", "G4 MFG-MAT"),
    Row(7, "passage 7", "G4 MFG-PASS"),
    Row(8, "CD34 2.1 %", "G5 QC-FAIL; G6 QC-FAIL REL-TEST"),
    Row(9, "viability 79.9 %", "G5 QC-FAIL; G6 QC-FAIL REL-TEST"),
    Row(10, "endotoxin 0.51 EU/ml", "G5 QC-FAIL; G6 QC-FAIL REL-TEST"),
    Row(11, "result in a unit that cannot be converted", "G5 QC-UNIT; G6 QC-UNIT REL-TEST"),
    Row(12, "mycoplasma result missing", "G5 QC-MISS; G6 QC-MISS REL-TEST"),
    Row(13, "release signed by the reviewer", "G6 REL-SELF"),
    Row(14, "bag from a held bank", "G8 BAG-HOLD; G12 BAG-HOLD"),
    Row(15, "logger calibration lapsed yesterday", "G8 SHP-LOG"),
    Row(16, "seal differs by one digit", "H HOF-SEAL; G9 RCV-SEAL"),
    Row(17, "cryo reading −119 °C", "G9 BAG-COLD"),
    Row(18, "23 h at 5 °C + 1 h at 25 °C (MKT passes, class must not)", "G9 BAG-COLD"),
    Row(19, "no custodian: transit gap; ward hand-over open 16 min", "G9 BAG-GAP; G12 BAG-GAP"),
    Row(20, "receipt accepted by one person", "G9 RCV-DEC"),
    Row(21, "wristband of the neighbour", "G12 BED-PID"),
    Row(22, "right participant, wrong bag", "G12 BED-BAG"),
    Row(23, "same person twice, through two accounts too", "G12 BED-TWO"),
    Row(24, "planned end one minute after expiry", "G10 BAG-EXP; G12 BAG-EXP"),
    Row(25, "lot held between dispensing and bedside", "G12 BAG-HOLD"),
    Row(26, "phase 2 dose before both committees approved (kit assigned)", "G7 ALO-COHORT"),
    Row(
        27,
        "second dose to the same participant; at G12 reserved before the first was started",
        "G7 ALO-DUP; G12 BED-DUP",
    ),
    Row(28, "blinded nurse opens the lot page", "NOT-FOUND, the attempt recorded"),
    Row(29, "signed record edited behind the application", "SYS-LEDGER, entry named"),
    Row(30, "any audit row changed in the database", "SYS-LEDGER, entry named"),
    Row(31, "exceptional release with positive Gram", "X EXC-NEVER; G7 BAG-REL"),
    Row(
        32,
        "retain sample of a released frozen lot grows on day 9",
        "G12 BAG-HOLD, held in the same transaction, every recipient of the lot and sister lots listed",
    ),
    Row(33, "server clock set back one hour", "SYS-CLOCK, CANNOT CHECK"),
    Row(34, "bedside without network", "CANNOT-CHECK; infusion_recorded_late keeps both times and is flagged"),
)
