"""The error summary of a form: each fault with the field it stands beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from custody.errors import CustodyError
from custody.web.errors import sentence
from custody.web.forms import Field


@dataclass(frozen=True)
class Problem:
    """`field`: the name of the form's field, empty where it belongs to none; `label`: what a person reads beside it."""

    text: str
    field: str = ""
    label: str = ""


def problems_of(errors: Mapping[str, CustodyError], fields: tuple[Field, ...]) -> tuple[Problem, ...]:
    """One line per fault."""
    labels = dict(_labels(fields))
    return tuple(Problem(sentence(error), name if name in labels else "", labels.get(name, "")) for name, error in errors.items())


def _labels(fields: tuple[Field, ...]) -> Iterator[tuple[str, str]]:
    for field in fields:
        yield field.name, field.label
        yield from _labels(field.fields)
        for row in field.rows:
            yield from _labels(row)
