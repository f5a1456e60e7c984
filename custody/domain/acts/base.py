"""What an act is, and the table of all acts: who signs, what comes before, which hold point guards it.

An act is what a person (or a device) did: past tense, frozen, ids and exact values, no floats.
Adding a stage is one class (design section 3).
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union

from custody.domain.ids import Identifier, Node, StudyId
from custody.domain.terms import HoldPoint, Meaning, Role


class _Mark:
    """Says whether a dossier follows an id (its stream is read too) or only names it."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __repr__(self) -> str:
        return self.word


FOLLOWED = _Mark("followed")
NAMED = _Mark("named")
CONTAINED = _Mark("contained")
SCANNED = _Mark("scanned")

T = TypeVar("T")
Parent = Annotated[T, FOLLOWED]
"""An id whose stream belongs to the dossier of the act's subject."""
Names = Annotated[T, NAMED]
"""An id that is recorded but whose stream is not read with the subject's."""
Contents = Annotated[T, CONTAINED]
"""An id whose stream is read when the act's own subject is what is judged, and not when that is reached from elsewhere."""
Scanned = Annotated[T, SCANNED]
"""A value read by a scanner: never typed, and asked for again from the second person."""


@dataclass(frozen=True)
class Slot:
    """One signature an act needs: any of these roles, with this meaning."""

    roles: frozenset[Role]
    meaning: Meaning


def signed(meaning: Meaning, *roles: Role) -> Slot:
    return Slot(frozenset(roles), meaning)


class Act:
    """Base of all acts."""

    rule: ClassVar[ActRule]

    @property
    def subject(self) -> Node:
        """The thing whose stream this act is written in."""
        value = getattr(self, self.rule.subject_field)
        assert isinstance(value, Node)
        return value

    def companions(self, study: StudyId | None) -> tuple[Act, ...]:
        """The same deed as it must be seen from other streams, written in the same unit of work."""
        del study
        return ()


@dataclass(frozen=True, kw_only=True)
class ActRule:
    """One row of the table of acts."""

    name: str
    version: int
    title: str
    stage: str
    about: tuple[type[Node], ...]
    subject_field: str
    after: tuple[str, ...]
    hold_point: HoldPoint | None
    unguarded_because: str
    biz_step: str
    slots: tuple[Slot, ...]
    by: frozenset[Role]
    second: Literal["sign", "repeat"]
    companion: bool
    evidence: bool
    opens: Literal["no", "first", "may"]
    cls: type[Act]

    @property
    def roles(self) -> frozenset[Role]:
        """Everyone who may take part in this act."""
        return self.by.union(*(slot.roles for slot in self.slots))


ACTS: dict[str, ActRule] = {}
"""Every act by name; the version in the row is the one now written."""


def act(
    name: str,
    *,
    version: int = 1,
    title: str,
    about: type[Node] | tuple[type[Node], ...],
    after: tuple[str, ...] = (),
    hold_point: HoldPoint | None = None,
    unguarded_because: str = "",
    biz_step: str,
    signatures: tuple[Slot, ...] = (),
    by: tuple[Role, ...] = (),
    second: Literal["sign", "repeat"] = "sign",
    companion: bool = False,
    evidence: bool = False,
    opens: Literal["no", "first", "may"] = "no",
) -> Callable[[type[T]], type[T]]:
    """Enter an act class into the table.

    `after`: acts of which at least one must stand earlier in the same stream; empty means the act may open it.
    `unguarded_because`: why no hold point guards it (a contract test wants one or the other).
    `companion`: written only by another act's `companions`, never recorded on its own.
    `opens`: `first` makes its thing known and comes once, before everything else; `may` can do so and can also come later; every
    other act needs a thing that is known.
    `evidence`: kept for ever but read by no gate (scans refused, verdicts, sign-ins).
    """

    def enter(cls: type[T]) -> type[T]:
        assert issubclass(cls, Act)
        assert name not in ACTS, f"two acts are called {name}"
        kinds = about if isinstance(about, tuple) else (about,)
        subject = next(f.name for f in dataclasses.fields(cls) if _may_be(field_types(cls)[f.name].plain, kinds))  # type: ignore[arg-type]
        cls.rule = ACTS[name] = ActRule(
            name=name,
            version=version,
            title=title,
            stage=cls.__module__.rpartition(".")[2],
            about=kinds,
            subject_field=subject,
            after=after,
            hold_point=hold_point,
            unguarded_because=unguarded_because,
            biz_step=biz_step,
            slots=signatures,
            by=frozenset(by),
            second=second,
            companion=companion,
            evidence=evidence,
            opens=opens,
            cls=cls,
        )
        return cls

    return enter


@dataclass(frozen=True)
class FieldType:
    """The type of one field, taken apart: `plain` without marks, optional, repeated."""

    plain: Any
    repeated: bool
    optional: bool
    mark: str
    scanned: bool
    required: bool


_FIELD_TYPES: dict[type[Any], Mapping[str, FieldType]] = {}


def field_types(cls: type[Any]) -> Mapping[str, FieldType]:
    """The fields of an act (or of a part of one) by name; worked out once a class."""
    found = _FIELD_TYPES.get(cls)
    if found is None:
        found = _FIELD_TYPES[cls] = _field_types_of(cls)
    return found


def _field_types_of(cls: type[Any]) -> Mapping[str, FieldType]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return {
        f.name: _taken_apart(hints[f.name], required=f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING)
        for f in dataclasses.fields(cls)
    }


def _taken_apart(hint: Any, *, required: bool) -> FieldType:
    optional = repeated = False
    marks: set[str] = set()
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            hint, *extras = typing.get_args(hint)
            marks |= {extra.word for extra in extras if isinstance(extra, _Mark)}
        elif origin in (Union, types.UnionType) and type(None) in typing.get_args(hint):
            optional = True
            rest = tuple(a for a in typing.get_args(hint) if a is not type(None))
            hint = rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007 - built at run time
        elif origin is tuple:
            repeated = True
            hint = typing.get_args(hint)[0]
        else:
            mark = next(iter(marks - {SCANNED.word}), "")
            return FieldType(hint, repeated, optional, mark, SCANNED.word in marks, required)


def alternatives(plain: Any) -> tuple[Any, ...]:
    """The classes a field may hold: one, or the members of a union."""
    return typing.get_args(plain) if typing.get_origin(plain) in (Union, types.UnionType) else (plain,)


def _may_be(plain: Any, kinds: tuple[type[Node], ...]) -> bool:
    return any(choice in kinds for choice in alternatives(plain))


PLAIN = (str, int, Decimal, datetime, date, Identifier, type(None))
"""Values without parts, told apart first because nearly all are."""


def marked_nodes(value: Any, mark: str | None) -> Iterator[Node]:
    """The node ids in an act's fields that carry `mark` (None: all of them), its parts included."""
    for name, field in field_types(type(value)).items():
        content = getattr(value, name)
        for item in content if isinstance(content, tuple) else (content,):
            if isinstance(item, Node):
                if mark is None or field.mark == mark:
                    yield item
            elif not isinstance(item, PLAIN) and dataclasses.is_dataclass(item) and not isinstance(item, type):
                yield from marked_nodes(item, mark)
