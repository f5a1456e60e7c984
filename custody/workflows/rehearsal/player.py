"""Plays a script through the real workflows, each step in a transaction of its own, at the script's own times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from custody.domain.acts.base import Act
from custody.domain.acts.people import SiteRegistered
from custody.domain.acts.quality import ResultRecorded, ResultReviewed
from custody.domain.dossier import deeds_of
from custody.domain.duties import roles_at
from custody.domain.ids import Digest, Node
from custody.domain.terms import SiteKind
from custody.store import entries
from custody.store.connection import Store
from custody.workflows.order import guarding_rule
from custody.workflows.outcome import Outcome
from custody.workflows.people import bootstrap
from custody.workflows.receiving import keep_temperature_file
from custody.workflows.recording import countersign, record
from custody.workflows.rehearsal.road import ADMIN, HOME
from custody.workflows.rehearsal.steps import STUDY, Step, people
from custody.workflows.signer import Signer


class RoadBlockedError(AssertionError):
    """A step of a road that should be valid was stopped."""


def open_ledger(store: Store, at: datetime) -> None:
    """The first site and administrator of the demonstration."""
    admin = people()[ADMIN]
    site = SiteRegistered(site=HOME, name="Demo Sponsor Office", kind=SiteKind.SPONSOR, zone="Asia/Shanghai", phone="+86 25 5550 0194")
    with store.writing() as connection:
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
    """`play` records one step; `attempt` does the same and gives back what became of it, GO or STOP."""

    store: Store
    last: list[Outcome] = field(default_factory=list)

    def play(self, step: Step) -> Outcome:
        """Raises RoadBlockedError when the step is not recorded."""
        outcome = self.attempt(step)
        if outcome.kind != "recorded":
            codes = outcome.verdict.codes if outcome.verdict is not None else ()
            reasons = [str(f.outcome) for f in outcome.verdict.blocking] if outcome.verdict is not None else []
            raise RoadBlockedError(f"{step.name} at {step.at}: {outcome.kind} {', '.join(codes)} {'; '.join(reasons)}")
        return outcome

    def attempt(self, step: Step) -> Outcome:
        with self.store.writing() as connection:
            act = step.act_in(_Seen(connection))
            signer = self.signer(step.by[0], act, 0)
            if step.file:
                return keep_temperature_file(connection, step.file, f"{act.subject}.txt", signer, step.at).outcome
            outcome = record(connection, act, signer, step.at, happened_at=step.happened_at)
        for place, account in enumerate(step.by[1:], start=1):
            outcome = self._countersign(step, act, account, place, outcome)
        return outcome

    def _countersign(self, step: Step, act: Act, account: str, place: int, before: Outcome) -> Outcome:
        if before.proposal is None or before.kind != "waiting":
            return before
        rule = guarding_rule(act)
        answers = (step.second or act) if rule.second == "repeat" else None
        signer = self.signer(account, act, place)
        with self.store.writing() as connection:
            return countersign(
                connection, act.subject, before.proposal, signer, step.at + timedelta(milliseconds=1), answers=answers
            )

    def signer(self, account: str, act: Act, place: int) -> Signer:
        person = people()[account]
        allowed = roles_at(guarding_rule(act), place)
        role = next((role for role in person.roles if role in allowed), person.roles[0])
        return Signer(account=person.account, role=role, site=person.site, study=STUDY, station="rehearsal", method="rehearsal")


@dataclass(frozen=True)
class _Seen:
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


