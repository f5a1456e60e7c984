"""What is counted: of whom nothing, for whom the holder of the token alone, and of all workers together."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import replace

import pytest

from custody.domain.terms import HoldPoint, VerdictWord
from custody.errors import InputError
from custody.web.counts import BOUNDS_S, Counts
from custody.web.current import EXTENSION
from custody.web.surroundings import Surroundings
from tests.web.test_bedside import start

TOKEN = "a-token-of-these-tests-0123456789"
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="[^"\\\n]*",?)*)\})? ([0-9.]+)')


def counting(web):
    """The application with a token and counts that begin at nothing."""
    found = web.app.extensions[EXTENSION]
    counts = Counts()
    counts.know(rule.endpoint for rule in web.app.url_map.iter_rules())
    web.app.extensions[EXTENSION] = replace(found, surroundings=Surroundings(metrics_token=TOKEN), counts=counts)
    return web


@pytest.fixture
def metered(web):
    return counting(web)


def answered(web, authorization=f"Bearer {TOKEN}", **environment):
    headers = {} if authorization is None else {"Authorization": authorization}
    return web.app.test_client().get("/metrics", headers=headers, environ_overrides=environment)


def samples(text):
    """Every figure of a text in the format of Prometheus, by its name and labels."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# "):
            assert re.fullmatch(r"# (HELP [a-z_]+ [^\n]+|TYPE [a-z_]+ (counter|gauge|histogram))", line), line
            continue
        parts = SAMPLE.fullmatch(line)
        assert parts is not None, line
        key = (parts[1], parts[2] or "")
        assert key not in found, line
        found[key] = float(parts[3])
    return found


def figures(web):
    page = answered(web)
    assert (page.status_code, page.mimetype) == (200, "text/plain")
    return samples(page.get_data(as_text=True))


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer ", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer ü"]
)
@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3"])
def test_whoever_has_no_token_finds_no_such_page(metered, authorization, address):
    """Not even from this machine: that is where a proxy passes strangers on from."""
    page = answered(metered, authorization, REMOTE_ADDR=address)
    nowhere = metered.app.test_client().get("/no-such-page", environ_overrides={"REMOTE_ADDR": address})
    assert (page.status_code, page.data.replace(b"/metrics", b"/no-such-page")) == (404, nowhere.data)
    assert "custody_" not in page.get_data(as_text=True)


def test_no_token_opens_where_none_was_set(web):
    assert answered(web).status_code == 404
    assert answered(web, "Bearer ").status_code == 404


@pytest.mark.parametrize("account", ["demo-nurse-one", "demo-admin-one", "demo-monitor-one"])
def test_account_alone_opens_nothing(metered, account):
    assert metered.signed_in(account).get("/metrics").code == 404


def test_requests_are_counted_by_endpoint_and_code(metered):
    before = figures(metered)
    for _ in range(3):
        assert metered.browser().get("/healthz").code == 200
    metered.browser().get("/no-such-page/DEMO0001B0014")
    after = figures(metered)
    assert after["custody_requests_total", 'endpoint="health.answers",code="200"'] == 3
    assert after["custody_requests_total", 'endpoint="none",code="404"'] == 1
    assert after["custody_requests_total", 'endpoint="metrics.counted",code="200"'] == 1
    assert ("custody_requests_total", 'endpoint="health.answers",code="200"') not in before
    assert after["custody_request_seconds_count", 'endpoint="health.answers"'] == 3
    assert after["custody_request_seconds_bucket", 'endpoint="health.answers",le="+Inf"'] == 3
    assert after["custody_request_seconds_sum", 'endpoint="health.answers"'] > 0


def verdicts_kept(web):
    with web.store.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM entry WHERE act = 'verdict_given'").scalar()


def test_verdict_is_counted_once_and_the_record_grows(at_the_bed):
    metered = counting(at_the_bed)
    before, kept_before = figures(metered), verdicts_kept(metered)
    start(metered)
    after, kept = figures(metered), verdicts_kept(metered) - kept_before
    grown = {labels: after[name, labels] - before[name, labels] for name, labels in after if name == "custody_verdicts_total"}
    assert kept > 0
    assert {labels: count for labels, count in grown.items() if count} == {'hold_point="G12",word="GO"': kept}
    assert after["custody_log_entries", ""] > before["custody_log_entries", ""]


def test_each_writing_waits_for_the_lock_and_is_counted_with_its_wait(metered):
    before = figures(metered)
    with metered.store.writing():
        pass
    after = figures(metered)
    name = "custody_write_lock_wait_seconds"
    assert after[f"{name}_count", ""] == before[f"{name}_count", ""] + 1
    assert after[f"{name}_bucket", 'le="+Inf"'] == after[f"{name}_count", ""]
    assert 0 < after[f"{name}_sum", ""] - before[f"{name}_sum", ""] <= after[f"{name}_max", ""]


