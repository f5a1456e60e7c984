"""`custody logger read`: a generated twin everywhere, the genuine file where it is."""

import json
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from custody.cli import loggers
from custody.domain.ids import LoggerId
from custody.domain.readings import Reading, Series
from custody.intake.twins import TwinKey, TwinTrip, write_twin
from custody.workflows.rehearsal.files import logger_file

KEYS = [
    *("serial", "format", "interval_minutes", "count", "start", "end", "min", "max", "mean", "mkt"),
    *("gaps", "minutes_out_of_range", "signature"),
]
START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def read(cli, file, *options, **variables):
    answer = cli("logger", "read", file, "--json", *options, **variables)
    return answer.exit_code, json.loads(answer.stdout)


@pytest.fixture
def twin(tmp_path):
    """Three hours at 5 °C with a time from one hour to two at 9.5 °C, signed with the key that demonstrations register."""
    _, _, data = logger_file(LoggerId("LOGGER-T-0901"), START, START + 3 * HOUR, "5.0", 10, (START + HOUR, START + 2 * HOUR, "9.5"))
    file = tmp_path / "twin.txt"
    file.write_bytes(data)
    return file


def test_twin_signed_with_a_registered_key_is_verified(looked_at, twin):
    code, told = read(looked_at, twin)
    assert code == 0
    assert list(told) == KEYS
    assert (told["serial"], told["format"], told["signature"], told["gaps"]) == ("LOGGER-T-0901", "berlinger", "verified", [])
    assert (told["interval_minutes"], told["count"]) == (10, 19)
    assert (told["start"], told["end"]) == ("2026-05-01T08:00:00+00:00", "2026-05-01T11:00:00+00:00")
    assert (told["min"], told["max"]) == (5, 9.5)
    assert told["mean"] == pytest.approx((12 * 5 + 7 * 9.5) / 19, abs=0.0005)
    assert told["min"] < told["mean"] < told["mkt"] < told["max"]
    assert 60 < told["minutes_out_of_range"] < 80


def test_numbers_are_json_numbers(looked_at, twin):
    _, told = read(looked_at, twin)
    for name in ("interval_minutes", "count", "min", "max", "mean", "mkt", "minutes_out_of_range"):
        assert isinstance(told[name], int | float), name


def test_without_a_store_no_key_is_registered(looked_at, twin):
    code, told = read(looked_at, twin, CUSTODY_DATABASE_URL=None)
    assert (code, told["signature"]) == (0, "key not registered")


def test_key_of_nobody_is_not_registered(looked_at, tmp_path):
    series = Series(readings=tuple(Reading(START + n * HOUR, Decimal("4.0")) for n in range(3)), interval_minutes=Decimal(60))
    file = tmp_path / "other.txt"
    file.write_bytes(write_twin(TwinTrip(serial="X1", series=series), TwinKey.from_seed("somebody else")))
    code, told = read(looked_at, file)
    assert (code, told["signature"], told["minutes_out_of_range"]) == (0, "key not registered", 0)


def test_gaps_are_told_with_their_minutes(looked_at, tmp_path):
    times = [START, START + HOUR, START + 5 * HOUR, START + 6 * HOUR]
    series = Series(readings=tuple(Reading(at, Decimal("4.0")) for at in times), interval_minutes=Decimal(60))
    file = tmp_path / "gap.txt"
    file.write_bytes(write_twin(TwinTrip(serial="X1", series=series), TwinKey.from_seed("somebody else")))
    _, told = read(looked_at, file)
    assert told["gaps"] == [{"start": "2026-05-01T09:00:00+00:00", "end": "2026-05-01T13:00:00+00:00", "minutes": 240}]
    assert "240 minutes" in looked_at.done("logger", "read", file)


