"""One donation: its mother's consent, her samples and their results, her history, and whether her eligibility stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from custody.domain.acts.base import Act
from custody.domain.acts.donation import (
    ConsentSigned,
    ConsentWithdrawn,
    CordCollected,
    DonorHistoryTaken,
    DonorRiskAssessed,
    DonorSampled,
    DonorTestResulted,
    EligibilityDetermined,
    EligibilityRefused,
)
from custody.domain.criteria import DonorCriteria, Jurisdiction, StudyContent
from custody.domain.dossier import Deed, Dossier
from custody.domain.folds.base import MissingFact, newest, newest_both_ways, newest_by
from custody.domain.folds.judged import changed_at
from custody.domain.folds.registers import span
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, Din, DonorId
from custody.domain.terms import SamplePurpose


@dataclass(frozen=True)
class DonationFold:
    """`proposed` is the collection about to be recorded, or the one that replaces it in a correction; it goes before the recorded one.

    `judged_by`: a study version other than the one in force now.
    """

    dossier: Dossier
    node: Din
    study: StudyFold
    proposed: CordCollected | None = None
    judged_by: StudyContent | None = None

    @cached_property
    def collected(self) -> Deed[CordCollected] | None:
        """The recorded collection; None before it, as at hold point G1."""
        return self.dossier.last(self.node, CordCollected)

    @cached_property
    def collection(self) -> CordCollected:
        """What is known of the delivery and the cord. Raises MissingFact when nothing is."""
        if self.proposed is not None:
            return self.proposed
        if self.collected is None:
            raise MissingFact("collection", node=self.node)
        return self.collected.act

    @property
    def collection_evidence(self) -> tuple[Digest, ...]:
        return (self.collected.digest,) if self.proposed is None and self.collected is not None else ()

    @property
    def donor(self) -> DonorId:
        return self.collection.donor

    @property
    def delivered_at(self) -> datetime:
        return self.collection.delivered_at

    @cached_property
    def consent(self) -> Deed[ConsentSigned]:
        """The last consent signed before this delivery; where none was, the last one at all (gate CON-LATE stops that).

        A mother who gives twice consents twice: a later consent neither mends nor breaks an earlier donation.
        Raises MissingFact when she never signed.
        """
        consents = self.dossier.deeds(self.donor, ConsentSigned)
        in_time = tuple(d for d in consents if d.act.signed_at < self.delivered_at)
        youngest = newest_by(in_time or consents, lambda d: d.act.signed_at)
        if youngest is None:
            raise MissingFact("consent", node=self.donor)
        return youngest

    @cached_property
    def consent_withdrawn(self) -> Deed[ConsentWithdrawn] | None:
        """The withdrawal of the consent this donation rests on: recorded after it, or dated after the sheet was signed.

        A sheet that is recorded once more takes no withdrawal back; one that was signed after the withdrawal does. Raises MissingFact
        without consent.
        """
        digests = [d.digest for d in self.dossier.deeds(self.donor, Act)]
        after = digests[digests.index(self.consent.digest) :]
        withdrawals = self.dossier.deeds(self.donor, ConsentWithdrawn)
        return next((d for d in withdrawals if d.digest in after or self.consent.act.signed_at <= d.act.withdrawn_at), None)

    @cached_property
    def eligibility(self) -> Deed[EligibilityDetermined] | None:
        """The positive determination that stands now: the latest, with no refusal after it. None while there is none."""
        found = newest_both_ways(self.dossier.deeds(self.node, EligibilityDetermined, EligibilityRefused))
        return found[0] if found and all(isinstance(d.act, EligibilityDetermined) for d in found) else None  # type: ignore[return-value]

    @cached_property
    def eligibility_refused(self) -> Deed[EligibilityRefused] | None:
        """The refusal that stands now, with no determination after it; None when there is none."""
        found = newest_both_ways(self.dossier.deeds(self.node, EligibilityDetermined, EligibilityRefused))
        return next((d for d in found if isinstance(d.act, EligibilityRefused)), None)  # type: ignore[return-value]

    @cached_property
    def history(self) -> Deed[DonorHistoryTaken]:
        """The latest history. Raises MissingFact when none was taken."""
        last = newest(self.dossier.deeds(self.node, DonorHistoryTaken), "donor_history", self.node)
        if last is None:
            raise MissingFact("donor_history", node=self.node)
        return last

    @property
    def criteria(self) -> StudyContent:
        """The study version that judges it: the one in force now, where no other was named."""
        return self.judged_by or self.study.criteria_now

    @cached_property
    def tests(self) -> DonorTests:
        return DonorTests(self)


@dataclass(frozen=True)
class TestedSample:
    """A result with the sample it was measured on."""

    sample: Deed[DonorSampled]
    result: Deed[DonorTestResulted]

    @property
    def evidence(self) -> tuple[Digest, ...]:
        return (self.sample.digest, self.result.digest)


@dataclass(frozen=True)
class DonorTests:
    """The mother's samples and results, judged by the donor criteria in force now (rules section 5)."""

    donation: DonationFold

    @property
    def criteria(self) -> DonorCriteria:
        return self.donation.criteria.donor

    @cached_property
    def samples(self) -> tuple[Deed[DonorSampled], ...]:
        """Every sample whose number is used once, and not dated after it was recorded: what contradicts itself proves nothing."""
        deeds = self.donation.dossier.deeds(self.donation.node, DonorSampled)
        numbers = [d.act.sample for d in deeds]
        return tuple(d for d in deeds if numbers.count(d.act.sample) == 1 and d.act.taken_at <= d.recorded_at)

    @cached_property
    def results(self) -> tuple[Deed[DonorTestResulted], ...]:
        """Every result reported, whichever sample it names: a reactive one always counts."""
        return self.donation.dossier.deeds(self.donation.node, DonorTestResulted)

    @cached_property
    def measured(self) -> tuple[TestedSample, ...]:
        """Results on a known sample, reported after it was taken and before they were recorded."""
        by_number = {d.act.sample: d for d in self.samples}
        return tuple(
            TestedSample(by_number[d.act.sample], d)
            for d in self.results
            if d.act.sample in by_number and by_number[d.act.sample].act.taken_at <= d.act.reported_at <= d.recorded_at
        )

    @cached_property
    def of_donation(self) -> tuple[TestedSample, ...]:
        """Those that speak for the donation itself; a repeat sample months later does not."""
        return tuple(m for m in self.measured if m.sample.act.purpose is not SamplePurpose.REPEAT)

    def of_test(self, test: str) -> tuple[TestedSample, ...]:
        return tuple(m for m in self.of_donation if m.result.act.test == test)

    @cached_property
    def window(self) -> tuple[datetime, datetime]:
        """First and last moment at which a sample counts, both included.

        `strict` is the overlap of both jurisdictions; a sample from the same labour counts as taken at donation.
        """
        criteria = self.criteria
        days_before = {
            Jurisdiction.US: criteria.sample_days_before_us,
            Jurisdiction.EU: criteria.sample_days_before_eu,
            Jurisdiction.STRICT: min(criteria.sample_days_before_us, criteria.sample_days_before_eu),
        }[self.donation.criteria.settings.jurisdiction]
        before = max(span(days=days_before), span(hours=criteria.labour_hours_before))
        return self.donation.delivered_at - before, self.donation.delivered_at + span(days=criteria.sample_days_after)

    def in_window(self, sample: DonorSampled) -> bool:
        first, last = self.window
        return first <= sample.taken_at <= last

    def is_diluted(self, sample: DonorSampled) -> bool:
        """More than half diluted: more was infused than she has plasma, or blood, of her own (21 CFR 1271.3(t), 1271.80(d))."""
        weight_kg = sample.mother_weight_kg
        into_plasma = sample.colloid_ml_48h + sample.crystalloid_ml_1h
        return (
            into_plasma > self.criteria.plasma_ml_per_kg * weight_kg
            or into_plasma + sample.blood_ml_48h > self.criteria.blood_ml_per_kg * weight_kg
        )

    def risk_assessed(self, test: str) -> Deed[DonorRiskAssessed] | None:
        """The latest risk assessment of a test, when it came after every result of that test and after every correction of one."""
        found = [d for d in self.donation.dossier.deeds(self.donation.node, DonorRiskAssessed) if d.act.test == test]
        if not found:
            return None
        results = [d for d in self.results if d.act.test == test]
        knew_all = all(d.entry.position < found[-1].entry.position and changed_at(d) <= found[-1].recorded_at for d in results)
        return found[-1] if knew_all else None

    @cached_property
    def repeat_from(self) -> datetime:
        """The first moment at which a repeat sample counts."""
        return self.donation.delivered_at + timedelta(days=self.donation.criteria.settings.repeat_days)

    def repeated(self, test: str) -> tuple[TestedSample, ...]:
        """Results of this test on a repeat sample taken late enough."""
        return tuple(
            m
            for m in self.measured
            if m.sample.act.purpose is SamplePurpose.REPEAT and m.sample.act.taken_at >= self.repeat_from and m.result.act.test == test
        )
