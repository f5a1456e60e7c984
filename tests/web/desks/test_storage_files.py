"""Files of loggers at the storage desk: recorded once, refused in one sentence, and nobody's who may not read them."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from custody.workflows.rehearsal.files import logger_file
from custody.workflows.rehearsal.places import FREEZER_LOGGER

PATH = "/desks/storage/file"


def send(browser, data, name="store.txt"):
    values = browser.get(PATH).form(PATH)
    return browser.post(PATH, {**{key: each[0] for key, each in values.items()}, "file": (io.BytesIO(data), name)})


@pytest.fixture
def data(web):
    now = web.clock()
    return logger_file(FREEZER_LOGGER, now - timedelta(hours=6), now, "-190.0")[2]


def test_packer_reads_the_file_of_the_freezer_at_the_storage_desk_once(web, data):
    packer = web.signed_in("demo-coldchain-one")
    assert f'href="{PATH}"' in packer.get("/desks/storage").html
    assert "Temperature file read" in send(packer, data).text
    again = send(packer, data)
    assert again.code == 422
    assert "is recorded already" in again.text


@pytest.mark.parametrize(("sent", "said"), [(b"", "file"), (b"not a logger's file", "as the logger wrote it")])
def test_what_is_no_file_of_a_logger_is_refused_in_one_sentence(web, sent, said):
    page = send(web.signed_in("demo-coldchain-one"), sent)
    assert page.code == 422
    assert said in page.text.partition("There is a problem")[2]


def test_page_reads_in_chinese_and_is_closed_to_people_without_the_desk(web):
    assert "读取记录仪文件" in web.signed_in("demo-coldchain-one", "zh").get(PATH).html
    assert web.signed_in("demo-nurse-one").get(PATH).code == 403
