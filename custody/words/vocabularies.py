"""Which values of reasons, errors and sentences are codes, counts or rough lengths: where their words are found."""

from __future__ import annotations

import re

# Values that are codes of a vocabulary, by the name of the value: where to look, in this order. The ledger keeps enums as plain
# text, so a reason that comes back from it can only be worded by name.
VOCABULARIES: dict[str, tuple[str, ...]] = {
    "what": ("reason.what", "field"),
    "document": ("term.document",),
    "documents": ("term.document",),
    "tick": ("term.tick",),
    "ticks": ("term.tick",),
    "procedure": ("term.training",),
    "role": ("term.Role",),
    "roles": ("term.Role",),
    "meaning": ("term.Meaning",),
    "state": ("term.BagState",),
    "disposition": ("term.disposition",),
    "committee": ("term.Committee",),
    "severity": ("term.Severity",),
    "answer": ("term.Answer",),
    "method": ("term.IdentifierMethod",),
    "reason": ("term.leaving",),
    "test": ("term.donor_test",),
    "fields": ("field",),
}
ERROR_VOCABULARIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("wrong_role", "expected"): ("term.Role",),
    ("defaults_unconfirmed", "names"): ("term.setting",),
    ("too_early", "act"): ("act",),
    ("too_early", "expected"): ("act",),
    ("known_already", "kind"): ("term.node",),
    ("unknown_thing", "kind"): ("term.node",),
    ("bad_identifier", "kind"): ("term.node", "term.identifier"),
    ("bad_identifier", "expected"): ("term.looks_like",),
    ("wrong_kind", "seen"): ("term.node",),
    ("wrong_kind", "expected"): ("term.node",),
    ("wrong_code_kind", "seen"): ("term.code",),
    ("wrong_code_kind", "expected"): ("term.code",),
}
"""Codes in the values of one error; several stand in one text, parted by commas or “or”."""
SEVERAL = re.compile(r", | or ")
TOLD_ROUGHLY = {"gap": ("minutes",)}
"""Minutes in a reason that stand beside no limit; what is judged keeps its digits."""
COUNTED = ("count", "days", "total")
"""Values that say how many of something there are."""
NAMED_WITH_KIND = frozenset({"node", "ancestor", "parent", "subject"})
"""Values that may be any kind of thing, so that their kind is said too: “bag K7Q2…”."""
