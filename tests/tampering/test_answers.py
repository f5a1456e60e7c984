"""A kept answer that somebody changed is not given again: what it says must stand in the entries that it names."""

from __future__ import annotations

import json
import shutil

import pytest

from custody.domain.acts.people import SignaturePolicyAccepted
from custody.errors import LedgerBrokenError
from custody.store.connection import open_store
from custody.workflows.recording import record
from tests.databases import edit, raw
from tests.tampering import whole

KEY = "policy-0001"


@pytest.fixture
def store(made, tmp_path):
    shutil.copy(made / whole.DATABASE, tmp_path / whole.DATABASE)
    opened = open_store(f"sqlite:///{tmp_path / whole.DATABASE}")
    yield opened
    opened.close()


def repeated(store):
    """The request of the store's making, sent once more."""
    signer = whole.administrator(KEY)
    with store.writing() as connection:
        return record(connection, SignaturePolicyAccepted(account=signer.account, policy_version="1"), signer, whole.AFTERWARDS)


def change(store, **changed):
    [(answer,)] = raw(store, "SELECT answer FROM answer WHERE key = ?", (KEY,))
    text = json.dumps({**json.loads(answer), **changed})
    edit(store, "UPDATE answer SET answer = ? WHERE key = 'policy-0001'", parameters=(text,))


def test_answer_as_it_was_kept_is_given_again(store):
    outcome = repeated(store)
    assert (outcome.kind, outcome.again) == ("recorded", True)


ELSEWHERE = "SELECT digest FROM entry WHERE stream = 'account:demo-nurse-one' LIMIT 1"
SAME_STREAM = "SELECT digest FROM entry WHERE stream = 'account:demo-admin-one' AND position = 1"


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "stopped"},
        {"kind": "waiting"},
        {"kind": "cannot_check"},
        {"kind": "released"},
        {"entry": None},
        {"entry": "0" * 64},
        {"entry": ELSEWHERE},
        {"verdict_entry": SAME_STREAM},
        {"subject": "account:demo-nurse-one"},
        {"subject": "nothing"},
        {"answered_at": "soon"},
    ],
    ids=str,
)
def test_changed_answer_is_refused(store, changed):
    found = {name: raw(store, text)[0][0].hex() if text and text.startswith("SELECT") else text for name, text in changed.items()}
    change(store, **found)
    with pytest.raises(LedgerBrokenError, match="the answer that was kept under this key"):
        repeated(store)


def test_answer_that_is_no_answer_any_more_is_refused(store):
    edit(store, "UPDATE answer SET answer = '[]' WHERE key = 'policy-0001'")
    with pytest.raises(LedgerBrokenError, match="cannot be read"):
        repeated(store)