def test_wait_for_a_lock_that_somebody_holds_is_as_long_as_they_hold_it(metered):
    assert figures(metered)["custody_write_lock_wait_seconds_max", ""] == 0
    threads = []
    with metered.store.writing():
        threads.append(threading.Thread(target=metered.store.confirm))
        threads[0].start()
        time.sleep(0.3)
    threads[0].join(10)
    assert 0.25 < figures(metered)["custody_write_lock_wait_seconds_max", ""] < 5


def test_longest_wait_is_of_all_workers():
    counts = Counts(rows=2)
    counts.lock_wait(0.5)
    counts.take_row(1)
    counts.lock_wait(0.25)
    found = samples("\n".join(counts.lines()))
    assert found["custody_write_lock_wait_seconds_max", ""] == 0.5
    assert found["custody_write_lock_wait_seconds_sum", ""] == 0.75
    assert found["custody_write_lock_wait_seconds_bucket", 'le="0.25"'] == 1


def test_no_label_names_anything_but_endpoints_codes_hold_points_and_words(metered):
    """Whoever did whatever to whichever thing: the labels come from closed lists."""
    browser = metered.signed_in("demo-nurse-one")
    for address in (
        "/",
        "/things/bag/DEMO0001B0014",
        "/things/participant/P-0001",
        "/search?q=DEMO0001B0014",
        '/x"} 1\n/P-0001',
        "/acts/none",
    ):
        browser.get(address)
    allowed = {
        "endpoint": {"none", *(rule.endpoint for rule in metered.app.url_map.iter_rules())},
        "code": {"other", *map(str, range(200, 600))},
        "le": {"+Inf", *map(str, BOUNDS_S)},
        "hold_point": {point.value for point in HoldPoint},
        "word": {word.value for word in VerdictWord},
    }
    for _, labels in figures(metered):
        for name, value in re.findall(r'([a-z_]+)="([^"]*)"', labels):
            assert value in allowed[name], (name, value)


def test_workers_count_together_and_a_worker_goes_on_where_another_ended():
    counts = Counts(rows=4)
    counts.know(["a.b"])
    for row in (0, 1, 1):  # the second is replaced
        child = os.fork()
        if child == 0:
            counts.take_row(row)
            for _ in range(1000):
                counts.request("a.b", 200, 0.02)
            counts.verdict(HoldPoint.BEDSIDE, VerdictWord.STOP)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    found = samples("\n".join(counts.lines()))
    assert found["custody_requests_total", 'endpoint="a.b",code="200"'] == 3000
    assert found["custody_verdicts_total", 'hold_point="G12",word="STOP"'] == 3
    assert found["custody_request_seconds_sum", 'endpoint="a.b"'] == pytest.approx(60)


def test_length_on_a_bound_stands_under_it_and_a_longer_one_above():
    counts = Counts()
    counts.know(["a.b"])
    for seconds in (*BOUNDS_S, *(bound + 1e-6 for bound in BOUNDS_S)):
        counts.request("a.b", 200, seconds)
    found = samples("\n".join(counts.lines()))
    under = [found["custody_request_seconds_bucket", f'endpoint="a.b",le="{bound}"'] for bound in (*BOUNDS_S, "+Inf")]
    assert under == [2 * number + 1 for number in range(len(BOUNDS_S))] + [2 * len(BOUNDS_S)]


def test_new_worker_gets_a_row_of_nobody():
    counts = Counts(rows=3)
    assert counts.free_row(set()) == 0
    assert counts.free_row({0, 2}) == 1
    assert counts.free_row({0, 1, 2}) == 2


def test_more_endpoints_than_there_is_room_for_are_refused():
    with pytest.raises(RuntimeError, match="501 endpoints, and room for the counts of"):
        Counts().know(f"a.{number}" for number in range(500))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CUSTODY_METRICS_TOKEN", "short", "CUSTODY_METRICS_TOKEN can be guessed"),
        ("CUSTODY_METRICS_TOKEN", "with a space in it, which no header carries", "CUSTODY_METRICS_TOKEN can be guessed"),
        ("CUSTODY_PROXIES", "caddy", "CUSTODY_PROXIES names “caddy”; expected addresses"),
        ("CUSTODY_PROXIES", "127.0.0.1,10.1.2.3/8", "CUSTODY_PROXIES names “10.1.2.3/8”"),
        ("CUSTODY_PROXIES", "0.0.0.0/0", "CUSTODY_PROXIES names everybody"),
        ("CUSTODY_PROXIES", "::/0", "CUSTODY_PROXIES names everybody"),
        ("CUSTODY_WANTS_STANDBY", "yes", "CUSTODY_WANTS_STANDBY is “yes”; expected 0 or 1"),
    ],
)
def test_setting_that_cannot_be_meant_is_refused(name, value, said):
    with pytest.raises(InputError, match=re.escape(said)) as refused:
        Surroundings.from_environment({name: value})
    if name.endswith("TOKEN"):
        assert value not in str(refused.value)
