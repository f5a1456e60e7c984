"""Badge and PIN: chosen, used to change the person at a shared bench, barred after wrong tries, revoked when a badge is lost."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.codes.scan import expect, read_scan
from custody.config import Config
from custody.domain.acts.people import AccountDisabled, BadgeRevoked, BenchOpened, SecretKind, SecretSet, SignedIn, SignInRefused
from custody.domain.ids import AccountId
from custody.errors import InputError, NotPermittedError, UnreadableCodeError
from custody.store import sessions
from custody.store.verification import verify
from custody.workflows import badges
from custody.workflows.badges import Badge, badge_symbol, is_trivial, read_badge
from custody.workflows.people import SignInRefusal
from custody.workflows.rehearsal.road import ADMIN
from custody.workflows.secret_checks import DEVICE_FAILURES_MAX, DEVICE_WINDOW
from tests.databases import edit
from tests.workflows.desk import account
from tests.workflows.door import NURSE, PIN, SECRET, WRONG, door, weak_secrets

__all__ = ["door", "weak_secrets"]
OTHER, OTHERS_SECRET, OTHERS_PIN = "demo-nurse-two", "that of the second nurse", "805193"
BADGE, OTHERS_BADGE = NURSE.upper(), OTHER.upper()


@pytest.fixture
def bench(door):
    """A bench that the first nurse opened; both nurses have a PIN."""
    door.choose(OTHERS_SECRET, OTHER)
    token, _ = door.sign_in(OTHERS_SECRET, OTHER)
    door.choose_pin(door.present(token), OTHERS_PIN)
    token, _ = door.sign_in()
    door.choose_pin(door.present(token))
    return door.open_bench(door.present(token))


def revoke(door, name=NURSE, by=ADMIN, after=timedelta(), reason="left on the bus"):
    signer = door.desk.signer(by, BadgeRevoked(account=AccountId(name), reason="x"), method=None)
    with door.store.writing() as connection:
        return badges.revoke_badge(connection, signer, AccountId(name), reason, door.now + after)


class TestPins:
    @pytest.mark.parametrize("pin", ["", "12345", "123456789", "27041a", "２７０４１６", "270 416", "-270416"])
    def test_pin_that_is_none_is_refused(self, door, pin):
        token, _ = door.sign_in()
        with pytest.raises(InputError, match="6 to 8 digits"):
            door.choose_pin(door.present(token), pin)

    @pytest.mark.parametrize(
        "pin", ["000000", "123456", "987654", "864208", "123123", "121212", "112233", "778899", "27272727", "901234", "12121", "1231231"]
    )
    def test_pin_that_is_easy_to_guess_is_refused(self, door, pin):
        token, _ = door.sign_in()
        with pytest.raises(InputError, match=r"easy to guess|6 to 8 digits"):
            door.choose_pin(door.present(token), pin)

    @pytest.mark.parametrize("pin", [PIN, "80519374", "1234576"])
    def test_pin_without_a_pattern_is_taken(self, door, pin):
        token, _ = door.sign_in()
        door.choose_pin(door.present(token), pin)
        assert door.kept(SecretSet)[-1].act.kind is SecretKind.PIN

    @given(st.integers(0, 9), st.integers(0, 9), st.integers(6, 8))
    def test_digits_in_even_steps_are_always_trivial(self, first, step, length):
        assert is_trivial("".join(str((first + n * step) % 10) for n in range(length)))

    @given(st.text("0123456789", min_size=1, max_size=3), st.integers(6, 8))
    def test_one_block_again_and_again_is_always_trivial(self, block, length):
        assert is_trivial("".join(itertools.islice(itertools.cycle(block), length)))

    def test_few_pins_are_refused(self):
        """A rule that refuses too much helps who guesses."""
        assert sum(is_trivial(f"{n:06d}") for n in range(0, 1_000_000, 37)) < 0.02 * (1_000_000 / 37)

    def test_pin_is_not_the_one_they_had(self, door):
        token, _ = door.sign_in()
        door.choose_pin(door.present(token))
        with pytest.raises(InputError, match="had last"):
            door.choose_pin(door.present(token))

    def test_pin_is_chosen_only_after_the_whole_secret(self, door, bench):
        token, _ = door.change(bench, BADGE)
        with pytest.raises(NotPermittedError, match="whole secret"):
            door.choose_pin(door.present(token), "593817")

    def test_one_time_secret_chooses_no_pin(self, door):
        door.give()
        token, _ = door.sign_in("one time only")
        with pytest.raises(NotPermittedError, match="whole secret"):
            door.choose_pin(door.present(token))

    def test_pin_is_kept_as_a_hash_that_verification_covers(self, door, bench):
        with door.store.reading() as connection:
            assert verify(connection, checkpoint=None).faults == ()
        edit(door.store, "UPDATE credential SET kind = 'secret' WHERE kind = 'pin'")
        with door.store.reading() as connection:
            assert any("credentials of account" in str(fault) for fault in verify(connection, checkpoint=None).faults)
        assert door.sign_in(PIN).code == "sign_in_failed", "a PIN row made into a secret opens nothing"


class TestChangingThePerson:
    def test_badge_and_pin_open_a_session_at_the_bench_and_it_is_kept(self, door, bench):
        token, session = door.change(bench, OTHERS_BADGE, OTHERS_PIN)
        assert (session.account.value, session.station, session.opened_with) == (OTHER, "bench 1", SecretKind.PIN)
        assert door.present(token).account == account(OTHER)
        entry = door.kept(SignedIn, OTHER)[-1]
        assert (entry.act.opened_with, entry.station) == (SecretKind.PIN, "bench 1")

    def test_who_was_there_is_signed_out(self, door, bench):
        token, before = door.change(bench, BADGE)
        door.change(bench, OTHERS_BADGE, OTHERS_PIN, before=before)
        assert door.present(token) is None

    def test_failed_change_leaves_who_was_there(self, door, bench):
        token, before = door.change(bench, BADGE)
        assert door.change(bench, OTHERS_BADGE, "593817", before=before).code == "sign_in_failed"
        assert door.present(token) is not None

    def test_session_lasts_no_longer_than_the_bench(self, door, bench):
        late = bench.ends_at - door.now - timedelta(minutes=10)
        token, session = door.change(bench, BADGE, after=late)
        assert session.ends_at == bench.ends_at
        assert door.present(token, late + timedelta(minutes=10)) is None

    def test_wrong_badge_wrong_pin_and_no_pin_answer_alike(self, door, bench):
        door.choose("that of the person without", "demo-qp-one")
        given = [(BADGE, "593817"), ("NOBODY-HERE", PIN), ("DEMO-QP-ONE", PIN), (f"{BADGE}:2", PIN), (OTHERS_BADGE, PIN)]
        assert {door.change(bench, badge, pin) for badge, pin in given} == {SignInRefusal(code="sign_in_failed")}

    def test_pin_of_a_person_whose_secret_was_taken_away_opens_nothing(self, door, bench):
        door.give()
        assert door.change(bench, BADGE).code == "sign_in_failed"

    def test_disabled_account_does_not_change_in(self, door, bench):
        door.desk.record(AccountDisabled(account=account(NURSE), reason="left"), ADMIN, door.now)
        assert door.change(bench, BADGE).code == "sign_in_failed"

    def test_opening_a_bench_is_kept_and_needs_the_whole_secret(self, door, bench):
        (entry,) = door.kept(BenchOpened)
        assert (entry.act.station, entry.act.ends_at, entry.station) == ("bench 1", bench.ends_at, "bench 1")
        token, _ = door.change(bench, BADGE)
        with pytest.raises(NotPermittedError, match="whole secret"):
            door.open_bench(door.present(token))

    @pytest.mark.parametrize("station", ["", "   ", "x" * 81, "a\x00b"])
    def test_bench_without_a_station_is_refused(self, door, station):
        token, _ = door.sign_in()
        with pytest.raises(InputError, match="which station"):
            door.open_bench(door.present(token), station)


class TestLockOut:
    def test_p11_300_fifth_wrong_pin_locks_the_account_at_every_door(self, door, bench):
        codes = [door.change(bench, BADGE, "593817").code for _ in range(5)]
        assert codes == ["sign_in_failed"] * 4 + ["locked_out"]
        assert door.change(bench, BADGE).code == "locked_out"
        assert door.sign_in().code == "locked_out"
        assert [entry.act.reason for entry in door.kept(SignInRefused)] == ["wrong pin"] * 5

    def test_wrong_pins_and_wrong_secrets_count_together(self, door, bench):
        for _ in range(2):
            door.sign_in(WRONG)
        token, _ = door.sign_in(OTHERS_SECRET, OTHER)
        assert [door.change(bench, BADGE, "593817").code for _ in range(3)] == ["sign_in_failed"] * 2 + ["locked_out"]
        assert door.present(token) is not None, "nobody else is locked out"

    def test_after_a_lock_by_wrong_pins_only_the_whole_secret_counts(self, door, bench):
        for _ in range(5):
            door.change(bench, BADGE, "593817")
        later = door.config.lockout_for
        assert door.change(bench, BADGE, after=later).code == "whole_secret_needed"
        assert not isinstance(door.sign_in(after=later), SignInRefusal)
        assert not isinstance(door.change(bench, BADGE, after=later), SignInRefusal)

    def test_bar_does_not_tell_which_names_exist(self, door, bench):
        answers = {}
        for badge in (BADGE, "NOBODY-HERE"):
            tries = [door.change(bench, badge, "593817", timedelta(minutes=n)).code for n in range(5)]
            answers[badge] = [*tries, door.change(bench, badge, "593817", timedelta(hours=1)).code]
        assert answers[BADGE] == answers["NOBODY-HERE"]

    def test_good_pin_does_not_lift_the_count_of_a_lock(self, door, bench):
        for _ in range(4):
            door.change(bench, BADGE, "593817")
        assert not isinstance(door.change(bench, BADGE), SignInRefusal)
        assert [door.change(bench, BADGE, "593817").code for _ in range(5)][-1] == "locked_out"

    def test_bench_where_many_fail_has_to_wait_and_then_goes_on(self, door, bench):
        for n in range(DEVICE_FAILURES_MAX):
            door.change(bench, f"STRANGER-{n}", PIN)
        assert door.change(bench, BADGE).code == "too_many_attempts"
        assert not isinstance(door.change(bench, BADGE, after=DEVICE_WINDOW), SignInRefusal)


class TestLostBadges:
    @pytest.mark.parametrize("by", [ADMIN, NURSE])
    def test_p11_300_lost_badge_and_its_pin_open_nothing_and_sessions_end(self, door, bench, by):
        token, _ = door.change(bench, BADGE)
        assert revoke(door, by=by).kind == "recorded"
        assert door.present(token) is None
        assert door.change(bench, BADGE).code == "sign_in_failed"
        assert door.change(bench, f"{BADGE}:2").code == "sign_in_failed", "the PIN is dead too"
        assert not isinstance(door.sign_in(), SignInRefusal), "the whole secret still counts"

    def test_old_badge_stays_dead_with_a_new_pin_and_the_next_one_counts(self, door, bench):
        revoke(door)
        token, _ = door.sign_in(after=timedelta(minutes=1))
        door.choose_pin(door.present(token, timedelta(minutes=1)), "593817", timedelta(minutes=1))
        assert door.change(bench, BADGE, "593817", timedelta(minutes=2)).code == "sign_in_failed"
        assert door.kept(SignInRefused)[-1].act.reason == "revoked badge"
        assert not isinstance(door.change(bench, f"{BADGE}:2", "593817", timedelta(minutes=2)), SignInRefusal)

    def test_nobody_revokes_the_badge_of_somebody_else(self, door):
        with pytest.raises(NotPermittedError, match="only the owner or an administrator"):
            revoke(door, by=OTHER)

    def test_reason_is_asked_for(self, door):
        token, _ = door.sign_in()
        with pytest.raises(InputError, match="write the reason"):
            revoke(door, reason="  ")
        assert door.present(token) is not None

    @given(st.integers(1, 9999), st.from_regex(r"[a-z0-9][a-z0-9.-]{1,39}", fullmatch=True))
    def test_symbol_of_every_badge_reads_back(self, number, name):
        symbol = badge_symbol(AccountId(name), number)
        assert read_badge(expect(read_scan(symbol), "badge")) == Badge(account=AccountId(name), number=number)

    @pytest.mark.parametrize("value", ["", "NAME:", "NAME:0", "NAME:1", "NAME:-2", "NAME:2:3", "NAME:99999", "NAME:²", ":2"])
    def test_badge_that_was_never_printed_is_refused(self, value):
        if value == "NAME:":
            assert read_badge(value) == Badge(account=AccountId("name"), number=1)
            return
        with pytest.raises(UnreadableCodeError):
            read_badge(value)


class TestShifts:
    """21 CFR 11.200(a)(1): all parts at the first signature of a continuous period, one private part later; all again after a break."""

    @pytest.fixture
    def here(self, door, bench):
        token, _ = door.change(bench, BADGE)
        return door.present(token)

    def test_p11_200a_first_signature_asks_the_whole_secret_and_the_next_takes_the_pin(self, door, here):
        assert door.sign(here, PIN).code == "whole_secret_needed"
        assert door.sign(here, SECRET) is SecretKind.SECRET
        assert door.sign(here, PIN) is SecretKind.PIN
        assert door.sign(here, SECRET) is SecretKind.SECRET

    def test_secret_given_for_anything_else_begins_no_shift(self, door, here):
        """Choosing a PIN or another secret asks for it too, and is no signing."""
        assert door.check(here, SECRET) is None
        assert door.sign(here, PIN).code == "whole_secret_needed"

    def test_full_sign_in_is_no_signature(self, door, bench):
        token, _ = door.sign_in()
        assert door.sign(door.present(token), PIN).code == "whole_secret_needed"

    def test_pin_that_was_not_due_is_neither_counted_nor_confirmed(self, door, here):
        answers = {door.sign(here, pin) for pin in (PIN, "593817") for _ in range(5)}
        assert answers == {SignInRefusal(code="whole_secret_needed")}
        assert door.kept(SignInRefused) == []

    def test_wrong_pin_at_a_signature_counts_to_the_lock_and_ends_sessions(self, door, here, bench):
        door.sign(here, SECRET)
        assert [door.sign(here, "593817").code for _ in range(5)] == ["sign_in_failed"] * 4 + ["locked_out"]
        with door.store.reading() as connection:
            assert sessions.secret_given_at(connection, here.session) is None

    def test_shift_goes_on_for_whoever_comes_back_to_the_bench(self, door, bench, here):
        door.sign(here, SECRET)
        door.change(bench, OTHERS_BADGE, OTHERS_PIN, before=here.session)
        token, _ = door.change(bench, BADGE)
        assert door.sign(door.present(token), PIN) is SecretKind.PIN

    def test_shift_of_one_person_is_none_of_another(self, door, bench, here):
        door.sign(here, SECRET)
        token, _ = door.change(bench, OTHERS_BADGE, OTHERS_PIN, before=here.session)
        assert door.sign(door.present(token), OTHERS_PIN).code == "whole_secret_needed"

    def test_shift_is_bound_to_its_place(self, door, here):
        door.sign(here, SECRET)
        token, _ = door.sign_in()
        assert door.sign(door.present(token), PIN).code == "whole_secret_needed"
        other = door.open_bench(door.present(token), "bench 2")
        token, _ = door.change(other, BADGE)
        assert door.sign(door.present(token), PIN).code == "whole_secret_needed"

    @pytest.mark.parametrize(("before_the_end", "answer"), [(timedelta(microseconds=1), SecretKind.PIN), (timedelta(), None)])
    def test_shift_ends_after_the_length_that_is_set(self, door, here, before_the_end, answer):
        object.__setattr__(door.config, "shift", timedelta(minutes=30))
        door.sign(here, SECRET)
        given = door.sign(here, PIN, timedelta(minutes=30) - before_the_end)
        assert given is answer if answer else given.code == "whole_secret_needed"

    def test_clock_set_back_makes_no_shift_longer(self, door, here):
        door.sign(here, SECRET)
        assert door.sign(here, PIN, -timedelta(seconds=1)).code == "whole_secret_needed"

    def test_signing_out_ends_the_shift(self, door, bench, here):
        door.sign(here, SECRET)
        with door.store.writing() as connection:
            badges.sessions.revoke(connection, here.session, at=door.now)
            badges.sessions.end_shift_here(connection, here.session)
        token, _ = door.change(bench, BADGE)
        assert door.sign(door.present(token), PIN).code == "whole_secret_needed"

    def test_changed_secret_ends_the_shift(self, door, here):
        door.sign(here, SECRET)
        door.choose("another of her own")
        assert door.sign(here, PIN).code == "whole_secret_needed"

    def test_one_time_secret_signs_nothing(self, door):
        door.give()
        token, _ = door.sign_in("one time only")
        assert door.sign(door.present(token), "one time only").code == "own_secret_first"

    def test_installation_without_shifts_takes_the_whole_secret_every_time(self, door, here):
        """The draft of Annex 11 of 2025 asks for that (A11D-5)."""
        object.__setattr__(door.config, "shift", timedelta(0))
        assert door.sign(here, SECRET) is SecretKind.SECRET
        assert door.sign(here, PIN).code == "whole_secret_needed"

    @pytest.mark.parametrize(("given", "hours"), [("0", 0), ("8", 8), (None, 12)])
    def test_length_of_a_shift_is_set_by_the_installation(self, given, hours):
        environment = {"CUSTODY_DATABASE_URL": "sqlite:////x/y.db"} | ({"CUSTODY_SHIFT_HOURS": given} if given else {})
        assert Config.from_environment(environment).shift == timedelta(hours=hours)
