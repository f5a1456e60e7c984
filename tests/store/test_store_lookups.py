"""Search, traces, work lists and waiting proposals; the same however they came about."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from custody.domain.ids import DonorId
from custody.store.lookups import Found, aliases, differences, edges, rebuild, search, streams_of_kind, trace, waiting
from custody.store.tables import LOOKUPS, edge
from tests.store.ledger import (
    NOW,
    STREAM,
    Ledger,
    accepted,
    collected,
    consent,
    corrected,
    countersigned,
    proposal_withdrawn,
    proposed,
    registered,
    signed_in,
    withdrawn,
)

OTHER_DONOR = DonorId.parse("D-2")


def ask(ledger, question, *arguments, **named):
    with ledger.store.reading() as connection:
        return question(connection, *arguments, **named)


def contents(ledger):
    return {table.name: sorted(ledger.raw(f"SELECT * FROM {table.name}"), key=repr) for table in LOOKUPS}


def test_search_finds_things_by_the_beginning_of_their_own_identifier(ledger):
    ledger.record(registered(), registered(OTHER_DONOR), collected())
    assert ask(ledger, search, "D-", 10) == (Found("donor:D-1", "D-1"), Found("donor:D-2", "D-2"))
    assert ask(ledger, search, " d-2 ", 10) == (Found("donor:D-2", "D-2"),)
    assert ask(ledger, search, "donor:D-1", 10) == (Found("donor:D-1", "D-1"),)
    assert ask(ledger, search, "A99992600", 10) == (Found("donation:A999926000001", "A999926000001"),)


def test_search_finds_things_by_what_is_written_on_them(ledger):
    ledger.record(accepted(), accepted(tissue="T-2", seal="S-78"))
    assert ask(ledger, search, "S-77", 10) == (Found("tissue:T-1", "S-77"),)
    assert {found.stream for found in ask(ledger, search, "S-7", 10)} == {"tissue:T-1", "tissue:T-2"}
    assert ask(ledger, aliases, "L-9") == ("tissue:T-1", "tissue:T-2")
    assert ask(ledger, aliases, "L-") == ()


@pytest.mark.parametrize("text", ["", "   ", "nothing like it", "%", "_", "'; DROP TABLE entry; --", "\x00", "é" * 500])
def test_search_for_nothing_known_finds_nothing(ledger, text):
    ledger.record(registered())
    assert ask(ledger, search, text, 10) == ()


def test_search_gives_whole_matches_first_and_no_more_than_asked_for(ledger):
    ledger.record(*(registered(DonorId.parse(f"D-1{number}")) for number in range(9)), registered())
    found = ask(ledger, search, "D-1", 3)
    assert len(found) == 3
    ledger.record(accepted(tissue="D-1"))
    assert {each.stream for each in ask(ledger, search, "D-1", 2)} == {"donor:D-1", "tissue:D-1"}


def test_act_links_its_parents_from_the_moment_it_takes_effect(ledger):
    ledger.record(proposed(collected()))
    assert ask(ledger, edges, STREAM) == ((), ())
    ledger.record(countersigned(collected()))
    assert ask(ledger, edges, STREAM) == ((), ("donation:A999926000001",))


def test_correction_moves_the_link(ledger):
    entry = ledger.record(collected())[0]
    ledger.record(corrected(entry.digest, collected(donor=OTHER_DONOR)))
    assert ask(ledger, edges, "donation:A999926000001") == ((OTHER_DONOR.key,), ())
    assert ask(ledger, trace, STREAM, forward=True) == []
    assert ledger.verify().ok


def test_waiting_list_holds_what_waits_and_nothing_else(ledger):
    assert ask(ledger, waiting) == ()
    act = accepted()
    ledger.record(proposed(act), proposed(consent()))
    first, second = ask(ledger, waiting)
    assert {first.act, second.act} == {"tissue_accepted", "consent_signed"}
    assert (first.signers, first.account, first.site, first.study, first.recorded_at) == (1, "lin.wei", "A9990", "DEMO", NOW)
    ledger.record(proposal_withdrawn(consent()))
    assert [each.act for each in ask(ledger, waiting)] == ["tissue_accepted"]
    ledger.record(countersigned(act))
    assert ask(ledger, waiting) == ()
    assert ask(ledger, aliases, "S-77") == ("tissue:T-1",)


def test_work_list_shows_the_newest_act_and_no_evidence(ledger):
    ledger.record(registered(), registered(OTHER_DONOR), consent(), signed_in())
    assert [(item.stream, item.act, item.position) for item in ask(ledger, streams_of_kind, "donor", limit=10)] == [
        ("donor:D-1", "consent_signed", 2),
        ("donor:D-2", "donor_registered", 1),
    ]
    assert ask(ledger, streams_of_kind, "account", limit=10) == ()
    assert len(ask(ledger, streams_of_kind, "donor", limit=1)) == 1


def test_work_list_of_a_site_has_what_was_recorded_there_or_is_bound_for_it(ledger, store):
    ledger.record(registered(), site="A9990")
    ledger.record(registered(OTHER_DONOR), site="A9991")
    with store.writing() as connection:
        connection.execute(insert(edge), {"entry_id": 9, "parent": "site:A9992", "child": "donor:D-2"})
    for site, found in (("A9990", ["donor:D-1"]), ("A9991", ["donor:D-2"]), ("A9992", ["donor:D-2"]), ("A9993", [])):
        assert [item.stream for item in ask(ledger, streams_of_kind, "donor", site=site, limit=10)] == found
    assert ask(ledger, streams_of_kind, "donor", study="OTHER", limit=10) == ()
    assert len(ask(ledger, streams_of_kind, "donor", study="DEMO", limit=10)) == 2


def test_trace_runs_in_both_directions_with_the_shortest_distance(ledger):
    ledger.record(collected(1), collected(2))
    donations = [("donation:A999926000001", 1), ("donation:A999926000002", 1)]
    assert ask(ledger, trace, STREAM, forward=True) == donations
    assert ask(ledger, trace, "donation:A999926000001", forward=False) == [(STREAM, 1)]
    assert ask(ledger, trace, "donor:NONE", forward=True) == []


def walked(pairs, start, forward):
    depths, ring = {start: 0}, [start]
    while ring:
        ring = [b for a in ring for b in (y if forward else x for x, y in pairs if (x if forward else y) == a) if b not in depths]
        ring = list(dict.fromkeys(ring))
        depths.update({each: depths[start] + len(set(depths.values())) for each in ring})
    del depths[start]
    return depths


NAMES = st.sampled_from([f"bag:B{number}" for number in range(8)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.sets(st.tuples(NAMES, NAMES), max_size=20), start=NAMES, forward=st.booleans())
def test_trace_equals_a_walk_by_hand_also_through_pools_and_cycles(store, pairs, start, forward):
    with store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM edge")
        if pairs:
            rows = [{"entry_id": 1, "parent": parent, "child": child} for parent, child in pairs]
            connection.execute(insert(edge), rows)
        found = trace(connection, start, forward)
    assert dict(found) == walked(pairs, start, forward)
    assert [depth for _, depth in found] == sorted(depth for _, depth in found)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("act"), st.integers(0, 3)),
        st.tuples(st.just("propose"), st.integers(0, 3)),
        st.tuples(st.just("countersign"), st.integers(0, 3)),
        st.tuples(st.just("withdraw"), st.integers(0, 3)),
        st.tuples(st.just("correct"), st.integers(0, 3), st.integers(0, 9)),
        st.tuples(st.just("propose correction"), st.integers(0, 3), st.integers(0, 9)),
        st.tuples(st.just("evidence"), st.just(0)),
    ),
    max_size=14,
)
CHOICES = [collected(), collected(donor=OTHER_DONOR), accepted(), accepted(seal="S-99")]


@pytest.mark.many_stores
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_lookups_written_with_the_entries_equal_those_rebuilt_from_nothing(database, steps):
    ledger = Ledger(database.store())
    for step in steps:
        act = CHOICES[step[1]]
        entries = ledger.load(act.subject.key)[act.subject.key]
        target = entries[step[2] % len(entries)].digest if len(step) == 3 and entries else None
        match step[0]:
            case "act":
                ledger.record(act)
            case "propose":
                ledger.record(proposed(act))
            case "countersign":
                ledger.record(countersigned(act))
            case "withdraw":
                ledger.record(proposal_withdrawn(act))
            case "correct" if target:
                ledger.record(corrected(target, act))
            case "propose correction" if target:
                ledger.record(proposed(corrected(target, act)))
            case "evidence":
                ledger.record(signed_in())
    assert ask(ledger, differences) == ()
    assert ledger.verify().ok
    before = contents(ledger)
    with ledger.store.writing() as connection:
        rebuild(connection)
    assert contents(ledger) == before
    database.drop(ledger.store)


def test_lookups_are_rebuilt_after_somebody_emptied_them(ledger):
    ledger.record(registered(), collected(), proposed(accepted()), withdrawn())
    before = contents(ledger)
    for table in LOOKUPS:
        ledger.raw(f"DELETE FROM {table.name}")
    assert len(ask(ledger, differences)) == 4
    with ledger.store.writing() as connection:
        rebuild(connection)
    assert contents(ledger) == before
    assert ask(ledger, differences) == ()
