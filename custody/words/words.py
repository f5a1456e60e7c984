"""Words for one reader: a language, a time zone, and sentences by key and values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Literal

from custody.words import formats
from custody.words.catalogues import LANGUAGES, phrases

__all__ = ["LANGUAGES", "Language", "Words"]

Language = Literal["en", "zh"]
DIGEST_LENGTH, DIGEST_SHOWN = 64, 12

# Values of reasons that are codes of a vocabulary, by the name of the value. The ledger keeps enums as plain text,
# so a reason that comes back from it can only be worded by name.
VOCABULARIES = {
    "what": "reason.what",
    "document": "term.document",
    "documents": "term.document",
    "tick": "term.tick",
    "ticks": "term.tick",
    "procedure": "term.training",
    "role": "term.Role",
    "roles": "term.Role",
    "meaning": "term.Meaning",
    "state": "term.BagState",
    "disposition": "term.disposition",
    "committee": "term.Committee",
    "severity": "term.Severity",
    "left": "term.leaving",
    "seen_kind": "term.code",
    "expected_kind": "term.code",
}
NAMED_WITH_KIND = frozenset({"node", "ancestor", "parent", "subject"})
"""Values that may be any kind of thing, so that their kind is said too: “bag K7Q2…”."""


@dataclass(frozen=True)
class Words:
    """Everything said to one reader. `strict` (tests): a missing key or value raises KeyError; otherwise its name is shown in brackets."""

    language: Language
    zone: tzinfo
    strict: bool = False

    @property
    def html_language(self) -> str:
        return "zh-Hans" if self.language == "zh" else "en"

    @property
    def english(self) -> Words:
        return replace(self, language="en")

    @property
    def chinese(self) -> Words:
        return replace(self, language="zh")

    @property
    def other(self) -> Words:
        """The same words in the other language."""
        return self.english if self.language == "zh" else self.chinese

    def knows(self, key: str) -> bool:
        return key in phrases()

    def say(self, key: str, /, **values: object) -> str:
        """The phrase `key` with its values filled in."""
        return self._filled(key, {name: self.value(value) for name, value in values.items()})

    def both(self, key: str, /, **values: object) -> tuple[str, str]:
        """The phrase in English and in Chinese, for what must be read by everyone: verdicts."""
        return self.english.say(key, **values), self.chinese.say(key, **values)

    # ── acts ──

    def act_title(self, name: str) -> str:
        return self.say(f"act.{name}")

    def field(self, act: str, field: str) -> str:
        """The label of a field; `scans.bag` is the field `bag` of a part. `act` may have a label of its own for it."""
        return self.say(self._field_key(act, field))

    def help(self, act: str, field: str) -> str:
        """The hint under a field; empty when there is none."""
        return self._beside(self._field_key(act, field), "help")

    def unit(self, act: str, field: str) -> str:
        """The unit written behind a field; empty when there is none."""
        return self._beside(self._field_key(act, field), "unit")

    def choice(self, act: str, field: str, value: str) -> str:
        """One choice of a plain-text field with a closed list; the value itself where the catalogue has no list."""
        key = f"choice.{act}.{field.rpartition('.')[2]}.{value}"
        return self.say(key) if self.knows(key) else value

    def choices(self, act: str, field: str) -> tuple[str, ...]:
        """The values of a plain-text field with a closed list, in the order of the catalogue; empty when it is free text."""
        start = f"choice.{act}.{field.rpartition('.')[2]}."
        return tuple(key.removeprefix(start) for key in phrases() if key.startswith(start))

    # ── vocabularies ──

    def term(self, value: Enum) -> str:
        """What a person reads for a member of a closed vocabulary."""
        word = value.name.lower() if isinstance(value, IntEnum) else str(value.value)
        return self.say(f"term.{type(value).__name__}.{word}")

    def word(self, vocabulary: str, code: str) -> str:
        """The word for a code that may also be a study's own (documents, ticks, tests …); the code itself when custody has no word for it."""
        key = f"term.{vocabulary}.{code}"
        return self.say(key) if self.knows(key) else code

    def gate(self, gate: str) -> str:
        """The title of a rule: what has to be true."""
        return self.say(f"gate.{gate}")

    # ── reasons and errors ──

    def reason(self, code: str, values: Mapping[str, object]) -> str:
        """Why a rule blocks: what was seen and what was expected."""
        return self._sentence(f"reason.{code}", code, values)

    def next_step(self, code: str, values: Mapping[str, object]) -> str:
        """What to do now about a reason."""
        if not self.knows(f"reason.{code}:next") and not self.strict:
            return self.say("reason.unknown:next")
        return self._sentence(f"reason.{code}:next", code, values)

    def both_reason(self, code: str, values: Mapping[str, object]) -> tuple[str, str]:
        return self.english.reason(code, values), self.chinese.reason(code, values)

    def both_next_step(self, code: str, values: Mapping[str, object]) -> tuple[str, str]:
        return self.english.next_step(code, values), self.chinese.next_step(code, values)

    def error(self, code: str, values: Mapping[str, object], fallback: str) -> str:
        """The sentence for an error. `fallback` is its own English text, used where the catalogue has no sentence for the code."""
        message = fallback[:1].upper() + fallback[1:]
        if message and message[-1] not in ".!?。！？":
            message += "."
        if not self.knows(f"error.{code}"):
            return message
        return self._filled(f"error.{code}", {"message": message, **self._worded(values)})

    # ── values ──

    def time(self, at: datetime) -> str:
        """`14:32:07 (UTC+8)`"""
        return formats.clock_time(at, self.zone)

    def date_time(self, at: datetime) -> str:
        """`2026-11-22 14:32 (UTC+8)`"""
        return formats.date_and_time(at, self.zone)

    def duration(self, length: timedelta) -> str:
        """`14 min`, `2 h 5 min`, `45 s`."""
        hours, minutes, seconds = formats.hours_and_minutes(length)
        if hours:
            return self._filled("format.hours_minutes" if minutes else "format.hours", {"hours": str(hours), "minutes": str(minutes)})
        if minutes and seconds and minutes < 5:  # noqa: PLR2004 - under five minutes people count seconds
            return self._filled("format.minutes_seconds", {"minutes": str(minutes), "seconds": str(seconds)})
        return self._filled("format.minutes", {"minutes": str(minutes)}) if minutes else self._filled("format.seconds", {"seconds": str(seconds)})

    def value(self, value: Any) -> str:
        """Any value of an act or a reason as a person reads it; text from the ledger that is a time, a thing or a digest is read as such."""
        match value:
            case None:
                return self.say("format.nothing")
            case bool():
                return self.say("format.yes" if value else "format.no")
            case Enum():
                return self.term(value)
            case int() | Decimal():
                return formats.number(value)
            case datetime():
                return self.date_time(value)
            case date():
                return value.isoformat()
            case timedelta():
                return self.duration(value)
            case str():
                return self._text(value)
            case tuple() | list() | frozenset() | set():
                items = sorted(value, key=str) if isinstance(value, frozenset | set) else value
                return self.say("format.comma").join(self.value(item) for item in items) or self.say("format.none")
        return self._text(str(value))

    def named(self, node: object) -> str:
        """A thing with its kind: `bag K7Q2M9X4T1ZB8`. Takes a node or the name of its stream."""
        kind, _, name = (getattr(node, "key", None) or str(node)).partition(":")
        if not name or not self.knows(f"term.node.{kind}"):
            return self.value(node)
        return self._filled("format.node", {"kind": self.say(f"term.node.{kind}"), "name": name})

    def _text(self, text: str) -> str:
        if formats.CANONICAL_TIME.fullmatch(text):
            return self.date_time(datetime.fromisoformat(text))
        if len(text) == DIGEST_LENGTH and all(c in "0123456789abcdef" for c in text):
            return text[:DIGEST_SHOWN] + "…"
        kind, _, name = text.partition(":")
        return name if name and self.knows(f"term.node.{kind}") else text

    # ── the catalogue ──

    def _field_key(self, act: str, field: str) -> str:
        name = field.rpartition(".")[2]
        own = f"field.{act}.{name}"
        return own if self.knows(own) else f"field.{name}"

    def _beside(self, key: str, part: str) -> str:
        return self.say(f"{key}:{part}") if self.knows(f"{key}:{part}") else ""

    def _sentence(self, key: str, code: str, values: Mapping[str, object]) -> str:
        if self.knows(key) or self.strict:
            return self._filled(key, self._worded(values))
        shown = ", ".join(f"{name}: {text}" for name, text in self._worded(values).items())
        return f"[{code}] {shown}".rstrip()

    def _worded(self, values: Mapping[str, object]) -> dict[str, str]:
        return {name: self._worded_value(name, value) for name, value in values.items()}

    def _worded_value(self, name: str, value: object) -> str:
        if name in NAMED_WITH_KIND:
            return self.named(value)
        vocabulary = VOCABULARIES.get(name)
        if vocabulary is None or isinstance(value, Enum):
            return self.value(value)
        if isinstance(value, tuple | list):
            return self.say("format.comma").join(self._worded_value(name, item) for item in value) or self.say("format.none")
        key = f"{vocabulary}.{value}"
        return self.say(key) if self.knows(key) else self.value(value)

    def _filled(self, key: str, values: Mapping[str, str]) -> str:
        phrase = phrases().get(key)
        if phrase is None:
            if self.strict:
                raise KeyError(key)
            return f"[{key}]"
        if self.strict:
            return phrase[self.language].format_map(values)
        return phrase[self.language].format_map(_Shown(values))


class _Shown(dict[str, str]):
    """Values of a phrase; one that is not given is shown by its name instead of breaking a page."""

    def __missing__(self, name: str) -> str:
        return f"[{name}]"
