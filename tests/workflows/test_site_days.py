"""A grant runs from midnight to midnight of its own site, wherever the server stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from custody.domain.acts.donation import DonorRegistered
from custody.domain.acts.people import AccountCreated, RoleGranted, SiteRegistered
from custody.domain.duties import AccountFold
from custody.domain.ids import AccountId, DonorId, PersonId, SiteId
from custody.domain.terms import Role, SiteKind
from custody.errors import InputError, NotFoundError, NotPermittedError
from custody.workflows import people, recording, roster
from custody.workflows.door import open_store, unit_of_work, upgrade
from custody.workflows.rehearsal.steps import STUDY
from custody.workflows.signer import Signer
from custody.workflows.site_days import day_in, site_days
from tests.workflows.desk import OPEN

ADMIN = "demo-admin-one"
SHANGHAI, NEW_YORK, NOWHERE = SiteId("A9992"), SiteId("A9998"), SiteId("A9999")
NEW = AccountId("demo-far-away")


@pytest.fixture
def desk(desk_at):
    desk = desk_at(OPEN)
    desk.now = desk.last_at() + timedelta(minutes=1)
    desk.record(
        SiteRegistered(site=NEW_YORK, name="Far Hospital", kind=SiteKind.HOSPITAL, zone="America/New_York", phone="1"), ADMIN, desk.now
    )
    desk.record(AccountCreated(account=NEW, person=PersonId("PERSON-950"), printed_name="F", identity_verified_by="badge"), ADMIN, desk.now)
    return desk


def grant(desk, site, start, end, role=Role.DONOR_COORDINATOR):
    return desk.record(RoleGranted(account=NEW, role=role, site=site, study=None, valid_from=start, valid_until=end), ADMIN, desk.now)


def standing(desk, at):
    return {g.site for g in AccountFold(desk.dossier(NEW), NEW).grants(site_days(desk.dossier(NEW), at))}


@pytest.mark.parametrize(
    ("site", "first", "last"),
    [
        (SHANGHAI, datetime(2027, 3, 9, 16, tzinfo=UTC), datetime(2027, 3, 12, 16, tzinfo=UTC)),
        # Summer time begins there on 14 March.
        (NEW_YORK, datetime(2027, 3, 10, 5, tzinfo=UTC), datetime(2027, 3, 13, 5, tzinfo=UTC)),
    ],
)
def test_grant_begins_and_ends_at_midnight_of_its_site(desk, site, first, last):
    grant(desk, site, date(2027, 3, 10), date(2027, 3, 12))
    moment = timedelta(microseconds=1)
    days = [standing(desk, at) for at in (first - moment, first, last - moment, last)]
    assert days == [set(), {site}, {site}, set()]


def test_day_of_summer_time_has_twenty_three_hours(desk):
    grant(desk, NEW_YORK, date(2027, 3, 14), date(2027, 3, 14))
    assert standing(desk, datetime(2027, 3, 14, 5, tzinfo=UTC)) == {NEW_YORK}
    assert standing(desk, datetime(2027, 3, 15, 3, 59, 59, tzinfo=UTC)) == {NEW_YORK}
    assert standing(desk, datetime(2027, 3, 15, 4, tzinfo=UTC)) == set()


def test_act_is_refused_from_midnight_of_the_site_on(desk):
    """In the transaction itself, not only on a list."""
    today = desk.now.astimezone(UTC).date()
    grant(desk, SHANGHAI, today, today)
    signer = Signer(account=NEW, role=Role.DONOR_COORDINATOR, site=SHANGHAI, study=STUDY, station="desk", method="secret")
    over = datetime(today.year, today.month, today.day, 16, tzinfo=UTC)
    donor = DonorRegistered(donor=DonorId("DONOR-9001"))
    with desk.store.writing() as connection, pytest.raises(NotPermittedError, match="does not hold the role"):
        recording.record(connection, donor, signer, max(over, desk.now))


def test_grant_at_a_site_nobody_registered_is_refused(desk):
    with pytest.raises(NotFoundError, match="there is no site A9999"):
        grant(desk, NOWHERE, date(2027, 3, 10), None)
    with desk.store.reading() as connection, pytest.raises(NotFoundError, match="register it first"):
        roster.today_at(connection, NOWHERE, desk.now)


def test_site_of_an_unknown_zone_is_refused(desk):
    unknown = SiteRegistered(site=NOWHERE, name="Nowhere", kind=SiteKind.HOSPITAL, zone="Mars/Olympus", phone="1")
    with pytest.raises(InputError, match="no time zone known here") as refused:
        desk.record(unknown, ADMIN, desk.now)
    assert refused.value.code == "zone_unknown"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Asia"])
def test_nobody_can_tell_the_day_in_an_unknown_zone(zone):
    assert day_in(zone, datetime(2027, 1, 1, tzinfo=UTC)) is None


def test_grant_whose_day_nobody_can_tell_does_not_stand(desk):
    grant(desk, SHANGHAI, date(2020, 1, 1), None)
    fold = AccountFold(desk.dossier(NEW), NEW)
    assert fold.grants(lambda _: None) == ()
    assert len(fold.grants(lambda _: date(2020, 1, 1))) == 1


def test_day_at_a_site_is_asked_in_its_own_zone(desk):
    with desk.store.reading() as connection:
        at = datetime(2027, 3, 9, 17, tzinfo=UTC)
        assert roster.today_at(connection, SHANGHAI, at) == date(2027, 3, 10)
        assert roster.today_at(connection, NEW_YORK, at) == date(2027, 3, 9)


@pytest.mark.parametrize(("gap", "allowed"), [(1, False), (2, True)])
def test_administrator_here_and_operator_there_need_a_whole_day_between(desk, gap, allowed):
    """The last day in New York still runs while the next has begun in Shanghai."""
    grant(desk, NEW_YORK, date(2027, 3, 1), date(2027, 3, 10), Role.ADMINISTRATOR)
    start = date(2027, 3, 10) + timedelta(days=gap)
    if allowed:
        assert grant(desk, SHANGHAI, start, None, Role.OPERATOR).kind == "recorded"
        return
    with pytest.raises(NotPermittedError, match="at once"):
        grant(desk, SHANGHAI, start, None, Role.OPERATOR)


def test_first_administrator_may_work_at_once_west_of_greenwich(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'new.db'}")
    upgrade(store)
    now = datetime(2027, 3, 10, 3, tzinfo=UTC)  # still the ninth in New York
    site = SiteRegistered(site=NEW_YORK, name="Far", kind=SiteKind.HOSPITAL, zone="America/New_York", phone="1")
    with unit_of_work(store) as connection:
        people.bootstrap(
            connection, account=NEW, person=PersonId("PERSON-950"), printed_name="F", site=site, identity_verified_by="badge", now=now
        )
    with store.reading() as connection:
        (row,) = roster.accounts(connection, now)
    store.close()
    assert row.grants == ("administrator at A9998",)


def test_first_site_of_an_unknown_zone_is_refused(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'new.db'}")
    upgrade(store)
    site = SiteRegistered(site=NEW_YORK, name="Far", kind=SiteKind.HOSPITAL, zone="Mars/Olympus", phone="1")
    first = {"account": NEW, "person": PersonId("PERSON-950"), "printed_name": "F", "identity_verified_by": "badge"}
    with unit_of_work(store) as connection, pytest.raises(InputError, match="no time zone known here"):
        people.bootstrap(connection, site=site, now=datetime(2027, 3, 10, tzinfo=UTC), **first)
    store.close()
