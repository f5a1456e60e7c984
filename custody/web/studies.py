"""In which of several studies somebody works: what they chose, or where the dose or shipment is that they opened."""

from __future__ import annotations

import hmac
from datetime import timedelta
from hashlib import sha256

from flask import g, request
from werkzeug.wrappers import Response

from custody.domain.ids import AccountId, DoseId, Node, ShipmentId, StudyId
from custody.errors import CustodyError
from custody.web import current
from custody.workflows.door import Connection
from custody.workflows.people import Present
from custody.workflows.reading import present_in, site_seen, studies_of, study_of_thing

COOKIE = "study"
LASTS = timedelta(days=365)
IN_ADDRESSES: dict[str, type[Node]] = {"dose": DoseId, "shipment": ShipmentId}
"""Who stands at a bed or before a box is asked for no study: it has one."""


def recognise(connection: Connection, found: Present) -> None:
    """The person of this request in the study of what they opened, else the one they chose at this device, else the only one in force."""
    among = studies_of(connection, found)
    chosen = _chosen(found.account)
    here = _of_address(connection) if len(among.every) > 1 else None
    g.studies = among.every
    g.present, g.study = present_in(found, among, chosen if here is None else here.value)
    g.moved_to_study = g.study if here is not None and g.study == here and here.value != chosen else None
    site = current.site()
    g.zone = current.zone_of(found.zone if site is None or site == found.grants[0].site else site_seen(connection, site).zone)


def _of_address(connection: Connection) -> StudyId | None:
    for name, kind in IN_ADDRESSES.items():
        value = (request.view_args or {}).get(name)
        if value:
            try:
                return study_of_thing(connection, kind.parse(value))
            except CustodyError:
                return None  # the page itself says what is wrong with it
    return None


def _chosen(account: AccountId) -> str:
    """By this very person: whoever comes to the device after them chooses for themselves."""
    who, _, study = request.cookies.get(COOKIE, "").partition(":")
    return study if who == account.value else ""


def keep(response: Response, study: StudyId) -> None:
    value = f"{current.present().account.value}:{study.value}"
    secure = current.installation().config.secure_cookies
    response.set_cookie(COOKIE, value, max_age=LASTS, httponly=True, samesite="Strict", secure=secure, path="/")


def form_token(secret: str, study: StudyId | None) -> str:
    """What a form carries: the session's secret together with the study it was shown in."""
    return hmac.new(secret.encode(), (study.value if study is not None else "").encode(), sha256).hexdigest()


def token_here() -> str:
    """Of the forms of this request; empty where nobody is there."""
    found: Present | None = g.get("present")
    return "" if found is None else form_token(found.session.csrf_secret, g.get("study"))


def is_current(given: str, *, in_any: bool) -> bool:
    """Whether a form was shown to this session in the study of this request; `in_any`: in whichever."""
    secret = current.present().session.csrf_secret
    wanted = (g.study, None, *g.studies) if in_any else (g.study,)
    return any(hmac.compare_digest(given.encode(), form_token(secret, study).encode()) for study in wanted)
