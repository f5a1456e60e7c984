"""Two PostgreSQL servers, one of which holds every commit of the other; the first can be killed, and then follows the promoted one."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from custody.store.conditions import conditions
from custody.store.connection import open_store
from tests import postgres
from tests.postgres import Server, run

NAME = "other"
"""Whoever follows does so under this name, so that both have the same settings."""
WITHIN_S = 120.0


@dataclass
class Pair:
    """`first` takes writing and `second` follows it; after a promotion they have changed places."""

    first: Server
    second: Server

    def __post_init__(self) -> None:
        # In the order in which whoever connects tries them.
        self._folders = (self.first.folder, self.second.folder)

    def url(self, database: str, role: str) -> str:
        """Of both: whoever connects finds the one that takes writing."""
        return f"postgresql://{role}@/{database}?host={','.join(map(str, self._folders))}&target_session_attrs=read-write"

    def want_a_second(self) -> None:
        # The second will want one, too, once it is promoted.
        for server in (self.second, self.first):
            _set(server, f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'")

    def go_on_alone(self) -> None:
        """What an administrator decides who would rather have one server than none."""
        _set(self.first, "ALTER SYSTEM RESET synchronous_standby_names")

    def kill_first(self) -> None:
        """As a crash would: no process of it lives on, and none has said goodbye."""
        kill(self.first, signal.SIGKILL)

    def promote_second(self) -> None:
        self.second.promote()
        self.first, self.second = self.second, self.first

    def start_second(self) -> None:
        """After it was stopped or killed."""
        # A process that was killed may be counted among the living until its parent has asked for its end.
        _forget_memory(self.second)
        _start(self.second)

    def follow_again(self) -> None:
        """Whatever the second was, it begins again as a copy of the first."""
        _forget_memory(self.second)
        shutil.rmtree(self.second.data)
        copy(self.first, self.second)
        _start(self.second)

    def stop_in_its_tracks(self) -> None:
        """The second hangs: its connection stands, and nothing is confirmed."""
        kill(self.second, signal.SIGSTOP)

    def continue_second(self) -> None:
        kill(self.second, signal.SIGCONT)

    def stop_first_in_its_tracks(self) -> None:
        """The first hangs: its connections stand, and new ones are not refused, but it says nothing."""
        kill(self.first, signal.SIGSTOP)

    def continue_first(self) -> None:
        kill(self.first, signal.SIGCONT)

    def until_followed(self, database: str) -> None:
        """The second holds all that the first has."""
        ends = time.monotonic() + WITHIN_S
        with closing(open_store(self.first.url(database))) as store:
            while (found := _standby(store)).state != "good":
                assert time.monotonic() < ends, found
                time.sleep(0.02)


def _start(server: Server) -> None:
    try:
        server.start()
    except AssertionError as error:
        raise AssertionError(f"{error}\n{(server.folder / 'log').read_text()[-2000:]}") from error


def _set(server: Server, statement: str) -> None:
    server.ask(statement)
    server.ask("SELECT pg_reload_conf()")


def _standby(store):
    return next(each for each in conditions(store, wants_standby=True) if each.name == "standby")


@contextmanager
def pair() -> Iterator[Pair]:
    """Without a wish for a second one yet."""
    with postgres.running() as first, first.followed(NAME) as second:
        both = Pair(first, second)
        second.start()
        try:
            yield both
        finally:
            for each in (first, second):
                if _living(each):
                    kill(each, signal.SIGCONT)
                _forget_memory(each, unless_living=True)


def copy(source: Server, target: Server) -> None:
    at = f"host={source.folder} user={postgres.ACCOUNT} application_name={NAME}"
    run([*source.program("pg_basebackup"), "-d", at, "-D", str(target.data), "-R", "-X", "stream", "--no-sync", "-c", "fast"])


def kill(server: Server, how: signal.Signals) -> None:
    """The same to each process of a server, by its id; the one that would start others anew comes first."""
    if how is not signal.SIGCONT:
        # From now on it starts no other, so that the list is whole.
        os.kill(_living(server)[0], signal.SIGSTOP)
    processes = _living(server)
    for process in processes:
        try:
            os.kill(process, how)
        except ProcessLookupError:
            assert process != processes[0], "the server was gone already"
    if how is signal.SIGKILL:
        ends = time.monotonic() + WITHIN_S
        while any(map(_is_alive, processes)):
            assert time.monotonic() < ends
            time.sleep(0.002)


def _living(server: Server) -> list[int]:
    """Its processes, the uppermost first; nothing where it does not run."""
    try:
        parent = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [parent, *map(int, children)]


def _is_alive(process: int) -> bool:
    """One that has ended and was not collected yet does nothing more."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _forget_memory(server: Server, *, unless_living: bool = False) -> None:
    """A server that was killed leaves a piece of memory of the system behind, which would outlive its folder."""
    file = server.data / "postmaster.pid"
    if not file.exists() or (unless_living and _living(server)):
        return
    lines = file.read_text().splitlines()
    if len(lines) > 6 and len(lines[6].split()) == 2:
        with_id = lines[6].split()[1]
        run(["ipcrm", "-m", with_id])
    file.unlink()
    for left in server.folder.glob(".s.PGSQL.*"):
        left.unlink()
