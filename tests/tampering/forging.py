"""What somebody does who owns the database and knows how custody computes: change the record, then make as much as possible fit again."""

from __future__ import annotations

import json
from typing import Any

from custody.ledger.canonical import canonical
from custody.ledger.leaves import leaf_data
from custody.ledger.merkle import CompactRange, leaf_hash
from custody.ledger.prefixes import GENESIS
from custody.ledger.streams import entry_digest
from custody.store.lookups import rebuild
from custody.store.tables import APPEND_ONLY
from tests.tampering.places import unprotected

COLUMNS = ("id", "stream", "position", "act", "evidence", "site", "study", "recorded_at", "previous", "digest", "salt", "envelope")


class Forger:
    """Works on one connection; every trigger is gone until `done`."""

    def __init__(self, connection: Any, run: Any, dialect: str) -> None:
        self.connection = connection
        self.run = run
        self._protection = [unprotected(run, dialect, table) for table in APPEND_ONLY]
        for each in self._protection:
            each.__enter__()

    def done(self) -> None:
        for each in self._protection:
            each.__exit__(None, None, None)

    def entries(self, where: str = "1 = 1", *given: Any) -> list[dict[str, Any]]:
        rows = self.run(f"SELECT {', '.join(COLUMNS)} FROM entry WHERE {where} ORDER BY id", given)
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows]

    def one(self, act: str, number: int = 0) -> dict[str, Any]:
        return self.entries("act = ?", act)[number]

    # --- step by step ---
    def retell(self, entry: dict[str, Any], **changed: Any) -> None:
        """Other words in an entry's text, in canonical form; nothing else fits any more."""
        told = json.loads(entry["envelope"])
        body = {**told["body"], **changed.pop("body", {})}
        entry["envelope"] = canonical({**told, **changed, "body": body}).decode()
        self.run("UPDATE entry SET envelope = ? WHERE id = ?", (entry["envelope"], entry["id"]))

    def rehash(self, entry: dict[str, Any]) -> None:
        """The digest of one entry over the text it has now."""
        entry["digest"] = entry_digest(entry["previous"], entry["envelope"].encode())
        self.run("UPDATE entry SET digest = ? WHERE id = ?", (entry["digest"], entry["id"]))

    def rechain(self, stream: str) -> None:
        """Every entry of a stream follows the one before it, in its column, its text and its digest."""
        previous = GENESIS
        for entry in sorted(self.entries("stream = ?", stream), key=lambda each: each["position"]):
            entry["previous"] = previous
            self.run("UPDATE entry SET previous = ? WHERE id = ?", (previous, entry["id"]))
            self.retell(entry, previous=previous.hex(), position=entry["position"])
            self.rehash(entry)
            previous = entry["digest"]

    def reheads(self) -> None:
        self.run("DELETE FROM stream_head")
        newest = "position = (SELECT max(other.position) FROM entry AS other WHERE other.stream = entry.stream)"
        self.run(f"INSERT INTO stream_head SELECT stream, position, digest FROM entry WHERE {newest}")

    def releaves(self) -> None:
        for number, entry_id, entry in self._in_order():
            hashed = leaf_hash(leaf_data(entry["salt"], entry["stream"], entry["position"], entry["digest"]))
            self.run("UPDATE leaf SET hash = ? WHERE number = ? AND entry_id = ?", (hashed, number, entry_id))

    def _in_order(self) -> list[tuple[int, int, dict[str, Any]]]:
        known = {entry["id"]: entry for entry in self.entries()}
        found = self.run("SELECT number, entry_id FROM leaf ORDER BY number")
        return [(number, entry_id, known[entry_id]) for number, entry_id in found]

    def renodes(self) -> None:
        self.run("DELETE FROM node")
        tree = CompactRange()
        for (hashed,) in self.run("SELECT hash FROM leaf ORDER BY number"):
            for level, number, joined in tree.append(hashed)[1:]:
                self.run("INSERT INTO node VALUES (?, ?, ?)", (level, number, joined))

    def relookups(self) -> None:
        rebuild(self.connection)

    def refit(self, *streams: str) -> None:
        """All of it."""
        for stream in streams:
            self.rechain(stream)
        self.reheads()
        self.releaves()
        self.renodes()
        self.relookups()

    # --- larger deeds ---
    def swap(self, table: str, keys: tuple[str, ...], columns: tuple[str, ...], one: dict[str, Any], other: dict[str, Any]) -> None:
        """Two rows exchange these columns."""
        where = " AND ".join(f'"{key}" = ?' for key in keys)
        unique = [column for column in columns if column in ("digest", "hash", "entry_id", "stream", "position")]
        for column in unique:
            # Past a value that nobody has, because two rows may never hold the same.
            aside: Any = -1 if isinstance(one[column], int) else "aside" if isinstance(one[column], str) else b"aside"
            self.run(f'UPDATE "{table}" SET "{column}" = ? WHERE {where}', (aside, *(one[key] for key in keys)))
        for to, source in ((other, one), (one, other)):
            assigned = ", ".join(f'"{column}" = ?' for column in columns)
            self.run(f'UPDATE "{table}" SET {assigned} WHERE {where}', (*(source[c] for c in columns), *(to[key] for key in keys)))

    def exchange_places(self, number: int) -> None:
        """Two neighbours of the log change places, with their numbers and their leaves."""
        [(one,), (other,)] = self.run("SELECT entry_id FROM leaf WHERE number IN (?, ?) ORDER BY number", (number, number + 1))
        for before, after in ((one, -1), (other, one), (-1, other)):
            self.run("UPDATE entry SET id = ? WHERE id = ?", (after, before))

    def cut(self, size: int) -> None:
        """Nothing but the entries themselves: the newest go, `size` stay."""
        self.run("DELETE FROM entry WHERE id IN (SELECT entry_id FROM leaf WHERE number >= ?)", (size,))

    def cut_log(self, size: int) -> None:
        self.run("DELETE FROM leaf WHERE number >= ?", (size,))
        self.renodes()

    def cut_beside(self) -> None:
        """What the entries that went spoke of."""
        counted: dict[str, int] = {}
        for entry in self.entries("act = 'secret_set'"):
            counted[entry["stream"]] = counted.get(entry["stream"], 0) + 1
        for account, number in self.run("SELECT account, number FROM credential"):
            if number > counted.get(f"account:{account}", 0):
                self.run("DELETE FROM credential WHERE account = ? AND number = ?", (account, number))
        if not any("secret_reset_issued" in entry["envelope"] for entry in self.entries("act = 'proposed'")):
            self.run("DELETE FROM reset_ticket")
