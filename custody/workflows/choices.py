"""Closed lists the record and the study in force offer for fields of an act, so that nobody types a code from memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace

from sqlalchemy import Connection

from custody.domain.acts.base import ActRule, alternatives, field_types
from custody.domain.acts.bedside import ParticipantDoseStarted
from custody.domain.acts.quality import DeviationClosed, DeviationOpened, HoldLifted, ResultRecorded
from custody.domain.acts.release import Rejected
from custody.domain.acts.safety import AdverseEventReported
from custody.domain.acts.study import StudyProposed
from custody.domain.criteria import StudyContent, content_from
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.folds.safety import SafetyEvent, events_of
from custody.domain.folds.study import StudyFold
from custody.domain.ids import Digest, Identifier, Node, ParticipantId, StudyId, node_of
from custody.domain.lineage import open_holds
from custody.domain.masking import Viewer
from custody.store import lookups
from custody.workflows import sight
from custody.workflows.dossiers import dossier_of

SCOPES = ("clinical_trial", "research")
REJECTIONS = ("contamination", "donor", "manufacturing", "cold_chain", "container", "labelling", "records", "expired", "other")
"""Coded reasons of a rejection, besides the code of the test that failed: that one an exceptional release asks for (rules 9.4)."""
LOTS_MAX = 20
SECOND_CHECK = "second_check"
"""The duty of the delegation log that the rules name."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """One choice. `vocabulary` names the catalogue that words it; else `english` and `chinese` do, or the value itself.

    `act`: the newest act about a thing that is only suggested. `stands_at`: what a setting is left at, told beside its name.
    """

    value: str
    vocabulary: str = ""
    english: str = ""
    chinese: str = ""
    act: str = ""
    stands_at: object = None


def choices(connection: Connection, rule: ActRule, subject: Node | None, viewer: Viewer) -> dict[str, tuple[Known, ...]]:
    """Field -> its choices, for the fields of this act that have any."""
    fields = _field_names(rule)
    study = sight.study_of(connection, viewer)
    found: dict[str, tuple[Known, ...]] = {}
    if study is not None:
        found |= _of_study(dossier_of(connection, [study]), study, rule)
    if subject is not None:
        dossier = dossier_of(connection, [subject, *([study] if study is not None else [])])
        found |= _of_subject(dossier, rule, subject)
        if rule.stage == "release" and subject.kind == "dose" and not viewer.blind:
            found["result"] = _results_of_lots(connection, study)
    return {name: every for name, every in found.items() if name in fields and every}


def _field_names(rule: ActRule) -> set[str]:
    """The act's fields and those of its parts."""
    own = field_types(rule.cls)
    parts = (alternatives(field.plain)[0] for field in own.values())
    inner = (field_types(part) for part in parts if is_dataclass(part) and isinstance(part, type) and not issubclass(part, Identifier))
    return set(own).union(*inner)


def _of_study(dossier: Dossier, study: StudyId, rule: ActRule) -> dict[str, tuple[Known, ...]]:
    fold = StudyFold(dossier, study)
    try:
        content = fold.criteria_now
    except MissingFact:
        content = None
    found = _defaults(dossier, study) if rule.name == "study_approved" else {}
    if content is None:
        return found
    makers: dict[str, Callable[[StudyContent], tuple[Known, ...]]] = {
        "cohort": lambda c: tuple(Known(value=cohort.id.value) for cohort in c.cohorts),
        "procedure": lambda c: tuple(Known(value=word, vocabulary="training") for word in sorted(set(c.training.values()))),
        "duty": lambda _: (Known(value=SECOND_CHECK, vocabulary="training"),),
        "scopes": lambda _: tuple(Known(value=word, vocabulary="scope") for word in SCOPES),
        "ticks": lambda c: tuple(
            Known(value=word, vocabulary="tick") for word in dict.fromkeys(t for form in c.consent_forms for t in form.required_ticks)
        ),
    }
    found |= {name: make(content) for name, make in makers.items()}
    documents = content.documents.tissue if rule.stage == "donation" else content.documents.shipment
    found["documents"] = tuple(Known(value=word, vocabulary="document") for word in documents)
    kind = "participant" if rule.stage == "allocation" else "donor"
    found["form_version"] = tuple(Known(value=form.version) for form in content.consent_forms if form.kind == kind)
    found["test"] = _tests(content, rule)
    if rule.cls is Rejected:
        found["reason_code"] = (*_tests(content, rule), *(Known(value=word, vocabulary="rejection") for word in REJECTIONS))
    if rule.name == "participant_eligibility_recorded":
        found["code"] = tuple(
            Known(value=line.code, english=f"{line.code}: {line.text}", chinese=f"{line.code}：{line.text_zh}")
            for line in content.eligibility
        )
    return found


