"""What a request knows: the store, the clock, the person, the words; set once before the view runs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import current_app, g, request

from custody.config import Config
from custody.domain.acts.base import ActRule
from custody.domain.duties import Grant, roles_at
from custody.domain.ids import Node, SiteId, StudyId
from custody.domain.masking import Viewer
from custody.domain.scope import reach_of
from custody.domain.terms import Role
from custody.errors import NotPermittedError
from custody.web.counts import Counts
from custody.web.surroundings import Surroundings
from custody.words import Language, Words
from custody.workflows.door import Store
from custody.workflows.people import Present, viewer_of
from custody.workflows.reading import site_seen
from custody.workflows.sight import may_find
from custody.workflows.signer import Signer

EXTENSION = "custody"


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One running custody: its store, its policy, its clock, what stands around it and what it counted."""

    store: Store
    config: Config
    clock: Callable[[], datetime]
    surroundings: Surroundings = field(default_factory=Surroundings)
    counts: Counts = field(default_factory=Counts)


def installation() -> Installation:
    found: Installation = current_app.extensions[EXTENSION]
    return found


def store() -> Store:
    return installation().store


def now() -> datetime:
    """One time for the whole request."""
    if "now" not in g:
        g.now = installation().clock()
    at: datetime = g.now
    return at


def local_now() -> datetime:
    """The same time where this person works: its day is theirs."""
    return now().astimezone(zone())


def present() -> Present:
    """The person of this request's session. Raises NotPermittedError when there is none (the access check comes first)."""
    found: Present | None = g.get("present")
    if found is None:
        raise NotPermittedError("sign in first", code="sign_in_first")
    return found


def study() -> StudyId | None:
    """The study this person works in; the first they hold a role for, or the only one of the store."""
    found: StudyId | None = g.get("study")
    return found


def viewer() -> Viewer:
    """What this person may see; worked out once a request."""
    if "viewer" not in g:
        with store().reading() as connection:
            g.viewer = viewer_of(connection, present(), study())
    found: Viewer = g.viewer
    return found


def words() -> Words:
    if "words" not in g:
        g.words = Words(language(), zone())
    found: Words = g.words
    return found


def language() -> Language:
    chosen = request.cookies.get("language", "")
    if chosen in {"en", "zh"}:
        return "zh" if chosen == "zh" else "en"
    best = request.accept_languages.best_match(["en", "zh"], "en")
    return "zh" if best == "zh" else "en"


def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; UTC for one that is unknown here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def zone() -> ZoneInfo:
    found: ZoneInfo = g.get("zone") or ZoneInfo("Asia/Shanghai")
    return found


def signer(rule: ActRule, place: int, *, about: Node | None = None, method: str | None = None, key: str | None = None) -> Signer:
    """The person as they take this place in an act, at the workstation of this device: with the first of their grants that may.

    `about`: the thing the act is about; somebody of several sites acts for the one that has to do with it. Raises NotPermittedError.
    """
    from custody.web.workstation import workstation  # noqa: PLC0415 - it reads its cookie with the help of this module

    here = present()
    may = _may(roles_at(rule, place))
    if len(may) > 1:
        may = [grant for grant in may if grant.site == g.get("at_site")] or (_fitting(may, about) if about is not None else []) or may
    if not may:
        expected = ", ".join(sorted(role.value for role in roles_at(rule, place)))
        raise NotPermittedError(f"{rule.title}: none of your roles may do this", code="wrong_role", role="", expected=expected)
    grant = may[0]
    return Signer(
        account=here.account,
        role=grant.role,
        site=grant.site,
        study=study(),
        station=here.session.station,
        workstation=workstation().place,
        method=method,
        key=key,
    )


def readers(*roles: Role) -> tuple[Signer, ...]:
    """The person as they look at what is at their sites: once for each, with the first grant there that has one of these roles."""
    here = present()
    by_site: dict[SiteId, Grant] = {}
    for grant in _may(roles):
        by_site.setdefault(grant.site, grant)
    return tuple(
        Signer(account=here.account, role=grant.role, site=grant.site, study=study(), station=here.session.station)
        for grant in by_site.values()
    )


def act_at(site: SiteId) -> None:
    """What this request is about is at that site: of somebody's grants those there count first, and its clock is theirs."""
    g.at_site = site
    if site != (present().grants[0].site if present().grants else None):
        with store().reading() as connection:
            g.zone = zone_of(site_seen(connection, site).zone)
        g.pop("words", None)


def _may(roles: Collection[Role]) -> list[Grant]:
    return [grant for grant in present().grants if grant.role in roles and grant.covers(study())]


def _fitting(grants: list[Grant], about: Node) -> list[Grant]:
    with store().reading() as connection:
        return [grant for grant in grants if may_find(connection, replace(viewer(), by_grants=reach_of((grant,), study())), about)]


def site() -> SiteId | None:
    grants = present().grants
    return grants[0].site if grants else None


def holds(*roles: Role) -> bool:
    return bool(present().roles & set(roles))
