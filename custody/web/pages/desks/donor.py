"""The donor desk: what waits, a mother with her forms, and a donation with everything that blocks its eligibility in one list."""

from __future__ import annotations

from collections.abc import Iterator

from custody.domain.ids import Din, DonorId, Node
from custody.web import current
from custody.web.desk_kit import Page, blueprint_of, cut_note, home_page, plain_sheet, sheet_page
from custody.web.desk_lineage import family_shown
from custody.web.desk_parts import Button, CriterionRow, QueueRow, QueueShown, ResultLine, correct_href, desk_href, step_button
from custody.web.desks import desk
from custody.web.pages.desks.donor_rows import delivery_rows, history_rows, rule_rows, sample_rows, test_rows
from custody.web.standings import next_text, time_left
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks import donor as read
from custody.workflows.desks.donor import Row
from custody.workflows.desks.donor_consent import Consent
from custody.workflows.desks.donor_sheets import DonationSheet, DonorSheet, sheet_of_donation, sheet_of_donor

DESK = desk("donor")


def home() -> Page:
    """What waits, nearest deadline first; cords on the road with the hours they have left; mothers who took their consent back."""
    words = current.words()
    with current.store().reading() as connection:
        found = read.queue(connection, current.viewer(), current.now()).value
    queues = [
        QueueShown(
            title=words.say("desk.donor.queue"),
            rows=tuple(_row(words, row) for row in found.here),
            empty=words.say("desk.donor.empty"),
            note=cut_note() if found.cut else "",
        )
    ]
    for title, rows in (("desk.donor.on_the_way", found.on_the_way), ("desk.donor.withdrawn", found.withdrawn)):
        if rows:
            queues.append(QueueShown(title=words.say(title), rows=tuple(_row(words, row) for row in rows), empty=""))
    return home_page(DESK, queues, broken=found.unreadable)


def sheet(node: Node) -> Page:
    """A mother or a donation; a cord as the plain sheet shows it."""
    if isinstance(node, DonorId):
        return _donor_page(node)
    return _donation_page(node) if isinstance(node, Din) else plain_sheet(DESK, node)


blueprint = blueprint_of(DESK, home=home, sheet=sheet)


def _row(words: Words, row: Row) -> QueueRow:
    return QueueRow(
        thing=words.named(row.node),
        href=desk_href(DESK, row.node),
        state=words.say(f"desk.donor.{row.state}", count=row.count, total=row.total),
        left=time_left(words, row.due_at) if row.due_at is not None else "",
        until=row.due_at,
        late=row.due_at is not None and row.due_at <= current.now(),
        bad=row.bad,
        remark=words.say(f"desk.donor.{row.due}") if row.due else "",
        who=next_text(words, row.next) if row.next else "",
        step=step_button(words, DESK, row.node, row.next),
    )


def _donor_page(node: DonorId) -> Page:
    words = current.words()
    with current.store().reading() as connection:
        found = sheet_of_donor(connection, current.viewer(), current.present(), node, DESK.acts).value
    withdrawn = bool(found.consents) and found.consents[0].withdrawn_at is not None
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/donor_sheet.html",
        facts=_donor_facts(words, found),
        problem=words.say("desk.donor.withdrawal_means") if withdrawn else "",
        main=found.next,
        sections=((words.say("desk.donor.forms"), tuple(_consent_row(words, found, each) for each in found.consents)),),
        donations=[(words.named(din), desk_href(DESK, din)) for din in found.donations],
        family=family_shown(words, DESK, found.family),
    )


def _donor_facts(words: Words, found: DonorSheet) -> tuple[Line, ...]:
    registered = words.date_time(found.registered_at) if found.registered_at is not None else words.say("desk.donor.none_yet")
    return (Line(words.say("desk.donor.registered_at"), registered),)


