"""The sheets of the donor desk: a mother with her forms, and a donation with everything that blocks its eligibility in one list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from custody.domain.acts.donation import DonorRegistered, EligibilityDetermined
from custody.domain.folds.base import MissingFact
from custody.domain.folds.donation import DonationFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, Din, DonorId, node_of
from custody.domain.masking import Seen, Viewer
from custody.errors import NotFoundError
from custody.store import lookups
from custody.workflows import sight
from custody.workflows.desks.donor import rules_of
from custody.workflows.desks.donor_consent import Consent, consents, criteria_now
from custody.workflows.desks.donor_screening import Answered, Measured, Sample, Test, delivery, history, samples, tested
from custody.workflows.desks.lineage import Kin, lineage
from custody.workflows.desks.offers import Offer, Why, offers
from custody.workflows.desks.preview import Foreseen
from custody.workflows.desks.things import opened
from custody.workflows.people import Present


@dataclass(frozen=True, kw_only=True)
class DonorSheet:
    """One mother: her forms, her donations, and everything made from them."""

    node: DonorId
    consents: tuple[Consent, ...]
    registered_at: datetime | None
    donations: tuple[Din, ...]
    family: tuple[Kin, ...]
    next: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True, kw_only=True)
class DonationSheet:
    """One donation. `eligibility`: eligible, ineligible, withdrawn (an earlier determination taken back) or open."""

    node: Din
    donor: DonorId
    delivered_at: datetime
    collected_at: datetime
    eligibility: str
    decided_by: str
    decided_at: datetime | None
    refused_because: str
    rules: tuple[Foreseen, ...]
    consent: Consent | None
    samples: tuple[Sample, ...]
    window: tuple[datetime, datetime]
    repeat_from: datetime
    tests: tuple[Test, ...]
    history: tuple[Answered, ...]
    truth_confirmed: bool | None
    delivery: tuple[Measured, ...]
    family: tuple[Kin, ...]
    next: str
    offers: tuple[Offer, ...]

    @property
    def blocking(self) -> tuple[Foreseen, ...]:
        return tuple(rule for rule in self.rules if rule.outcome == "blocked")


def sheet_of_donor(connection: Connection, viewer: Viewer, present: Present, node: DonorId, acts: tuple[str, ...]) -> Seen[DonorSheet]:
    """Raises NotFoundError as `opened`."""
    dossier = opened(connection, viewer, node)
    study = None if viewer.study is None else StudyFold(dossier, viewer.study)
    forms = consents(dossier, node, criteria_now(study))
    registered = dossier.first(node, DonorRegistered)
    born = (node_of(name) for name in lookups.edges(connection, node.key)[1])
    donations = tuple(each for each in sight.listed_among(connection, viewer, born) if isinstance(each, Din))
    withdrawn = bool(forms) and forms[0].withdrawn_at is not None
    return Seen(
        DonorSheet(
            node=node,
            consents=forms,
            registered_at=registered.at if registered is not None else None,
            donations=donations,
            family=lineage(connection, viewer, node).value,
            next="consent_signed" if not forms or withdrawn else "" if donations else "cord_collected",
            offers=tuple(
                Offer(act=each.act, why_not=Why(key="desk.donor.why_withdrawn"))
                if each.act == "consent_withdrawn" and each.why_not is None and withdrawn
                else each
                for each in offers(dossier, present, viewer.study, node, acts)
            ),
        )
    )


def sheet_of_donation(
    connection: Connection, viewer: Viewer, present: Present, node: Din, acts: tuple[str, ...], now: datetime
) -> Seen[DonationSheet]:
    """Raises NotFoundError as `opened`, and where nothing can be judged because the study or the collection is missing."""
    dossier = opened(connection, viewer, node)
    if viewer.study is None:
        raise NotFoundError("no study is chosen", code="no_study")
    study = StudyFold(dossier, viewer.study)
    donation = DonationFold(dossier, node, study)
    try:
        collected, tests, criteria = donation.collection, donation.tests, study.criteria_now
    except MissingFact as error:
        raise NotFoundError(f"{node} was not collected, so there is nothing to judge", code="nothing_collected", what=node.key) from error
    rules = rules_of(dossier, viewer, donation, now)
    answers, confirmed = history(donation)
    word, by, at, why = _decision(donation)
    forms = consents(dossier, donation.donor, criteria)
    every = tested(tests)
    return Seen(
        DonationSheet(
            node=node,
            donor=donation.donor,
            delivered_at=donation.delivered_at,
            collected_at=collected.collected_at,
            eligibility=word,
            decided_by=by,
            decided_at=at,
            refused_because=why,
            rules=rules,
            consent=next((form for form in forms if form.digest == _consent_digest(donation)), None),
            samples=tuple(samples(tests)),
            window=tests.window,
            repeat_from=tests.repeat_from,
            tests=every,
            history=answers,
            truth_confirmed=confirmed,
            delivery=delivery(donation, criteria.donor),
            family=lineage(connection, viewer, node).value,
            next=_next(word, rules, every, has_sample=bool(tests.samples), has_history=confirmed is not None),
            offers=tuple(_own_reason(each, word, rules) for each in offers(dossier, present, viewer.study, node, acts)),
        )
    )


def _consent_digest(donation: DonationFold) -> Digest | None:
    try:
        return donation.consent.digest
    except MissingFact:
        return None  # gate CON-NONE says so in the list


def _decision(donation: DonationFold) -> tuple[str, str, datetime | None, str]:
    """The determination that stands: its word, who signed it, when, and why where it was refused."""
    refused, found = donation.eligibility_refused, donation.eligibility
    if refused is not None:
        before = donation.dossier.last(donation.node, EligibilityDetermined)
        word = "ineligible" if before is None else "withdrawn"
        return word, refused.signers[0].printed_name, refused.at, refused.act.reason
    if found is not None:
        return "eligible", found.signers[0].printed_name, found.at, ""
    return "open", "", None, ""


def _next(word: str, rules: tuple[Foreseen, ...], tests: tuple[Test, ...], *, has_sample: bool, has_history: bool) -> str:
    if word != "open":
        return ""
    if not has_sample:
        return "donor_sampled"
    if any(test.required and test.state in {"missing", "not_counting"} for test in tests):
        return "donor_test_resulted"
    if not has_history:
        return "donor_history_taken"
    if _needs_assessment(rules):
        return "donor_risk_assessed"
    return "eligibility_refused" if any(rule.outcome == "blocked" for rule in rules) else "eligibility_determined"


def _needs_assessment(rules: tuple[Foreseen, ...]) -> bool:
    """A reactive test that the rules hold for a risk assessment (rules section 5, verdict)."""
    return any(rule.outcome == "blocked" and rule.reason is not None and rule.reason.code == "needs_risk_assessment" for rule in rules)


def _own_reason(offer: Offer, word: str, rules: tuple[Foreseen, ...]) -> Offer:
    """A determination that the rules would stop is not offered, and says how many stop it; an assessment only where they ask for one."""
    if offer.act == "donor_risk_assessed" and offer.why_not is None and not _needs_assessment(rules):
        return Offer(act=offer.act, why_not=Why(key="desk.donor.why_no_risk"))
    if offer.act != "eligibility_determined" or offer.why_not is not None:
        return offer
    if word == "eligible":
        return Offer(act=offer.act, why_not=Why(key="desk.donor.why_determined"))
    blocking = [
        rule for rule in rules if rule.outcome == "blocked" and rule.reason is not None and rule.reason.code != "eligibility_refused"
    ]
    if not blocking:
        return offer
    return Offer(act=offer.act, why_not=Why(key="desk.donor.why_blocked", values={"count": len(blocking)}))
