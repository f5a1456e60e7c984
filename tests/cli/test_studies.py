"""`custody study`: a folder of TOML is proposed, compared, and put in force by name."""

import shutil

import pytest

from custody.resources import data_dir

STUDY = "NCT06505941"
PROPOSE = ("--by", "demo-sponsor-one")
APPROVE = ("study", "approve", STUDY, "--by", "demo-qp-one")
TYPED = {"typed": "demonstration\n"}


@pytest.fixture
def folder(tmp_path):
    """The study's own files, to be changed."""
    return shutil.copytree(data_dir("seed_data") / "studies" / "nct06505941", tmp_path / "study")


def change(folder, name, old, new):
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def proposed(cli, folder):
    """Version 2, in which one limit differs."""
    change(folder, "cold_chain.toml", 'class_1_minutes_max = "30"', 'class_1_minutes_max = "20"')
    assert cli.done("study", "propose", folder, *PROPOSE, **TYPED) == (
        f"{STUDY} version 2 is proposed; see it with: custody study diff {STUDY}\n"
    )
    return cli


def defaults(cli):
    refusal = cli.refused(*APPROVE, "--confirm", "no such name", **TYPED)
    return refusal.partition("they are: ")[2].split(", ")


def confirmed(names):
    return [part for name in names for part in ("--confirm", name)]


def in_force(cli):
    """What the comparison says of the newest version: against the one in force, or whole when it is that one."""
    return cli.done("study", "diff", STUDY).splitlines()[0]


def test_difference_names_the_value_that_changes(proposed):
    (change,) = proposed.told("study", "diff", STUDY)
    assert set(change) == {"key", "before", "after"}
    assert change["key"].endswith("class_1_minutes_max")
    assert (change["before"], change["after"]) == ("30", "20")
    assert proposed.done("study", "diff", STUDY).splitlines()[0] == f"{STUDY}: version 1 to 2"
    assert proposed.told("study", "diff", STUDY, "--old", 2, "--new", 2) == []
    (back,) = proposed.told("study", "diff", STUDY, "--old", 2, "--new", 1)
    assert (back["before"], back["after"]) == ("20", "30")


def test_version_in_force_is_shown_whole(looked_at):
    told = looked_at.told("study", "diff", STUDY)
    assert len(told) > 100
    assert all(change["before"] == "" for change in told)
    assert in_force(looked_at) == f"{STUDY}: version 1, whole"


def test_version_is_approved_with_every_default_named(proposed):
    names = defaults(proposed)
    assert len(names) > 3
    assert proposed.done(*APPROVE, *confirmed(names), **TYPED) == f"{STUDY} version 2 is in force\n"
    assert in_force(proposed) == f"{STUDY}: version 2, whole"
    assert proposed.told("ledger", "verify")["ok"] is True


def test_default_that_is_not_named_keeps_the_version_out_of_force(proposed):
    first, *others = defaults(proposed)
    assert proposed.refused(*APPROVE, *confirmed(others), **TYPED) == f"confirm each of these defaults by name: {first}"
    assert in_force(proposed) == f"{STUDY}: version 1 to 2"


def test_each_default_is_asked_at_a_terminal(proposed):
    names = defaults(proposed)
    answer = proposed(*APPROVE, typed="y\n" * len(names) + "demonstration\n")
    assert answer.exit_code == 0, answer.output
    assert f"accept the default {names[0]} = " in answer.stderr
    assert answer.stdout == f"{STUDY} version 2 is in force\n"


def test_default_that_is_declined_keeps_the_version_out_of_force(proposed):
    names = defaults(proposed)
    answer = proposed(*APPROVE, typed="n\n" + "y\n" * (len(names) - 1) + "demonstration\n")
    assert answer.exit_code == 1
    assert answer.stderr.splitlines()[-1].endswith(f"custody: confirm each of these defaults by name: {names[0]}")
    assert in_force(proposed) == f"{STUDY}: version 1 to 2"


def test_broken_off_questions_approve_nothing(proposed):
    answer = proposed(*APPROVE, typed="y\n")
    assert answer.exit_code == 1
    assert "Traceback" not in answer.stderr
    assert in_force(proposed) == f"{STUDY}: version 1 to 2"


def test_only_a_sponsor_proposes_and_only_a_qualified_person_approves(proposed, folder):
    assert "does not hold the role sponsor" in proposed.refused("study", "propose", folder, "--by", "demo-nurse-one", **TYPED)
    other = ("study", "approve", STUDY, "--by", "demo-sponsor-one", *confirmed(defaults(proposed)))
    assert "does not hold the role qp" in proposed.refused(*other, **TYPED)
    assert "wrong secret" in proposed.refused(*APPROVE, *confirmed(defaults(proposed)), typed="wrong\n")


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("cold_chain.toml", "class_1_minutes_max", "clas_1_minutes_max", ("cold_chain.toml", "clas_1_minutes_max")),
        ("cold_chain.toml", 'class_1_minutes_max = "30"', "class_1_minutes_max = ", ("cold_chain.toml", "line")),
        (
            "cold_chain.toml",
            'class_1_minutes_max = "30"',
            'class_1_minutes_max = "soon"',
            ("cold_chain.toml", "class_1_minutes_max", "soon"),
        ),
    ],
)
def test_study_with_a_typing_mistake_names_file_and_key(cli, folder, name, old, new, expected):
    change(folder, name, old, new)
    # Told before anybody is asked for a secret.
    sentence = cli.refused("study", "propose", folder, *PROPOSE, typed="")
    for part in expected:
        assert part in sentence
    assert in_force(cli) == f"{STUDY}: version 1, whole"


def test_what_is_no_study_folder_is_refused(cli, tmp_path):
    (tmp_path / "file").touch()
    assert "is no folder" in cli.refused("study", "propose", tmp_path / "none", *PROPOSE, **TYPED)
    assert "is no folder" in cli.refused("study", "propose", tmp_path / "file", *PROPOSE, **TYPED)
    (tmp_path / "empty").mkdir()
    assert "holds no .toml files" in cli.refused("study", "propose", tmp_path / "empty", *PROPOSE, **TYPED)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("study", "diff", "NCT00000000"), "no version of NCT00000000 was proposed"),
        (("study", "diff", STUDY, "--new", 9), "no version 9"),
        (("study", "diff", STUDY, "--old", 9), "no version 9"),
        (("study", "diff", "!"), "is not a study"),
        ((*APPROVE, "--version", 9), "no version 9"),
    ],
)
def test_version_that_is_not_there_is_refused(looked_at, command, sentence):
    assert sentence in looked_at.refused(*command, **TYPED)
