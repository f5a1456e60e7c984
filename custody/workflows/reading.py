"""Small reads the shell needs before a view runs: a site's name and telephone, the study somebody works in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection

from custody.domain.acts.people import SiteRegistered
from custody.domain.folds.base import MissingFact
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Node, SiteId, StudyId, node_of
from custody.store import entries, lookups
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


class Studies(NamedTuple):
    """Where a person's grants let them work: in `every` of these, and unasked in the one of `settled` where it is one alone."""

    every: tuple[StudyId, ...]
    settled: tuple[StudyId, ...]


def studies_of(connection: Connection, present: Present) -> Studies:
    """Those that grants name, and all of the store where one names none; a draft beside one in force is no place of work yet."""
    named = [grant.study for grant in present.grants if grant.study is not None]
    every = tuple(dict.fromkeys((*named, *(studies(connection) if len(named) < len(present.grants) else ()))))
    if len(every) < 2:
        return Studies(every, every)
    return Studies(every, tuple(study for study in every if study in named or _is_in_force(connection, study)) or every)


_in_force: set[tuple[str, StudyId]] = set()


def _is_in_force(connection: Connection, study: StudyId) -> bool:
    """Whether any version of it was ever approved, which nothing takes back."""
    key = str(connection.get_execution_options().get("custody_store", "")), study
    if key not in _in_force and study_fold(connection, study).approved:
        _in_force.add(key)
    return key in _in_force


def present_in(present: Present, among: Studies, wished: str) -> tuple[Present, StudyId | None]:
    """A person in the one study they work in now: the one they wish for, or the only one there is; and with their grants for it alone.

    None where they have yet to choose, or there is none: then only grants for every study count.
    """
    only = among.settled[0] if len(among.settled) == 1 else None
    study = next((each for each in among.every if each.value == wished), only)
    return replace(present, grants=tuple(grant for grant in present.grants if grant.covers(study))), study


def study_of_thing(connection: Connection, node: Node) -> StudyId | None:
    """The study in which a thing was made known; None for one that nobody made known."""
    found = entries.load_streams(connection, [node.key])[node.key]
    return found[0].study if found else None


@dataclass(frozen=True)
class StudySeen:
    """A study by its number and title; the titles are empty before any version of it is in force."""

    study: StudyId
    title: str
    title_zh: str


def study_seen(connection: Connection, study: StudyId) -> StudySeen:
    fold = criteria_now(connection, study)
    protocol = None if fold is None else fold.criteria_now.protocol
    return StudySeen(study, *(("", "") if protocol is None else (protocol.title, protocol.title_zh)))


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
