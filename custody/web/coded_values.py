"""Texts of acts that are codes of a closed vocabulary, in the reader's words: a passport never shows one raw."""

from __future__ import annotations

from collections.abc import Callable

from custody.domain.acts.base import ACTS
from custody.domain.acts.people import SignInRefused
from custody.web.desks import BY_NAME
from custody.words import Words
from custody.words.catalogues import phrases, placeholders

VOCABULARIES = {
    "documents": "document",
    "ticks": "tick",
    "scopes": "scope",
    "test": "donor_test",
    "procedure": "training",
    "duty": "training",
    "reason_code": "rejection",
    "confirmed_defaults": "setting",
    "design": "design",
    "unit": "unit",
}
"""By the name of the field: the vocabulary whose word stands for the code. A study's own codes stand as they are."""


def coded_text(words: Words, act: str, name: str, code: str) -> str | None:
    """The word for a code of this field; None where the field holds no codes."""
    if name in VOCABULARIES:
        return words.word(VOCABULARIES[name], code)
    if act == SignInRefused.rule.name and name == "reason":
        return _sign_in(words, code)
    reader = _READERS.get(name)
    return None if reader is None else reader(words, code)


def refusal_text(words: Words, code: str) -> str:
    """Why a scan or an access was refused; the values of that moment are gone, so that a sentence that needs them is not told."""
    for key in (f"term.refusal.{code}", f"desk.bench.{code}", f"error.{code}"):
        if words.knows(key) and not placeholders(phrases()[key].en):
            return words.say(key)
    return words.say("term.refusal.other")


def place_text(words: Words, where: str) -> str:
    """The page at which something was refused: `acts/bag_packed`, `desks/bench`, `bedside DOSE-0001 next bag`, `search`."""
    first, slash, rest = where.partition("/")
    if slash and first == "acts" and rest in ACTS:
        return words.act_title(rest)
    name, _, more = (rest if first == "desks" else where).partition(" ")
    if name in BY_NAME:
        thing = more.partition(" ")[0]
        return " · ".join(filter(None, (words.say(f"desk.{name}.title"), thing)))
    return words.say("nav.search") if where == "search" else where


def _cause(words: Words, code: str) -> str:
    return f"{code} · {words.gate(code)}" if words.knows(f"gate.{code}") else words.word("donor_test", code)


def _sign_in(words: Words, reason: str) -> str:
    key = f"own.refusal.{reason.replace(' ', '_')}"
    return words.say(key) if words.knows(key) else reason


_READERS: dict[str, Callable[[Words, str], str]] = {
    "refusal": refusal_text,
    "where": place_text,
    "what": Words.named,
    "cause": _cause,
}
