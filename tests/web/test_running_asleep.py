"""The page of a running infusion that fell asleep: whoever is at the bed gets to Pause, Reaction and Stop, and nothing typed is lost."""

import re
from zoneinfo import ZoneInfo

import pytest

from custody.domain.acts.bedside import InfusionEnded, InfusionPaused, ReactionRecorded
from custody.domain.acts.people import SignedIn
from custody.domain.acts.record import Proposed
from custody.store import entries
from custody.workflows.demonstration import SECRET
from tests.web.at_the_desks import NURSE_ONE, NURSE_TWO, acts_of
from tests.web.test_bedside import start


@pytest.fixture
def bed(at_the_bed):
    """A running infusion; `bed.nurse` is the browser whose session has fallen asleep since."""
    web = at_the_bed
    web.nurse, web.other = start(web)
    assert f"{web.url}/acts/infusion_ended" in web.nurse.get(web.url).html
    web.clock.advance(minutes=16)
    return web


def entries_by(web, kind):
    with web.store.reading() as connection:
        return [(e.by.account.value, e.act) for e in entries.load_evidence(connection, web.cast.dose.key) if isinstance(e.act, kind)]


def typed_before_it_slept(bed, act, **told):
    """A form as the nurse filled it in before the session fell asleep."""
    bed.clock.advance(minutes=-16)
    page = bed.nurse.get(f"{bed.url}/acts/{act}")
    bed.clock.advance(minutes=16)
    values = dict(page.form(f"{bed.url}/acts/{act}"))
    now = bed.clock.now.astimezone(ZoneInfo("Asia/Shanghai"))
    for name in {name.removesuffix(".date") for name in values if name.endswith(".date")}:
        values |= {f"{name}.date": f"{now:%Y-%m-%d}", f"{name}.time": f"{now:%H:%M:%S}"}
    return values | told


def test_page_that_fell_asleep_offers_what_must_not_wait_with_one_secret(bed):
    page = bed.nurse.get(bed.nurse.get(bed.url).location)
    assert "Demo Nurse One was signed in here" in page.text
    assert page.form("/sign-in")["account"] == [NURSE_ONE]
    offered = re.findall(r'<button class="button" name="then" value="([^"]+)">([^<]+)<', page.html)
    assert offered == [
        (f"{bed.url}/acts/infusion_paused", "Pause"),
        (f"{bed.url}/acts/reaction_recorded", "Reaction"),
        (f"{bed.url}/acts/infusion_ended", "Stop"),
    ]


@pytest.mark.parametrize(("act", "kind"), [("infusion_paused", InfusionPaused), ("infusion_ended", InfusionEnded)])
@pytest.mark.parametrize("who", [NURSE_ONE, NURSE_TWO])
def test_any_nurse_of_the_site_records_from_the_sleeping_page(bed, act, kind, who):
    """One secret and one button lead to the form itself, on the device at the bed, whoever was signed in there."""
    page = bed.nurse.get(bed.nurse.get(bed.url).location)
    values = dict(page.form("/sign-in")) | {"account": who, "secret": SECRET, "then": [bed.url, f"{bed.url}/acts/{act}"]}
    there = bed.nurse.post("/sign-in", values)
    assert (there.code, there.location) == (302, f"{bed.url}/acts/{act}")
    form = bed.nurse.get(there.location)
    assert form.code == 200
    told = {"reason": "line pulled", "completed": "no"}
    now = bed.clock.now.astimezone(ZoneInfo("Asia/Shanghai"))
    for name in ("paused_at", "ended_at"):
        told |= {f"{name}.date": f"{now:%Y-%m-%d}", f"{name}.time": f"{now:%H:%M:%S}"}
    fields = form.form(there.location)
    sent = bed.nurse.send(form, there.location, {k: v for k, v in told.items() if k in fields or k == "completed"} | {"secret": SECRET})
    assert sent.code in {200, 303}, sent.text
    account, written = entries_by(bed, (kind, Proposed))[-1]
    assert (account, getattr(written, "act", written.rule.name)) == (who, act)


def test_who_does_not_work_at_beds_gets_to_none(bed):
    """Signing in is not enough: the forms stay behind the roles and the site they belong to."""
    page = bed.nurse.get(bed.nurse.get(bed.url).location)
    values = dict(page.form("/sign-in")) | {"account": "demo-operator-one", "secret": SECRET, "then": f"{bed.url}/acts/infusion_ended"}
    there = bed.nurse.post("/sign-in", values)
    assert bed.nurse.get(there.location).code in {403, 404}


