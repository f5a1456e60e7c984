"""A file of a million rows takes long to read: whoever scans at a bed meanwhile does not wait for it."""

from __future__ import annotations

import threading

from custody.workflows import temperature
from tests.web.test_logger_files import PATH, recorded, send, written

SOON_S = 20.0


def test_file_is_read_while_everybody_else_can_write(web, monkeypatch):
    """Every time it is read, somebody else writes at that very moment, and is done before it goes on."""
    read, waited = temperature.read_logger_file, []

    def somebody_writes():
        with web.store.writing():
            pass

    def read_beside(data, *keys):
        other = threading.Thread(target=somebody_writes, daemon=True)
        other.start()
        other.join(SOON_S)
        waited.append(other.is_alive())
        return read(data, *keys)

    monkeypatch.setattr(temperature, "read_logger_file", read_beside)
    browser, before = web.signed_in("demo-coldchain-one"), recorded(web)
    page = browser.get(send(browser, written(web, "-190.0")).location)
    accept = next(action for action in page.actions if action.startswith(PATH) and action.endswith("/accept"))
    browser.send(page, accept)
    assert recorded(web) == before + 1
    assert len(waited) >= 2
    assert not any(waited)
