"""Traces over random genealogies, with pools and cycles, are what a walk from thing to thing finds; nothing is left out or told twice."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from sqlalchemy import delete, insert

from custody.store import traces
from custody.store.tables import edge, stream_summary
from tests.counts import count_of

KINDS = ("donor", "donation", "tissue", "bank", "lot", "bag", "dose", "participant", "material", "equipment")
HIDDEN = frozenset({"donor", "bank", "lot"})
GENEALOGIES = 1_000
SEED = 24


def name(kind: str, number: int) -> str:
    return f"{kind}:{number:03d}"


def genealogy(chance: random.Random) -> list[tuple[str, str]]:
    """Mostly from one kind to the next, as material goes; some links lead anywhere, back too, and some are told by several acts."""
    things = [[name(kind, n) for n in range(chance.randint(1, 6))] for kind in KINDS]
    links = [
        (one, other)
        for near, far in pairwise(things)
        for other in far
        for one in chance.sample(near, min(len(near), chance.choice((1, 1, 1, 2, 4))))
    ]
    every = [each for kind in things for each in kind]
    links += [(chance.choice(every), chance.choice(every)) for _ in range(chance.choice((0, 2, 8)))]
    return [pair for pair in links if pair[0] != pair[1]] * chance.choice((1, 2))


def walked(pairs: set[tuple[str, str]], start: str, *, forward: bool, hidden: frozenset[str]) -> dict[str, int]:
    """Shortest distances: link after link until nothing changes."""
    distances = {start: 0}
    changed = True
    while changed:
        changed = False
        for parent, child in pairs:
            one, other = (parent, child) if forward else (child, parent)
            if one in distances and other.partition(":")[0] not in hidden and distances.get(other, 99) > distances[one] + 1:
                distances[other] = distances[one] + 1
                changed = True
    return {thing: steps for thing, steps in distances.items() if thing != start}


def written(connection, links: list[tuple[str, str]], chance: random.Random) -> dict[str, str]:
    """The links, and a newest act of most things."""
    connection.execute(delete(edge))
    connection.execute(delete(stream_summary))
    connection.execute(insert(edge), [{"entry_id": number, "parent": one, "child": other} for number, (one, other) in enumerate(links, 1)])
    acts = {thing: f"act_{chance.randint(1, 9)}" for pair in links for thing in pair if chance.random() < 0.9}
    rows = [
        {"stream": thing, "kind": thing.partition(":")[0], "position": 1, "act": act, "site": "A9990", "study": None, "recorded_at": "2026"}
        for thing, act in acts.items()
    ]
    if rows:
        connection.execute(insert(stream_summary), rows)
    return acts


def check(connection, links: list[tuple[str, str]], acts: dict[str, str], start: str, *, forward: bool, hidden: frozenset[str]) -> int:
    pairs = set(links)
    follow = (lambda stream: stream.partition(":")[0] not in hidden) if hidden else None
    told = list(traces.reached(connection, start, forward=forward, follow=follow))
    steps = {thing[0]: batch.steps for batch in told for thing in batch.things}
    assert steps == walked(pairs, start, forward=forward, hidden=hidden)
    assert len(steps) == sum(len(batch.things) for batch in told), "a thing came twice"
    assert [batch.steps for batch in told] == sorted(batch.steps for batch in told)
    for batch in told:
        for stream, via, act, site, recorded_at in batch.things:
            assert ((via, stream) if forward else (stream, via)) in pairs
            assert steps.get(via, 0) == batch.steps - 1
            assert (act, site, recorded_at) == ((acts[stream], "A9990", "2026") if stream in acts else ("", "", ""))
    return len(steps)


def test_recall_24_trace_over_random_genealogies_is_what_a_walk_finds(store, database, monkeypatch, record_property):
    """Few names a statement and few rows at a time, so that each walk takes many."""
    chance = random.Random(SEED)
    found, count = 0, count_of(GENEALOGIES, 40)
    for number in range(count):
        monkeypatch.setattr(traces, "AT_ONCE", chance.choice((1, 2, 3, 512)))
        monkeypatch.setattr(traces, "ROWS", chance.choice((1, 2, 1000)))
        links = genealogy(chance)
        with store.writing() as connection:
            acts = written(connection, links, chance)
        with store.reading() as connection:
            for start in (chance.choice(links)[0], chance.choice(links)[1], "donor:999"):
                hidden = chance.choice((frozenset(), frozenset(), HIDDEN))
                found += check(connection, links, acts, start, forward=bool(number % 2), hidden=hidden)
    assert found > count
    record_property(
        "figure", f"{count:,} random genealogies with pools and cycles, {found:,} things traced, all as walked [{database.name}]"
    )


@pytest.mark.parametrize(("ask", "kind", "near"), [(traces.parents_of_kind, "lot", 1), (traces.children_of_kind, "dose", 0)])
def test_things_of_one_kind_one_step_away_are_those_that_the_links_name(store, ask, kind, near):
    chance = random.Random(SEED)
    links = genealogy(chance)
    with store.writing() as connection:
        written(connection, links, chance)
        asked = sorted({pair[near] for pair in links})
        found = ask(connection, asked, kind)
    expected = {
        one: tuple(sorted({pair[1 - near] for pair in links if pair[near] == one and pair[1 - near].startswith(f"{kind}:")}))
        for one in asked
    }
    assert found == {one: others for one, others in expected.items() if others}
    assert found
