"""The dose of the chain in another cohort, and committees that decide on it."""

from __future__ import annotations

from decimal import Decimal

from custody.domain.acts import study
from custody.domain.ids import CohortId, LotId
from custody.domain.terms import CommitteeDecision, HoldPoint
from custody.workflows.rehearsal.steps import STUDY

G7, G10 = HoldPoint.ALLOCATION, HoldPoint.PREPARE
P2 = CohortId("P2")
FIRST = CohortId("P1-1M")
SECOND = CohortId("P1-5M")
OTHER_LOT = LotId("LOT-OTHER")


def into_cohort(chain, cohort, **allocated):
    """Moves the dose into another cohort; 48 kg at 5 million cells per kg are just the two bags of the chain."""
    chain.change("weight_measured", weight_kg=Decimal(48))
    chain.change("cohort_opened", cohort=cohort)
    chain.change("dose_requested", cohort=cohort)
    chain.change("dose_allocated", cohort=cohort, **allocated)


def approve(chain, committee, cohort, *, before="dose_allocated", decision=CommitteeDecision.OPEN, minutes=60.0):
    decided = study.CommitteeDecided(study=STUDY, committee=committee, cohort=cohort, decision=decision, document="minutes")
    chain.add(decided, before=before, by="demo-sponsor-one", minutes=minutes)
