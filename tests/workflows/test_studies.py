"""Limits as signed data: proposed from a folder, shown as a difference, put in force by signature (design section 5)."""

from __future__ import annotations

import re
import shutil
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

import custody
from custody.domain.acts.people import AccountDisabled, RoleGranted
from custody.domain.acts.study import StudyApproved, StudyProposed
from custody.domain.criteria import Settings
from custody.domain.folds.study import StudyFold
from custody.domain.terms import ProductForm, Role
from custody.errors import InputError, MalformedFileError, NotFoundError, NotPermittedError, OutOfOrderError
from custody.intake.study_files import load_study
from custody.workflows import studies
from custody.workflows.drill.roads import QA, road
from custody.workflows.rehearsal.editing import step_of
from custody.workflows.rehearsal.road import ADMIN, QP, study_folder
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.signer import Signer
from tests.workflows.desk import OPEN, PEOPLE, account

SPONSOR = "demo-sponsor-one"
PACKAGE = Path(custody.__file__).parent


class Office:
    def __init__(self, desk, folder):
        self.desk = desk
        self.folder = folder
        self.now = desk.last_at() + timedelta(minutes=1)

    def signer(self, name, role):
        person = people()[name]
        return Signer(account=person.account, role=role, site=person.site, study=STUDY, method="secret")

    def change(self, file, before, after):
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def propose(self, by=SPONSOR, role=Role.SPONSOR):
        with self.desk.store.writing() as connection:
            return studies.propose(connection, self.folder, self.signer(by, role), self.now)

    def approve(self, version, confirmed=None, by=QP):
        with self.desk.store.writing() as connection:
            if confirmed is None:
                confirmed = tuple(name for name, _ in studies.defaults(connection, STUDY, version))
            return studies.approve(connection, STUDY, version, confirmed, self.signer(by, Role.QP), self.now)

    def ask(self, what, *arguments):
        with self.desk.store.reading() as connection:
            return what(connection, STUDY, *arguments)

    def in_force(self):
        return StudyFold(self.desk.dossier(STUDY), STUDY).criteria_now


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(study_folder(), tmp_path / "study")


@pytest.fixture
def office(desk_at, folder):
    return Office(desk_at(PEOPLE), folder)


@pytest.fixture
def running(desk_at, folder):
    return Office(desk_at(OPEN), folder)


def test_a11_10_study_in_force_has_proposer_approver_version_and_date(office):
    assert office.propose()[0] == 1
    office.approve(1)
    (proposed,), (approved,) = (office.desk.deeds(STUDY, kind) for kind in (StudyProposed, StudyApproved))
    assert (proposed.signers[0].account, approved.signers[0].account) == (account(SPONSOR), account(QP))
    assert (approved.act.study_version, approved.recorded_at) == (1, office.now)
    assert office.in_force().version == 1
    assert office.ask(studies.version_in_force) == 1


def test_proposed_version_judges_nothing(running):
    running.change("settings.toml", "max_bags = 10", "max_bags = 11")
    assert running.propose()[0] == 2
    assert running.in_force().settings.max_bags == 10
    assert running.ask(studies.newest_version) == 2
    assert running.ask(studies.version_in_force) == 1


def test_a11_10_difference_names_each_value_before_and_after(running):
    running.change("settings.toml", "max_bags = 10", "max_bags = 11")
    running.change("settings.toml", "stagger_h = 24", "stagger_h = 24\nready_minutes = 20")
    running.propose()
    changes = [(change.key, change.before, change.after) for change in running.ask(studies.changes, 1, 2)]
    assert changes == [("settings.max_bags", "10", "11"), ("settings.ready_minutes", "", "20")]


def test_row_added_in_the_middle_is_one_change(running):
    text = (running.folder / "eligibility.toml").read_text(encoding="utf-8")
    table, _, rest = text.partition("[[")
    name = rest.partition("]]")[0]
    row = rest.partition("[[")[0]
    code = row.split('code = "')[1].split('"')[0]
    (running.folder / "eligibility.toml").write_text(f"{table}[[{row.replace(code, 'NEW-1', 1)}[[{rest}", encoding="utf-8")
    running.propose()
    keys = {change.key.partition("]")[0] for change in running.ask(studies.changes, 1, 2)}
    assert keys == {f"{name}[NEW-1"}


def test_first_version_differs_from_nothing_in_everything(office):
    office.propose()
    changes = office.ask(studies.changes, None, 1)
    assert ("settings.max_bags", "", "10") in [(change.key, change.before, change.after) for change in changes]
    assert all(change.before == "" for change in changes)


@pytest.mark.parametrize("name", ["cells_per_bag", "weight_basis", "max_bags", "cohort_size"])
def test_study_with_an_empty_must_set_value_cannot_be_opened(office, name):
    path = office.folder / "settings.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith(f"{name} =")), encoding="utf-8")
    office.propose()
    (problem,) = office.ask(studies.problems, 1)
    assert name in problem
    with pytest.raises(InputError, match=name) as refused:
        office.approve(1)
    assert refused.value.code == "settings_missing"
    assert office.ask(studies.version_in_force) is None


