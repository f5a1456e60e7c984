"""Words for one reader: a language, a time zone, and sentences by key and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Literal

from custody.words import formats
from custody.words.catalogues import LANGUAGES, phrases, placeholders
from custody.words.vocabularies import COUNTED, ERROR_VOCABULARIES, NAMED_WITH_KIND, SEVERAL, TOLD_ROUGHLY, VOCABULARIES

__all__ = ["LANGUAGES", "Language", "Words"]

Language = Literal["en", "zh"]
DIGEST_LENGTH, DIGEST_SHOWN = 64, 12
SECONDS_COUNT_BELOW_MINUTES = 5


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
        """The phrase `key` with its values filled in; where one thing is counted, its singular."""
        if values and any(values.get(name) == 1 for name in COUNTED) and self.knows(f"{key}:one"):
            key = f"{key}:one"
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
        """The word for a code that may also be a study's own (documents, tests …); else the code itself."""
        key = f"term.{vocabulary}.{code}"
        return self.say(key) if self.knows(key) else code

    def gate(self, gate: str) -> str:
        """The title of a rule: what has to be true."""
        return self.say(f"gate.{gate}")

    # ── reasons and errors ──

    def reason(self, code: str, values: Mapping[str, object]) -> str:
        """Why a rule blocks: what was seen and what was expected."""
        return self._sentence(self._reason_key(code, values), code, values)

    def next_step(self, code: str, values: Mapping[str, object]) -> str:
        """What to do now about a reason; empty for a reason that only notes why a rule passed."""
        key = self._reason_key(code, values)
        if not self.knows(key):
            return self.say("reason.unknown:next")
        return self._sentence(f"{key}:next", code, values) if self.knows(f"{key}:next") else ""

    def both_reason(self, code: str, values: Mapping[str, object]) -> tuple[str, str]:
        return self.english.reason(code, values), self.chinese.reason(code, values)

    def both_next_step(self, code: str, values: Mapping[str, object]) -> tuple[str, str]:
        return self.english.next_step(code, values), self.chinese.next_step(code, values)

    def error(self, code: str, values: Mapping[str, object], fallback: str) -> str:
        """The sentence for an error. `fallback` is its own English text, used where the catalogue has no sentence that fits."""
        message = fallback[:1].upper() + fallback[1:]
        if message and message[-1] not in ".!?。！？":
            message += "."
        worded = {name: self._error_value(code, name, value) for name, value in values.items()} | {"message": message}
        key = f"error.{code}"
        if not self.knows(key) or not placeholders(phrases()[key][self.language]) <= set(worded):
            return message
        return self._filled(key, worded)

    # ── values ──

    def time(self, at: datetime) -> str:
        """`14:32:07 (UTC+8)`"""
        return formats.clock_time(at, self.zone)

    def date_time(self, at: datetime) -> str:
        """`2026-11-22 14:32 (UTC+8)`"""
        return formats.date_and_time(at, self.zone)

    def duration(self, length: timedelta) -> str:
        """`14 min`, `2 h 5 min`, `45 s`; under five minutes the seconds count."""
        hours, minutes, seconds = formats.hours_and_minutes(length)
        if hours:
            form = "hours_minutes" if minutes else "hours"
        elif minutes:
            form = "minutes_seconds" if seconds and minutes < SECONDS_COUNT_BELOW_MINUTES else "minutes"
        else:
            form = "seconds"
        return self._filled(f"format.{form}", {"hours": str(hours), "minutes": str(minutes), "seconds": str(seconds)})

    def value(self, value: Any) -> str:
        """Any value of an act or a reason as a person reads it; ledger text that is a time, a thing or a digest is read as such."""
        for kind, shown in _SHOWN:
            if isinstance(value, kind):
                return shown(self, value)
        return self._text(str(value))

    def named(self, node: object) -> str:
        """A thing with its kind: `bag K7Q2M9X4T1ZB8`. Takes a node or the name of its stream."""
        kind, _, name = (getattr(node, "key", None) or str(node)).partition(":")
        if not name or not self.knows(f"term.node.{kind}"):
            return self.value(node)
        return self._filled("format.node", {"kind": self.say(f"term.node.{kind}"), "name": name})

    def _items(self, items: Iterable[object]) -> str:
        return self.say("format.comma").join(map(self.value, items)) or self.say("format.none")

    def _text(self, text: str) -> str:
        if formats.CANONICAL_TIME.fullmatch(text):
            # What somebody typed may look like a time and be none, or none of this calendar everywhere.
            with suppress(ValueError, OverflowError):
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

    def _reason_key(self, code: str, values: Mapping[str, object]) -> str:
        own = f"reason.{code}.of"
        return own if "node" in values and self.knows(own) else f"reason.{code}"

    def _sentence(self, key: str, code: str, values: Mapping[str, object]) -> str:
        if self.knows(key) or self.strict:
            return self._filled(key, self._worded(values) | self._told_roughly(code, values))
        shown = ", ".join(f"{name}: {text}" for name, text in self._worded(values).items())
        return f"[{code}] {shown}".rstrip()

    def _told_roughly(self, code: str, values: Mapping[str, object]) -> dict[str, str]:
        found = {name: str(values[name]) for name in TOLD_ROUGHLY.get(code, ()) if name in values}
        return {name: formats.rough_minutes(Decimal(text)) for name, text in found.items() if formats.DECIMAL.fullmatch(text)}

    def _worded(self, values: Mapping[str, object]) -> dict[str, str]:
        return {name: self._worded_value(name, value) for name, value in values.items()}

    def _worded_value(self, name: str, value: object) -> str:
        if name in NAMED_WITH_KIND:
            return self.named(value)
        if name in VOCABULARIES and isinstance(value, str) and not isinstance(value, Enum):
            return self._of_vocabulary(VOCABULARIES[name], value)
        if isinstance(value, tuple | list):
            return self.say("format.comma").join(self._worded_value(name, item) for item in value) or self.say("format.none")
        return self.value(value)

    def _error_value(self, code: str, name: str, value: object) -> str:
        vocabularies = ERROR_VOCABULARIES.get((code, name))
        if vocabularies is None or not isinstance(value, str):
            return self._worded_value(name, value)
        if self._in_vocabulary(vocabularies, value):
            return self._of_vocabulary(vocabularies, value)
        return self.say("format.comma").join(self._of_vocabulary(vocabularies, part) for part in SEVERAL.split(value))

    def _of_vocabulary(self, vocabularies: tuple[str, ...], code: str) -> str:
        """The word for a code; of `result VIA` the first part is the code. The text itself where no vocabulary has it."""
        key = self._in_vocabulary(vocabularies, code)
        if key:
            return self.say(key)
        first, _, rest = code.partition(" ")
        key = self._in_vocabulary(vocabularies, first)
        return f"{self.say(key)} {rest}" if key and rest else self.value(code)

    def _in_vocabulary(self, vocabularies: tuple[str, ...], code: str) -> str:
        return next((f"{v}.{code}" for v in vocabularies if self.knows(f"{v}.{code}")), "")

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


# The first kind that fits: a bool is also an int, a datetime also a date, a StrEnum also a str.
_SHOWN: tuple[tuple[type | tuple[type, ...], Callable[[Words, Any], str]], ...] = (
    (type(None), lambda words, _: words.say("format.nothing")),
    (bool, lambda words, value: words.say("format.yes" if value else "format.no")),
    (Enum, Words.term),
    ((int, Decimal), lambda _, value: formats.number(value)),
    (datetime, Words.date_time),
    (date, lambda _, value: value.isoformat()),
    (timedelta, Words.duration),
    (str, Words._text),  # noqa: SLF001 - part of the class
    ((tuple, list), Words._items),  # noqa: SLF001 - part of the class
    ((frozenset, set), lambda words, value: words._items(sorted(value, key=str))),  # noqa: SLF001 - part of the class
)
