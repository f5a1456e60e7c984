"""A preview in the reader's words: what stands in the way already, what is judged later, what holds; never a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from custody.domain.ids import Digest
from custody.web.wording import Line
from custody.words import Words
from custody.workflows.desks.preview import Foreseen, Preview

STATES = {"blocked": "bad", "later": "open", "excepted": "good", "passed": "good"}
REASONS_SAID = 3

EvidenceText = Callable[[Digest], Line | None]


@dataclass(frozen=True, kw_only=True)
class RuleRow:
    """One rule as templates/parts/desk_rules.html shows it. `state`: bad, open (judged later) or good; `about` names one bag of several."""

    gate: str
    title: str
    state: str
    word: str
    about: str = ""
    reason: str = ""
    next_step: str = ""
    evidence: tuple[Line, ...] = ()


def rule_rows(words: Words, preview: Preview, evidence: EvidenceText = lambda _: None) -> tuple[RuleRow, ...]:
    """Every rule, in the order of the rules page. `evidence` words an entry a rule relied on; None leaves it out."""
    return tuple(_row(words, each, evidence) for each in preview.findings)


def foresight_text(words: Words, preview: Preview) -> str:
    """The whole in one sentence."""
    blocking = len({each.gate for each in preview.blocking})
    if blocking:
        return words.say("foresight.blocked", count=blocking)
    if not preview.is_clear:
        return words.say("foresight.unknown")
    later = len({each.gate for each in preview.of("later")})
    return words.say("foresight.clear_so_far", count=later) if later else words.say("foresight.clear")


def reasons_text(words: Words, preview: Preview) -> str:
    """The first reasons that stand in the way, as sentences one behind the other."""
    texts = list(dict.fromkeys(reason_text(words, each) for each in preview.blocking))
    more = len(texts) - REASONS_SAID
    said = texts[:REASONS_SAID] + ([words.say("foresight.more", count=more)] if more > 0 else [])
    return " ".join(said)


def reason_text(words: Words, found: Foreseen) -> str:
    """Why, in one sentence; the title of the rule where nothing more was said."""
    if found.reason is None:
        return words.say("foresight.not_held", rule=words.gate(found.gate))
    return words.reason(found.reason.code, found.reason.values)


def _row(words: Words, found: Foreseen, evidence: EvidenceText) -> RuleRow:
    said = found.outcome != "later" and (found.outcome != "passed" or found.reason is not None)
    following = found.outcome == "blocked" and found.reason is not None
    return RuleRow(
        gate=found.gate,
        title=words.gate(found.gate),
        state=STATES[found.outcome],
        word=words.say(f"foresight.word.{found.outcome}"),
        about=found.about,
        reason=reason_text(words, found) if said else "",
        next_step=words.next_step(found.reason.code, found.reason.values) if following and found.reason is not None else "",
        evidence=tuple(line for line in map(evidence, found.evidence) if line is not None),
    )
