"""The errors custody raises; only web/errors.py knows which HTTP code each one becomes.

CustodyError
├── InputError            what came in cannot be used; nothing was changed
│   ├── UnreadableCodeError   a scan that is no code we know
│   └── MalformedFileError    a file that breaks its own format
├── NotPermittedError     this person may not do this
├── NotFoundError         no such thing, or none for this person
├── OutOfOrderError       STATE-ORDER: the chain does not allow this act yet
├── RepeatedKeyError      the same idempotency key came with another body
├── StaleError            what was shown has changed since
├── NotKeptError          the disk or the database took nothing: nothing is recorded, and nothing was judged
└── LedgerBrokenError     SYS-LEDGER: the record no longer proves itself

A STOP is not an error: it is a value. Messages say what was seen and what was expected,
never an arm, a name or a stack trace.
"""

from __future__ import annotations

from collections.abc import Mapping


class CustodyError(Exception):
    """Any refusal that custody itself decided on.

    `code` names the sentence in the word catalogues (`error.<code>`), `values` fill it;
    `str(error)` is the same thing in plain English for logs and terminals.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None, **values: object) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.field = field
        self.values: Mapping[str, object] = values


class InputError(CustodyError):
    code = "input"


class UnreadableCodeError(InputError):
    code = "unreadable_code"


class MalformedFileError(InputError):
    code = "malformed_file"


class NotPermittedError(CustodyError):
    code = "not_permitted"


class NotFoundError(CustodyError):
    code = "not_found"


class OutOfOrderError(CustodyError):
    code = "out_of_order"


class RepeatedKeyError(CustodyError):
    code = "repeated_key"


class StaleError(CustodyError):
    code = "stale"


class NotKeptError(CustodyError):
    """The disk or the database took nothing: what was done is not recorded, and nothing was judged. HTTP 503."""

    code = "write_failed"


class LedgerBrokenError(CustodyError):
    code = "ledger_broken"
