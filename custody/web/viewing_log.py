"""Keeps what inspectors and monitors look at; of everybody else nothing is kept here."""

from __future__ import annotations

from custody.web import current
from custody.workflows.auditing import keep_view, reads_only
from custody.workflows.door import unit_of_work


def note_view(what: str) -> None:
    """One line in the stream of the reader's own account, before the page is shown: reading that cannot be logged does not happen."""
    if not reads_only(current.present()):
        return
    with unit_of_work(current.store()) as connection:
        keep_view(connection, current.present(), current.study(), what, current.now())