def _tests(content: StudyContent, rule: ActRule) -> tuple[Known, ...]:
    if rule.stage == "donation":
        return tuple(Known(value=code, vocabulary="donor_test") for code in content.donor.required_tests)
    return tuple(
        Known(value=test.code, english=f"{test.code}: {test.title}", chinese=f"{test.code}：{test.title_zh}") for test in content.release
    )


def _defaults(dossier: Dossier, study: StudyId) -> dict[str, tuple[Known, ...]]:
    last = dossier.last(study, StudyProposed)
    if last is None:
        return {}
    settings = content_from(last.act.content, last.act.study_version).settings
    named = ((name, getattr(settings, name)) for name in settings.left_at_default)
    return {"confirmed_defaults": tuple(Known(value=name, vocabulary="setting", stands_at=value) for name, value in named)}


def _of_subject(dossier: Dossier, rule: ActRule, subject: Node) -> dict[str, tuple[Known, ...]]:
    found: dict[str, tuple[Known, ...]] = {}
    if rule.cls is HoldLifted:
        found["hold"] = tuple(Known(value=deed.act.hold) for deed in open_holds(dossier, subject))
    if rule.cls is DeviationClosed:
        closed = {deed.act.deviation for deed in dossier.deeds(subject, DeviationClosed)}
        opened = (deed.act.deviation for deed in dossier.deeds(subject, DeviationOpened))
        found["deviation"] = tuple(Known(value=name) for name in dict.fromkeys(opened) if name not in closed)
    if rule.stage == "safety" and isinstance(subject, ParticipantId):
        found |= _of_events(dossier, rule, subject)
    results = _results(dossier, subject)
    asked = field_types(rule.cls).get("result")
    # Of a result being recorded `result` is what was measured; elsewhere it names a result that stands.
    return found | {"retest_of": results} | ({"result": results} if asked is not None and asked.plain is Digest else {})


def _of_events(dossier: Dossier, rule: ActRule, participant: ParticipantId) -> dict[str, tuple[Known, ...]]:
    """A new event gets a number of its own; every other act names one that was reported. Doses are those the participant was given."""
    doses = dict.fromkeys(deed.act.dose for deed in dossier.deeds(participant, ParticipantDoseStarted))
    given = {"dose": tuple(Known(value=dose.value) for dose in doses)}
    if rule.cls is AdverseEventReported:
        return given
    return given | {"event": tuple(_event(event) for event in events_of(dossier, participant))}


def _event(event: SafetyEvent) -> Known:
    text = f"{event.event} · {event.reported.act.description[:60]}"
    return Known(value=event.event.value, english=text, chinese=text)


def _results(dossier: Dossier, node: Node) -> tuple[Known, ...]:
    return tuple(_result(deed.digest, deed.act) for deed in dossier.deeds(node, ResultRecorded))


def _result(digest: Digest, act: ResultRecorded) -> Known:
    text = f"{act.test} {act.result} {act.unit}".strip() + f" · {act.sample}"
    return Known(value=digest.value, english=text, chinese=text)


def _results_of_lots(connection: Connection, study: StudyId | None) -> tuple[Known, ...]:
    """Results of the study's newest lots, for an exceptional release.

    The one list that reaches past the scope of a hospital: the treating physician names the failed result of a lot that was kept back
    from them (rules section 9.4 a).
    """
    named = lookups.streams_of_kind(connection, "lot", study=None if study is None else study.value, limit=LOTS_MAX)
    lots = [node_of(item.stream) for item in named]
    dossier = dossier_of(connection, lots)
    return tuple(
        replace(known, english=f"{lot}: {known.english}", chinese=f"{lot}：{known.chinese}")
        for lot in lots
        for known in _results(dossier, lot)
    )
