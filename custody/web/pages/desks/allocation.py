"""The allocation desk: participants on their way to a dose, cohorts, and doses with their arithmetic and their bags."""

from __future__ import annotations

from flask import redirect, request, url_for

from custody.domain.ids import DoseId, KitId, Node, ParticipantId, StudyId
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_parts import Button, QueueRow, QueueShown, desk_href, start_href, step_button
from custody.web.desk_waiting import waiting_shown
from custody.web.desks import desk
from custody.web.pages.desks import allocation_shown as shown
from custody.web.standings import next_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import allocation as read
from custody.workflows.desks.allocation import DoseRow
from custody.workflows.desks.cohorts import CohortSeen, StudySeen
from custody.workflows.desks.enrolled import Enrolled
from custody.workflows.desks.kits import meant_by

DESK = desk("allocation")


def home() -> Page:
    """Doses to reserve and prescribe first, then participants, nearest deadline first; the cohorts beneath."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.now()).value
    note = cut_note() if found.cut else ""
    doses = QueueShown(
        title=words.say("desk.allocation.doses"),
        rows=tuple(_dose_row(words, row) for row in found.doses),
        empty=words.say("desk.allocation.no_doses"),
        note=note,
    )
    people = QueueShown(
        title=words.say("desk.allocation.participants"),
        rows=tuple(_participant_row(words, row) for row in found.participants),
        empty=words.say("desk.allocation.no_participants"),
        note=note,
    )
    cohorts = QueueShown(
        title=words.say("desk.allocation.cohorts"),
        rows=tuple(_cohort_row(words, found.study, each) for each in (found.study.cohorts if found.study is not None else ())),
        empty=words.say("desk.allocation.no_cohorts"),
    )
    halted = found.study is not None and found.study.halted is not None
    return home_page(DESK, (doses, people, cohorts), template="pages/desks/allocation.html", broken=found.unreadable, halted=halted)


def sheet(node: Node) -> Page:
    if isinstance(node, ParticipantId):
        return _participant(node)
    if isinstance(node, DoseId):
        return _dose(node)
    if isinstance(node, KitId):
        return _kit(node)
    return _study(node) if isinstance(node, StudyId) else plain_sheet(DESK, node)


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


def _dose_row(words: Words, row: DoseRow) -> QueueRow:
    cohort = row.cohort
    state = words.say("desk.allocation.reserved", count=row.bags) if row.bags else words.say("desk.allocation.not_reserved")
    if row.bags:
        state += " · " + words.say("desk.allocation.prescribed" if row.prescribed else "desk.allocation.not_prescribed")
    stopped = cohort is None or not cohort.is_open
    remark = [words.named(row.participant)]
    if cohort is not None:
        remark.append(words.say("desk.allocation.cohort", cohort=cohort.id))
    if stopped:
        remark.append(words.say("desk.allocation.cohort_not_open"))
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=state,
        left=time_left(words, row.until),
        until=row.until,
        late=row.until is not None and row.until <= current.now(),
        bad=stopped,
        remark=" · ".join(remark),
        who=next_text(words, row.next),
        step=step_button(words, DESK, row.node, row.next),
    )


def _participant_row(words: Words, person: Enrolled) -> QueueRow:
    until = person.window_ends_at
    return QueueRow(
        thing=words.named(person.node),
        href=desk_href(DESK, person.node),
        state=shown.standing_of(words, person),
        left=time_left(words, until) if until is not None else words.say("desk.allocation.window_not_known"),
        until=until,
        late=until is not None and until <= current.now(),
        bad=bool(person.not_met),
        who=next_text(words, person.next),
        step=_next_of(words, person),
    )


def _next_of(words: Words, person: Enrolled) -> Button | None:
    """The next step; a dose is requested for the participant it starts from."""
    step = step_button(words, DESK, person.node, person.next)
    if step is None or person.next != "dose_requested":
        return step
    then = desk_href(DESK, person.node)
    return Button(label=step.label, href=url_for("acts.form", name="dose_requested", participant=person.node.value, then=then))


def _cohort_row(words: Words, study: StudySeen | None, cohort: CohortSeen) -> QueueRow:
    node = current.study()
    assert study is not None
    assert node is not None
    early = cohort.next_start_at if cohort.next_start_at is not None and cohort.next_start_at > current.now() else None
    texts = [words.say("desk.allocation.places", taken=len(cohort.slots), size=cohort.size)]
    if early is not None:
        texts.append(words.say("desk.allocation.next_start", at=early))
    return QueueRow(
        thing=cohort.id.value,
        href=desk_href(DESK, node),
        state=shown.cohort_text(words, cohort),
        left=words.say("desk.allocation.may_start") if cohort.is_open and early is None else time_left(words, early) if early else "",
        until=early,
        bad=bool(cohort.toxicities_not_judged),
        remark=" · ".join(texts),
        who=next_text(words, cohort.next),
        step=shown.cohort_step(words, DESK, node, cohort),
    )


def _participant(node: ParticipantId) -> Page:
    words = current.words()
    with current.store().reading() as connection:
        person, offered = read.participant_sheet(connection, current.viewer(), current.present(), node, DESK.acts).value
    return sheet_page(
        DESK,
        node,
        offered,
        template="pages/desks/allocation_participant.html",
        facts=shown.participant_facts(words, person),
        problem=shown.left_text(words, person),
        main=person.next,
        waiting=waiting_shown(words, node),
        next_step=_next_of(words, person) if person.next == "dose_requested" else None,
        criteria=tuple(shown.eligibility_row(words, line) for line in person.lines),
        weighing_columns=shown.columns(words, "measured_at", "weight", "height", "sex", "by_two", "agrees"),
        weighings=[shown.weighing_cells(words, each) for each in person.weighings],
        doses=tuple(Button(label=words.named(dose), href=desk_href(DESK, dose)) for dose in person.doses),
    )


def _kit(node: KitId) -> Page:
    """A kit is scanned for what it is given for: its dose, or the participant it was assigned to; alone only while it is neither's."""
    with current.store().reading() as connection:
        meant = meant_by(connection, current.viewer(), node).value
    if meant is None or request.args.get("act"):
        return plain_sheet(DESK, node)
    return redirect(desk_href(DESK, meant), 303)


