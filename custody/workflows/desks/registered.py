"""One line of a register: what it is, how it stands, until when it may be used; the folds of each kind of registered thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from custody.domain.acts.equipment import EquipmentCalibrated, EquipmentRegistered
from custody.domain.acts.people import AccessReviewed, AccountCreated, DelegationRecorded, SiteRegistered, TrainingRecorded
from custody.domain.acts.shipping import LoggerCalibrated, LoggerRegistered, ShipperQualified, ShipperRegistered
from custody.domain.acts.study import StudyApproved
from custody.domain.dossier import Dossier
from custody.domain.duties import AccountFold
from custody.domain.folds.base import MissingFact
from custody.domain.folds.logger_places import loggers_in
from custody.domain.folds.registers import MaterialFold
from custody.domain.folds.study import StudyFold
from custody.domain.ids import AccountId, EquipmentId, LoggerId, MaterialId, Node, ShipperId, SiteId, StudyId
from custody.workflows.desks.controlled import Version, untrained, versions

WARN_DAYS = 30
"""How long before a due date a register warns: a help for people; only the due date itself blocks, at the hold points."""
MOODS = ("late", "waits", "soon", "fine", "over")
"""What has to be done about a line comes first."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """`title` as it was registered; `key` names its sentence, `due` the last day it may be used. `mood` is one of MOODS."""

    node: Node
    title: str
    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    due: date | None = None
    mood: str = "fine"
    next: str = ""


@dataclass(frozen=True, kw_only=True)
class Dated:
    """One dated fact behind a line: a calibration, a training, a consent form. `key` names it; `word`: of which procedure an SOP is."""

    key: str
    name: str
    since: date | None
    until: date | None
    mood: str
    word: str = ""
    review_due_on: date | None = None


def mood_of(until: date | None, today: date) -> str:
    """The due day itself still counts (`calibrated … until`)."""
    if until is None:
        return "fine"
    return "late" if until < today else "soon" if until <= today + timedelta(days=WARN_DAYS) else "fine"


def line_of(dossier: Dossier, node: Node, study: StudyFold | None, now: datetime) -> Line | None:
    """None for a thing that nobody registered. `now` is in the time zone whose days count."""
    made: dict[type[Node], Callable[[], Line | None]] = {
        MaterialId: lambda: _material(dossier, node, now),
        EquipmentId: lambda: _equipment(dossier, node, now),
        ShipperId: lambda: _shipper(dossier, node, now),
        LoggerId: lambda: _logger(dossier, node, now),
        AccountId: lambda: _account(dossier, node, study, now),
        SiteId: lambda: _site(dossier, node),
        StudyId: lambda: _study(dossier, node, study, now),
    }
    return made[type(node)]()


def _material(dossier: Dossier, node: Node, now: datetime) -> Line | None:
    assert isinstance(node, MaterialId)
    fold = MaterialFold(dossier, node)
    try:
        act = fold.received.act
    except MissingFact:
        return None
    title, values = f"{act.name} · {act.supplier} {act.supplier_lot}", {"certificate": act.certificate}
    until = act.expires_at.astimezone(now.tzinfo).date()
    if fold.released is None:
        refused = fold.refused is not None
        key, mood = ("refused", "over") if refused else ("not_released", "waits")
        return Line(node=node, title=title, key=key, values=values, due=until, mood=mood, next="" if refused else "material_released")
    mood = "late" if not fold.in_date_at(now) else mood_of(until, now.date())
    return Line(node=node, title=title, key="material", values=values, due=until, mood=mood)


def _equipment(dossier: Dossier, node: Node, now: datetime) -> Line | None:
    registered = dossier.last(node, EquipmentRegistered)
    if registered is None:
        return None
    act = registered.act
    if act.storage and isinstance(node, EquipmentId) and not loggers_in(dossier, node):
        return Line(node=node, title=act.name, key="no_logger", mood="waits", next="logger_installed")
    last = dossier.last(node, EquipmentCalibrated)
    if last is None:
        # A store is judged by its logger; everything else is used at G4 only with a calibration.
        return Line(node=node, title=act.name, key="store" if act.storage else "not_calibrated", mood="fine" if act.storage else "waits",
                    next="" if act.storage else "equipment_calibrated")  # fmt: skip
    return _calibrated(node, act.name, last.act, now, "equipment_calibrated")


def _logger(dossier: Dossier, node: Node, now: datetime) -> Line | None:
    registered = dossier.last(node, LoggerRegistered)
    if registered is None:
        return None
    act = registered.act
    last = dossier.last(node, LoggerCalibrated)
    if last is None:
        return Line(node=node, title=act.model, key="not_calibrated", mood="waits", next="logger_calibrated")
    return _calibrated(node, act.model, last.act, now, "logger_calibrated")


def _calibrated(node: Node, title: str, act: EquipmentCalibrated | LoggerCalibrated, now: datetime, next_act: str) -> Line:
    mood = mood_of(act.due_on, now.date())
    values = {"certificate": act.certificate}
    return Line(node=node, title=title, key="calibrated", values=values, due=act.due_on, mood=mood, next="" if mood == "fine" else next_act)


def _shipper(dossier: Dossier, node: Node, now: datetime) -> Line | None:
    registered = dossier.last(node, ShipperRegistered)
    if registered is None:
        return None
    last = dossier.last(node, ShipperQualified)
    if last is None:
        return Line(node=node, title=registered.act.model, key="not_qualified", mood="waits", next="shipper_qualified")
    act, mood = last.act, mood_of(last.act.qualified_until, now.date())
    values = {"hold": timedelta(minutes=act.hold_minutes)}
    step = "" if mood == "fine" else "shipper_qualified"
    return Line(node=node, title=registered.act.model, key="qualified", values=values, due=act.qualified_until, mood=mood, next=step)


def _account(dossier: Dossier, node: Node, study: StudyFold | None, now: datetime) -> Line | None:
    """A person by what they are trained in and delegated to: the first that lapses decides."""
    assert isinstance(node, AccountId)
    created = dossier.last(node, AccountCreated)
    if created is None:
        return None
    if AccountFold(dossier, node).is_disabled:
        return Line(node=node, title=created.act.printed_name, key="disabled", mood="over")
    dated = log_of(dossier, node, now)
    missing = untrained(dossier, node, study, now.date())
    if missing:
        first = missing[0]
        mood = "late" if first.is_due else mood_of(first.by, now.date())
        values = {"procedure": first.procedure, "version": first.version}
        return Line(node=node, title=created.act.printed_name, key="untrained", values=values, due=first.by, mood="soon" if mood == "fine"
                    else mood, next="training_recorded")  # fmt: skip
    if not dated:
        return Line(node=node, title=created.act.printed_name, key="no_training")
    until = min(each.until for each in dated if each.until is not None)
    step = "training_recorded" if any(each.key == "training" and each.mood != "fine" for each in dated) else "delegation_recorded"
    mood = mood_of(until, now.date())
    return Line(node=node, title=created.act.printed_name, key="trained", values={"count": len(dated)}, due=until, mood=mood,
                next="" if mood == "fine" else step)  # fmt: skip


def log_of(dossier: Dossier, node: AccountId, now: datetime) -> tuple[Dated, ...]:
    """The last training in each procedure and the last delegation of each duty."""
    today = now.date()
    trained = {d.act.procedure: d.act for d in dossier.deeds(node, TrainingRecorded)}
    delegated = {d.act.duty: d.act for d in dossier.deeds(node, DelegationRecorded)}
    return (
        *(Dated(key="training", name=a.procedure, word=a.document_version, since=a.passed_on, until=a.valid_until,
                mood=mood_of(a.valid_until, today))
          for a in trained.values()),
        *(Dated(key="delegation", name=a.duty, since=a.valid_from, until=a.valid_until, mood=mood_of(a.valid_until, today))
          for a in delegated.values()),
    )  # fmt: skip


def _site(dossier: Dossier, node: Node) -> Line | None:
    found = dossier.last(node, SiteRegistered)
    if found is None:
        return None
    return Line(node=node, title=found.act.name, key="site", values={"kind": found.act.kind, "phone": found.act.phone})


def _study(dossier: Dossier, node: Node, study: StudyFold | None, now: datetime) -> Line | None:
    """The study by the review of its accounts, which is due every so many days."""
    approved = dossier.last(node, StudyApproved)
    if study is None or approved is None:
        return Line(node=node, title=node.value, key="study_not_approved", mood="waits", next="study_approved")
    reviewed = dossier.last(node, AccessReviewed)
    days = study.criteria_now.settings.access_review_days
    # As `access.review_standing` counts: the first review so many days after the first approval.
    began = dossier.first(node, StudyApproved) or approved
    since = (reviewed.recorded_at if reviewed is not None else began.recorded_at).astimezone(now.tzinfo).date()
    until = since + timedelta(days=days)
    mood = mood_of(until, now.date())
    return Line(node=node, title=study.criteria_now.protocol.title, key="study", values={"version": approved.act.study_version},
                due=until, mood=mood, next="" if mood == "fine" else "access_reviewed")  # fmt: skip


def controlled(study: StudyFold, today: date) -> tuple[Dated, ...]:
    """Versions of the SOPs; the one in force warns of its review, which blocks nothing, and of its end, which does."""
    return tuple(
        Dated(key=f"sop_{each.state}", name=f"{each.number} · {each.version} · {each.approved_by}", since=each.since, until=each.until,
              mood=_mood_of_version(each, today), word=each.procedure, review_due_on=each.review_due_on)
        for each in versions(study, today)
    )  # fmt: skip


def _mood_of_version(each: Version, today: date) -> str:
    if each.state in {"withdrawn", "superseded"}:
        return "over"
    if each.state == "to_come":
        return "fine"
    ends = mood_of(each.until, today)
    return "soon" if ends == "fine" and mood_of(each.review_due_on, today) != "fine" else ends


def documents_of(study: StudyFold, now: datetime) -> tuple[Dated, ...]:
    """Versions of the consent forms and of the study itself, with the days they are in force."""
    try:
        criteria = study.criteria_now
    except MissingFact:
        return ()
    today = now.date()
    forms = tuple(
        Dated(key=f"form_{form.kind}", name=form.version, since=form.in_force_from, until=form.in_force_until,
              mood=mood_of(form.in_force_until, today))
        for form in criteria.consent_forms
    )  # fmt: skip
    versions = study.dossier.deeds(study.study, StudyApproved)
    last = versions[-1].digest
    return (
        *controlled(study, today),
        *forms,
        *(Dated(key="study_version", name=str(d.act.study_version), since=d.at.astimezone(now.tzinfo).date(), until=None,
                mood="fine" if d.digest == last else "over")
          for d in reversed(versions)),
    )  # fmt: skip
