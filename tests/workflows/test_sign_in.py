"""Signing in: secrets, lock-out, sessions, and what the ledger keeps of every attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from custody.domain.acts.people import (
    AccountCreated,
    AccountDisabled,
    RoleGranted,
    SecretKind,
    SecretSet,
    SignedIn,
    SignInRefused,
    SiteRegistered,
)
from custody.domain.acts.study import CohortClosed, CohortOpened
from custody.domain.ids import AccountId, CohortId, PersonId, SiteId
from custody.domain.terms import Role, SiteKind
from custody.errors import InputError, NotPermittedError
from custody.store import entries, sessions
from custody.store.connection import open_store
from custody.store.schema import upgrade
from custody.store.tables import credential as credential_table
from custody.store.tables import sign_in_guard
from custody.store.verification import verify
from custody.workflows import people as workflow
from custody.workflows import roster
from custody.workflows.people import CLOCK_BACK_MAX, SignInRefusal
from custody.workflows.rehearsal.road import ADMIN
from custody.workflows.rehearsal.steps import STUDY
from tests.workflows.desk import OPEN, account
from tests.workflows.door import NURSE, SECRET, WRONG, Door, door, weak_secrets

__all__ = ["door", "weak_secrets"]


def test_right_secret_opens_a_session_and_is_kept(door):
    token, session = door.sign_in()
    assert session.account == account(NURSE)
    (entry,) = door.kept(SignedIn)
    assert (entry.by.account, entry.recorded_at) == (account(NURSE), door.now)
    found = door.present(token)
    assert (found.account, found.roles, found.must_change_secret) == (account(NURSE), {Role.BEDSIDE_NURSE}, False)


def test_secret_is_nowhere_in_the_store(door):
    door.sign_in()
    door.sign_in(secret=WRONG)
    door.store.close()
    content = door.desk.on_the_disk()
    assert SECRET.encode() not in content
    assert WRONG.encode() not in content


def test_wrong_name_and_wrong_secret_are_answered_alike(door):
    wrong_secret = door.sign_in(secret=WRONG)
    wrong_name = door.sign_in(name="nobody-here", secret=WRONG)
    no_name = door.sign_in(name="?!", secret=WRONG)
    assert wrong_secret == wrong_name == no_name == SignInRefusal(code="sign_in_failed")


def test_wrong_name_is_locked_out_as_a_wrong_secret_is(door):
    answers = {name: [door.sign_in(name=name, secret=WRONG) for _ in range(6)] for name in (NURSE, "nobody-here")}
    assert answers[NURSE] == answers["nobody-here"]


def test_attempt_on_an_account_is_kept_with_its_time(door):
    door.sign_in(secret=WRONG)
    (entry,) = door.kept(SignInRefused)
    assert (entry.act.reason, entry.act.locked_until, entry.recorded_at) == ("wrong secret", None, door.now)


def test_p11_300_fifth_wrong_secret_locks_the_account_out(door):
    answers = [door.sign_in(secret=WRONG) for _ in range(5)]
    assert [answer.code for answer in answers] == ["sign_in_failed"] * 4 + ["locked_out"]
    until = door.now + door.config.lockout_for
    assert answers[-1].locked_until == until
    assert [each.act.locked_until for each in door.kept(SignInRefused)] == [None] * 4 + [until]
    assert door.sign_in().code == "locked_out"


def test_right_secret_in_time_begins_the_count_anew(door):
    for _ in range(4):
        door.sign_in(secret=WRONG)
    door.sign_in()
    assert [door.sign_in(secret=WRONG).code for _ in range(4)] == ["sign_in_failed"] * 4


@pytest.mark.parametrize(("before_the_end", "let_in"), [(timedelta(microseconds=1), False), (timedelta(), True)])
def test_lock_ends_at_its_time(door, before_the_end, let_in):
    for _ in range(5):
        door.sign_in(secret=WRONG)
    answer = door.sign_in(after=door.config.lockout_for - before_the_end)
    assert isinstance(answer, SignInRefusal) is not let_in


def test_after_a_lock_the_count_begins_anew(door):
    for _ in range(5):
        door.sign_in(secret=WRONG)
    later = door.config.lockout_for
    assert [door.sign_in(secret=WRONG, after=later).code for _ in range(5)] == ["sign_in_failed"] * 4 + ["locked_out"]


def test_p11_10d_disabled_account_is_not_let_in_and_its_session_ends(door):
    token, _ = door.sign_in()
    door.desk.record(AccountDisabled(account=account(NURSE), reason="left"), ADMIN, door.now)
    assert door.present(token) is None
    assert door.sign_in() == SignInRefusal(code="sign_in_failed")
    assert door.kept(SignInRefused)[-1].act.reason == "account disabled"


def test_attempts_on_an_account_whose_grant_has_ended_count_too(door):
    """Raising there would roll the count back, and leave the secret to be guessed."""
    new = AccountId("demo-temporary")
    day = door.now.date()
    for act in (
        AccountCreated(account=new, person=PersonId("PERSON-900"), printed_name="For a day", identity_verified_by="passport"),
        RoleGranted(account=new, role=Role.BEDSIDE_NURSE, site=SiteId("A9992"), study=None, valid_from=day, valid_until=day),
    ):
        door.desk.record(act, ADMIN, door.now)
    door.choose(name=new.value)
    later = timedelta(days=2)
    codes = [door.sign_in(name=new.value, secret=WRONG, after=later).code for _ in range(5)]
    assert codes[-1] == "locked_out"
    assert len(door.kept(SignInRefused, new.value)) == 5


def test_account_without_a_role_today_is_told_so(door):
    new = AccountId("demo-temporary")
    created = AccountCreated(account=new, person=PersonId("PERSON-900"), printed_name="Nobody yet", identity_verified_by="passport")
    door.desk.record(created, ADMIN, door.now)
    door.give(new.value)
    with pytest.raises(NotPermittedError, match="holds no role today"):
        door.sign_in(name=new.value, secret="one time only")


class TestSecrets:
    def test_p11_200a_first_secret_of_somebody_else_must_be_replaced(self, door):
        door.give()
        token, _ = door.sign_in(secret="one time only")
        assert door.present(token).must_change_secret
        door.choose("another of her own")
        assert not door.present(token).must_change_secret

    def test_p11_300_reset_secret_ends_every_session(self, door):
        token, _ = door.sign_in()
        door.give()
        assert door.present(token) is None

    def test_old_secret_opens_nothing(self, door):
        door.choose("another of her own")
        assert isinstance(door.sign_in(), SignInRefusal)
        assert not isinstance(door.sign_in(secret="another of her own"), SignInRefusal)

    @pytest.mark.parametrize("secret", ["", "123456789", "x" * 201])
    def test_secret_too_short_or_too_long_is_refused(self, door, secret):
        with pytest.raises(InputError, match="a secret has 10 to 200 characters"):
            door.choose(secret)

    @pytest.mark.parametrize("secret", ["1234567890", "x" * 200])
    def test_secret_of_the_first_and_last_length_is_taken(self, door, secret):
        door.choose(secret)
        assert not isinstance(door.sign_in(secret=secret), SignInRefusal)

    def test_secret_is_not_kept_as_it_is(self, door):
        door.give()
        with pytest.raises(InputError, match="choose another") as refused:
            door.choose("one time only")
        assert refused.value.code == "secret_same"

    def test_every_secret_stays_as_a_hash_tied_to_its_entry(self, door):
        door.give()
        door.choose("another of her own")
        with door.store.reading() as connection:
            rows = connection.execute(select(credential_table).where(credential_table.c.account == NURSE)).all()
            assert verify(connection, checkpoint=None).faults == ()
        assert [row.number for row in rows] == [1, 2, 3]
        assert [entry.act.by_owner for entry in door.kept(SecretSet)] == [True, False, True]
        assert all(row.secret_hash.startswith("$argon2id$") for row in rows)

    def test_new_secret_begins_the_count_anew(self, door):
        for _ in range(4):
            door.sign_in(secret=WRONG)
        door.give()
        with door.store.reading() as connection:
            assert connection.execute(select(sign_in_guard).where(sign_in_guard.c.account == NURSE)).all() == []


class TestSessions:
    def test_a11d_3_idle_session_ends_and_an_awake_one_does_not(self, door):
        token, session = door.sign_in()
        idle = door.config.session_idle
        assert door.present(token, idle - timedelta(microseconds=1)) is not None
        assert door.present(token, idle) is None
        with door.store.writing() as connection:
            workflow.keep_awake(connection, session, door.now + timedelta(minutes=10))
        assert door.present(token, idle) is not None

    def test_session_ends_at_last_however_awake(self, door):
        token, session = door.sign_in()
        last = door.config.session_absolute
        with door.store.writing() as connection:
            sessions.seen(connection, session, now=door.now + last - timedelta(minutes=1))
        assert door.present(token, last - timedelta(microseconds=1)) is not None
        assert door.present(token, last) is None

    def test_signed_out_session_is_over(self, door):
        token, session = door.sign_in()
        with door.store.writing() as connection:
            workflow.sign_out(connection, session, door.now)
        assert door.present(token) is None

    def test_token_that_nobody_was_given_opens_nothing(self, door):
        door.sign_in()
        assert door.present("x" * 43) is None

    def test_alc_cs_clock_set_back_ends_the_session(self, door):
        token, _ = door.sign_in()
        assert door.present(token, -CLOCK_BACK_MAX) is not None
        assert door.present(token, -CLOCK_BACK_MAX - timedelta(microseconds=1)) is None

    def test_role_revoked_during_a_session_is_gone_at_once(self, door):
        token, _ = door.sign_in()
        from custody.domain.acts.people import RoleRevoked

        revoked = RoleRevoked(account=account(NURSE), role=Role.BEDSIDE_NURSE, site=SiteId("A9992"), study=None, reason="moved")
        door.desk.record(revoked, ADMIN, door.now)
        assert door.present(token).roles == frozenset()


class TestSigning:
    def test_secret_for_a_signature_is_asked_again(self, door):
        token, session = door.sign_in()
        later = timedelta(minutes=5)
        assert door.sign(door.present(token), SECRET, later) is SecretKind.SECRET
        with door.store.reading() as connection:
            assert sessions.secret_given_at(connection, session) == door.now + later
        assert door.present(token, later).session.last_seen_at == door.now + later

    def test_wrong_secret_at_signing_counts_and_ends_every_session(self, door):
        token, _ = door.sign_in()
        other, _ = door.sign_in()
        here = door.present(token)
        codes = [door.check(here, WRONG).code for _ in range(5)]
        assert codes == ["sign_in_failed"] * 4 + ["locked_out"]
        assert door.present(token) is None
        assert door.present(other) is None
        assert len(door.kept(SignInRefused)) == 5

    def test_secret_of_another_person_signs_nothing(self, door):
        door.choose("that of the second nurse", "demo-nurse-two")
        token, _ = door.sign_in()
        assert door.check(door.present(token), "that of the second nurse").code == "sign_in_failed"

    def test_wrong_tries_at_the_door_and_at_signing_count_together(self, door):
        token, _ = door.sign_in()
        here = door.present(token)
        for _ in range(4):
            door.sign_in(secret=WRONG)
        assert door.check(here, WRONG).code == "locked_out"


class TestRoster:
    def test_pic_2_every_account_is_listed_with_its_grants(self, door):
        with door.store.reading() as connection:
            rows = {row.account: row for row in roster.accounts(connection, door.now)}
        assert rows[NURSE].grants == ("bedside_nurse at A9992",)
        assert rows[ADMIN].grants == ("administrator at A9994",)
        assert all(row.enabled for row in rows.values())

    def test_command_line_asks_for_the_secret_too_and_keeps_a_wrong_one(self, door):
        door.choose(name=ADMIN)
        signer = roster.administrator(door.store, door.config, ADMIN, SECRET, door.now)
        assert (signer.role, signer.station, signer.method) == (Role.ADMINISTRATOR, "command line", "secret")
        with pytest.raises(NotPermittedError, match="wrong secret, or locked out"):
            roster.administrator(door.store, door.config, ADMIN, WRONG, door.now)
        assert len(door.kept(SignInRefused, ADMIN)) == 1
        with pytest.raises(NotPermittedError, match="does not hold the role administrator"):
            roster.administrator(door.store, door.config, NURSE, SECRET, door.now)

    def test_two_one_time_secrets_are_never_the_same_and_long_enough(self):
        made = {roster.one_time_secret() for _ in range(100)}
        assert len(made) == 100
        assert min(map(len, made)) >= workflow.SECRET_LENGTH_MIN


class TestBootstrap:
    def bootstrap(self, store, now):
        site = SiteRegistered(site=SiteId("A9994"), name="Home", kind=SiteKind.SPONSOR, zone="UTC", phone="+1")
        with store.writing() as connection:
            workflow.bootstrap(
                connection,
                account=AccountId("first-admin"),
                person=PersonId("PERSON-1"),
                printed_name="First",
                site=site,
                identity_verified_by="passport",
                now=now,
            )

    def test_first_account_is_made_once(self, tmp_path, door):
        store = open_store(f"sqlite:///{tmp_path / 'new.db'}")
        upgrade(store)
        self.bootstrap(store, door.now)
        with store.reading() as connection:
            assert entries.size(connection) == 3
        with pytest.raises(InputError, match="exists already"):
            self.bootstrap(store, door.now)
        store.close()


class TestViewer:
    def viewer(self, desk, door, token):
        with desk.store.reading() as connection:
            return workflow.viewer_of(connection, workflow.present(connection, door.config, token, door.now), STUDY)

    def test_e6_4_nurse_is_blind_from_the_first_blinded_cohort_on_and_stays_so(self, desk_at):
        desk = desk_at(OPEN)
        door = Door(desk)
        door.choose()
        token, _ = door.sign_in()
        assert not self.viewer(desk, door, token).blind
        sponsor = "demo-sponsor-one"
        desk.record(CohortOpened(study=STUDY, cohort=CohortId("P1-1M")), sponsor, door.now)
        assert not self.viewer(desk, door, token).blind
        desk.record(CohortOpened(study=STUDY, cohort=CohortId("P2")), sponsor, door.now)
        assert self.viewer(desk, door, token).blind
        desk.record(CohortClosed(study=STUDY, cohort=CohortId("P2")), sponsor, door.now)
        assert self.viewer(desk, door, token).blind
