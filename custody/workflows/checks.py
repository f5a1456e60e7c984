"""What an act must fit besides duty, order and gates: it names things that stand, says what its dose says, and gives its reasons."""

from __future__ import annotations

from datetime import date, timedelta
from functools import singledispatch

from sqlalchemy import Connection

from custody.domain.acts.allocation import DoseAllocated, DoseDeallocated, DoseRequested, SpareAllocated
from custody.domain.acts.base import Act, field_types
from custody.domain.acts.bedside import BagPreparing, DoseClosed, InfusionEnded, InfusionRecordedLate, InfusionStarted
from custody.domain.acts.manufacturing import BagsFilled, LotStarted
from custody.domain.acts.people import (
    AccountCreated,
    BadgeRevoked,
    DelegationRecorded,
    RoleGranted,
    SignaturePolicyAccepted,
    SiteRegistered,
    TrainingRecorded,
)
from custody.domain.acts.quality import DeviationClosed, DeviationOpened, HoldLifted, HoldPlaced, HoldPlacedByCustody, ResultRecorded
from custody.domain.acts.study import DocumentApproved, DocumentWithdrawn, StudyApproved, StudyProposed
from custody.domain.criteria import content_digest, content_from, problems_of
from custody.domain.dossier import Dossier, Signed
from custody.domain.duties import AccountFold, Grant
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, CohortId, DoseId, ParticipantId, PersonId, SiteId, StudyId, node_of
from custody.domain.lineage import open_holds
from custody.domain.terms import READ_ONLY_ROLES, Role
from custody.errors import InputError, NotFoundError, NotPermittedError, OutOfOrderError
from custody.store import lookups
from custody.workflows.document_checks import approved_fits, withdrawn_fits
from custody.workflows.dossiers import dossier_of
from custody.workflows.safety_checks import check_event
from custody.workflows.site_days import is_zone

NOT_GMP = READ_ONLY_ROLES | {Role.ADMINISTRATOR, Role.SPONSOR}
"""Roles that an administrator may hold beside that one: none of them signs a GMP act."""


ACCOUNTS_MAX = 10_000


def check(act: Act, dossier: Dossier) -> None:
    """Raises InputError, OutOfOrderError or NotPermittedError when the act does not fit what stands; most acts always fit."""
    _check_reason(act)
    _fits(act, dossier)
    check_event(act, dossier)


def _check_reason(act: Act) -> None:
    """A reason that is asked for is given (Annex 11 section 9); blanks are none."""
    field = field_types(type(act)).get("reason")
    reason = getattr(act, "reason", None)
    if field is not None and field.required and isinstance(reason, str) and not reason.strip():
        raise InputError("write the reason", code="reason_needed", field="reason")


def check_own_part(act: Act, by: Signed, dossier: Dossier) -> None:
    """What a person may do only for themselves, or never for themselves. Raises NotPermittedError."""
    if isinstance(act, SignaturePolicyAccepted) and act.account != by.account:
        raise NotPermittedError("everybody accepts the signature policy for themselves", code="policy_for_oneself")
    if isinstance(act, TrainingRecorded | DelegationRecorded) and _person_of(act.account, dossier) == by.person:
        raise NotPermittedError(f"{act.rule.title}: somebody else signs it; nobody confirms or delegates themselves", code="own_record")
    if isinstance(act, BadgeRevoked) and by.role is not Role.ADMINISTRATOR and _person_of(act.account, dossier) != by.person:
        raise NotPermittedError("only the owner or an administrator revokes a badge", code="badge_of_another")
    if isinstance(act, StudyApproved):
        proposed = (d for d in dossier.deeds(act.study, StudyProposed) if d.act.study_version == act.study_version)
        if any(by.person in deed.persons for deed in proposed):
            raise NotPermittedError("who proposed a study version does not approve it; ask another person", code="own_proposal")


def _person_of(account: AccountId, dossier: Dossier) -> PersonId:
    return AccountFold(dossier, account).person


def check_one_account(connection: Connection, act: Act) -> None:
    """One active account a person (rules section 3). Raises OutOfOrderError naming the account that must be disabled first.

    The list of accounts comes from the lookups; what each of them is comes from its own proven stream.
    """
    if not isinstance(act, AccountCreated):
        return
    items = lookups.streams_of_kind(connection, AccountId.kind, limit=ACCOUNTS_MAX)
    accounts = [node for node in (node_of(item.stream) for item in items) if isinstance(node, AccountId) and node != act.account]
    dossier = dossier_of(connection, accounts)
    for account in accounts:
        fold = AccountFold(dossier, account)
        if dossier.knows(account) and fold.person == act.person and not fold.is_disabled:
            raise OutOfOrderError(
                f"{act.person} has the account {account}; disable it before they get another",
                code="person_has_account",
                field="person",
                person=act.person,
                seen=account,
            )


