"""What a terminal, a pipe and a program are given."""

import io
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import redirect_stdout
from decimal import Decimal

import pytest

from custody.cli import output


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def on_terminal(monkeypatch):
    """What a table looks like on a terminal of 60 columns."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def drawn(*table):
        with redirect_stdout(Terminal()) as screen:
            output.print_table(*table)
        return screen.getvalue()

    return drawn


def test_pipe_gets_whole_lines_without_frames(capsys):
    output.print_table("Long", ("a", "b"), [("x" * 300, "y"), ("z", "w" * 300)])
    title, columns, first, second = capsys.readouterr().out.splitlines()
    assert (title, columns.split()) == ("Long", ["a", "b"])
    assert first == "x" * 300 + "  y"
    assert second == "z" + " " * 301 + "w" * 300


def test_columns_line_up_where_signs_are_two_wide(capsys):
    output.print_table("", ("a", "b"), [("质量", "1"), ("x", "2")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == ["质量  1", "x     2"]


def test_terminal_gets_a_table_as_wide_as_it_is(on_terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    drawn = on_terminal("Long", ("a", "b"), [("x" * 100, "y")])
    assert max(len(line.rstrip()) for line in without_bold(drawn).splitlines()) <= 60
    assert drawn.count("x") == 100


def without_bold(drawn):
    return re.sub(r"\x1b\[[0-9;]*m", "", drawn)


def test_no_color_is_respected(on_terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert re.search(r"\x1b\[(3|4|9)[0-9]", on_terminal("T", ("a",), [("x",)])) is None


@pytest.mark.parametrize("value", ["\x1b[2J\x1b[31mred", "two\nlines", "a\tb", "bell\x07"])
def test_value_cannot_steer_a_terminal(on_terminal, capsys, value):
    drawn = on_terminal("T", ("a",), [(value,)])
    assert output.shown(value) in drawn
    assert output.shown(value).isprintable()
    output.print_table("T", ("a",), [(value,)])
    assert capsys.readouterr().out.splitlines()[2:] == [output.shown(value)]


def test_square_brackets_are_no_markup(on_terminal):
    drawn = on_terminal("[bold]T", ("[red]a",), [("[link=x]y[/link]",)])
    for text in ("[bold]T", "[red]a", "[link=x]y[/link]"):
        assert text in drawn


def test_decimals_become_numbers(capsys):
    output.print_json({"whole": Decimal(10), "part": Decimal("0.9"), "long": Decimal("843.123"), "below": Decimal("-190.0")})
    assert json.loads(capsys.readouterr().out, parse_float=str) == {"whole": 10, "part": "0.9", "long": "843.123", "below": -190}


def test_what_has_no_place_in_json_is_an_error():
    with pytest.raises(TypeError, match="object has no place in JSON"):
        output.print_json({"what": object()})


def test_no_progress_outside_a_terminal(capsys):
    with output.progress("long", 3) as advance:
        advance(completed=1)
        advance(completed=3)
    assert capsys.readouterr() == ("", "")


def run(arguments, *, errors=subprocess.PIPE, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CUSTODY_")} | variables
    command = [sys.executable, "-m", "custody.cli", *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=errors, check=False, timeout=120)


@pytest.mark.slow
def test_progress_stands_on_the_terminal_and_json_alone_on_standard_output(looked_at):
    """Standard error is a real terminal here, standard output a file."""
    ours, theirs = pty.openpty()
    try:
        done = run(["ledger", "verify", "--json"], errors=theirs, **looked_at.environment, TERM="xterm-256color")
        drawn = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0
    assert json.loads(done.stdout)["ok"] is True
    assert "checking every entry" in drawn
    assert "\x1b[3" not in drawn.replace("\x1b[3A", "")


@pytest.mark.slow
def test_terminal_that_knows_ascii_only_breaks_nothing(looked_at):
    ascii_only = looked_at.environment | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = run(["bag", "show", "XXXX"], **ascii_only)
    assert done.returncode == 1
    assert done.stderr.startswith(b"custody: ")
    assert b"Traceback" not in done.stderr
    shown = run(["bag", "show", "DEMO0001B0014", "--json"], **ascii_only)
    assert json.loads(shown.stdout.decode("ascii"))["bag"] == "DEMO0001B0014"


@pytest.mark.slow
def test_reader_that_has_read_enough_ends_the_command_quietly():
    reader = "import sys; sys.stdin.readline()"
    command = f'"{sys.executable}" -m custody.cli gates | "{sys.executable}" -c "{reader}"'
    done = subprocess.run(command, shell=True, capture_output=True, check=False, timeout=120)
    assert done.stderr == b""
