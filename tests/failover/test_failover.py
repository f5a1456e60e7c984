"""Nothing acknowledged is lost when the first server is killed or hangs under load, or when the second hangs or vanishes before a commit.

The serving processes are started once, with the addresses of both servers, and find by themselves the one that takes writing. The tests
share them and both servers; each begins with what another left, made whole.
"""

from __future__ import annotations

import random
import signal
import statistics
import threading
import time

import pytest

from custody.workflows.rehearsal.bedside import NURSES
from tests.counts import count_of
from tests.failover.conftest import NAME, row_held
from tests.failover.load import CLIENTS, Load, scan
from tests.failover.pair import kill

pytestmark = pytest.mark.postgresql
RANDOM = random.Random(20260602)
KILLS = count_of(50, 1)
BETWEEN = 24
"""Scans that are acknowledged between two kills, at least."""
WITHIN_S = 120.0
"""On a machine that has other things to do."""
CUT_OFF_WITHIN_S = 15.0
"""Three seconds for the commit, two to end its wait, and what a busy machine takes. Others wait for all of that, and ask once: what tells
them from one who waits for a commit is what they are told, not how soon."""
AT_ONCE_S = 15.0
TOLD_WITHIN_S = 30.0
"""Five seconds until the server is asked beside, three for its answer, and what a busy machine takes; then a new connection is tried."""
NO_VERDICT = "NO VERDICT: do not give"
NOT_CONFIRMED = "did not confirm this in time"
DOES_NOT_FOLLOW = "does not follow the first"


@pytest.fixture
def whole(site):
    site.make_whole()
    return site


# ── the first server is lost ──
# Half the time an administrator lets the promoted server go on alone until the other follows it again, half the time nothing is recorded
# before that: both are decisions that custody leaves to people.


def test_nothing_acknowledged_is_lost_with_the_first_server(whole, figure):
    site = whole
    alone, followed = [], []
    with Load(site.place, site.casts) as load:
        for number in range(KILLS):
            load.until(WITHIN_S, more=BETWEEN, sent_after=time.monotonic())
            time.sleep(RANDOM.uniform(0, 0.2))
            (alone if number % 2 == 0 else followed).append(lose_the_first(site, load, number))
    check_nothing_is_lost(site, load)
    doubtful = len({answer.key for answer in load.answers if not answer.is_acknowledged})
    figure(
        f"first PostgreSQL server killed {KILLS} times under {CLIENTS} clients: {len(load.acknowledged()):,} scans acknowledged, "
        f"0 lost, {doubtful:,} refused first and recorded once when sent again; next accepted scan {said(alone)} after the kill when the "
        f"promoted server goes on alone{f', {said(followed)} when it waits for its copy' if followed else ''}"
    )


def said(seconds):
    return f"{statistics.median(seconds):.2f} s (worst {max(seconds):.2f} s)"


def lose_the_first(site, load, number):
    """Seconds from the kill to the next scan that was accepted."""
    both_fail = number % 5 == 2
    if both_fail:
        # What the second has not got by now, it never gets.
        kill(site.pair.second, signal.SIGKILL)
        time.sleep(RANDOM.uniform(0.1, 0.4))
    killed_at = time.monotonic()
    # Most of them as a crash, some as an administrator who is in a hurry.
    site.pair.first.stop() if number % 5 == 4 else site.pair.kill_first()
    if both_fail:
        site.pair.start_second()
    site.pair.promote_second()
    goes_on_alone = number % 2 == 0
    if goes_on_alone:
        site.pair.go_on_alone()
        accepted = load.until(WITHIN_S, sent_after=killed_at)
    promoted_at = time.monotonic()
    check_nothing_is_lost(site, load)
    if not goes_on_alone:
        assert not [answer for answer in tuple(load.answers) if answer.is_acknowledged and answer.sent_at > killed_at]
    site.pair.follow_again()
    site.make_whole()
    if not goes_on_alone:
        accepted = load.until(WITHIN_S, sent_after=promoted_at)
    return accepted.answered_at - killed_at


def check_nothing_is_lost(site, load):
    """Every scan that was acknowledged stands on the server that takes writing now, once, in a record that proves itself."""
    acknowledged = set(load.acknowledged())
    seen = site.recorded()
    assert acknowledged
    assert acknowledged - seen.keys() == set()
    assert {key: times for key, times in seen.items() if times != 1} == {}
    site.proved()


def test_first_server_that_hangs_is_found_out_by_whoever_waits_for_it(whole, figure):
    """It refuses no connection and answers none: without a bound of our own, all threads would wait for it and nobody would be told."""
    site = whole
    try:
        with Load(site.place, site.casts) as load:
            load.until(WITHIN_S, more=CLIENTS)
            site.pair.stop_first_in_its_tracks()
            hung_at = time.monotonic()
            told = load.until_answered(2 * CLIENTS, sent_after=hung_at, within_s=WITHIN_S)
            assert all((each.page.code, NO_VERDICT in each.page.text) == (503, True) for each in told), [each.page.text for each in told][
                :3
            ]
            waited = [each.answered_at - max(hung_at, each.sent_at) for each in tuple(load.answers) if each.answered_at > hung_at]
            assert max(waited) < TOLD_WITHIN_S
            site.pair.continue_first()
            goes_on_at = time.monotonic()
            accepted = load.until(WITHIN_S, more=CLIENTS, sent_after=goes_on_at)
    finally:
        site.pair.continue_first()
    check_nothing_is_lost(site, load)
    figure(
        f"first server hung: {len(waited)} requests told after {max(waited):.1f} s at most; next accepted scan "
        f"{accepted.answered_at - goes_on_at:.2f} s after it went on; 0 lost"
    )


