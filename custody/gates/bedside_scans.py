"""What was scanned and answered at the bed for one act, by everyone who signs it."""

from __future__ import annotations

from custody.domain.acts.bedside import BedsideScans, InfusionStarted, NextBagScans, NextBagStarted
from custody.domain.folds.base import MissingFact
from custody.domain.ids import BagId
from custody.gates.case import Case

Scans = BedsideScans | NextBagScans


def scans_at_the_bed(case: Case) -> tuple[Scans, ...]:
    """Everything scanned for this act: what the first person signs, what the second repeats, and each signer's own latest bedside scans.

    Raises MissingFact when the act is no start of a bag.
    """
    found: list[Scans] = [act.scans for act in (case.proposed, case.second) if isinstance(act, InfusionStarted | NextBagStarted)]
    if not found:
        raise MissingFact("bedside_scans", node=case.subject)
    if isinstance(case.proposed, InfusionStarted):
        deeds = (case.dose.scans_by(signer.person) for signer in case.signers)
        found += [deed.act.scans for deed in deeds if deed is not None]
    return tuple(found)


def full_scans(case: Case) -> tuple[BedsideScans, ...]:
    """The same, of the full check at the start of the infusion."""
    found = tuple(scans for scans in scans_at_the_bed(case) if isinstance(scans, BedsideScans))
    if not found:
        raise MissingFact("bedside_scans", node=case.subject)
    return found


def started_bag(case: Case) -> BagId:
    """The bag whose infusion is to begin. Raises MissingFact when the act is no start of a bag."""
    if isinstance(case.proposed, InfusionStarted | NextBagStarted):
        return case.proposed.bag
    raise MissingFact("bedside_scans", node=case.subject)
