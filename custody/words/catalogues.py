"""Reads the word catalogues (TOML files beside this module) into one table from key to phrase.

A key is the path in its file behind the file's prefix: `act.cord_collected`, `term.Role.qp`, `gate.BAG-EXP`, `reason.seal_differs`.
What goes with a phrase has the same key and a suffix: `…:next` (what to do now), `…:help`, `…:unit`, `…:one` (what is said
where what is counted is 1; Chinese says one thing for one and for many, so that `one_zh` may be left out).
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
LANGUAGES = ("en", "zh")
PREFIXES = {"acts": "", "pages": "", "desk": "desk.", "terms": "term.", "gates": "gate.", "errors": "error.", "reasons": "reason."}
"""What the keys of a file begin with; `reasons_a.toml` and the like count as `reasons`, and each desk has its own `desk_<name>.toml`."""
PARTS = ("next", "help", "unit", "one")


@dataclass(frozen=True)
class Phrase:
    """One text in both languages, with `{names}` for its values."""

    en: str
    zh: str

    def __getitem__(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@cache
def phrases() -> Mapping[str, Phrase]:
    """Every phrase by key.

    Raises ValueError when a phrase lacks a language or stands in two files: a fault of this release, found before anyone reads.
    """
    found: dict[str, Phrase] = {}
    for file in sorted(FOLDER.glob("*.toml")):
        for key, phrase in phrases_in(file):
            if key in found:
                raise ValueError(f"{file.name}: {key} stands in another catalogue already")
            found[key] = phrase
    return found


def phrases_in(file: Path) -> Iterator[tuple[str, Phrase]]:
    """The phrases of one catalogue with their keys."""
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    prefix = PREFIXES[file.stem.partition("_")[0]]
    for name, table in content.items():
        yield from _flat(f"{prefix}{name}", table, file.name)


def _flat(key: str, table: Mapping[str, Any], where: str) -> Iterator[tuple[str, Phrase]]:
    texts = {name: text for name, text in table.items() if isinstance(text, str)}
    if texts:
        yield key, _phrase(key, texts, "", where)
    for part in PARTS:
        if f"{part}_en" in texts or f"{part}_zh" in texts:
            yield f"{key}:{part}", _phrase(key, texts, f"{part}_", where)
    unknown = set(texts) - {f"{part}{language}" for part in ("", *(f"{p}_" for p in PARTS)) for language in LANGUAGES}
    if unknown:
        raise ValueError(f"{where}: {key} has {', '.join(sorted(unknown))}, which is no text custody shows")
    for name, inner in table.items():
        if isinstance(inner, dict):
            yield from _flat(f"{key}.{name}", inner, where)


def _phrase(key: str, texts: Mapping[str, str], part: str, where: str) -> Phrase:
    same = texts.get("zh") if part == "one_" else None
    english, chinese = texts.get(f"{part}en"), texts.get(f"{part}zh", same)
    if english is None or chinese is None or bool(english) != bool(chinese):
        raise ValueError(f"{where}: {key} lacks {part}en or {part}zh")
    return Phrase(english, chinese)


def placeholders(text: str) -> frozenset[str]:
    """The names in `{…}` of a phrase."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)
