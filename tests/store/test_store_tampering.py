"""What somebody changes behind the application is noticed by the next verdict that rests on it."""

from __future__ import annotations

import pytest

from custody.errors import LedgerBrokenError
from custody.ledger.checkpoint import Checkpoint
from custody.ledger.streams import entry_digest
from custody.store.entries import load_evidence
from custody.store.loading import forget_decoded
from custody.store.stream_rows import FRESH_EVIDENCE
from tests.databases import only_sqlite
from tests.store.ledger import STREAM, account_created, signed_in

ACCOUNT = "account:lin.wei"


def test_whole_ledger_proves_itself(written, checkpoint):
    report = written.verify(checkpoint)
    assert (report.ok, report.entries, report.faults, report.root) == (True, 5, (), checkpoint.root)


def test_empty_ledger_proves_itself(ledger):
    assert ledger.verify().ok
    assert ledger.verify(Checkpoint("demo.example", 0, ledger.verify().root)).ok


# --- the verdict path -------------------------------------------------------------------------------------------------
EDITS = {
    "envelope": "UPDATE entry SET envelope = replace(envelope, '1.0', '2.0') WHERE stream = 'donor:D-1' AND position = 2",
    "one letter": "UPDATE entry SET envelope = replace(envelope, 'desk', 'Desk') WHERE stream = 'donor:D-1' AND position = 1",
    "digest": "UPDATE entry SET digest = zeroblob(32) WHERE stream = 'donor:D-1' AND position = 2",
    "short digest": "UPDATE entry SET digest = x'00' WHERE stream = 'donor:D-1' AND position = 2",
    "previous": "UPDATE entry SET previous = zeroblob(32) WHERE stream = 'donor:D-1' AND position = 2",
    "short previous": "UPDATE entry SET previous = x'' WHERE stream = 'donor:D-1' AND position = 2",
    "act": "UPDATE entry SET act = 'donor_registered' WHERE stream = 'donor:D-1' AND position = 2",
    "evidence": "UPDATE entry SET evidence = 1 WHERE stream = 'donor:D-1' AND position = 2",
    "odd evidence": "UPDATE entry SET evidence = 7 WHERE stream = 'donor:D-1' AND position = 2",
    "site": "UPDATE entry SET site = 'A9991' WHERE stream = 'donor:D-1' AND position = 2",
    "study": "UPDATE entry SET study = NULL WHERE stream = 'donor:D-1' AND position = 2",
    "recorded_at": "UPDATE entry SET recorded_at = '2026-03-01T09:30:00.000001+08:00' WHERE stream = 'donor:D-1' AND position = 2",
    "stream": "UPDATE entry SET stream = 'donor:D-9' WHERE stream = 'donor:D-1' AND position = 2",
    "position": "UPDATE entry SET position = 9 WHERE stream = 'donor:D-1' AND position = 2",
    "last position": "UPDATE entry SET position = 4 WHERE stream = 'donor:D-1' AND position = 3",
    "row deleted": "DELETE FROM entry WHERE stream = 'donor:D-1' AND position = 2",
    "first row deleted": "DELETE FROM entry WHERE stream = 'donor:D-1' AND position = 1",
    "last row deleted": "DELETE FROM entry WHERE stream = 'donor:D-1' AND position = 3",
    "head deleted": "DELETE FROM stream_head WHERE stream = 'donor:D-1'",
    "head of an earlier entry": "UPDATE stream_head SET position = 2, digest = "
    "(SELECT digest FROM entry WHERE stream = 'donor:D-1' AND position = 2) WHERE stream = 'donor:D-1'",
    "head digest": "UPDATE stream_head SET digest = zeroblob(32) WHERE stream = 'donor:D-1'",
    "head position": "UPDATE stream_head SET position = 4 WHERE stream = 'donor:D-1'",
    "head elsewhere": "UPDATE stream_head SET stream = 'donor:D-9' WHERE stream = 'donor:D-1'",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("remembered", [True, False], ids=["read before", "new process"])
def test_edit_is_noticed_when_the_stream_is_read_for_a_verdict(written, edit, remembered):
    assert len(written.load()[STREAM]) == 3
    written.edit(edit)
    if not remembered:
        forget_decoded()
    with pytest.raises(LedgerBrokenError, match=r"donor:D-1|donor:D-9"):
        written.load(STREAM, "donor:D-9")


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_edit_is_found_and_its_entry_named_by_verification(written, checkpoint, edit):
    written.edit(edit)
    report = written.verify(checkpoint)
    assert not report.ok
    assert "donor:D-1" in str(report.faults[0]) or "donor:D-9" in str(report.faults[0]) or "entry number" in str(report.faults[0])


def test_rewritten_row_with_a_fitting_digest_breaks_the_row_after_it(written):
    written.load()
    envelope, previous = written.raw("SELECT envelope, previous FROM entry WHERE stream = ? AND position = 2", (STREAM,))[0]
    forged = envelope.replace('"1.0"', '"2.0"')
    digest = entry_digest(previous, forged.encode())
    written.edit("UPDATE entry SET envelope = ?, digest = ? WHERE stream = 'donor:D-1' AND position = 2", parameters=(forged, digest))
    with pytest.raises(LedgerBrokenError, match="donor:D-1 entry 3: it does not follow"):
        written.load()
    # The forger could not know the salt's leaf either: the log still holds the leaf of the first text.
    assert "donor:D-1 entry 2" in written.first_fault()


@only_sqlite  # PostgreSQL keeps no text that is none
def test_text_that_no_longer_decodes_is_a_broken_record_and_no_crash(written):
    written.load()
    written.edit("UPDATE entry SET envelope = CAST(x'7bff7d' AS TEXT) WHERE stream = 'donor:D-1' AND position = 2")
    with pytest.raises(LedgerBrokenError, match="cannot be read"):
        written.load()
    assert "donor:D-1 entry 2: its text is not what was recorded" in written.first_fault()


def test_validly_chained_entry_of_an_unknown_act_is_a_broken_record(written):
    envelope, previous = written.raw("SELECT envelope, previous FROM entry WHERE stream = ? AND position = 3", (STREAM,))[0]
    forged = envelope.replace("consent_withdrawn", "consent_given_up")
    digest = entry_digest(previous, forged.encode())
    written.edit(
        "UPDATE entry SET envelope = ?, digest = ?, act = 'consent_given_up' WHERE stream = 'donor:D-1' AND position = 3",
        parameters=(forged, digest),
    )
    written.edit(
        "UPDATE stream_head SET digest = ? WHERE stream = 'donor:D-1'",
        parameters=(digest,),
    )
    with pytest.raises(LedgerBrokenError, match=r"donor:D-1 entry 3: it cannot be read .*no act called"):
        written.load()
    assert "donor:D-1 entry 3: there is no such act" in written.first_fault()


def test_entry_edited_is_noticed_by_its_digest_too(written):
    entry = written.load()[STREAM][1]
    written.edit(EDITS["envelope"])
    with pytest.raises(LedgerBrokenError, match="donor:D-1 entry 2: its text is not what was recorded"):
        written.by_digest(entry.digest)


# --- evidence ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def much_evidence(ledger):
    ledger.record(account_created(), *([signed_in()] * (2 * FRESH_EVIDENCE)))
    ledger.record(account_created())
    return ledger


def evidence_edit(position):
    return f"UPDATE entry SET envelope = replace(envelope, 'desk', 'Desk') WHERE stream = 'account:lin.wei' AND position = {position}"


def test_edited_evidence_is_noticed_in_the_first_reading_of_a_process(much_evidence):
    much_evidence.edit(evidence_edit(5))
    with pytest.raises(LedgerBrokenError, match=r"account:lin\.wei entry 5"):
        much_evidence.load(ACCOUNT)


def test_edited_fresh_evidence_is_noticed_every_time(much_evidence):
    assert len(much_evidence.load(ACCOUNT)[ACCOUNT]) == 2
    much_evidence.edit(evidence_edit(2 * FRESH_EVIDENCE))
    with pytest.raises(LedgerBrokenError, match=f"account:lin.wei entry {2 * FRESH_EVIDENCE}"):
        much_evidence.load(ACCOUNT)


def test_old_evidence_is_not_read_again_but_verification_and_the_passport_find_its_edit(much_evidence):
    assert len(much_evidence.load(ACCOUNT)[ACCOUNT]) == 2
    much_evidence.edit(evidence_edit(5))
    assert len(much_evidence.load(ACCOUNT)[ACCOUNT]) == 2
    with much_evidence.store.reading() as connection, pytest.raises(LedgerBrokenError, match=r"account:lin\.wei entry 5"):
        load_evidence(connection, ACCOUNT)
    assert "account:lin.wei entry 5" in much_evidence.first_fault()


@pytest.mark.parametrize("remembered", [True, False])
def test_entry_that_gates_read_cannot_be_hidden_among_old_evidence(much_evidence, remembered):
    if remembered:
        much_evidence.load(ACCOUNT)
    much_evidence.edit("UPDATE entry SET evidence = 1, act = 'signed_in' WHERE stream = 'account:lin.wei' AND position = 1")
    with pytest.raises(LedgerBrokenError, match=r"account:lin\.wei entry 1"):
        much_evidence.load(ACCOUNT)