# ── the second server is lost ──
# Between the question whether it follows and the commit that waits for it, where PostgreSQL alone would wait without an end.


def caught_before_its_commit(site, key, what_happens, *, then=lambda: None):
    """The answer to a scan whose checks were all passed, and which was about to commit, when something happened to the second server."""
    answers = []
    nurse, dose = NURSES[0], site.one_over.dose
    site.place.person(nurse)
    with row_held(site.pair, dose.key):
        thread = threading.Thread(target=lambda: answers.append(scan(site.place, site.one_over, nurse, key)))
        thread.start()
        wait_for(site, "wait_event = 'transactionid' AND query ILIKE '%stream_head%'")
        what_happens()
    began = time.monotonic()
    then()
    thread.join(WITHIN_S)
    [answer] = answers
    return answer, answer.answered_at - began


def wait_for(site, activity, do=""):
    """Wait until a connection of the first server is at this, and do something to it."""
    import psycopg

    with psycopg.connect(site.pair.first.url(NAME), autocommit=True) as connection:
        ends = time.monotonic() + WITHIN_S
        while not connection.execute(f"SELECT pid {do} FROM pg_stat_activity WHERE {activity}").fetchall():
            assert time.monotonic() < ends
            time.sleep(0.01)


def test_second_server_that_hangs_holds_nobody_up_and_nothing_is_acknowledged(whole, figure):
    site = whole
    try:
        with Load(site.place, site.casts) as load:
            load.until(WITHIN_S, more=CLIENTS)
            answer, took_s = caught_before_its_commit(site, "hung", site.pair.stop_in_its_tracks)
            hung_at = answer.answered_at - took_s
            assert (answer.page.code, NOT_CONFIRMED in answer.page.text) == (503, True), answer.page.text
            assert took_s < CUT_OFF_WITHIN_S
            # Those who were on their way have been told; whoever comes now is told by the first question.
            load.until_answered(2 * CLIENTS, sent_after=answer.answered_at, within_s=WITHIN_S)
            told = load.until_answered(2 * CLIENTS, sent_after=time.monotonic(), within_s=WITHIN_S)
            assert all(DOES_NOT_FOLLOW in each.page.text for each in told), [each.page.text for each in told][:3]
            slowest_s = max(each.answered_at - each.sent_at for each in told)
            assert slowest_s < AT_ONCE_S
            assert not [each for each in load.answers if each.is_acknowledged and each.sent_at > hung_at]
            longest_s = max(each.answered_at - each.sent_at for each in load.answers)
            assert longest_s < CUT_OFF_WITHIN_S + AT_ONCE_S
            # It stands there, but on one server alone: to send it again changes nothing and says nothing.
            again = scan(site.place, site.one_over, NURSES[0], "hung")
            assert (again.page.code, site.recorded()["hung"]) == (503, 1), again.page.text
            site.pair.continue_second()
            load.until(WITHIN_S, more=CLIENTS, sent_after=time.monotonic())
    finally:
        site.pair.continue_second()
    assert scan(site.place, site.one_over, NURSES[0], "hung").is_acknowledged
    seen = site.recorded()
    assert seen["hung"] == 1
    assert {seen.get(key) for key in load.acknowledged()} == {1}
    site.proved()
    figure(
        f"second server hung between check and commit: refused after {took_s:.1f} s, 8 others after {longest_s:.1f} s at most, and from "
        f"then on within {slowest_s:.2f} s; 0 acknowledged, recorded once when sent again"
    )


def test_wait_for_the_second_server_that_an_administrator_ends_is_not_acknowledged(whole):
    """The server then says that it has committed, and only warns that it did so alone."""
    site = whole

    def end_it():
        wait_for(site, "wait_event = 'SyncRep'", ", pg_cancel_backend(pid)")

    answer, _ = caught_before_its_commit(site, "ended", site.pair.second.stop, then=end_it)
    assert (answer.page.code, NOT_CONFIRMED in answer.page.text) == (503, True), answer.page.text
    site.pair.start_second()
    site.make_whole()
    assert scan(site.place, site.one_over, NURSES[0], "ended").is_acknowledged
    assert site.recorded()["ended"] == 1


def test_commit_that_the_second_server_never_had_is_not_acknowledged_when_it_is_sent_again(whole, figure):
    """And the first is lost for ever: then it was never recorded, and sending it again records it."""
    site = whole
    answer, _ = caught_before_its_commit(site, "alone", site.pair.second.stop)
    assert (answer.page.code, NOT_CONFIRMED in answer.page.text) == (503, True), answer.page.text
    for _ in range(3):
        again = scan(site.place, site.one_over, NURSES[0], "alone")
        assert (again.page.code, DOES_NOT_FOLLOW in again.page.text) == (503, True), again.page.text
    assert site.recorded()["alone"] == 1, "it stands on the first"
    site.pair.kill_first()
    site.pair.start_second()
    site.pair.promote_second()
    assert "alone" not in site.recorded()
    site.pair.follow_again()
    site.make_whole()
    assert scan(site.place, site.one_over, NURSES[0], "alone").is_acknowledged
    assert site.recorded()["alone"] == 1
    site.proved()
    figure("commit that only the lost server had: not acknowledged, nor when sent again 3 times; recorded once on the other")
