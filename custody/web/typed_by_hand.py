"""Codes of a form that were typed instead of scanned: each needs its reason, and the entry says so for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from custody.errors import CustodyError, InputError
from custody.web.forms import Typed, one
from custody.workflows.signer import Signer
from custody.workflows.typed_codes import TypedCode, station_with

TYPED = "typed."
REASON = "typed_why."
REASON_MAX = 120
FIELD = re.compile(r"[a-z][a-z0-9_.-]{0,59}")


def codes_typed(form: Typed) -> Iterator[TypedCode]:
    """The codes a page marked as typed, with the reasons given."""
    for name in sorted(form):
        if name.startswith(TYPED) and one(form, name):
            short = name.removeprefix(TYPED)
            yield TypedCode(short, one(form, REASON + short).strip())


def reasons_missing(form: Typed) -> dict[str, CustodyError]:
    """A fault for each code that was typed without a usable reason, by the name of its field in the form."""
    return {_field(form, code.name): fault for code in codes_typed(form) if (fault := _fault(code)) is not None}


def _fault(code: TypedCode) -> InputError | None:
    if not FIELD.fullmatch(code.name):
        return InputError("the form marks a field as typed that no form has; open it again", code="unknown_field")
    if not code.reason:
        return InputError("this code was typed; write why it was not scanned", code="typed_why_needed")
    if len(code.reason) > REASON_MAX:
        seen = len(code.reason)
        return InputError(f"{seen} characters; at most {REASON_MAX} are kept", code="too_long", seen=seen, limit=REASON_MAX)
    return None


def _field(form: Typed, name: str) -> str:
    inside = f"scans.{name}"
    return inside if inside in form else name


def noting(signer: Signer, form: Typed) -> Signer:
    """The same person, with a note at the station for each code they typed. Raises InputError for one without its reason."""
    for fault in reasons_missing(form).values():
        raise fault
    return replace(signer, station=station_with(signer.station, tuple(codes_typed(form))))
