"""Deletes, inserts, swaps, cuts and rewrites by an owner of the database who makes as much as possible fit again: found, and named."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import pairwise

import pytest

from custody.store.tables import metadata
from custody.store.verification import make_checkpoint
from tests.counts import count_of
from tests.tampering.forging import Forger
from tests.tampering.places import NAMES, PROVED

TABLES = tuple(dict.fromkeys(table.name for table, _ in PROVED))
KEYS = {name: tuple(column.name for column in metadata.tables[name].primary_key) for name in TABLES}
OTHERS = {name: tuple(column.name for column in metadata.tables[name].columns if column.name not in KEYS[name]) for name in TABLES}
# Of an identity only a gap is found, and a file or series that no entry names says nothing.
NEWEST_STAYS_UNSEEN = {"identity"}
MAY_COME = {"attachment", "series"}


@contextmanager
def forging(owner):
    with owner.connected() as connection:
        forger = Forger(connection, owner.runner(connection), owner.dialect)
        yield forger


def checkpoint_of(owner):
    with owner.connected() as connection:
        return make_checkpoint(connection, "custody.example.org/whole")


def said(owner, forger, checkpoint=None) -> str:
    """The first fault, or nothing when the record proves itself."""
    forger.done()
    report = owner.verified(forger.connection, checkpoint)
    return str(report.faults[0]) if report.faults else ""


def names(table, *rows):
    return {word for row in rows for word in NAMES[table](row)}


def spread(rows, at_most):
    """Some of many, the first and the last among them."""
    step = max(1, len(rows) // at_most)
    return [*rows[:-1:step][:at_most], rows[-1]]


def delete(forger, table, row):
    forger.run(
        f'DELETE FROM "{table}" WHERE ' + " AND ".join(f'"{key}" = ?' for key in KEYS[table]), tuple(row[key] for key in KEYS[table])
    )


def insert(forger, table, row):
    columns = ", ".join(f'"{column}"' for column in row)
    forger.run(f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join("?" * len(row))})', tuple(row.values()))


@pytest.mark.parametrize("table", TABLES)
def test_deleted_row_is_found_and_named(owner, table):
    for row in spread(owner.rows[table], count_of(100, 1)):
        if table in NEWEST_STAYS_UNSEEN and row["number"] == max(
            each["number"] for each in owner.rows[table] if (each["subject"], each["field"]) == (row["subject"], row["field"])
        ):
            continue
        with forging(owner) as forger:
            delete(forger, table, row)
            fault = said(owner, forger)
        assert any(word in fault for word in names(table, row)) or "the head of its stream" in fault or "should not have" in fault, (
            row,
            fault,
        )


ANOTHER = {
    "entry": {"id": 100_000, "stream": "donor:DN-9999", "position": 1, "digest": bytes(32)},
    "leaf": {"number": 100_000, "entry_id": 100_000},
    "node": {"level": 40},
    "stream_head": {"stream": "donor:DN-9999"},
    "stream_summary": {"stream": "donor:DN-9999"},
    "stream_site": {"stream": "donor:DN-9999"},
    "edge": {"parent": "lot:LOT-9999"},
    "entry_name": {"name": "Q-LOT-9999"},
    "waiting_proposal": {"proposal": "0" * 64},
    "credential": {"number": 9},
    "reset_ticket": {"digest": "0" * 64},
    "identity": {"subject": "donor:DN-9999", "number": 1},
}


@pytest.mark.parametrize("table", [table for table in TABLES if table not in MAY_COME])
def test_inserted_row_is_found_and_named(owner, table):
    for row in spread(owner.rows[table], count_of(100, 1)):
        with forging(owner) as forger:
            insert(forger, table, row | ANOTHER[table])
            fault = said(owner, forger)
        # What a leaf too many stands for is said first.
        assert any(word in fault for word in names(table, row | ANOTHER[table])) or "of the log is missing" in fault, (row, fault)


@pytest.mark.parametrize("table", [table for table in TABLES if OTHERS[table]])
def test_two_rows_that_exchange_what_they_say_are_found_and_named(owner, table):
    rows = owner.rows[table]
    some = spread(rows, count_of(100, 2))
    for one, other in pairwise(some):
        columns = tuple(column for column in OTHERS[table] if one[column] != other[column])
        if not columns:
            continue
        with forging(owner) as forger:
            forger.swap(table, KEYS[table], columns, one, other)
            fault = said(owner, forger)
        changed = ({**one, **{c: other[c] for c in columns}}, {**other, **{c: one[c] for c in columns}})
        # A leaf that fits in another place is named by the entry that it brings there, or by the node above.
        moved = {"stands in its place", f"node {one['number'] // 2} of level 1"} if table == "leaf" else set()
        assert any(word in fault for word in names(table, one, other, *changed) | moved), (one, other, fault)


# --- order and length -------------------------------------------------------------------------------------------------
def test_entries_of_one_stream_in_another_order_are_found(owner):
    with forging(owner) as forger:
        one, other = forger.entries("stream = 'lot:LOT-0001'")[2:4]
        forger.swap("entry", ("id",), ("position",), one, other)
        assert "lot:LOT-0001 entry" in said(owner, forger)


def test_log_in_another_order_is_found_wherever_a_stream_runs_backwards(owner):
    with forging(owner) as forger:
        one, other = forger.entries("stream = 'lot:LOT-0001'")[2:4]
        forger.swap("leaf", ("number",), ("entry_id", "hash"), *(_leaf(forger, each) for each in (one, other)))
        forger.releaves()
        forger.renodes()
        assert f"lot:LOT-0001 entry {one['position']}" in said(owner, forger)


def _leaf(forger, entry):
    [(number, entry_id, hashed)] = forger.run("SELECT number, entry_id, hash FROM leaf WHERE entry_id = ?", (entry["id"],))
    return {"number": number, "entry_id": entry_id, "hash": hashed}


def test_log_in_another_order_in_which_everything_fits_is_found_against_a_checkpoint(owner):
    checkpoint = checkpoint_of(owner)
    with forging(owner) as forger:
        streams = [entry["stream"] for entry in forger.entries()]
        number = next(n for n, (one, other) in enumerate(pairwise(streams)) if n > 200 and one != other)
        forger.exchange_places(number)
        forger.refit()
        assert owner.verified(forger.connection).faults[0].what.startswith("the record is not protected")
        assert "are not those that the checkpoint was signed over" in said(owner, forger, checkpoint)
        assert owner.verified(forger.connection).ok


CUTS = ("cut", "cut_log", "reheads", "relookups", "cut_beside")


@pytest.mark.parametrize("steps", range(1, len(CUTS) + 1))
@pytest.mark.parametrize("count", [9, 1, 100][: count_of(3, 1)])
def test_cut_tail_is_found_unless_everything_fits_and_then_against_a_checkpoint(owner, steps, count):
    checkpoint = checkpoint_of(owner)
    with forging(owner) as forger:
        for step in CUTS[:steps]:
            getattr(forger, step)(*([checkpoint.size - count] if step.startswith("cut") and step != "cut_beside" else []))
        forger.done()
        alone, against = owner.verified(forger.connection), owner.verified(forger.connection, checkpoint)
    if steps == len(CUTS):
        assert alone.ok, alone.faults
        assert f"the log has {checkpoint.size - count} entries and had {checkpoint.size}" in str(against.faults[0])
    else:
        assert not alone.ok
        assert any(word in str(alone.faults[0]) for word in CUT_SAYS[steps - 1]), alone.faults
        assert not against.ok


CUT_SAYS = (
    ("which is missing",),
    ("the head of its stream is of another entry",),
    ("the lookup",),
    ("the credentials of", "the reset tickets of"),
)


# --- rewriting --------------------------------------------------------------------------------------------------------
STAGES = ("text", "digest", "chain", "heads", "leaves", "nodes")
SAYS = {
    "text": "its text is not what was recorded",
    "digest": "of the log is not of this entry",
    "chain": "of the log is not of this entry",
    "heads": "of the log is not of this entry",
    "leaves": "node",
}


def rewrite(forger, entry, stages, **changed):
    """Other words in one entry, made to fit stage by stage."""
    steps = {
        "text": lambda: forger.retell(entry, **changed),
        "digest": lambda: forger.rehash(entry),
        "chain": lambda: forger.rechain(entry["stream"]),
        "heads": forger.reheads,
        "leaves": forger.releaves,
        "nodes": forger.renodes,
    }
    for stage in stages:
        steps[stage]()


@pytest.mark.parametrize("reached", STAGES)
@pytest.mark.parametrize("act", ["result_recorded", "donor_registered", "verdict_given"][: count_of(3, 1)])
def test_rewritten_entry_is_found_unless_everything_after_it_is_rewritten_too_and_then_against_a_checkpoint(owner, act, reached):
    checkpoint = checkpoint_of(owner)
    with forging(owner) as forger:
        entry = forger.one(act)
        rewrite(forger, entry, STAGES[: STAGES.index(reached) + 1], printed_name="Demo Nobody", person="PERSON-999")
        forger.done()
        alone, against = owner.verified(forger.connection), owner.verified(forger.connection, checkpoint)
    if reached == STAGES[-1]:
        assert alone.ok, alone.faults
        assert "are not those that the checkpoint was signed over" in str(against.faults[0])
    else:
        assert SAYS[reached] in str(alone.faults[0])
        assert reached == "leaves" or f"{entry['stream']} entry {entry['position']}" in str(alone.faults[0])
        assert not against.ok


# --- who somebody is, and what they may -------------------------------------------------------------------------------
def test_people_behind_two_accounts_cannot_be_exchanged(owner):
    for stages in (STAGES[:1], STAGES[:3], STAGES[:5]):
        with forging(owner) as forger:
            one, other = (forger.entries("act = 'account_created' AND stream = ?", f"account:{name}")[0] for name in PEOPLE)
            bodies = [_body(entry) for entry in (one, other)]
            for entry, body in zip((one, other), bodies[::-1], strict=True):
                rewrite(forger, entry, stages, body={key: body[key] for key in ("person", "printed_name")})
            fault = said(owner, forger)
        assert "account:demo-" in fault or "node" in fault


PEOPLE = ("demo-nurse-one", "demo-qp-one")


def _body(entry):
    return json.loads(entry["envelope"])["body"]


def test_secrets_of_two_accounts_cannot_be_exchanged(owner):
    one, other = owner.rows["credential"][:2]
    for columns in (("secret_hash",), ("secret_hash", "set_at"), ("account",)):
        with forging(owner) as forger:
            if columns == ("account",):
                for before, after in ((one["account"], "aside"), (other["account"], one["account"]), ("aside", other["account"])):
                    forger.run("UPDATE credential SET account = ? WHERE account = ?", (after, before))
            else:
                forger.swap("credential", KEYS["credential"], columns, one, other)
            assert "the credentials of account:" in said(owner, forger)


def test_grant_cannot_be_given_to_another_account(owner):
    with forging(owner) as forger:
        grant = next(entry for entry in forger.entries("act = 'role_granted'") if "demo-qp-one" in entry["stream"])
        nurse = "account:demo-nurse-one"
        last = forger.entries("stream = ?", nurse)[-1]["position"]
        forger.run("UPDATE entry SET stream = ?, position = ? WHERE id = ?", (nurse, last + 1, grant["id"]))
        assert "account:demo-" in said(owner, forger)


@pytest.mark.parametrize("stages", [STAGES[:1], STAGES[:3], STAGES[:5]], ids=len)
def test_grant_cannot_become_another_role(owner, stages):
    with forging(owner) as forger:
        grant = next(entry for entry in forger.entries("act = 'role_granted'") if "demo-nurse-one" in entry["stream"])
        rewrite(forger, grant, stages, body={"role": "qualified_person"})
        fault = said(owner, forger)
    assert "account:demo-nurse-one entry" in fault or "node" in fault


def test_sealed_names_of_two_participants_cannot_be_exchanged(owner):
    one, other = (
        next(row for row in owner.rows["identity"] if (row["subject"], row["field"]) == (subject, "name"))
        for subject in ("participant:P-0001", "participant:P-0002")
    )
    with forging(owner) as forger:
        forger.swap("identity", KEYS["identity"], ("sealed",), one, other)
        assert "the identity of participant:P-0001 cannot be opened" in said(owner, forger)