def _study(node: StudyId) -> Page:
    words = current.words()
    with current.store().reading() as connection:
        study, offered = read.study_sheet(connection, current.viewer(), current.present(), node, DESK.acts).value
    cohorts = study.cohorts if study is not None else ()
    can = frozenset(offer.act for offer in offered if offer.why_not is None)
    halted = study.halted if study is not None else None
    return sheet_page(
        DESK,
        node,
        offered,
        template="pages/desks/allocation_study.html",
        facts=(Line(words.say("desk.allocation.version"), str(study.version)),) if study is not None else (),
        problem=words.say("desk.allocation.halted_since", at=halted.at) if halted is not None else "",
        waiting=waiting_shown(words, node),
        criteria=tuple(shown.cohort_criterion(words, DESK, node, each, can) for each in cohorts),
    )


def _dose(node: DoseId) -> Page:
    words = current.words()
    with current.store().reading() as connection:
        found = read.dose_sheet(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value
    reserve = None
    begins = "spare_allocated" if found.for_spare else "dose_allocated"
    if found.proposed is not None and any(each.act == begins and each.why_not is None for each in found.offers):
        reserve = shown.reserve_button(words, DESK, found)
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/allocation_dose.html",
        facts=shown.dose_facts(words, found),
        beside=shown.beside_dose(words, found),
        main=found.next,
        waiting=waiting_shown(words, node),
        participant=Button(label=words.named(found.participant), href=desk_href(DESK, found.participant)),
        sums=tuple(shown.sum_shown(words, step) for step in found.sums.steps),
        sums_missing=words.reason("missing", found.sums.missing) if found.sums.missing else "",
        bag_columns=shown.columns(words, "order", "bag", "lot", "bag_state", "holder", "expires"),
        bags=[shown.bag_cells(words, n, bag, current.viewer().blind) for n, bag in enumerate(found.bags, 1)],
        freed=[shown.freed_text(words, each) for each in found.freed],
        proposal=shown.proposal_shown(words, found, reserve),
        new_request=start_href(DESK, "dose_requested"),
    )
