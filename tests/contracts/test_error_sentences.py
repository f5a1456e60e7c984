"""Whatever the workflows or the pages refuse, a person reads it as one sentence in their own language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from custody import errors
from custody.words.catalogues import phrases, placeholders

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("workflows", "web")
ERRORS = frozenset(name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.CustodyError)) | {
    "NotKeptError"
}
BESIDE_THE_VALUES = {"code", "field"}


@dataclass(frozen=True)
class Raised:
    """One place that makes an error: the codes it may carry (empty: none is given) and the values it gives."""

    place: str
    codes: frozenset[str]
    given: frozenset[str]


def raised_in(source: str, name: str) -> list[Raised]:
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    found = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node) in ERRORS):
        around = max((f for f in functions if f.lineno <= call.lineno <= (f.end_lineno or 0)), key=lambda f: f.lineno, default=None)
        keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
        codes = frozenset(codes_of(keywords["code"], around)) if "code" in keywords else frozenset()
        found.append(Raised(f"{name}:{call.lineno}", codes, frozenset(keywords) - BESIDE_THE_VALUES))
    return found


def called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def codes_of(value: ast.expr, around: ast.FunctionDef | None) -> Iterator[str]:
    """Every text a `code=` may be: written there, chosen there, chosen before in the same function, or the code of a refusal."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from codes_of(body, around)
            yield from codes_of(orelse, around)
        case ast.Name(id=name) if around is not None:
            for line in ast.walk(around):
                if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name) and line.targets[0].id == name:
                    yield from codes_of(line.value, around)
        case ast.Attribute(value=ast.Name(id="refusal"), attr="code"):
            yield from codes_of_refusals()


def codes_of_refusals() -> Iterator[str]:
    """The codes of refused sign-ins, which are values until somebody at the command line makes an error of one."""
    for path in sources("workflows"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and called(call) == "SignInRefusal":
                for keyword in call.keywords:
                    if keyword.arg == "code":
                        yield from codes_of(keyword.value, None)


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / "custody" / folder).rglob("*.py"))


MODULES = [
    pytest.param(path, id=path.relative_to(ROOT / "custody").as_posix())
    for folder in FOLDERS
    for path in sources(folder)
    if raised_in(path.read_text(encoding="utf-8"), path.name)
]


def faults(raised: list[Raised]) -> list[str]:
    """What a reader would miss at these places."""
    found = [f"{each.place}: no code" for each in raised if not each.codes]
    for each in raised:
        for code in sorted(each.codes):
            phrase = phrases().get(f"error.{code}")
            if phrase is None:
                found.append(f"{each.place}: {code} has no sentence")
                continue
            asked = placeholders(phrase.en) | placeholders(phrase.zh)
            found += [f"{each.place}: the sentence of {code} asks for {name}" for name in sorted(asked - each.given - {"message"})]
            if "message" in placeholders(phrase.zh):
                found.append(f"{each.place}: the Chinese sentence of {code} ends in English")
    return found


@pytest.mark.parametrize("path", MODULES)
def test_every_refusal_has_a_code_with_its_own_sentence_in_both_languages(path: Path):
    assert faults(raised_in(path.read_text(encoding="utf-8"), path.name)) == []


def test_every_kind_of_error_is_known_here():
    assert {"InputError", "NotPermittedError", "NotFoundError", "OutOfOrderError", "StaleError", "UnreadableCodeError"} <= ERRORS
    assert len(MODULES) > 20


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ('raise InputError("no")', "a:1: no code"),
        ('raise errors.StaleError("no")', "a:1: no code"),
        ('raise InputError("no", code=code)', "a:1: no code"),
        ('raise InputError("no", code="never_worded")', "a:1: never_worded has no sentence"),
        ('raise InputError("no", code="stale" if x else "never_worded")', "a:1: never_worded has no sentence"),
        ('def f():\n    code = "never_worded"\n    raise InputError("no", code=code)', "a:3: never_worded has no sentence"),
        ('raise InputError("no", code="not_reserved", seen=1)', "a:1: the sentence of not_reserved asks for expected"),
        ('raise InputError("no", code="not_permitted")', "a:1: the Chinese sentence of not_permitted ends in English"),
    ],
)
def test_refusal_that_nobody_could_read_is_found(source: str, fault: str):
    assert faults(raised_in(source, "a")) == [fault]


def test_refusal_that_everybody_can_read_is_no_fault():
    assert faults(raised_in('raise InputError("no", code="stale", field="a")', "a")) == []