def test_frozen_range_is_chosen(looked_at, tmp_path):
    _, _, data = logger_file(LoggerId("LOGGER-T-0902"), START, START + HOUR, "-180.0")
    file = tmp_path / "frozen.txt"
    file.write_bytes(data)
    assert read(looked_at, file, "--range", "cryo")[1]["minutes_out_of_range"] == 0
    assert read(looked_at, file)[1]["minutes_out_of_range"] == 60


def test_summary_for_people(looked_at, twin):
    lines = dict(line.split("  ", 1) for line in looked_at.done("logger", "read", twin).splitlines()[2:])
    said = {name.strip(): value.strip() for name, value in lines.items()}
    assert (said["serial"], said["count"], said["max"], said["signature"], said["gaps"]) == (
        "LOGGER-T-0901",
        "19",
        "9.5",
        "verified",
        "none",
    )


def test_changed_file_is_told_invalid_with_exit_status_1(looked_at, twin):
    twin.write_bytes(twin.read_bytes().replace(b"\t9.5\t", b"\t7.5\t", 1))
    code, told = read(looked_at, twin)
    assert (code, told["signature"]) == (1, "invalid")
    assert "does not match this file" in looked_at("logger", "read", twin).stderr


def test_half_a_file_is_refused(looked_at, twin):
    data = twin.read_bytes()
    twin.write_bytes(data[: len(data) // 2])
    assert "cut short" in looked_at.refused("logger", "read", twin)
    assert looked_at.refused("logger", "read", twin, "--json")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "an empty file"),
        (b"hello", "begins with “hello”"),
        (b"\x7fELF\x00\x00", "a binary file"),
        (b"%PDF-1.7", "expected a temperature"),
    ],
)
def test_other_files_are_refused(looked_at, tmp_path, content, sentence):
    file = tmp_path / "file"
    file.write_bytes(content)
    assert sentence in looked_at.refused("logger", "read", file)


def test_folder_and_missing_file_are_refused(looked_at, tmp_path):
    assert "Is a directory" in looked_at.refused("logger", "read", tmp_path)
    assert "No such file" in looked_at.refused("logger", "read", tmp_path / "none.txt")


def test_file_that_may_not_be_read_is_refused(looked_at, twin, monkeypatch):
    def forbidden(self, *_arguments, **_options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", forbidden)
    assert f"{twin}: Permission denied" in looked_at.refused("logger", "read", twin, CUSTODY_DATABASE_URL=None)


def test_endless_file_is_refused(looked_at, twin, monkeypatch):
    monkeypatch.setattr(loggers, "BYTES_MAX", 1000)
    assert "is larger than" in looked_at.refused("logger", "read", twin)


def test_named_store_that_is_missing_is_a_mistake(nowhere, twin):
    assert "no tables yet" in nowhere.refused("logger", "read", twin)


@pytest.mark.logger_sample
def test_genuine_file_is_read(looked_at):
    (file,) = Path(os.environ["CUSTODY_LOGGER_SAMPLES"]).glob("RCPJ00010*.txt")
    code, told = read(looked_at, file)
    assert code == 0
    assert list(told) == KEYS
    assert (told["serial"], told["count"], told["interval_minutes"]) == ("RCPJ00010", 124, 10)
    assert (told["start"], told["end"]) == ("2022-11-08T04:49:00+00:00", "2022-11-09T01:19:00+00:00")
    assert (told["min"], told["max"], told["mean"], told["mkt"]) == (0.9, 24.3, 5.461, 10.584)
    assert (told["gaps"], told["signature"]) == ([], "key not registered")
    assert told["minutes_out_of_range"] > 0


@pytest.mark.logger_sample
def test_genuine_file_with_one_byte_changed_is_invalid(looked_at, tmp_path):
    (file,) = Path(os.environ["CUSTODY_LOGGER_SAMPLES"]).glob("RCPJ00010*.txt")
    changed = file.read_bytes().replace(b"\t0.9\t", b"\t2.9\t", 1)
    assert changed != file.read_bytes()
    (tmp_path / "changed.txt").write_bytes(changed)
    assert read(looked_at, tmp_path / "changed.txt")[0] == 1
