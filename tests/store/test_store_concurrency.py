"""Many writers: nothing lost, nothing doubled, one winner, in turn."""

from __future__ import annotations

import multiprocessing
import threading
import time

from custody.domain.ids import DonorId
from custody.errors import OutOfOrderError
from custody.store.connection import open_store
from custody.store.entries import append, load_streams
from custody.store.write_lock import ThreadQueue
from tests.store.ledger import NOW, STREAM, Ledger, consent, new, registered

EACH = 20


def write_many(url, name):
    ledger = Ledger(open_store(url))
    for number in range(EACH):
        ledger.record(registered(), registered(DonorId.parse(f"{name}-{number}")))
    ledger.store.close()


def sign_once(connection):
    """Reads, judges and writes in one transaction, as every workflow does."""
    if len(load_streams(connection, [STREAM])[STREAM]) > 1:
        raise OutOfOrderError("signed already")
    append(connection, [new(consent())], recorded_at=NOW)


def race(store, winners, losers):
    try:
        with store.writing() as connection:
            sign_once(connection)
        winners.append(1)
    except OutOfOrderError:
        losers.append(1)


def run_all(workers):
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()


def test_processes_and_threads_append_without_losing_or_doubling(ledger):
    ledger.record(registered())
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=write_many, args=(ledger.store.url, f"P{number}")) for number in range(3)]
    threads = [threading.Thread(target=lambda n=number: [ledger.record(registered()) for _ in range(EACH)]) for number in range(3)]
    run_all([*processes, *threads])
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(ledger.load()[STREAM]) == 1 + 6 * EACH
    report = ledger.verify()
    assert (report.faults, report.entries) == ((), 1 + 9 * EACH)


def test_store_that_was_open_before_a_fork_works_on_both_sides(ledger):
    ledger.record(registered())
    context = multiprocessing.get_context("fork")
    child = context.Process(target=lambda: ledger.record(registered(), registered()))
    run_all([child])
    assert child.exitcode == 0
    ledger.record(registered())
    assert len(ledger.load()[STREAM]) == 4
    assert ledger.verify().ok


def test_exactly_one_of_many_racers_wins(ledger):
    ledger.record(registered())
    winners, losers = [], []
    run_all([threading.Thread(target=race, args=(ledger.store, winners, losers)) for _ in range(16)])
    assert (len(winners), len(losers)) == (1, 15)
    assert len(ledger.load()[STREAM]) == 2


def test_writers_are_served_in_the_order_in_which_they_came():
    queue = ThreadQueue()
    served = []
    queue.acquire()

    def wait(number):
        queue.acquire()
        served.append(number)
        queue.release()

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(12)]
    for count, thread in enumerate(threads, start=1):
        thread.start()
        while len(queue._waiting) < count:
            time.sleep(0.001)
    queue.release()
    for thread in threads:
        thread.join(10)
    assert served == list(range(12))


def hold_and_note(url, ready, order, name):
    store = open_store(url)
    with store.reading():
        pass
    ready.wait(20)
    for _ in range(10):
        with store.writing():
            order.put(name)
            time.sleep(0.002)


def test_busy_process_does_not_shut_another_out(ledger):
    context = multiprocessing.get_context("fork")
    ready, order = context.Barrier(2), context.Queue()
    processes = [context.Process(target=hold_and_note, args=(ledger.store.url, ready, order, name)) for name in "ab"]
    for process in processes:
        process.start()
    turns = "".join(order.get(timeout=30) for _ in range(20))
    for process in processes:
        process.join(10)
    # In turn, but for the start and the end, where one may be alone.
    assert max(map(len, turns.replace("ab", "a b").replace("ba", "b a").split())) <= 5
