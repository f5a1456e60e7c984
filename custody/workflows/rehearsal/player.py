"""Plays a script through the real workflows, each step in a transaction of its own, at the script's own times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.people import SiteRegistered
from custody.domain.acts.quality import ResultRecorded, ResultReviewed
from custody.domain.dossier import deeds_of
from custody.domain.duties import AccountFold, roles_at
from custody.domain.ids import AccountId, Digest, Node, StudyId
from custody.domain.terms import SiteKind
from custody.store import entries
from custody.store.connection import Store
from custody.workflows.door import unit_of_work
from custody.workflows.dossiers import dossier_of
from custody.workflows.order import guarding_rule
from custody.workflows.outcome import Outcome, proposal_digest
from custody.workflows.people import bootstrap
from custody.workflows.receiving import keep_temperature_file
from custody.workflows.recording import countersign, record
from custody.workflows.rehearsal.road import ADMIN, HOME
from custody.workflows.rehearsal.steps import STUDY, Step, people
from custody.workflows.signer import Signer, role_for


class RoadBlockedError(AssertionError):
    """A step of a road that should be valid was stopped."""


def open_ledger(store: Store, at: datetime) -> None:
    """The first site and administrator of the demonstration."""
    admin = people()[ADMIN]
    site = SiteRegistered(site=HOME, name="Demo Sponsor Office", kind=SiteKind.SPONSOR, zone="Asia/Shanghai", phone="+86 25 5550 0194")
    with unit_of_work(store) as connection:
        bootstrap(
            connection,
            account=admin.account,
            person=admin.person,
            printed_name=admin.printed_name,
            site=site,
            identity_verified_by="demonstration, nobody real",
            now=at,
        )


@dataclass
class Player:
    """`play` records one step; `attempt` does the same and gives back what became of it, GO or STOP. Everybody works for `study`."""

    store: Store
    study: StudyId = STUDY

    def play(self, step: Step) -> Outcome:
        """Raises RoadBlockedError when the step is not recorded (or, where it leaves signatures to others, does not wait for them)."""
        outcome = self.attempt(step)
        expected = "recorded"
        if step.act is not None and step.from_place + len(step.by) < len(guarding_rule(step.act).slots):
            expected = "waiting"
        if outcome.kind != expected:
            codes = outcome.verdict.codes if outcome.verdict is not None else ()
            reasons = [str(f.outcome) for f in outcome.verdict.blocking] if outcome.verdict is not None else []
            raise RoadBlockedError(f"{step.name} at {step.at}: {outcome.kind} {', '.join(codes)} {'; '.join(reasons)}")
        return outcome

    def attempt(self, step: Step) -> Outcome:
        if step.from_place:
            assert step.act is not None
            waiting = Outcome(kind="waiting", subject=step.act.subject, act=step.name, proposal=proposal_digest(step.act))
            return self._countersigned(step, step.act, step.by, waiting)
        with unit_of_work(self.store) as connection:
            act = step.act_in(Past(connection))
            signer = self.signer(connection, step.by[0], act, 0, step.at, study=self.study)
            if step.file:
                return keep_temperature_file(connection, step.file, f"{act.subject}.txt", signer, step.at).outcome
            outcome = record(connection, act, signer, step.at, happened_at=step.happened_at)
        return self._countersigned(step, act, step.by[1:], outcome)

    def _countersigned(self, step: Step, act: Act, accounts: tuple[str, ...], before: Outcome) -> Outcome:
        rule, outcome, now = guarding_rule(act), before, step.at + timedelta(milliseconds=1)
        answers = (step.second or act) if rule.second == "repeat" else None
        for place, account in enumerate(accounts, start=step.from_place or 1):
            if outcome.proposal is None or outcome.kind != "waiting":
                return outcome
            with unit_of_work(self.store) as connection:
                signer = self.signer(connection, account, act, place, now, study=self.study)
                outcome = countersign(connection, act.subject, outcome.proposal, signer, now, answers=answers)
        return outcome

    @staticmethod
    def signer(connection: Connection, account: str, act: Act, place: int, now: datetime, *, study: StudyId = STUDY) -> Signer:
        """The account in a role that may sign here: as the demonstration lists it, or, where it has changed, as the ledger grants it."""
        rule, person = guarding_rule(act), people().get(account)
        role = next((role for role in person.roles if role in roles_at(rule, place)), None) if person is not None else None
        if person is not None and role is not None:
            site = person.site
        else:
            granted = AccountFold(dossier_of(connection, [AccountId(account)]), AccountId(account))
            role, site = role_for(rule, place, granted, study, now)
        return Signer(account=AccountId(account), role=role, site=site, study=study, station="rehearsal", method="rehearsal")


@dataclass(frozen=True)
class Past:
    """What a late step may ask of the ledger."""

    connection: Connection

    def results_to_review(self, node: Node) -> tuple[Digest, ...]:
        deeds = deeds_of(entries.load_streams(self.connection, [node.key])[node.key])
        reviewed = {digest for deed in deeds if isinstance(deed.act, ResultReviewed) for digest in deed.act.results}
        return tuple(deed.digest for deed in deeds if isinstance(deed.act, ResultRecorded) and deed.digest not in reviewed)

    def last_position(self, node: Node) -> int:
        return entries.heads(self.connection, [node.key])[node.key].position

    def result(self, node: Node, test: str) -> Digest:
        deeds = deeds_of(entries.load_streams(self.connection, [node.key])[node.key])
        return next(d.digest for d in reversed(deeds) if isinstance(d.act, ResultRecorded) and d.act.test == test)
