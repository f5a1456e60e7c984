"""A chain: a road that is valid up to one point, and what is then asked of it; a bench: the store on which it is played."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from custody.errors import CustodyError, LedgerBrokenError, NotFoundError, OutOfOrderError
from custody.store.connection import Store, open_store
from custody.workflows.order import guarding_rule
from custody.workflows.outcome import Outcome
from custody.workflows.rehearsal.editing import Steps, Where, index
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Step

DB_NAME = "custody.db"

REFUSALS: dict[type[CustodyError], str] = {
    OutOfOrderError: "STATE-ORDER",
    NotFoundError: "NOT-FOUND",
    LedgerBrokenError: "SYS-LEDGER",
}


@dataclass
class Bench:
    """One store in a folder of its own, so that a whole bench can be copied, broken and thrown away."""

    folder: Path
    numbers: Iterator[int]

    def __post_init__(self) -> None:
        self.store: Store = open_store(f"sqlite:///{self.path}")

    @classmethod
    def new(cls, folder: Path) -> Bench:
        numbers = itertools.count(1)
        return cls(_made(folder / "0000"), numbers)

    @property
    def path(self) -> Path:
        return self.folder / DB_NAME

    @property
    def player(self) -> Player:
        return Player(self.store)

    @contextmanager
    def copied(self) -> Iterator[Bench]:
        """A copy of everything recorded so far, gone afterwards."""
        self.store.close()  # the last connection to close copies the journal back into the file
        folder = _made(self.folder.parent / f"{next(self.numbers):04d}")
        shutil.copy2(self.path, folder / DB_NAME)
        bench = Bench(folder, self.numbers)
        try:
            yield bench
        finally:
            bench.store.close()
            shutil.rmtree(folder)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True)
    return folder


Ask = Callable[[Bench], str]


@dataclass(frozen=True)
class Chain:
    """`road` is valid and is played; `ask` says what comes next, in the words of the table."""

    road: Steps
    ask: Ask


def asked(steps: Steps, name: str, *, nth: int = 0, where: Where | None = None) -> Chain:
    """The road up to a guarded act, and the codes with which its hold point answers."""
    place = index(steps, name, nth=nth, where=where)
    step = steps[place]
    return Chain(steps[:place], lambda bench: codes_at_hold_point(bench, step))


def codes_at_hold_point(bench: Bench, step: Step) -> str:
    """`G7 BAG-DONOR`; `G7 GO` when nothing stops the act, `G7 waiting` when it never got to the hold point."""
    assert step.act is None or guarding_rule(step.act).hold_point is not None
    try:
        outcome = bench.player.attempt(step)
    except CustodyError as error:
        return f"{hold_point_of(step)} {refusal(error)}"
    return f"{hold_point_of(step)} {codes(outcome)}"


def hold_point_of(step: Step) -> str:
    from custody.domain.acts.base import ACTS  # noqa: PLC0415 - the table of acts is filled by importing every stage

    point = ACTS[step.name].hold_point
    return point.value if point is not None else "-"


def codes(outcome: Outcome) -> str:
    if outcome.kind in {"recorded", "waiting"}:
        return "GO" if outcome.kind == "recorded" else "waiting"
    return " ".join(outcome.verdict.codes) if outcome.verdict is not None else "nothing"


def refusal(error: CustodyError) -> str:
    """The code of an error of the table, or what was said."""
    return next((code for kind, code in REFUSALS.items() if isinstance(error, kind)), f"{type(error).__name__}: {error}")
