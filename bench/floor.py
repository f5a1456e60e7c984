"""The floors: what the disk, the hash and the processor can do on this machine in this very run."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

ROW = b"x" * 400


def commits_per_second(folder: Path, seconds: float = 2.0) -> float:
    """Durable commits of one 400-byte row: SQLite, WAL, synchronous=FULL, one connection."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        return _commits_per_second(Path(fresh) / "floor.db", seconds)


def _commits_per_second(file: Path, seconds: float) -> float:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, content BLOB)")
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO row (content) VALUES (?)", (ROW,))
        connection.execute("COMMIT")
        done += 1
    took = time.perf_counter() - began
    connection.close()
    return done / took


def postgresql_commits_per_second(url: str, connections: int, seconds: float = 2.0) -> float:
    """Durable commits of one 400-byte row on PostgreSQL: so many connections, each with one commit under way."""
    import psycopg  # noqa: PLC0415 - only where there is a PostgreSQL

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS floor")
        connection.execute("CREATE TABLE floor (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, content bytea)")
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    ready = threading.Barrier(connections + 1)
    ends: list[float] = []

    def commit() -> int:
        with psycopg.connect(url, autocommit=True) as connection:
            done = 0
            ready.wait()
            while time.perf_counter() < ends[0]:
                connection.execute("INSERT INTO floor (content) VALUES (%s)", (ROW,))
                done += 1
            return done

    with ThreadPoolExecutor(connections) as pool:
        counted = [pool.submit(commit) for _ in range(connections)]
        ends.append(time.perf_counter() + seconds)
        ready.wait()
        return sum(each.result() for each in counted) / seconds


def bare_loops(milliseconds: float, times: int) -> list[float]:
    """Milliseconds that a loop took, each of so many times, which asks nobody for anything and takes about as long as said.

    Where some take far longer than the most, the machine held the processor up: the slowest of other things are slow for that, too.
    """
    rounds = 1_000
    a_round = statistics.median(_loop_ms(rounds) for _ in range(50)) / rounds
    return sorted(_loop_ms(int(milliseconds / a_round)) for _ in range(times))


def _loop_ms(rounds: int) -> float:
    began = time.perf_counter()
    held = {}
    for number in range(rounds):
        held[number % 997] = str(number)
    return (time.perf_counter() - began) * 1000


def bare_hash_loop(database: Path) -> tuple[int, float]:
    """Entries and seconds of nothing but sha256(previous + stored bytes) over every entry, read with a raw cursor."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    began = time.perf_counter()
    count = 0
    for previous, envelope in connection.execute("SELECT previous, CAST(envelope AS BLOB) FROM entry ORDER BY stream, position"):
        sha256(previous + envelope).digest()
        count += 1
    took = time.perf_counter() - began
    connection.close()
    return count, took
