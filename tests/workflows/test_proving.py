"""The record proves itself: against nothing but itself, and against a signed checkpoint that was kept elsewhere."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from custody.domain.acts.donation import DonorRegistered
from custody.domain.ids import DonorId
from custody.errors import CustodyError, InputError, MalformedFileError
from custody.store import lookups
from custody.store.connection import open_store
from custody.store.loading import forget_decoded
from custody.workflows import proving
from tests.databases import edit, raw
from tests.workflows.desk import OPEN, Desk

COORDINATOR = "demo-coordinator-one"


@pytest.fixture
def desk(desk_at):
    return desk_at(OPEN)


@pytest.fixture
def keys(tmp_path):
    return tmp_path / "keys"


def grow(desk, count=1):
    for n in range(count):
        desk.record(DonorRegistered(donor=DonorId(f"DN-{desk.size()}-{n}")), COORDINATOR, desk.last_at() + timedelta(minutes=1))


def checkpointed(desk, keys, tmp_path, name="checkpoint.txt"):
    made = proving.checkpoint(desk.store, keys)
    path = tmp_path / name
    path.write_text(made.note, encoding="utf-8")
    return made, path


def behind(desk, *statements):
    """Change rows as somebody who owns them would, past the triggers and putting them back."""
    desk.store.close()
    edit(desk.store, *statements)
    forget_decoded()


def test_a11_17_whole_record_proves_itself(desk, keys):
    report = proving.prove(desk.store, None, keys)
    assert report.ok
    assert report.faults == ()
    assert report.entries == desk.size()
    assert "session" in report.skipped_tables


def test_record_agrees_with_its_checkpoint_now_and_after_it_has_grown(desk, keys, tmp_path):
    made, path = checkpointed(desk, keys, tmp_path)
    assert made.size == desk.size()
    assert proving.prove(desk.store, path, keys).ok
    grow(desk, 3)
    assert proving.prove(desk.store, path, keys).ok


def test_private_key_is_for_its_owner_only_and_made_once(desk, keys, tmp_path):
    first, _ = checkpointed(desk, keys, tmp_path)
    again, _ = checkpointed(desk, keys, tmp_path)
    assert first.verifier == again.verifier == (keys / proving.PUBLIC_FILE).read_text(encoding="ascii").strip()
    assert (keys / proving.KEY_FILE).stat().st_mode & 0o077 == 0
    assert keys.stat().st_mode & 0o077 == 0


def test_public_key_that_was_lost_is_written_again_from_the_private_one(desk, keys, tmp_path):
    first, path = checkpointed(desk, keys, tmp_path)
    (keys / proving.PUBLIC_FILE).unlink()
    with pytest.raises(InputError, match="is missing"):
        proving.prove(desk.store, path, keys)
    again, path = checkpointed(desk, keys, tmp_path)
    assert first.verifier == again.verifier
    assert proving.prove(desk.store, path, keys).ok


def test_p11_10a_edited_row_is_named(desk, keys):
    grow(desk)
    last = desk.size()
    behind(desk, f"UPDATE entry SET envelope = replace(envelope, 'DN-', 'DX-') WHERE id = {last}")
    report = proving.prove(desk.store, None, keys)
    assert not report.ok
    assert report.faults[0].stream is not None
    assert report.faults[0].stream.startswith("donor:")
    assert report.faults[0].position == 1


def cut(desk, size):
    """Remove everything after `size` entries so cleanly that what is left agrees with itself."""
    desk.store.close()
    return size


def rolled_back(desk, tmp_path, keys):
    """A copy from before the last entries, put in the place of the store."""
    grow(desk)
    desk.store.close()
    shutil.copy(desk.path, tmp_path / "before.db")
    grow(desk, 5)
    made, path = checkpointed(desk, keys, tmp_path)
    desk.store.close()
    for ending in ("-wal", "-shm"):
        desk.path.with_name(desk.path.name + ending).unlink(missing_ok=True)
    shutil.copy(tmp_path / "before.db", desk.path)
    forget_decoded()
    return made, path


@pytest.mark.only_sqlite  # a file is copied
def test_alc_e_store_rolled_back_to_an_older_copy_is_found_by_the_checkpoint_only(desk, keys, tmp_path):
    made, path = rolled_back(desk, tmp_path, keys)
    assert proving.prove(desk.store, None, keys).ok
    report = proving.prove(desk.store, path, keys)
    assert not report.ok
    assert report.entries == made.size - 5
    assert str(made.size) in str(report.faults[-1])


@pytest.mark.only_sqlite  # a file is copied
def test_other_entries_after_a_roll_back_are_found_though_there_are_as_many(desk, keys, tmp_path):
    made, path = rolled_back(desk, tmp_path, keys)
    grow(desk, 5)
    assert desk.size() == made.size
    assert proving.prove(desk.store, None, keys).ok
    assert not proving.prove(desk.store, path, keys).ok


def test_tail_cut_off_is_found(desk, keys, tmp_path):
    grow(desk, 2)
    _, path = checkpointed(desk, keys, tmp_path)
    size = desk.size()
    [(stream,)] = raw(desk.store, "SELECT stream FROM entry WHERE id = ?", (size,))
    behind(
        desk,
        f"DELETE FROM leaf WHERE entry_id = {size}",
        f"DELETE FROM stream_head WHERE stream = '{stream}'",
        f"DELETE FROM entry WHERE id = {size}",
    )
    assert not proving.prove(desk.store, path, keys).ok


class TestCheckpointFile:
    def test_checkpoint_of_another_key_is_refused(self, desk, keys, tmp_path):
        checkpointed(desk, keys, tmp_path)
        other, path = checkpointed(desk, tmp_path / "other-keys", tmp_path, "other.txt")
        assert other.size == desk.size()
        with pytest.raises(CustodyError):
            proving.prove(desk.store, path, keys)

    @pytest.mark.parametrize("change", ["size", "root", "signature", "half", "empty"])
    def test_checkpoint_that_was_changed_is_refused(self, desk, keys, tmp_path, change):
        made, path = checkpointed(desk, keys, tmp_path)
        lines = made.note.split("\n")
        changed = {
            "size": made.note.replace(f"\n{made.size}\n", f"\n{made.size - 1}\n"),
            "root": made.note.replace(lines[2], lines[2][::-1]),
            "signature": made.note[:-8] + ("A" if made.note[-8] != "A" else "B") + made.note[-7:],
            "half": made.note[: len(made.note) // 2],
            "empty": "",
        }[change]
        assert changed != made.note
        path.write_text(changed, encoding="utf-8")
        with pytest.raises((InputError, MalformedFileError)):
            proving.prove(desk.store, path, keys)

    def test_checkpoint_that_cannot_be_read_is_one_sentence(self, desk, keys, tmp_path):
        proving.checkpoint(desk.store, keys)
        (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
        for path in (tmp_path / "not-there", tmp_path / "bytes", tmp_path):
            with pytest.raises(InputError, match="cannot be read"):
                proving.prove(desk.store, path, keys)

    def test_checkpoint_of_another_store_proves_nothing(self, desk, desk_at, keys, tmp_path):
        other = desk_at(OPEN)
        grow(other)
        grow(desk, 2)
        _, path = checkpointed(other, keys, tmp_path)
        assert not proving.prove(desk.store, path, keys).ok


def test_lookups_are_rebuilt_from_the_entries_alone(desk, keys):
    behind(desk, "DELETE FROM edge", "UPDATE stream_summary SET act = 'something else'")
    assert not proving.prove(desk.store, None, keys).ok
    proving.rebuild(desk.store)
    assert proving.prove(desk.store, None, keys).ok
    with desk.store.reading() as connection:
        assert lookups.differences(connection) == ()


@pytest.mark.only_sqlite  # a file is copied
def test_alc_e_restored_backup_is_equal(desk, keys, tmp_path):
    made, path = checkpointed(desk, keys, tmp_path)
    desk.store.close()
    shutil.copy(desk.path, tmp_path / "restored.db")
    restored = Desk(open_store(f"sqlite:///{tmp_path / 'restored.db'}"))
    report = proving.prove(restored.store, path, keys)
    assert report.ok
    assert report.entries == made.size
    restored.store.close()
