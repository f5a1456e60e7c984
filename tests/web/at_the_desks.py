"""The good lot brought to the bed through the real workflows, and small helpers for the pages of the two desks."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from sqlalchemy import select

from custody.domain.acts.people import ScanRefused
from custody.store import entries
from custody.store.tables import entry
from custody.workflows import demonstration
from custody.workflows.rehearsal import bedside
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import Script

NURSE_ONE, NURSE_TWO, PHYSICIAN = "demo-nurse-one", "demo-nurse-two", "demo-physician-one"
RECEIVER_ONE, RECEIVER_TWO = "demo-receiver-one", "demo-receiver-two"


def cast_of(web, word):
    return next(lot.cast for lot in demonstration.casts(web.config.key_dir) if lot.word == word)


def bring_to_the_bed(web):
    """Thawed, tested, released, handed to the nurse, vital signs and pre-medication done: two minutes before the check is due."""
    cast = cast_of(web, "good")
    road = Script((web.clock.now + demonstration.UNTIL_BEDSIDE).replace(second=0, microsecond=0))
    bedside.thaw(road, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(road, cast)
    player = Player(web.store)
    for step in road.in_order():
        player.play(step)
    web.clock.now = road.start - timedelta(minutes=2)
    return cast


def scan_values(cast, **changed):
    """What one person scans, types and answers, by step."""
    answers = dict.fromkeys(
        (
            "container_whole",
            "nothing_unusual_seen",
            "line_and_filter_right",
            "no_other_drug_on_line",
            "resuscitation_ready",
            "physician_present",
        ),
        "yes",
    )
    values = {
        "wristband": f"CU1:wristband:{bedside.wristband(cast)}",
        "second_identifier": demonstration.HOSPITAL_NUMBER,
        "second_identifier_method": "hospital_record",
        "bag": f"CU1:bag:{cast.dose_bags[0]}",
        **answers,
        "volume_ml": str(cast.dose_volume_ml),
        "rate_ml_per_min": str(bedside.rate_ml_per_min(cast)),
    }
    return values | changed


STEPS = (
    ("wristband",),
    ("second_identifier", "second_identifier_method"),
    ("bag",),
    (
        "container_whole",
        "nothing_unusual_seen",
        "line_and_filter_right",
        "no_other_drug_on_line",
        "resuscitation_ready",
        "physician_present",
    ),
    ("volume_ml", "rate_ml_per_min"),
)


def scan_all(browser, cast, *, again=False, **changed):
    """One person's whole check; the page that came last."""
    values = scan_values(cast, **changed)
    page = browser.get(f"/bedside/{cast.dose}/scan" if again else f"/bedside/{cast.dose}")
    for step in STEPS:
        page = browser.send(page, f"/bedside/{cast.dose}/scan", {f"scans.{name}": values[name] for name in step})
        if page.code not in {200, 303}:
            return page
    return page


def verdict_on(page):
    found = re.search(r'data-verdict="(\w+)"', page.html.partition("data-answer>")[2].partition("data-unsure>")[0])
    return found[1] if found else None


def acts_of(web, stream):
    """Every act of a stream in effect or waiting, and its evidence."""
    with web.store.reading() as connection:
        return [entry.act for entry in entries.load_evidence(connection, stream)]


def signatures(web, stream):
    """Account and method of every signed entry of a stream, oldest first."""
    with web.store.reading() as connection:
        texts = connection.scalars(select(entry.c.envelope).where(entry.c.stream == stream).order_by(entry.c.position)).all()
    told = [json.loads(text) for text in texts]
    return [(each["account"], each["signature"]["method"]) for each in told if each["signature"]]


def refused_scans(web, account):
    return [act for act in acts_of(web, f"account:{account}") if isinstance(act, ScanRefused)]


def stations_of(web, stream):
    with web.store.reading() as connection:
        return [entry.station for entry in entries.load_evidence(connection, stream)]
