"""What a request knows: the store, the clock, the person, the words; set once before the view runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

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


def zone() -> ZoneInfo:
    found: ZoneInfo = g.get("zone") or ZoneInfo("Asia/Shanghai")
    return found


def signer(rule: ActRule, place: int, *, about: Node | None = None, method: str | None = None, key: str | None = None) -> Signer:
    """The person as they take this place in an act, at the workstation of this device: with the first of their grants that may.

    `about`: the thing the act is about; somebody of several sites acts for the one that has to do with it. Raises NotPermittedError.
    """
    from custody.web.workstation import workstation  # noqa: PLC0415 - it reads its cookie with the help of this module

    here = present()
    wanted = roles_at(rule, place)
    may = [grant for grant in here.grants if grant.role in wanted and grant.covers(study())]
    grant = next(iter(may if about is None or len(may) < 2 else (_fitting(may, about) or may)), None)
    if grant is None:
        expected = ", ".join(sorted(role.value for role in wanted))
        raise NotPermittedError(f"{rule.title}: none of your roles may do this", code="wrong_role", role="", expected=expected)
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


def _fitting(grants: list[Grant], about: Node) -> list[Grant]:
    with store().reading() as connection:
        return [grant for grant in grants if may_find(connection, replace(viewer(), by_grants=reach_of((grant,), study())), about)]


def site() -> SiteId | None:
    grants = present().grants
    return grants[0].site if grants else None


def holds(*roles: Role) -> bool:
    return bool(present().roles & set(roles))
