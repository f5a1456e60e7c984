"""Scenarios 28 to 30, 33 and 34: what is hidden, what was changed behind the application, and when nothing can be checked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from custody.domain.acts.bedside import InfusionRecordedLate
from custody.domain.acts.people import AccessRefused
from custody.domain.acts.study import CohortOpened, CommitteeDecided
from custody.domain.dossier import Signed
from custody.domain.folds.study import StudyFold
from custody.domain.ids import CohortId, Node
from custody.domain.masking import Viewer, is_blind
from custody.domain.terms import Committee, CommitteeDecision, VerdictWord
from custody.domain.verdict import Blocked, Verdict
from custody.errors import CustodyError, LedgerBrokenError, NotFoundError
from custody.store import entries
from custody.store.guards import triggers
from custody.store.verification import verify
from custody.workflows import bedside, viewing
from custody.workflows.dossiers import dossier_of
from custody.workflows.drill.chains import REFUSALS, Bench, Chain, codes
from custody.workflows.drill.roads import CAST, QA, START, made, road
from custody.workflows.drill.scenarios_bedside import SPONSOR
from custody.workflows.drill.scenarios_moving import BEDSIDE
from custody.workflows.refusals import access_refused
from custody.workflows.rehearsal.bedside import NURSES
from custody.workflows.rehearsal.bedside import vitals as record_vitals
from custody.workflows.rehearsal.editing import in_order, step_of, until
from custody.workflows.rehearsal.road import ADMIN
from custody.workflows.rehearsal.steps import STUDY, Script, Step, people

LATE_BY = timedelta(hours=6)
AUDIT_ROWS = (
    (CAST.dose, "verdict_given", "envelope"),
    (CAST.dose, "verdict_given", "recorded_at"),
    (CAST.dose, "prescription_signed", "site"),
    (people()[NURSES[0]].account, "role_granted", "envelope"),
    (CAST.dose_bags[0], "bag_reserved", "digest"),
    (CAST.lot, "released", "previous"),
    (CAST.participant, "participant_consented", "envelope"),
    (STUDY, "study_approved", "recorded_at"),
)
"""Stream, act and column of the rows changed one after the other: acts, verdicts, grants; text, time, place and chain."""
ELSEWHERE = (people()[ADMIN].account, "role_granted", "envelope")
"""A row the bedside does not rest on: the verification of the whole record finds it."""


def hidden_lot() -> tuple[Chain, ...]:
    """After the blinded cohort was opened, the nurse opens a lot that quality can open."""
    day = Script(START - timedelta(days=1))
    cohort = CohortId("P2")
    for committee in Committee:
        decided = CommitteeDecided(
            study=STUDY, committee=committee, cohort=cohort, decision=CommitteeDecision.OPEN, document="minutes on file"
        )
        day.do(decided, SPONSOR, minutes=-30)
    day.do(CohortOpened(study=STUDY, cohort=cohort), SPONSOR, minutes=-29)
    return (Chain(in_order((*made(), *day.steps)), _open_lot),)


def _open_lot(bench: Bench) -> str:
    with bench.store.writing() as connection:
        # Not found must be because of who asks: quality finds it.
        viewing.passport(connection, _viewer(connection, QA), CAST.lot, START)
        nurse = _viewer(connection, NURSES[0])
        try:
            viewing.passport(connection, nurse, CAST.lot, START)
        except NotFoundError as error:
            code = REFUSALS[type(error)]
            access_refused(connection, _signed(NURSES[0]), STUDY, what=CAST.lot.key, refusal=code, now=START)
        else:
            return "shown"
    with bench.store.reading() as connection:
        last = entries.load_evidence(connection, nurse.account.key)[-1].act
    kept = isinstance(last, AccessRefused) and last.what == CAST.lot.key
    return f"{code}, {'the attempt recorded' if kept else 'nothing recorded'}"


def _viewer(connection: Connection, account: str) -> Viewer:
    person = people()[account]
    study = StudyFold(dossier_of(connection, [STUDY]), STUDY)
    blinded = any(cohort.blinded and study.cohort_open(cohort.id) is not None for cohort in study.criteria_now.cohorts)
    roles = frozenset(person.roles)
    return Viewer(
        account=person.account,
        printed_name=person.printed_name,
        roles=roles,
        site=person.site,
        study=STUDY,
        blind=is_blind(roles, blinded_phase=blinded),
    )


def _signed(account: str) -> Signed:
    person = people()[account]
    return Signed(
        account=person.account,
        person=person.person,
        printed_name=person.printed_name,
        role=person.roles[0],
        site=person.site,
        meaning=None,
        at=START,
    )


def edited_record() -> tuple[Chain, ...]:
    return (_tampered(CAST.dose, "prescription_signed", "envelope"),)


def changed_audit_row() -> tuple[Chain, ...]:
    return (*(_tampered(*row) for row in AUDIT_ROWS), _tampered(*ELSEWHERE, at_the_bed=False))


def _tampered(node: Node, act: str, column: str, *, at_the_bed: bool = True) -> Chain:
    """One row of the road is changed in the database file; then the bedside is asked, and the whole record verified."""
    step = step_of(road(), BEDSIDE)

    def ask(bench: Bench) -> str:
        position = _change(bench, node, act, column)
        with bench.store.reading() as connection:
            found = verify(connection, checkpoint=None).faults
        named = any((fault.stream, fault.position) == (node.key, position) for fault in found)
        said = REFUSALS[LedgerBrokenError]
        if at_the_bed:
            outcome = bench.player.attempt(step)
            said, named = codes(outcome), named and outcome.verdict is not None and _names(outcome.verdict, node, position)
        return f"{said}, {'entry named' if named else f'{node.key} entry {position} not named'}"

    return Chain(until(road(), BEDSIDE), ask)


def _change(bench: Bench, node: Node, act: str, column: str) -> int:
    """Change one row as somebody with the file in their hands would, past the triggers and putting them back; returns its position."""
    bench.store.close()
    with closing(sqlite3.connect(bench.path, isolation_level=None)) as database:
        (name, statement), *_ = [(name, text) for name, table, text in triggers() if name == "entry_refuses_update"]
        number, position, value = database.execute(
            f"SELECT id, position, {column} FROM entry WHERE act = ? AND stream = ? ORDER BY id LIMIT 1",  # noqa: S608 - our own names
            (act, node.key),
        ).fetchone()
        database.execute(f"DROP TRIGGER {name}")
        database.execute(f"UPDATE entry SET {column} = ? WHERE id = ?", (_altered(value), number))  # noqa: S608 - our own names
        database.execute(statement)
    return int(position)


def _altered(value: str | bytes) -> str | bytes:
    """The same with one character (or byte) changed, so that it still looks like what it was."""
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    last_digit = max(n for n, character in enumerate(value) if character.isdigit())
    return f"{value[:last_digit]}{(int(value[last_digit]) + 1) % 10}{value[last_digit + 1 :]}"


def _names(verdict: Verdict, node: Node, position: int) -> bool:
    reasons = [f.outcome.reason.values for f in verdict.blocking if isinstance(f.outcome, Blocked)]
    return any((values.get("where"), values.get("position")) == (node.key, str(position)) for values in reasons)


def clock_set_back() -> tuple[Chain, ...]:
    """At the bed; and there again after something else was recorded with the wrong time, which makes it no better."""
    back = replace(step_of(road(), BEDSIDE), at=START - timedelta(hours=1))
    vitals = Script(START - timedelta(hours=1, seconds=30))
    record_vitals(vitals, CAST, minutes=0)

    def ask(bench: Bench) -> str:
        outcome = bench.player.attempt(back)
        cannot_check = outcome.kind == "cannot_check" and _cannot_check(outcome.verdict)
        return f"{codes(outcome)}, {'CANNOT CHECK' if cannot_check else outcome.kind}"

    valid = until(road(), BEDSIDE)
    return Chain(valid, ask), Chain((*valid, *vitals.steps), ask)


def _cannot_check(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.word is VerdictWord.CANNOT_CHECK


def no_network() -> tuple[Chain, ...]:
    """The store is out of reach at the bed; on paper the infusion went ahead, and it is recorded when the store is back."""
    step = step_of(road(), BEDSIDE)
    return (Chain(until(road(), BEDSIDE), lambda bench: f"{_without_store(bench, step)}; {_recorded_late(bench)}"),)


def _without_store(bench: Bench, step: Step) -> str:
    bench.store.close()
    away = bench.folder.rename(bench.folder.with_name(f"{bench.folder.name}-away"))
    try:
        outcome = bench.player.attempt(step)
    except (CustodyError, OSError, SQLAlchemyError):
        verdict = bedside.unreachable(CAST.dose, step.at)
        return "CANNOT-CHECK" if _cannot_check(verdict) else verdict.word.value
    finally:
        away.rename(bench.folder)
    return codes(outcome)


def _recorded_late(bench: Bench) -> str:
    act = InfusionRecordedLate(
        dose=CAST.dose,
        participant=CAST.participant,
        bags=CAST.dose_bags,
        started_at=START,
        reason="no network at the bed",
        paper_form="FORM-0001",
    )
    step = Step(name=act.rule.name, at=START + LATE_BY, by=NURSES, act=act, happened_at=START)
    bench.player.play(step)
    with bench.store.reading() as connection:
        story = viewing.passport(connection, _viewer(connection, "demo-physician-one"), CAST.dose, step.at).value
    shown = [event for event in story.events if event.act == step.name]
    both_times = all(event.happened_at == START or event.kind == "countersignature" for event in shown) and all(
        event.recorded_at >= step.at for event in shown
    )
    flagged = any(event.late and event.bad for event in shown)
    if shown and both_times and flagged:
        return f"{step.name} keeps both times and is flagged"
    return f"{step.name}: both times {both_times}, flagged {flagged}"