@singledispatch
def _fits(act: Act, dossier: Dossier) -> None:
    del act, dossier


@_fits.register
def _(act: StudyProposed, dossier: Dossier) -> None:
    content = content_from(act.content)
    if content.protocol.id != act.study:
        raise InputError(f"the files are those of {content.protocol.id}, not of {act.study}", code="other_study", seen=content.protocol.id)
    versions = [d.act.study_version for d in dossier.deeds(act.study, StudyProposed)]
    expected = max(versions, default=0) + 1
    if act.study_version != expected:
        raise OutOfOrderError(f"version {act.study_version} cannot follow; expected {expected}", code="wrong_version", expected=expected)


@_fits.register
def _(act: StudyApproved, dossier: Dossier) -> None:
    proposed = {d.act.study_version: d.act.content for d in dossier.deeds(act.study, StudyProposed)}
    text = proposed.get(act.study_version)
    if text is None or content_digest(text) != act.content_digest:
        raise OutOfOrderError(f"version {act.study_version} with this content was not proposed", code="not_proposed")
    in_force = dossier.last(act.study, StudyApproved)
    if in_force is not None and act.study_version <= in_force.act.study_version:
        raise OutOfOrderError(
            f"version {in_force.act.study_version} is in force and {act.study_version} is no later one; propose its content anew",
            code="older_version",
            seen=act.study_version,
            expected=in_force.act.study_version,
        )
    content = content_from(text, act.study_version)
    problems = problems_of(content)
    if problems:
        raise problems[0]
    unconfirmed = sorted(set(content.settings.left_at_default) - set(act.confirmed_defaults))
    if unconfirmed:
        names = ", ".join(unconfirmed)
        raise InputError(f"confirm each of these defaults by name: {names}", code="defaults_unconfirmed", names=names)


@_fits.register
def _(act: HoldPlaced, dossier: Dossier) -> None:
    # One that custody placed and somebody lifted counts, too: under its name the new hold would be lifted from the beginning.
    if any(d.act.hold == act.hold for d in dossier.deeds(act.node, HoldPlaced, HoldPlacedByCustody)):
        raise OutOfOrderError(
            f"a hold {act.hold} was placed here before; give this one a name of its own", code="hold_known", seen=act.hold
        )


@_fits.register
def _(act: HoldLifted, dossier: Dossier) -> None:
    if act.hold not in {d.act.hold for d in open_holds(dossier, act.node)}:
        raise OutOfOrderError(f"no open hold {act.hold} stands on {act.node}", code="no_such_hold", seen=act.hold)


@_fits.register
def _(act: DeviationClosed, dossier: Dossier) -> None:
    opened = {d.act.deviation for d in dossier.deeds(act.node, DeviationOpened)}
    if act.deviation not in opened:
        raise OutOfOrderError(f"no deviation {act.deviation} was opened on {act.node}", code="no_such_deviation", seen=act.deviation)


@_fits.register
def _(act: ResultRecorded, dossier: Dossier) -> None:
    if act.retest_of is not None and not act.investigation:
        raise InputError("a retest needs the number of its investigation", code="retest_needs_investigation", field="investigation")
    if act.retest_of is not None and act.retest_of not in {d.digest for d in dossier.deeds(act.node, ResultRecorded)}:
        raise OutOfOrderError("the result this one repeats does not stand in this stream", code="no_such_entry")


@_fits.register
def _(act: LotStarted, dossier: Dossier) -> None:
    """A study makes its product in one form (rules section 19, product_form); hold point G4 judges everything else of a start."""
    for key in dossier.streams:
        study = node_of(key)
        approved = StudyFold(dossier, study).approved if isinstance(study, StudyId) else {}
        content = approved.get(act.criteria_version)
        if content is not None and act.form is not content.settings.product_form:
            expected = content.settings.product_form
            raise InputError(
                f"this study's product is {expected}, not {act.form}", code="other_form", field="form", seen=act.form, expected=expected
            )


@_fits.register
def _(act: BagsFilled, dossier: Dossier) -> None:
    del dossier
    if len(set(act.bags)) != len(act.bags) or not act.bags:
        raise InputError("each bag must be named once, and at least one", code="bags_doubled", field="bags")


