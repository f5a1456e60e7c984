"""What an act must fit besides duty, order and gates: it names things that stand (a hold, a deviation, a study version), and content that holds."""

from __future__ import annotations

from functools import singledispatch

from custody.domain.acts.allocation import DoseDeallocated
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import BagPreparing
from custody.domain.acts.manufacturing import BagsFilled
from custody.domain.acts.people import AccountCreated, RoleGranted
from custody.domain.acts.quality import DeviationClosed, DeviationOpened, HoldLifted, HoldPlaced, ResultRecorded
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import content_digest, content_from, problems_of
from custody.domain.dossier import Dossier
from custody.domain.duties import AccountFold
from custody.domain.ids import AccountId
from custody.domain.lineage import open_holds
from custody.domain.terms import READ_ONLY_ROLES, Role
from custody.errors import InputError, NotPermittedError, OutOfOrderError

NOT_GMP = READ_ONLY_ROLES | {Role.ADMINISTRATOR, Role.SPONSOR}
"""Roles that an administrator may hold beside that one: none of them signs a GMP act."""


@singledispatch
def check(act: Act, dossier: Dossier) -> None:
    """Raises InputError, OutOfOrderError or NotPermittedError when the act does not fit what stands; most acts always fit."""
    del act, dossier


@check.register
def _(act: StudyProposed, dossier: Dossier) -> None:
    content = content_from(act.content)
    if content.protocol.id != act.study:
        raise InputError(f"the files are those of {content.protocol.id}, not of {act.study}", code="other_study", seen=content.protocol.id)
    versions = [d.act.study_version for d in dossier.deeds(act.study, StudyProposed)]
    expected = max(versions, default=0) + 1
    if act.study_version != expected:
        raise OutOfOrderError(f"version {act.study_version} cannot follow; expected {expected}", code="wrong_version", expected=expected)


@check.register
def _(act: StudyApproved, dossier: Dossier) -> None:
    proposed = {d.act.study_version: d.act.content for d in dossier.deeds(act.study, StudyProposed)}
    text = proposed.get(act.study_version)
    if text is None or content_digest(text) != act.content_digest:
        raise OutOfOrderError(f"version {act.study_version} with this content was not proposed", code="not_proposed")
    content = content_from(text, act.study_version)
    problems = problems_of(content)
    if problems:
        raise problems[0]
    unconfirmed = sorted(set(content.settings.left_at_default) - set(act.confirmed_defaults))
    if unconfirmed:
        names = ", ".join(unconfirmed)
        raise InputError(f"confirm each of these defaults by name: {names}", code="defaults_unconfirmed", names=names)


@check.register
def _(act: HoldPlaced, dossier: Dossier) -> None:
    if any(d.act.hold == act.hold for d in dossier.deeds(act.node, HoldPlaced)):
        raise OutOfOrderError(f"a hold {act.hold} was placed here before; give this one a name of its own", code="hold_known", seen=act.hold)


@check.register
def _(act: HoldLifted, dossier: Dossier) -> None:
    if act.hold not in {d.act.hold for d in open_holds(dossier, act.node)}:
        raise OutOfOrderError(f"no open hold {act.hold} stands on {act.node}", code="no_such_hold", seen=act.hold)


@check.register
def _(act: DeviationClosed, dossier: Dossier) -> None:
    opened = {d.act.deviation for d in dossier.deeds(act.node, DeviationOpened)}
    if act.deviation not in opened:
        raise OutOfOrderError(f"no deviation {act.deviation} was opened on {act.node}", code="no_such_deviation", seen=act.deviation)


@check.register
def _(act: ResultRecorded, dossier: Dossier) -> None:
    if act.retest_of is not None and not act.investigation:
        raise InputError("a retest needs the number of its investigation", code="retest_needs_investigation", field="investigation")
    if act.retest_of is not None and act.retest_of not in {d.digest for d in dossier.deeds(act.node, ResultRecorded)}:
        raise OutOfOrderError("the result this one repeats does not stand in this stream", code="no_such_entry")


@check.register
def _(act: BagsFilled, dossier: Dossier) -> None:
    del dossier
    if len(set(act.bags)) != len(act.bags) or not act.bags:
        raise InputError("each bag must be named once, and at least one", code="bags_doubled", field="bags")


@check.register
def _(act: DoseDeallocated, dossier: Dossier) -> None:
    thawed = [bag for bag in act.bags if dossier.last(bag, BagPreparing) is not None]
    if thawed:
        raise OutOfOrderError(f"bag {thawed[0]} is in preparation and cannot be freed", code="bag_thawed", seen=thawed[0])


@check.register
def _(act: AccountCreated, dossier: Dossier) -> None:
    del dossier
    if not act.identity_verified_by.strip():
        raise InputError("say how the person proved who they are", code="identity_unverified", field="identity_verified_by")


@check.register
def _(act: RoleGranted, dossier: Dossier) -> None:
    _one_side(AccountFold(dossier, act.account), act, act.account)


def _one_side(account: AccountFold, act: RoleGranted, name: AccountId) -> None:
    """An administrator signs nothing of GMP, and nobody who does becomes one (rules section 3)."""
    held = {grant.role for grant in account.grants(act.valid_from)}
    both = held | {act.role}
    if Role.ADMINISTRATOR in both and not both <= NOT_GMP:
        raise NotPermittedError(
            f"{name} cannot be administrator and {', '.join(sorted(both - NOT_GMP))} at once", code="administrator_and_gmp"
        )


