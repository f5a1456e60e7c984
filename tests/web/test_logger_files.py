"""Files of loggers that belong to no shipment: shown before they are recorded, once, and refused in one sentence."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest

from custody.domain.acts.shipping import LoggerFileRead
from custody.domain.duties import roles_at
from custody.domain.ids import LoggerId
from custody.workflows import temperature
from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.places import FREEZER_LOGGER
from custody.workflows.rehearsal.steps import people
from tests.web.at_the_desks import acts_of
from tests.workflows.test_aside import ended as killed

PATH = "/logger-files"
READERS = [p.account.value for p in people().values() if roles_at(LoggerFileRead.rule, 0) & set(p.roles)]


def send(browser, data, name="store.txt"):
    values = browser.get(PATH).form(PATH)
    return browser.post(PATH, {**{key: each[0] for key, each in values.items()}, "file": (io.BytesIO(data), name)})


def written(web, celsius):
    now = web.clock()
    return logger_file(FREEZER_LOGGER, now - timedelta(hours=6), now, celsius)[2]


def ended(_data):
    killed()


def recorded(web):
    return sum(isinstance(act, LoggerFileRead) for act in acts_of(web, LoggerId(FREEZER_LOGGER.value).key))


@pytest.mark.parametrize("account", ["demo-coldchain-one", "demo-procurement-one", "demo-qa-one"])
def test_file_is_shown_with_class_minutes_and_gaps_before_it_is_recorded_once(web, account):
    browser, before = web.signed_in(account), recorded(web)
    page = send(browser, written(web, "-190.0"))
    assert page.code == 303
    page = browser.get(page.location)
    for said in ("Class 0.", "Nothing is recorded until you accept it.", "Time out of range 0 min", "Judge by the limits for"):
        assert said in page.text, page.text
    assert recorded(web) == before
    accept = next(action for action in page.actions if action.endswith("/accept"))
    assert "Temperature file read" in browser.send(page, accept).text
    assert recorded(web) == before + 1
    again = send(browser, written(web, "-190.0"))
    assert again.code == 422
    assert "is recorded already" in again.text
    assert browser.send(page, accept).code in {200, 422}
    assert recorded(web) == before + 1


def test_long_file_is_read_by_a_process_of_its_own_and_says_the_same(web, monkeypatch):
    browser, data, before = web.signed_in("demo-coldchain-one"), written(web, "-190.0"), recorded(web)
    here = browser.get(send(browser, data).location).text
    monkeypatch.setattr(temperature, "LONG_FROM_BYTES", 100)
    page = send(browser, data)
    assert page.code == 303
    page = browser.get(page.location)
    assert page.text == here
    accept = next(action for action in page.actions if action.endswith("/accept"))
    assert "Temperature file read" in browser.send(page, accept).text
    assert recorded(web) == before + 1
    refused = send(browser, data.replace(b"-190.0", b"-190,0"))
    assert refused.code == 422
    assert "-190,0" in refused.text.partition("There is a problem")[2]


def test_long_file_whose_reader_was_ended_is_refused_and_kept_nowhere(web, monkeypatch):
    browser, before = web.signed_in("demo-coldchain-one"), recorded(web)
    monkeypatch.setattr(temperature, "LONG_FROM_BYTES", 100)
    monkeypatch.setattr(temperature, "_read", ended)
    page = send(browser, written(web, "-190.0"))
    assert page.code == 503
    assert "could not be read to its end, and nothing was kept" in page.text
    assert recorded(web) == before


def test_file_that_was_out_of_range_says_so_with_its_class_and_minutes(web):
    browser = web.signed_in("demo-qa-one")
    page = browser.get(send(browser, written(web, "-100.0")).location + "?form=cryo")
    assert re.search(r"Class [23]\.", page.text), page.text
    assert "now-bad" in page.html
    assert "Time out of range 360 min" in page.text


def test_other_limits_are_one_tap_away_and_an_odd_word_changes_nothing(web):
    browser = web.signed_in("demo-qa-one")
    where = send(browser, written(web, "-190.0")).location
    assert "Class 3." in browser.get(f"{where}?form=cold_2_8").text
    assert "Class 0." in browser.get(f"{where}?form=tropical").text


@pytest.mark.parametrize(("sent", "said"), [(b"", "file"), (b"not a logger's file", "as the logger wrote it")])
def test_what_is_no_file_of_a_logger_is_refused_in_one_sentence(web, sent, said):
    page = send(web.signed_in("demo-coldchain-one"), sent)
    assert page.code == 422
    assert said in page.text.partition("There is a problem")[2]


def test_file_nobody_uploaded_is_not_found(web):
    assert web.signed_in("demo-qa-one").get(f"{PATH}/{'0' * 64}").code == 404


@pytest.mark.parametrize("account", READERS)
def test_everybody_who_may_record_it_finds_the_page_from_a_desk(looked_at, account):
    browser = looked_at.signed_in(account)
    desks = [href for href in re.findall(r'<li><a href="([^"]+)"', browser.get("/").html) if href.startswith("/desks/")]
    assert any(f'href="{PATH}"' in browser.get(desk).html for desk in desks), account


def test_page_reads_in_chinese_and_is_closed_to_everybody_else(web):
    browser = web.signed_in("demo-coldchain-one", "zh")
    page = browser.get(send(browser, written(web, "-190.0")).location)
    assert "读取记录仪文件" in page.html
    assert not re.search(r"\[[a-z_]+(\.[A-Za-z_]+)*\]", page.html)
    assert web.signed_in("demo-nurse-one").get(PATH).code == 403
