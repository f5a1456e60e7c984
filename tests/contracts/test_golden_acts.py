"""Every act ever written can be read for ever: one golden body per act and version, never changed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from custody.domain.acts import ACTS, Act
from custody.domain.acts.base import field_types
from custody.domain.acts.codec import act_from, body_of, encoded
from custody.errors import InputError
from custody.ledger.canonical import canonical
from tests.contracts.golden import FOLDER, golden_bytes, golden_name, read_digests, write_missing

FILES = [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob("*.json"))]


def parsed(path: Path) -> tuple[str, int, dict[str, Any]]:
    name, version = path.stem.rsplit(".", 1)
    return name, int(version), json.loads(path.read_bytes())


def read(path: Path) -> Act:
    name, version, body = parsed(path)
    return act_from(name, version, body)


def test_every_act_and_version_has_its_golden_file():
    expected = {golden_name(rule.name, version) for rule in ACTS.values() for version in range(1, rule.version + 1)}
    assert {path.name for path in FOLDER.glob("*")} == expected, "run: python -m tests.contracts.golden"


def test_no_golden_file_was_changed_or_taken_away():
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("*")} == read_digests()


@pytest.mark.parametrize("path", FILES)
def test_golden_body_reads_as_its_act(path: Path):
    name, _, body = parsed(path)
    act = read(path)
    assert act.rule.name == name
    assert act.subject.key == body[act.rule.subject_field]


@pytest.mark.parametrize("path", FILES)
def test_golden_body_is_written_again_with_the_same_bytes(path: Path):
    """A field added since then must have a default, and only it may be new."""
    name, version, body = parsed(path)
    if version < ACTS[name].version:
        pytest.fail("an upcast body cannot be compared byte by byte: compare it with the next version's golden file here")
    again = body_of(read(path))
    added = set(again) - set(body)
    fields = {field.name: field for field in dataclasses.fields(ACTS[name].cls)}
    for field in added:
        assert fields[field].default is not dataclasses.MISSING, f"{field} has no default, so old entries cannot be read"
        assert again[field] == encoded(fields[field].default)
    assert canonical({key: value for key, value in again.items() if key not in added}) == path.read_bytes()


@pytest.mark.parametrize("path", FILES)
def test_golden_file_is_itself_canonical_and_complete(path: Path):
    name, version, body = parsed(path)
    assert canonical(body) == path.read_bytes()
    if version == ACTS[name].version:
        required = {field for field, kind in field_types(ACTS[name].cls).items() if kind.required}
        assert required <= set(body)


@pytest.mark.parametrize("path", FILES)
def test_golden_body_with_one_required_field_missing_or_one_too_many_is_refused(path: Path):
    name, version, body = parsed(path)
    for field, kind in field_types(ACTS[name].cls).items():
        if kind.required:
            with pytest.raises(InputError, match=field):
                act_from(name, version, {key: value for key, value in body.items() if key != field})
    with pytest.raises(InputError, match="one_too_many"):
        act_from(name, version, body | {"one_too_many": 1})


@pytest.mark.parametrize("path", FILES)
def test_act_written_by_a_newer_custody_is_refused(path: Path):
    name, _, body = parsed(path)
    with pytest.raises(InputError, match="newer custody"):
        act_from(name, ACTS[name].version + 1, body)


def test_sample_is_the_same_on_every_run():
    assert all(golden_bytes(name) == golden_bytes(name) for name in ACTS)


def test_writer_adds_only_what_is_missing(monkeypatch, tmp_path):
    """The committed files are safe from it: with all digests present it writes nothing."""
    monkeypatch.setattr("tests.contracts.golden.FOLDER", tmp_path / "acts")
    monkeypatch.setattr("tests.contracts.golden.DIGESTS", tmp_path / "acts.sha256.json")
    assert len(write_missing()) == len(ACTS)
    assert write_missing() == []