def _consent_row(words: Words, found: DonorSheet, each: Consent) -> CriterionRow:
    state, word = "bad", "consent_open"
    if each.withdrawn_at is not None:
        word = "consent_withdrawn"
    elif each.is_whole:
        state, word = "open", "consent_whole"  # what holds stays unfolded: it is what people come to read
    correct = Button(label=words.say("desk.donor.step.correct"), href=correct_href(DESK, found.node, each.digest.value))
    force = {True: "in_force", False: "not_in_force", None: "unknown_version"}[each.in_force]
    return CriterionRow(
        name=words.say("desk.donor.form", version=each.form_version),
        limit=words.say("desk.donor.required_ticks", count=sum(tick.required for tick in each.ticks)),
        state=state,
        word=words.say(f"desk.donor.{word}"),
        results=(
            ResultLine(
                text=words.date_time(each.signed_at),
                word=words.say(f"desk.donor.{force}"),
                tags=(words.say("desk.donor.corrected"),) if each.corrected else (),
                facts=tuple(_consent_facts(words, each)),
            ),
        ),
        steps=(correct,) if any(offer.act == "consent_signed" and offer.why_not is None for offer in found.offers) else (),
    )


def _consent_facts(words: Words, each: Consent) -> Iterator[Line]:
    comma = words.say("format.comma")
    if each.withdrawn_at is not None:
        yield Line(words.say("desk.donor.withdrawn_at"), words.date_time(each.withdrawn_at))
        if each.withdrawn_because:
            yield Line(words.say("desk.donor.withdrawn_because"), each.withdrawn_because)
    if each.open_ticks:
        yield Line(words.say("desk.donor.open_ticks"), comma.join(words.word("tick", code) for code in each.open_ticks))
    ticked = comma.join(words.word("tick", tick.code) for tick in each.ticks if tick.ticked)
    yield Line(words.say("desk.donor.ticks"), ticked or words.say("format.none"))
    yield Line(words.say("desk.donor.scopes"), comma.join(words.word("scope", code) for code in each.scopes) or words.say("format.none"))
    yield Line(words.say("desk.donor.by_mother"), words.value(each.by_birth_mother))
    yield Line(words.say("desk.donor.identity"), words.value(each.identity_checked))
    yield Line(words.say("desk.donor.witness"), each.witness)


def _donation_page(node: Din) -> Page:
    words = current.words()
    with current.store().reading() as connection:
        found = sheet_of_donation(connection, current.viewer(), current.present(), node, DESK.acts, current.now()).value
    blocked = len(found.blocking)
    sections = (
        (words.say("desk.donor.tests"), test_rows(words, DESK, found)),
        (words.say("desk.donor.samples"), sample_rows(words, DESK, found)),
        (words.say("desk.donor.history"), (*history_rows(words, found), *delivery_rows(words, found))),
    )
    return sheet_page(
        DESK,
        node,
        found.offers,
        template="pages/desks/donor_sheet.html",
        facts=tuple(_donation_facts(words, found)),
        beside=_times(words, found),
        problem=words.say("desk.donor.blocked_now", count=blocked) if blocked else "",
        main=found.next,
        rules=rule_rows(words, DESK, found),
        sections=sections,
        donations=[],
        family=family_shown(words, DESK, found.family),
        mother=(words.named(found.donor), desk_href(DESK, found.donor)),
    )


def _donation_facts(words: Words, found: DonationSheet) -> Iterator[Line]:
    state = words.say(f"desk.donor.eligible.{found.eligibility}")
    if found.decided_at is not None:
        state = f"{state} · {words.say('desk.donor.decided_by', name=found.decided_by, at=found.decided_at)}"
    yield Line(words.say("desk.donor.eligibility"), state)
    if found.refused_because:
        yield Line(words.say("desk.donor.withdrawn_because"), found.refused_because)
    if found.consent is not None:
        yield Line(words.say("desk.donor.version"), f"{found.consent.form_version} · {words.date_time(found.consent.signed_at)}")
    yield from _times(words, found)
    yield Line(words.say("desk.donor.collected_at"), words.date_time(found.collected_at))


def _times(words: Words, found: DonationSheet) -> tuple[Line, ...]:
    """The times a sample is judged by: they stand beside the form too."""
    first, last = found.window
    return (
        Line(words.say("desk.donor.delivered_at"), words.date_time(found.delivered_at)),
        Line(words.say("desk.donor.window"), words.say("desk.donor.from_to", first=first, last=last)),
        Line(words.say("desk.donor.repeat_from"), words.say("desk.donor.from_on", first=found.repeat_from)),
    )
