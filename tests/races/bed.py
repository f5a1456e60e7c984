"""The forms that races are run with, filled in as their pages would send them."""

from __future__ import annotations

import secrets

from custody.domain.acts.base import Act
from custody.workflows.demonstration import SECRET
from custody.workflows.outcome import proposal_digest
from custody.workflows.rehearsal.bedside import NURSES, scans
from custody.workflows.rehearsal.road import Cast
from tests.races.clients import Person, Request
from tests.races.place import Place

IWRS = "demo-iwrs-one"
LOOKS = (
    "container_whole",
    "nothing_unusual_seen",
    "line_and_filter_right",
    "no_other_drug_on_line",
    "resuscitation_ready",
    "physician_present",
)


def act_form(
    person: Person, act: Act, typed: dict[str, object], *, about: bool = True, key: str = "", signed: bool = True, after_s: float = 0.0
) -> Request:
    """The last form of an act, with the digest of what was shown.

    It does not say what its person had seen of others by then, so that the record alone decides who comes late.
    """
    values: dict[str, object] = {"digest": proposal_digest(act).value, "idempotency_key": key or secrets.token_urlsafe(12), **typed}
    if about:
        values["about"] = act.subject.key
    if signed:
        values["secret"] = SECRET
    return person.form(f"/acts/{act.rule.name}", values, after_s=after_s)


def scan_values(cast: Cast, *, key: str = "") -> dict[str, object]:
    """The last step of one person's check."""
    made = scans(cast, cast.dose_bags[0])
    kept = {
        "wristband": made.wristband.value,
        "second_identifier": made.second_identifier.value,
        "second_identifier_method": made.second_identifier_method.value,
        "bag": made.bag.value,
        "bag_read_as": made.bag_read_as.value,
        **dict.fromkeys(LOOKS, "yes"),
    }
    return {
        "idempotency_key": key or secrets.token_urlsafe(12),
        "step": "pump",
        "scans.volume_ml": str(made.volume_ml),
        "scans.rate_ml_per_min": str(made.rate_ml_per_min),
        **{f"kept.{name}": value for name, value in kept.items()},
    }


def ready_to_start(place: Place, cast: Cast) -> dict[str, object]:
    """Both have scanned, the verdict is GO and the first has signed: the form with which the second signature starts the infusion."""
    one, two = (place.person(nurse) for nurse in NURSES)
    path = f"/bedside/{cast.dose}"
    for nurse in (one, two):
        answer = nurse.post(f"{path}/scan", scan_values(cast))
        assert answer.code == 303, answer.text
    page = one.get(path)
    assert 'data-verdict="go"' in page.html, page.text
    signed = one.post(f"{path}/start", {**page.form(f"{path}/start"), "secret": SECRET})
    assert signed.code == 303, signed.text
    return {**two.get(path).form(f"{path}/start"), "secret": SECRET}


def start_form(place: Place, cast: Cast, values: dict[str, object], *, after_s: float = 0.0) -> Request:
    return place.person(NURSES[1]).form(f"/bedside/{cast.dose}/start", values, after_s=after_s)


def shown_at(place: Place, cast: Cast) -> str:
    """What the bed shows the second nurse now, as a person reads it."""
    return place.person(NURSES[1]).get(f"/bedside/{cast.dose}").text
