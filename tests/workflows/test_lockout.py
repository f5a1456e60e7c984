"""Whatever is tried, in whatever order: at most five wrong tries a lock, one count for all doors, one use of a code, by a model."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.domain.ids import AccountId
from custody.store.connection import open_store
from custody.store.verification import verify
from custody.workflows.people import SignInRefusal
from tests.workflows.desk import PEOPLE, Desk
from tests.workflows.door import NURSE, PIN, SECRET, WRONG, Door

WRONG_PIN, WRONG_CODE, CHOSEN = "593817", "00000-00000", "chosen with the code"
TRIES = st.lists(
    st.tuples(st.sampled_from(["secret", "chosen", "pin", "code"]), st.booleans(), st.sampled_from([0, 0, 0, 0, 1, 14, 15, 16])),
    min_size=1,
    max_size=30,
)


@dataclass
class Model:
    """What must come out, in as few words as the rules: five wrong tries, fifteen minutes, an hour for the code."""

    reset: bool
    wrong: int = 0
    locked_until: int = -1
    barred: bool = False
    used: bool = False

    def expected(self, door: str, *, right: bool, minute: int) -> str:
        if minute < self.locked_until:
            return "locked_out"
        if door == "pin" and self.barred:
            return "whole_secret_needed"
        if self.locked_until >= 0:
            self.wrong, self.locked_until = 0, -1
        if right and self.counts(door, minute):
            self.wrong = 0
            self.barred = self.barred and door == "pin"
            self.used = self.used or door == "code"
            return "in"
        self.wrong += 1
        if self.wrong < 5:
            return "sign_in_failed"
        self.locked_until, self.barred = minute + 15, self.barred or door == "pin"
        return "locked_out"

    def counts(self, door: str, minute: int) -> bool:
        if door == "code":
            return self.reset and not self.used and minute < 60
        if door == "chosen":
            return self.used
        return not self.reset


@pytest.fixture(scope="module")
def prepared(played, tmp_path_factory):
    """Two stores: a nurse with secret, PIN and an open bench; the same after a reset that was witnessed."""
    folder = tmp_path_factory.mktemp("lockout")
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        for reset in (False, True):
            path = folder / f"{reset}.db"
            played.copy_of(PEOPLE, path)
            door = Door(Desk(open_store(f"sqlite:///{path}")))
            door.choose()
            token, _ = door.sign_in()
            door.choose_pin(door.present(token))
            bench = door.open_bench(door.present(token))
            code = WRONG_CODE
            if reset:
                code = door.issue().code
                door.witness(after=timedelta(0))
            door.store.close()
            made[reset] = (path, bench, code, door.now)
        yield made


def attempt(door, bench, code, how, right, after):
    if how in {"secret", "chosen"}:
        whole = SECRET if how == "secret" else CHOSEN
        return door.sign_in(whole if right else WRONG, after=after)
    if how == "pin":
        return door.change(bench, NURSE.upper(), PIN if right else WRONG_PIN, after)
    return door.use(code if right else WRONG_CODE, CHOSEN, after=after)


@given(reset=st.booleans(), tries=TRIES)
def test_every_answer_is_that_of_the_model(prepared, tmp_path_factory, reset, tries):
    path, bench, code, now = prepared[reset]
    copy = tmp_path_factory.mktemp("tries") / "custody.db"
    shutil.copy(path, copy)
    door = Door(Desk(open_store(f"sqlite:///{copy}")))
    door.now, model, minute = now, Model(reset), 0
    try:
        for how, right, minutes in tries:
            minute += minutes
            answer = attempt(door, bench, code, how, right, timedelta(minutes=minute))
            seen = answer.code if isinstance(answer, SignInRefusal) else "in"
            assert seen == model.expected(how, right=right, minute=minute), (how, right, minute)
        with door.store.reading() as connection:
            assert verify(connection, checkpoint=None).faults == ()
            kept = [entry for entry in door.desk.entries(AccountId(NURSE)) if entry.act.rule.name == "secret_set"]
        assert sum(entry.act.reset is not None for entry in kept) <= 1, "a code is used once"
    finally:
        door.store.close()