@_fits.register
def _(act: DoseDeallocated, dossier: Dossier) -> None:
    _check_of_dose(act.dose, dossier, cohort=act.cohort)
    reserved = {bag for deed in dossier.deeds(act.dose, DoseAllocated) for bag in deed.act.bags}
    reserved |= {deed.act.bag for deed in dossier.deeds(act.dose, SpareAllocated)}
    foreign = [bag for bag in act.bags if bag not in reserved]
    if foreign:
        raise InputError(
            f"bag {foreign[0]} is not reserved for {act.dose}", code="not_reserved", field="bags", seen=foreign[0], expected=act.dose
        )
    thawed = [bag for bag in act.bags if dossier.last(bag, BagPreparing) is not None]
    if thawed:
        raise OutOfOrderError(f"bag {thawed[0]} is in preparation and cannot be freed", code="bag_thawed", seen=thawed[0])


@_fits.register
def _(act: InfusionRecordedLate, dossier: Dossier) -> None:
    _check_of_dose(act.dose, dossier, participant=act.participant)
    if dossier.first(act.dose, InfusionStarted, InfusionRecordedLate) is not None:
        raise OutOfOrderError(
            f"the start of {act.dose} is recorded already; correct that entry if it is wrong", code="start_recorded", seen=act.dose
        )


@_fits.register
def _(act: InfusionEnded, dossier: Dossier) -> None:
    del dossier
    if not act.completed and not act.reason.strip():
        raise InputError("say why the dose was not completed", code="reason_needed", field="reason")


@_fits.register
def _(act: DoseClosed, dossier: Dossier) -> None:
    _check_of_dose(act.dose, dossier, participant=act.participant)


def _check_of_dose(dose: DoseId, dossier: Dossier, **said: ParticipantId | CohortId) -> None:
    """What an act repeats of its dose is what the dose was requested with: it goes to other streams without a hold point."""
    requested = dossier.first(dose, DoseRequested)
    for field, value in said.items():
        if requested is not None and getattr(requested.act, field) != value:
            expected = getattr(requested.act, field)
            raise InputError(
                f"{dose} was requested for {expected}, not for {value}",
                code="other_of_dose",
                field=field,
                dose=dose,
                seen=value,
                expected=expected,
            )


@_fits.register
def _(act: SiteRegistered, dossier: Dossier) -> None:
    del dossier
    if not is_zone(act.zone):
        raise InputError(
            f"“{act.zone}” is no time zone known here; expected a name such as Asia/Shanghai", code="zone_unknown", field="zone"
        )


@_fits.register
def _(act: AccountCreated, dossier: Dossier) -> None:
    del dossier
    if not act.identity_verified_by.strip():
        raise InputError("say how the person proved who they are", code="identity_unverified", field="identity_verified_by")


@_fits.register
def _(act: RoleGranted, dossier: Dossier) -> None:
    if act.valid_until is not None and act.valid_until < act.valid_from:
        raise InputError("the grant ends before it begins", code="grant_reversed", field="valid_until")
    if not dossier.knows(act.site):
        raise NotFoundError(f"there is no site {act.site}", code="unknown_thing", kind=act.site.kind, seen=act.site)
    _check_one_side(AccountFold(dossier, act.account), act)


def _check_one_side(account: AccountFold, act: RoleGranted) -> None:
    """An administrator signs nothing of GMP, and nobody who does becomes one, on any day of the grant (rules section 3)."""
    for day in _days_that_matter(account, act):
        both = _roles_about(account, act.site, day) | {act.role}
        if Role.ADMINISTRATOR in both and not both <= NOT_GMP:
            raise NotPermittedError(
                f"{act.account} cannot be administrator and {', '.join(sorted(both - NOT_GMP))} at once", code="administrator_and_gmp"
            )


def _roles_about(account: AccountFold, site: SiteId, day: date) -> set[Role]:
    """Roles that stand on a day of this site. Days of other sites lie up to 26 hours away: the ones before and after count too."""

    def standing(on: date) -> tuple[Grant, ...]:
        return account.grants(lambda _: on)

    beside = (*standing(day - timedelta(days=1)), *standing(day + timedelta(days=1)))
    return {grant.role for grant in standing(day)} | {grant.role for grant in beside if grant.site != site}


def _days_that_matter(account: AccountFold, act: RoleGranted) -> tuple[date, ...]:
    """Two grants that overlap share the day on which the later one begins; the last day touches those of other sites."""
    begins = {deed.act.valid_from for deed in account.dossier.deeds(act.account, RoleGranted)}
    later = (day for day in begins if day > act.valid_from and (act.valid_until is None or day <= act.valid_until))
    return (act.valid_from, *sorted(later), *(() if act.valid_until is None else (act.valid_until,)))


_fits.register(DocumentApproved, approved_fits)
_fits.register(DocumentWithdrawn, withdrawn_fits)
