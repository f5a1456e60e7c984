"""Requests of everybody to every address, changed in every way: none is a fault of the server, and whatever they do, no GO is wrong.

Whoever is stopped is told so by a page; a fault that the server only wrote into its log is found there.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest

from custody.domain.acts.bedside import InfusionStarted
from custody.store.verification import verify
from custody.workflows.demonstration import casts
from custody.workflows.rehearsal.bedside import second_identifier, wristband
from tests.counts import IN_FULL
from tests.databases import raw
from tests.fuzz.crowd import Crowd
from tests.web.at_the_desks import acts_of

CHUNKS = 48 if IN_FULL else 1
EACH = 2_500 if IN_FULL else 1_000
"""Requests to one copy of the store; then a new one, for sessions end, people are locked out, lots are rejected."""
AT_MOST = 4 * EACH
"""Requests after which a crowd that still wrote too little, or was never given one of `WANTED`, is too weak to prove anything."""
WANTED = {200, 303, 403, 404, 409, 422}


@pytest.mark.usefixtures("no_faults_logged")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_request_is_a_fault_of_the_server(chunk, copy_of_the_bed, record_property):
    rnd, codes, sent, grown = random.Random(f"requests {chunk}"), Counter(), 0, 0
    # What a crowd gets done is luck: tokens and salts differ from run to run. One that got little done sends more, in another copy.
    while sent < EACH or (sent < AT_MOST and not (grown > sent // 50 and codes.keys() >= WANTED)):
        with copy_of_the_bed() as web:
            crowd, before = Crowd(web, rnd), size(web)
            for _ in range(EACH):
                answer, said = crowd.send()
                sent += 1
                codes[answer.status_code] += 1
                assert answer.status_code < 500, f"{answer.status_code} for {said[:3000]}"
            grown += size(web) - before
            assert wrong_starts(web) == []
            with web.store.reading() as connection:
                assert verify(connection, checkpoint=None).faults == ()
    found = ", ".join(f"{code}: {count:,}" for code, count in sorted(codes.items()))
    record_property("figure", f"fuzzed requests, part {chunk + 1} of {CHUNKS}: {sent:,} ({found}), {grown:,} entries written; 0 HTTP 5xx")
    assert codes.keys() >= WANTED
    assert grown > sent // 50


def size(web):
    return raw(web.store, "SELECT count(*) FROM entry")[0][0]


def wrong_starts(web):
    """Starts of an infusion whose wristband, second identifier or bag is not that of the dose."""
    found = []
    for lot in casts(web.config.key_dir):
        right = (wristband(lot.cast), second_identifier(lot.cast))
        started = [act for act in acts_of(web, lot.cast.dose.key) if isinstance(act, InfusionStarted)]
        found += [act for act in started if (act.scans.wristband, act.scans.second_identifier) != right or act.bag not in lot.cast.bags]
    return found