def test_what_was_typed_is_shown_again_and_recorded_by_who_signs_in(bed):
    values = typed_before_it_slept(bed, "reaction_recorded", description="flush and wheeze")
    asleep = bed.nurse.post(f"{bed.url}/acts/reaction_recorded", values)
    assert asleep.code == 401
    assert "What you typed is kept" in asleep.text
    entered = bed.nurse.send(asleep, "/sign-in", {"account": NURSE_TWO, "secret": SECRET})
    assert entered.code == 200
    assert "Description flush and wheeze" in entered.text
    assert "in your own name" in entered.text
    assert "Demo Nurse Two" in entered.text, "the page says who signed in"
    done = bed.nurse.send(entered, f"{bed.url}/acts/reaction_recorded")
    assert (done.code, done.location) == (303, bed.url), done.text
    ((account, act),) = entries_by(bed, ReactionRecorded)
    assert (account, act.description) == (NURSE_TWO, "flush and wheeze"), "who signs in answers for it, not who typed"


def test_clock_that_was_chosen_is_shown_by_its_name(bed):
    """Where clocks change in a year, the form offers that of the site in place of an offset."""
    typed = typed_before_it_slept(bed, "reaction_recorded", description="flush and wheeze")
    offsets = {name: "site" for name in typed if name.endswith(".offset")}
    assert offsets
    asleep = bed.nurse.post(f"{bed.url}/acts/reaction_recorded", typed | offsets)
    entered = bed.nurse.send(asleep, "/sign-in", {"account": NURSE_TWO, "secret": SECRET})
    assert "Clock of this site" in entered.text


def test_form_that_was_signed_asks_the_secret_again_before_it_is_sent(bed):
    values = typed_before_it_slept(bed, "infusion_ended", completed="no", reason="line pulled", secret=SECRET)
    asleep = bed.nurse.post(f"{bed.url}/acts/infusion_ended", values)
    assert SECRET not in [value for kept in asleep.form("/sign-in").values() for value in kept], "secrets are never kept"
    entered = bed.nurse.send(asleep, "/sign-in", {"account": NURSE_TWO, "secret": SECRET})
    assert "it is recorded when you sign it" in entered.text
    assert "line pulled" in entered.text
    assert 'name="secret"' in entered.html
    done = bed.nurse.send(entered, f"{bed.url}/acts/infusion_ended", {"secret": SECRET})
    assert done.code in {200, 303}, done.text
    account, written = entries_by(bed, (InfusionEnded, Proposed))[-1]
    assert (account, getattr(written, "act", written.rule.name)) == (NURSE_TWO, "infusion_ended")


def test_wrong_secret_on_the_way_loses_nothing_typed(bed):
    values = typed_before_it_slept(bed, "reaction_recorded", description="flush and wheeze")
    asleep = bed.nurse.post(f"{bed.url}/acts/reaction_recorded", values)
    again = bed.nurse.send(asleep, "/sign-in", {"account": NURSE_ONE, "secret": "not the secret"})
    assert again.code == 403
    entered = bed.nurse.send(again, "/sign-in", {"account": NURSE_ONE, "secret": SECRET})
    assert "flush and wheeze" in entered.text


def test_device_of_a_stranger_is_told_nobody_who_was_there(bed):
    page = bed.browser().get(f"/sign-in?then={bed.url}")
    assert "was signed in here" not in page.text
    assert page.form("/sign-in")["account"] == [""]


def test_device_somebody_left_on_purpose_tells_nobody_who_was_there(bed):
    fresh = bed.browser(NURSE_ONE)
    fresh.send(fresh.get("/"), "/sign-out")
    assert "was signed in here" not in fresh.get(f"/sign-in?then={bed.url}").text


def test_flood_of_strangers_never_makes_the_ward_wait(bed):
    """Tries are counted for the device: the one at the bed, which had a session, has a count of its own."""
    stranger = bed.browser()
    codes = [stranger.post("/sign-in", {"account": f"nobody-{n}", "secret": "wrong secret"}).code for n in range(32)]
    assert codes == [403] * 30 + [429] * 2
    assert "Wait five minutes" in stranger.post("/sign-in", {"account": NURSE_ONE, "secret": SECRET}).text
    assert bed.nurse.post("/sign-in", {"account": NURSE_ONE, "secret": SECRET, "then": bed.url}).location == bed.url
    bed.clock.advance(minutes=5)
    assert stranger.post("/sign-in", {"account": NURSE_ONE, "secret": SECRET}).code == 302


def test_signing_in_clears_away_what_has_ended(bed):
    def rows():
        with bed.store.reading() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM session").scalar()

    bed.clock.advance(hours=13)
    bed.browser(NURSE_ONE)
    assert rows() == 1
    assert len([act for act in acts_of(bed, f"account:{NURSE_ONE}") if isinstance(act, SignedIn)]) >= 2, "the ledger forgets nothing"
