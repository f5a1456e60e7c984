"""Who works in the trial: the demonstration's people at the manufacturer and the sponsor, and the staff of every simulated hospital."""

from __future__ import annotations

from dataclasses import dataclass

from custody.domain.acts.base import Act
from custody.domain.duties import roles_at
from custody.domain.ids import AccountId, PersonId, StudyId
from custody.domain.terms import Role
from custody.workflows.order import guarding_rule
from custody.workflows.rehearsal.steps import STUDY, Person, people
from custody.workflows.signer import Signer
from custody.workflows.simulation.plan import Hospital

ELSEWHERE = frozenset({"A9992"})
"""The hospital of the demonstration is none of the simulated ones."""
STATION = "simulation"
WORDS = {1: "one", 2: "two", 3: "three"}


@dataclass(frozen=True, kw_only=True)
class Team:
    """The staff of one hospital, by account."""

    receivers: tuple[str, ...]
    preparers: tuple[str, ...]
    nurses: tuple[str, ...]
    physician: str


TEAM: tuple[tuple[str, int, tuple[Role, ...]], ...] = (
    ("receiver", 2, (Role.HOSPITAL_RECEIVER,)),
    ("preparer", 2, (Role.PREPARER,)),
    ("nurse", 3, (Role.BEDSIDE_NURSE,)),
    ("physician", 1, (Role.INVESTIGATOR,)),
)


class Staff:
    """Everybody by account; `team` of a hospital."""

    def __init__(self, hospitals: tuple[Hospital, ...]) -> None:
        self.people = {name: person for name, person in people().items() if person.site.value not in ELSEWHERE}
        self.teams: dict[Hospital, Team] = {}
        for hospital in hospitals:
            members = list(_members(hospital))
            self.people |= {person.account.value: person for person in members}
            self.teams[hospital] = _team([person.account.value for person in members])

    def person(self, account: str) -> PersonId:
        return self.people[account].person

    def signer(self, account: str, act: Act, place: int) -> Signer:
        """The account in a role that may sign here; in whatever role it has where none may, and then the duty check says so."""
        person, wanted = self.people[account], roles_at(guarding_rule(act), place)
        role = next((role for role in person.roles if role in wanted), person.roles[0])
        return self.in_role(account, role)

    def in_role(self, account: str, role: Role | None = None, study: StudyId = STUDY) -> Signer:
        person = self.people[account]
        return Signer(
            account=person.account, role=role or person.roles[0], site=person.site, study=study, station=STATION, method="simulation"
        )


def _members(hospital: Hospital) -> list[Person]:
    found = []
    for word, many, roles in TEAM:
        for n in range(1, many + 1):
            place = f"{word}-{WORDS[n]}"
            found.append(
                Person(
                    account=AccountId(f"demo-{hospital.word}-{place}"),
                    person=PersonId(f"PERSON-{hospital.word.upper()}-{place.upper()}"),
                    printed_name=f"Demo {hospital.word.upper()} {word.title()} {WORDS[n].title()}",
                    site=hospital.site,
                    roles=roles,
                )
            )
    return found


def _team(accounts: list[str]) -> Team:
    def named(word: str) -> tuple[str, ...]:
        return tuple(account for account in accounts if f"-{word}-" in account)

    return Team(receivers=named("receiver"), preparers=named("preparer"), nurses=named("nurse"), physician=named("physician")[0])