def test_cohort_without_a_size_of_its_own_takes_that_of_the_study(office):
    office.change("settings.toml", "cohort_size = 6", "cohort_size = 4")
    content = load_study(office.folder)[0]
    assert [cohort.size for cohort in content.cohorts] == [4, 4, 4, 42]


def test_cohort_without_a_place_cannot_be_opened(office):
    office.change("settings.toml", "cohort_size = 6", "cohort_size = 0")
    office.propose()
    (problem,) = office.ask(studies.problems, 1)
    assert "cohort P1-1M has no place for anybody" in problem
    with pytest.raises(InputError) as refused:
        office.approve(1)
    assert refused.value.code == "cohort_empty"


def test_every_setting_that_an_approver_confirms_is_read_by_something():
    """A number that nothing reads would be signed for nothing; the rehearsal, which writes studies, does not count."""
    files = (path for path in PACKAGE.rglob("*.py") if "rehearsal" not in path.parts)
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    unread = {field.name for field in fields(Settings) if not re.search(rf"""\.{field.name}\b|"{field.name}"|'{field.name}'""", source)}
    assert unread == set()


def test_lot_of_another_form_than_the_study_makes_is_refused(desk_at):
    desk = desk_at(OPEN)
    started = step_of(road(), "lot_started")
    with pytest.raises(InputError, match="product is frozen, not fresh") as refused:
        desk.record(replace(started.act, form=ProductForm.FRESH), started.by[0], desk.last_at() + timedelta(minutes=1))
    assert refused.value.code == "other_form"


@pytest.mark.parametrize(("cells", "fits"), [("114000000", False), ("114000001", True)])
def test_study_whose_highest_dose_does_not_fit_cannot_be_opened(office, cells, fits):
    """1.2e9 cells from ten bags: an eleventh is not opened for less than 5 % of the dose (rules section 8)."""
    office.change("settings.toml", "cells_per_bag = 120000000", f"cells_per_bag = {cells}")
    office.propose()
    if fits:
        assert office.approve(1).kind == "recorded"
        return
    with pytest.raises(InputError, match="the highest dose for 120 kg does not fit"):
        office.approve(1)


def test_typo_in_a_key_names_file_and_key(office):
    office.change("settings.toml", "max_bags", "max_bagz")
    with pytest.raises(MalformedFileError, match=r"settings\.toml.*max_bagz"):
        office.propose()
    assert office.desk.acts(STUDY) == []


def test_broken_toml_names_file_and_line(office):
    office.change("settings.toml", "max_bags = 10", "max_bags = = 10")
    with pytest.raises(MalformedFileError, match=r"settings\.toml.*line"):
        office.propose()


def test_folder_without_files_is_no_study(office, tmp_path):
    office.folder = tmp_path / "empty"
    office.folder.mkdir()
    with pytest.raises(MalformedFileError, match="holds no"):
        office.propose()


def test_default_that_nobody_confirmed_by_name_stops_the_approval(office):
    office.propose()
    names = [name for name, _ in office.ask(studies.defaults, 1)]
    assert names
    with pytest.raises(InputError, match=f"confirm each of these defaults by name: {names[0]}$") as refused:
        office.approve(1, tuple(names[1:]))
    assert refused.value.code == "defaults_unconfirmed"
    assert office.approve(1, tuple(names)).kind == "recorded"


def test_p11_10g_proposer_does_not_approve(office):
    granted = RoleGranted(account=account(QP), role=Role.QA_REVIEWER, site=people()[QP].site, study=None, valid_from=office.now.date())
    office.desk.record(granted, ADMIN, office.now)
    office.propose(QP, Role.QA_REVIEWER)
    with pytest.raises(NotPermittedError, match="who proposed a study version does not approve it"):
        office.approve(1)


def test_a11_15_only_a_qualified_person_approves(office):
    office.propose()
    with pytest.raises(NotPermittedError):
        office.approve(1, by=QA)
    office.desk.record(AccountDisabled(account=account(QP), reason="left"), ADMIN, office.now)
    with pytest.raises(NotPermittedError, match="is disabled"):
        office.approve(1)


def test_version_that_was_not_proposed_is_not_approved(office):
    with pytest.raises(NotFoundError, match="no version 1"):
        office.approve(1)
    with pytest.raises(NotFoundError, match="no version of"):
        office.ask(studies.newest_version)


def test_version_in_force_does_not_go_back_without_a_new_proposal(running):
    running.change("settings.toml", "max_bags = 10", "max_bags = 11")
    running.propose()
    running.approve(2)
    assert running.in_force().settings.max_bags == 11
    for version in (1, 2):
        with pytest.raises(OutOfOrderError, match="version 2 is in force"):
            running.approve(version)


def test_earlier_version_stays_readable_for_what_was_begun_by_it(running):
    running.change("settings.toml", "max_bags = 10", "max_bags = 11")
    running.propose()
    running.approve(2)
    fold = StudyFold(running.desk.dossier(STUDY), STUDY)
    assert [fold.criteria(version).settings.max_bags for version in (1, 2)] == [10, 11]
