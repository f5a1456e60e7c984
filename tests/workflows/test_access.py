"""Who may do what: what runs out is said before it blocks, access is reviewed as it stands, and a review that is due is noticed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from custody.domain.acts.people import (
    AccessReviewed,
    AccountCreated,
    AccountDisabled,
    DelegationRecorded,
    RoleGranted,
    RoleRevoked,
    SignaturePolicyAccepted,
    TrainingRecorded,
)
from custody.domain.acts.study import StudyApproved
from custody.domain.duties import Grant
from custody.domain.ids import AccountId, Digest, PersonId, SiteId
from custody.domain.masking import Viewer
from custody.domain.scope import reach_of
from custody.domain.terms import Role
from custody.errors import NotFoundError, NotPermittedError, StaleError
from custody.workflows import access
from custody.workflows.access import WARN_BEFORE, Due, account_seen, accounts_seen, list_digest, review_standing, to_review
from custody.workflows.dossiers import dossier_of
from custody.workflows.rehearsal.road import ADMIN, QA, QP
from custody.workflows.rehearsal.steps import STUDY, people
from custody.workflows.signer import Signer
from tests.workflows.desk import OPEN, PEOPLE, account
from tests.workflows.door import NURSE, Door, weak_secrets

__all__ = ["weak_secrets"]
HOSPITAL = SiteId("A9992")
NEW = AccountId("demo-temporary")


@pytest.fixture
def door(desk_at):
    return Door(desk_at(OPEN))


def viewer(name, study=STUDY):
    person = people()[name]
    grants = tuple(Grant(role, person.site, None) for role in person.roles)
    return Viewer(
        account=person.account,
        printed_name=person.printed_name,
        roles=frozenset(person.roles),
        site=person.site,
        study=study,
        blind=False,
        by_grants=reach_of(grants, study, account=person.account, person=person.person),
    )


def seen(door, name=NURSE, by=ADMIN, after=timedelta()):
    with door.store.reading() as connection:
        return account_seen(connection, viewer(by), AccountId(name), door.now + after)


def grant(door, role=Role.BEDSIDE_NURSE, site=HOSPITAL, days=None, begins=0, name=NURSE):
    day = door.now.date() + timedelta(days=begins)
    end = None if days is None else door.now.date() + timedelta(days=days)
    act = RoleGranted(account=AccountId(name), role=role, site=site, study=None, valid_from=day, valid_until=end)
    door.desk.record(act, ADMIN, door.now)
    return act


def new_account(door):
    act = AccountCreated(account=NEW, person=PersonId("PERSON-900"), printed_name="For a day", identity_verified_by="passport")
    door.desk.record(act, ADMIN, door.now)


class TestList:
    def test_pic_2_administrator_and_quality_see_every_account(self, door):
        for name in (ADMIN, QA, QP):
            with door.store.reading() as connection:
                rows = accounts_seen(connection, viewer(name), door.now)
            assert {row.account for row in rows} == {person.account for person in people().values()}

    def test_person_of_another_site_finds_nothing_but_themselves(self, door):
        """Scope is that of every other thing: the sites where an account was ever given a role."""
        with door.store.reading() as connection:
            rows = accounts_seen(connection, viewer("demo-physician-one"), door.now)
        assert NURSE in {row.account.value for row in rows}
        assert "demo-operator-one" not in {row.account.value for row in rows}
        with pytest.raises(NotFoundError, match="there is no account"):
            seen(door, "demo-operator-one", "demo-physician-one")
        assert seen(door, "demo-physician-one", "demo-physician-one").printed_name.startswith("Demo")

    def test_account_is_shown_with_everything_that_was_given_and_taken(self, door):
        act = grant(door, days=10)
        door.desk.record(RoleRevoked(account=act.account, role=act.role, site=act.site, study=None, reason="moved"), ADMIN, door.now)
        rows = [each for each in seen(door).grants if each.grant.role is Role.BEDSIDE_NURSE]
        assert [each.revoked for each in rows] == [True] * len(rows)
        assert seen(door).standing == ()

    def test_grant_given_again_takes_the_place_of_the_earlier(self, door):
        grant(door, days=10)
        grant(door, days=100)
        rows = [each for each in seen(door).grants if each.grant.role is Role.BEDSIDE_NURSE]
        assert [each.stands for each in rows] == [False] * (len(rows) - 1) + [True]
        assert seen(door).due == ()

    def test_grant_that_has_not_begun_does_not_stand(self, door):
        new_account(door)
        grant(door, begins=3, name=NEW.value)
        (only,) = seen(door, NEW.value).grants
        assert not only.stands
        assert seen(door, NEW.value, after=timedelta(days=3)).grants[0].stands

    def test_grant_runs_by_the_day_of_its_own_site(self, door):
        """At 17:00 UTC it is the next day in Shanghai."""
        new_account(door)
        grant(door, days=0, name=NEW.value)
        evening = door.now.replace(hour=15, minute=59) - door.now
        assert seen(door, NEW.value, after=evening).grants[0].stands
        assert not seen(door, NEW.value, after=evening + timedelta(minutes=1)).grants[0].stands

    def test_disabled_account_stands_for_nothing_and_is_not_due(self, door):
        grant(door, days=10)
        door.desk.record(AccountDisabled(account=account(NURSE), reason="left"), ADMIN, door.now)
        assert seen(door).standing == ()
        assert seen(door).due == ()
        assert seen(door).disabled.act.reason == "left"


class TestDue:
    """What runs out is named thirty days before it blocks."""

    @pytest.mark.parametrize(("days", "named"), [(WARN_BEFORE.days, True), (WARN_BEFORE.days + 1, False), (0, True)])
    def test_grant_that_ends_is_named_in_time(self, door, days, named):
        new_account(door)
        act = grant(door, days=days, name=NEW.value)
        expected = (Due(kind="grant", word=Role.BEDSIDE_NURSE, on=act.valid_until),) if named else ()
        assert seen(door, NEW.value).due == expected

    def test_training_and_delegation_that_end_are_named_soonest_first(self, door):
        day = door.now.date()
        procedure = "manufacturing"
        for valid in (day + timedelta(days=200), day + timedelta(days=20)):
            act = TrainingRecorded(account=account(NURSE), procedure=procedure, passed_on=day, valid_until=valid)
            door.desk.record(act, QA, door.now)
        act = DelegationRecorded(account=account(NURSE), duty="second_check", valid_from=day, valid_until=day + timedelta(days=5))
        door.desk.record(act, "demo-physician-one", door.now)
        due = [(each.kind, each.word, (each.on - day).days) for each in seen(door).due]
        assert due == [("delegation", "second_check", 5), ("training", procedure, 20)]

    def test_what_has_ended_stays_named_until_it_is_renewed(self, door):
        day = door.now.date()

        def trained(until):
            act = TrainingRecorded(account=account(NURSE), procedure="manufacturing", passed_on=day, valid_until=until)
            door.desk.record(act, QA, door.now)

        trained(day)
        (due,) = seen(door, after=timedelta(days=40)).due
        assert due.is_over(date.max)
        trained(day + timedelta(days=400))
        assert seen(door, after=timedelta(days=40)).due == ()


class TestReview:
    def standing(self, door, after=timedelta()):
        with door.store.reading() as connection:
            return review_standing(connection, STUDY, door.now + after)

    def shown(self, door):
        with door.store.reading() as connection:
            return to_review(connection, STUDY, door.now)

    def review(self, door, digest=None, by=QA, after=timedelta(), remarks=""):
        shown = digest or list_digest(self.shown(door))
        sample = AccessReviewed(study=STUDY, accounts=(), list_digest=shown, remarks="")
        signer = door.desk.signer(by, sample)
        with door.store.writing() as connection:
            return access.review(connection, signer, STUDY, shown, remarks, door.now + after)

    def approved_at(self, door):
        with door.store.reading() as connection:
            return dossier_of(connection, [STUDY]).first(STUDY, StudyApproved).recorded_at

    def test_a11_11_first_review_is_due_as_long_after_approval_as_the_criteria_say(self, door):
        standing, approved = self.standing(door), self.approved_at(door)
        assert (standing.last, standing.due_at) == (None, approved + timedelta(days=90))
        assert not standing.is_overdue(standing.due_at - timedelta(microseconds=1))
        assert standing.is_overdue(standing.due_at)
        assert standing.is_due_soon(standing.due_at - WARN_BEFORE)
        assert not standing.is_due_soon(standing.due_at - WARN_BEFORE - timedelta(microseconds=1))

    def test_a11_12_review_keeps_who_was_reviewed_and_is_due_again_later(self, door):
        outcome = self.review(door, remarks="nothing found")
        assert outcome.kind == "recorded"
        standing = self.standing(door)
        assert standing.last.act.accounts == tuple(row.account for row in self.shown(door))
        assert (standing.last.act.remarks, standing.last.signers[0].account.value) == ("nothing found", QA)
        assert standing.due_at == standing.last.recorded_at + timedelta(days=90)

    def test_access_that_changed_while_the_list_was_read_is_not_signed(self, door):
        shown = list_digest(self.shown(door))
        grant(door, Role.SECOND_CHECKER)
        with pytest.raises(StaleError, match="changed while you were looking"):
            self.review(door, shown)
        assert self.standing(door).last is None

    def test_list_holds_whoever_has_or_will_have_access_and_nobody_else(self, door):
        new_account(door)
        before = {row.account for row in self.shown(door)}
        assert NEW not in before, "no grant, no access"
        grant(door, name=NEW.value, begins=5)
        assert {row.account for row in self.shown(door)} == before | {NEW}
        door.desk.record(AccountDisabled(account=NEW, reason="left"), ADMIN, door.now)
        assert {row.account for row in self.shown(door)} == before

    @pytest.mark.parametrize("by", [ADMIN, NURSE, "demo-sponsor-one"])
    def test_only_quality_reviews_access_and_no_administrator_their_own_work(self, door, by):
        person, shown = people()[by], list_digest(self.shown(door))
        signer = Signer(account=person.account, role=person.roles[0], site=person.site, study=STUDY, method="secret")
        if by == ADMIN:
            door.desk.record(SignaturePolicyAccepted(account=person.account, policy_version="1"), ADMIN, door.now)
        with door.store.writing() as connection, pytest.raises(NotPermittedError, match="may not do this"):
            access.review(connection, signer, STUDY, shown, "", door.now)

    def test_digest_tells_every_grant_apart(self, door):
        digests = {list_digest(self.shown(door)).value}
        grant(door, Role.SECOND_CHECKER, days=50)
        digests.add(list_digest(self.shown(door)).value)
        grant(door, Role.SECOND_CHECKER, days=51)
        digests.add(list_digest(self.shown(door)).value)
        assert len(digests) == 3
        assert Digest(digests.pop())

    def test_study_that_is_not_in_force_is_due_at_once(self, desk_at):
        door = Door(desk_at(PEOPLE))
        with door.store.reading() as connection:
            assert review_standing(connection, STUDY, door.now).is_overdue(door.now)
