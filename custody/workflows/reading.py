"""Small reads the shell needs before a view runs: a site's name and telephone, the study somebody works in."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from custody.domain.acts.people import SiteRegistered
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import SiteId, StudyId, node_of
from custody.store import lookups
from custody.workflows.dossiers import dossier_of
from custody.workflows.people import Present

STUDIES_MAX = 50


@dataclass(frozen=True)
class SiteSeen:
    site: SiteId
    name: str
    zone: str
    phone: str


def site_seen(connection: Connection, site: SiteId) -> SiteSeen:
    deed = dossier_of(connection, [site]).last(site, SiteRegistered)
    if deed is None:
        return SiteSeen(site, site.value, "UTC", "")
    return SiteSeen(site, deed.act.name, deed.act.zone, deed.act.phone)


def studies(connection: Connection) -> tuple[StudyId, ...]:
    found = lookups.names_of_kind(connection, "study", limit=STUDIES_MAX)
    return tuple(node for node in map(node_of, found) if isinstance(node, StudyId))


def study_of_account(connection: Connection, present: Present) -> StudyId | None:
    """The study a person works in: that of their grants, or the store's only one."""
    named = [grant.study for grant in present.grants if grant.study is not None]
    if named:
        return named[0]
    every = studies(connection)
    return every[0] if len(every) == 1 else None


def study_fold(connection: Connection, study: StudyId) -> StudyFold:
    return StudyFold(dossier_of(connection, [study]), study)


def criteria_now(connection: Connection, study: StudyId | None) -> StudyFold | None:
    """The study as it stands, or None when no version is in force."""
    if study is None:
        return None
    fold = study_fold(connection, study)
    try:
        return fold if fold.criteria_now else None
    except MissingFact:
        return None
