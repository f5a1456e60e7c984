"""Proposals that wait for a countersignature: what is asked of them, and how they are kept while the whole ledger is read."""

from __future__ import annotations

from typing import Any, Protocol

from custody.store.envelope_text import Told


class Waiting(Protocol):
    """A proposal on its way: the number of its entry, how many signed, and the act with its body as canonical text."""

    @property
    def number(self) -> int: ...
    @property
    def signers(self) -> int: ...
    @property
    def act(self) -> str: ...
    @property
    def act_version(self) -> int: ...
    @property
    def body(self) -> str: ...


class WaitingProposals(Protocol):
    """Where proposals wait while entries are taken in."""

    def get(self, stream: str, proposal: str) -> Waiting | None: ...
    def put(self, told: Told) -> None: ...
    def sign(self, stream: str, proposal: str, signers: int) -> None: ...
    def remove(self, stream: str, proposal: str) -> None: ...
    def holds(self, stream: str, number: int) -> bool: ...


class _WaitingTold:
    """A proposal, read from the entry's text only when somebody asks."""

    __slots__ = ("signers", "told")

    def __init__(self, told: Told) -> None:
        self.told = told
        self.signers = 1

    @property
    def number(self) -> int:
        return self.told.number

    @property
    def act(self) -> str:
        return self.told.proposed_act

    @property
    def act_version(self) -> int:
        return int(self.told.body["act_version"])

    @property
    def body(self) -> str:
        return str(self.told.body["body"])


class WaitingInMemory:
    """For a run over the whole ledger; holds only what still waits."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], _WaitingTold] = {}

    def get(self, stream: str, proposal: str) -> Waiting | None:
        return self._waiting.get((stream, proposal))

    def put(self, told: Told) -> None:
        self._waiting[told.stream, told.proposal] = _WaitingTold(told)

    def sign(self, stream: str, proposal: str, signers: int) -> None:
        self._waiting[stream, proposal].signers = signers

    def remove(self, stream: str, proposal: str) -> None:
        self._waiting.pop((stream, proposal), None)

    def holds(self, stream: str, number: int) -> bool:
        return any(key[0] == stream and waiting.told.number == number for key, waiting in self._waiting.items())

    def rows(self) -> list[dict[str, Any]]:
        return [waiting_row(waiting.told, waiting.signers) for waiting in self._waiting.values()]


def waiting_row(told: Told, signers: int) -> dict[str, Any]:
    fields = told.fields
    body = fields["body"]
    return {
        "entry_id": told.number,
        "signers": signers,
        **{name: fields[name] for name in ("stream", "position", "site", "study", "account", "recorded_at")},
        **{name: body[name] for name in ("proposal", "act", "act_version", "body", "expires_at")},
    }
