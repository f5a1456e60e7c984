"""Who may sign which act, and which pairs may not be one person (rules section 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from custody.domain.acts.base import ActRule, Slot
from custody.domain.acts.people import AccountCreated, AccountDisabled, RoleGranted, RoleRevoked, SignaturePolicyAccepted
from custody.domain.dossier import Dossier, Signed
from custody.domain.ids import AccountId, PersonId, SiteId, StudyId
from custody.domain.terms import READ_ONLY_ROLES, Meaning, Role
from custody.errors import NotPermittedError

DayAt = Callable[[SiteId], date | None]
"""Which day it is at a site; None where nobody can say. The shell knows time zones, the core does not."""


@dataclass(frozen=True)
class Grant:
    """One role of one account at one site, for one study (None: for every study)."""

    role: Role
    site: SiteId
    study: StudyId | None

    def covers(self, study: StudyId | None) -> bool:
        return self.study is None or self.study == study


@dataclass(frozen=True)
class AccountFold:
    """An account as it stands: the person, whether it is enabled, its grants and what it has accepted."""

    dossier: Dossier
    account: AccountId

    @property
    def created(self) -> AccountCreated:
        """Raises NotPermittedError for an account nobody made."""
        deed = self.dossier.first(self.account, AccountCreated)
        if deed is None:
            raise NotPermittedError(f"there is no account {self.account}", code="no_account")
        return deed.act

    @property
    def person(self) -> PersonId:
        return self.created.person

    @property
    def is_disabled(self) -> bool:
        return self.dossier.last(self.account, AccountDisabled) is not None

    @property
    def has_accepted_policy(self) -> bool:
        return self.dossier.last(self.account, SignaturePolicyAccepted) is not None

    def grants(self, day_at: DayAt) -> tuple[Grant, ...]:
        """Grants that stand today, in the order given; a revoked one is gone until it is granted again.

        A grant runs from the first to the last day of its own site, so `day_at` says which day it is there.
        """
        standing: dict[Grant, tuple[date, date | None]] = {}
        for deed in self.dossier.deeds(self.account, RoleGranted, RoleRevoked):
            grant = Grant(deed.act.role, deed.act.site, deed.act.study)
            if isinstance(deed.act, RoleGranted):
                standing[grant] = (deed.act.valid_from, deed.act.valid_until)
            else:
                standing.pop(grant, None)
        return tuple(grant for grant, days in standing.items() if _includes(days, day_at(grant.site)))


def _includes(days: tuple[date, date | None], day: date | None) -> bool:
    """A day that nobody can tell is in no span."""
    start, end = days
    return day is not None and start <= day and (end is None or day <= end)


def slot_of(rule: ActRule, place: int) -> Slot | None:
    """The signature an act needs at this place (0 for the first); None for an act that is recorded, not signed."""
    return rule.slots[place] if place < len(rule.slots) else None


def roles_at(rule: ActRule, place: int) -> frozenset[Role]:
    slot = slot_of(rule, place)
    return slot.roles if slot is not None else rule.by


def check_role(rule: ActRule, place: int, role: Role) -> Meaning | None:
    """The meaning of this person's signature (None: the act is not signed). Raises NotPermittedError."""
    if role not in roles_at(rule, place) or (role in READ_ONLY_ROLES and rule.stage != "people"):
        expected = ", ".join(sorted(r.value for r in roles_at(rule, place)))
        raise NotPermittedError(
            f"{rule.title}: the role {role} may not do this; expected {expected}", code="wrong_role", role=role, expected=expected
        )
    slot = slot_of(rule, place)
    return slot.meaning if slot is not None else None


def check_pair(rule: ActRule, signers: Iterable[Signed], *, gate_has_code: bool) -> None:
    """Two people of one act must be two persons, whatever accounts they use, unless a gate of its hold point says so itself."""
    if gate_has_code:
        return
    persons = [signer.person for signer in signers]
    if len(set(persons)) != len(persons):
        raise NotPermittedError(f"{rule.title}: the same person cannot sign twice; ask somebody else", code="same_person")


def check_together(rule: ActRule, signers: Sequence[Signed]) -> None:
    """Who scans and reads again has the thing before them: at the site of the first (rules section 11, dual verification)."""
    first, *others = signers
    elsewhere = next((signer for signer in others if not may_join(rule, first, signer.site)), None)
    if elsewhere is not None:
        raise NotPermittedError(
            f"{rule.title}: the second person must be where the first is, at {first.site}, and you sign at {elsewhere.site}",
            code="second_elsewhere",
            seen=elsewhere.site,
            expected=first.site,
        )


def may_join(rule: ActRule, first: Signed, site: SiteId) -> bool:
    """Whether somebody at this site can be a second person for what the first has done."""
    return rule.second != "repeat" or site == first.site
