"""Who may call a route: every view says so with one of these, and a contract test reads what it said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from custody.domain.terms import Role

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """`public`: nobody need sign in (the short list of the contract test). Otherwise a session, and one of `roles` unless that is empty."""

    public: bool
    roles: frozenset[Role] = frozenset()
    argument: str = ""


def public(argument: str) -> Callable[[View], View]:
    """Open to everybody; `argument` says why."""
    return _marked(Access(public=True, argument=argument))


def signed_in(view: View) -> View:
    """Any person with a session; the workflow behind it decides what they get to see or do."""
    return _marked(Access(public=False))(view)


def needs(*roles: Role) -> Callable[[View], View]:
    """A session of somebody who holds one of these roles today."""
    return _marked(Access(public=False, roles=frozenset(roles)))


def _marked(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.custody_access = access  # type: ignore[attr-defined]
        return view

    return mark
