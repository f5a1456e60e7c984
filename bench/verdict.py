"""The cost of one bedside verdict, without HTTP, as the dossier and the ledger grow."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from datetime import UTC, datetime

from custody.domain.acts.bedside import BedsideScanned, VitalsRecorded
from custody.domain.dossier import Signed
from custody.domain.ids import AccountId, PersonId, SiteId
from custody.domain.terms import Role
from custody.store import entries
from custody.store.connection import Store
from custody.store.entries import NewEntry
from custody.workflows import bedside
from custody.workflows.recording import record
from custody.workflows.rehearsal.bedside import NURSES, scans
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.signer import Signer

ROUNDS = 20


def milliseconds(store: Store, cast: Cast) -> float:
    """Median time of one transaction that records a second scan and gives the whole verdict, in ms."""
    times = []
    for _ in range(ROUNDS):
        _scan(store, cast, NURSES[0])
        began = time.perf_counter()
        word = _scan(store, cast, NURSES[1])
        times.append((time.perf_counter() - began) * 1000)
        assert word == "GO", word
    return statistics.median(times)


def _scan(store: Store, cast: Cast, nurse: str) -> str:
    now = datetime.now(UTC)
    signer = Signer(account=AccountId(nurse), role=Role.BEDSIDE_NURSE, site=SiteId("A9992"), study=STUDY, station="bench")
    act = BedsideScanned(dose=cast.dose, scans=scans(cast, cast.dose_bags[0]))
    with store.writing() as connection:
        record(connection, act, signer, now)
        checked = bedside.check(connection, cast.dose, signer, now)
    return "" if checked is None else checked.verdict.word.value


def grow_dossier(store: Store, cast: Cast, acts: int) -> None:
    """Add vital signs to the dose until its stream has `acts` acts that gates read."""
    person = people()[NURSES[0]]
    by = Signed(
        account=person.account,
        person=PersonId(person.person.value),
        printed_name=person.printed_name,
        role=Role.BEDSIDE_NURSE,
        site=person.site,
        meaning=None,
        at=datetime.now(UTC),
    )
    with store.writing() as connection:
        stream = entries.load_streams(connection, [cast.dose.key])[cast.dose.key]
        sample = next(e.act for e in stream if isinstance(e.act, VitalsRecorded))
        now = datetime.now(UTC)
        new = [
            NewEntry(act=replace(sample, measured_at=now), happened_at=now, by=by, study=STUDY, station="bench")
            for _ in range(max(0, acts - len(stream)))
        ]
        entries.append(connection, new, recorded_at=now)
