"""What the tests of the upstream gates share: other criteria in force, other culture steps, one more result."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from custody.domain.acts.donation import DonorSampled, DonorTestResulted
from custody.domain.ids import SampleId
from custody.domain.terms import DonorTestOutcome, SamplePurpose

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


def add_sample(chain: Any, number: str, purpose: SamplePurpose, taken_at: Any, **fields: Any) -> DonorSampled:
    first = chain.step("donor_sampled").act
    sample = dataclasses.replace(first, sample=SampleId(number), purpose=purpose, taken_at=taken_at, **fields)
    chain.add(sample, before="eligibility_determined", by="demo-procurement-one", minutes=30)
    return sample


def add_result(chain: Any, test: str, sample: DonorSampled, outcome: DonorTestOutcome = DonorTestOutcome.NON_REACTIVE) -> None:
    result = DonorTestResulted(
        donation=sample.donation,
        sample=sample.sample,
        test=test,
        outcome=outcome,
        method="validated assay",
        laboratory="Demo Virology Laboratory",
        reported_at=sample.taken_at,
    )
    chain.add(result, before="eligibility_determined", by=COORDINATOR, minutes=20)
