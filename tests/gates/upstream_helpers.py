"""What the tests of the upstream gates share: other criteria in force, other culture steps, one more result."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from typing import Any

from custody.domain.acts.donation import DonorSampled, DonorTestResulted
from custody.domain.ids import SampleId
from custody.domain.terms import DonorTestOutcome, SamplePurpose
from custody.workflows.rehearsal.steps import Step

COORDINATOR = "demo-coordinator-one"
QA = "demo-qa-one"


def put_in_force(chain: Any, part: str, **values: Any) -> None:
    """The study as approved says this instead, in `settings`, `donor` or `training`."""
    content = json.loads(chain.step("study_proposed").act.content)
    content[part] = {**content[part], **values}
    chain.change("study_proposed", content=json.dumps(content))


def change_culture(chain: Any, name: str, nth: int = 0, **fields: Any) -> None:
    culture = chain.step(name, nth).act.culture
    chain.change(name, nth, culture=dataclasses.replace(culture, **fields))


def change_balance(chain: Any, name: str, nth: int = 0, **fields: Any) -> None:
    act = chain.step(name, nth).act
    if hasattr(act, "balance"):
        chain.change(name, nth, balance=dataclasses.replace(act.balance, **fields))
    else:
        change_culture(chain, name, nth, balance=dataclasses.replace(act.culture.balance, **fields))


def result_is(chain: Any, test: str, outcome: DonorTestOutcome) -> None:
    chain.change("donor_test_resulted", where=lambda act: act.test == test, outcome=outcome)


def record_at(chain: Any, at: datetime, name: str, nth: int = 0) -> None:
    """The entry comes at this time."""
    i = chain.index(name, nth)
    chain.steps[i] = dataclasses.replace(chain.steps[i], at=at)


def determine_at(chain: Any, at: datetime) -> None:
    record_at(chain, at, "eligibility_determined")


def sample_taken_at(chain: Any, at: datetime) -> None:
    """The only sample was drawn, recorded and tested at this time, and eligibility is determined a day later at the earliest."""
    chain.change("donor_sampled", taken_at=at)
    recorded_at = max(at, chain.step("cord_collected").at + timedelta(minutes=1))
    record_at(chain, recorded_at, "donor_sampled")
    for n in range(sum(1 for s in chain.steps if s.name == "donor_test_resulted")):
        chain.change("donor_test_resulted", n, reported_at=recorded_at)
        record_at(chain, recorded_at + timedelta(minutes=1), "donor_test_resulted", n)
    determine_at(chain, max(recorded_at + timedelta(days=1), chain.step("eligibility_determined").at))


def add_sample(chain: Any, number: str, purpose: SamplePurpose, taken_at: datetime, **fields: Any) -> DonorSampled:
    """One more sample, recorded when it was taken; eligibility is determined a day later at the earliest."""
    sample = dataclasses.replace(chain.step("donor_sampled").act, sample=SampleId(number), purpose=purpose, taken_at=taken_at, **fields)
    recorded_at = max(taken_at, chain.step("cord_collected").at + timedelta(minutes=1))
    chain.steps.append(Step(name="donor_sampled", at=recorded_at, by=("demo-procurement-one",), act=sample))
    determine_at(chain, max(taken_at + timedelta(days=1), chain.step("eligibility_determined").at))
    return sample


def add_result(chain: Any, test: str, sample: DonorSampled, outcome: DonorTestOutcome = DonorTestOutcome.NON_REACTIVE) -> None:
    """One more result, reported and recorded half a day after the sample was taken."""
    reported_at = sample.taken_at + timedelta(hours=12)
    result = DonorTestResulted(
        donation=sample.donation,
        sample=sample.sample,
        test=test,
        outcome=outcome,
        method="validated assay",
        laboratory="Demo Virology Laboratory",
        reported_at=reported_at,
    )
    chain.steps.append(Step(name="donor_test_resulted", at=reported_at, by=(COORDINATOR,), act=result))
