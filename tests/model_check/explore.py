"""Every order of moves from one world, to a depth: breadth first, so that the first counterexample found is a shortest one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.model_check.checker import wrong
from tests.model_check.world import Play, World


@dataclass(frozen=True)
class Move:
    """Something one actor may try at any time; custody lets it happen or does not."""

    actor: str
    name: str
    play: Play

    def __str__(self) -> str:
        return f"{self.actor}: {self.name}"


@dataclass
class Found:
    """`interleavings`: orders of moves tried (with what was refused), `counterexample`: the shortest way to what must not be."""

    states: int = 0
    interleavings: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    counterexample: tuple[str, ...] = ()


def explore(start: World, moves: Sequence[Move], depth: int, bag: Any, line: tuple[Any, ...]) -> Found:
    """A state is met once however many ways lead to it; the ways are counted."""
    found, ways, came = Found(), {start.key: 1}, {start.key: ()}
    after: dict[Any, list[Any]] = {}
    worlds = {start.key: start}
    for _ in range(depth):
        next_ways: Counter[Any] = Counter()
        for key, count in ways.items():
            if key not in after:
                after[key] = _tried(worlds, came, key, moves, found, bag, line)
                if found.counterexample:
                    return found
            for reached in after[key]:
                next_ways[reached] += count
        ways = dict(next_ways)
    found.states, found.interleavings = len(came), sum(ways.values())
    return found


def _tried(worlds: Any, came: Any, key: Any, moves: Sequence[Move], found: Found, bag: Any, line: Any) -> list[Any]:
    """Where each move leads from this state: to itself where it is refused."""
    world, reached = worlds.pop(key), []
    for move in moves:
        then = move.play(world)
        if then is None:
            reached.append(key)
            continue
        for number in range(len(world.accepted), len(then.accepted)):
            found.happened[then.accepted[number].name] += 1
            fault = wrong(then.accepted[:number], then.accepted[number], bag, line)
            if fault is not None:
                found.counterexample = (*came[key], str(move), f"=> {fault}")
                return []
        if then.key not in came:
            came[then.key], worlds[then.key] = (*came[key], str(move)), then
        reached.append(then.key)
    return reached
