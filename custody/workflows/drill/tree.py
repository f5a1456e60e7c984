"""Plays many chains with what they share played once: where two roads part, the store is copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from custody.errors import CustodyError
from custody.store.schema import upgrade
from custody.workflows.drill.chains import Bench, Chain
from custody.workflows.drill.roads import OPENED
from custody.workflows.rehearsal.player import RoadBlockedError, open_ledger
from custody.workflows.rehearsal.steps import Step


@dataclass(frozen=True)
class Branch:
    """One chain of a scenario."""

    scenario: int
    place: int
    chain: Chain


def play(branches: list[Branch], folder: Path) -> Iterator[tuple[Branch, str]]:
    """Each branch with what it answered, in whatever order they are reached."""
    bench = Bench.new(folder)
    upgrade(bench.store)
    open_ledger(bench.store, OPENED)
    yield from _grow(bench, branches, 0)
    bench.store.close()


def _grow(bench: Bench, branches: list[Branch], depth: int) -> Iterator[tuple[Branch, str]]:
    """Every branch shares the first `depth` steps, which `bench` has played."""
    while True:
        for branch in branches:
            if len(branch.chain.road) == depth:
                with bench.copied() as copy:
                    yield branch, _answer(branch.chain, copy)
        groups = _parting([branch for branch in branches if len(branch.chain.road) > depth], depth)
        if not groups:
            return
        for group in groups[1:]:
            with bench.copied() as copy:
                yield from _played(copy, group, depth)
        branches = groups[0]
        fault = _fault(bench, branches[0].chain.road[depth])
        if fault is not None:
            yield from ((branch, fault) for branch in branches)
            return
        depth += 1


def _played(bench: Bench, branches: list[Branch], depth: int) -> Iterator[tuple[Branch, str]]:
    fault = _fault(bench, branches[0].chain.road[depth])
    if fault is not None:
        yield from ((branch, fault) for branch in branches)
        return
    yield from _grow(bench, branches, depth + 1)


def _parting(branches: list[Branch], depth: int) -> list[list[Branch]]:
    """The branches by their next step, the largest group first."""
    groups: list[tuple[Step, list[Branch]]] = []
    for branch in branches:
        step = branch.chain.road[depth]
        found = next((group for first, group in groups if first == step), None)
        if found is None:
            groups.append((step, [branch]))
        else:
            found.append(branch)
    return sorted((group for _, group in groups), key=len, reverse=True)


def _fault(bench: Bench, step: Step) -> str | None:
    """Why the road is not valid up to here; None when the step was recorded."""
    try:
        bench.player.play(step)
    except (RoadBlockedError, CustodyError) as error:
        return f"the road is blocked before: {step.name}: {error}"
    return None


def _answer(chain: Chain, bench: Bench) -> str:
    try:
        return chain.ask(bench)
    except Exception as error:  # noqa: BLE001 - one scenario that cannot be asked must not hide the others
        return f"{type(error).__name__}: {error}"
