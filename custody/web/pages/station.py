"""The scan station: the sheet of command bar codes, the check of scanner and keyboard layout, and who to ask for help."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for

from custody.codes.scan import custody_symbol
from custody.codes.scanner_check import TESTS, ScannerTest, faults, first_difference
from custody.domain.terms import Role
from custody.printing.symbols import code128_svg, qr_svg
from custody.web import current
from custody.web.access import signed_in
from custody.web.commands import COMMANDS
from custody.web.keeping import same_site_path
from custody.web.outcomes import site_here
from custody.words import Words

blueprint = Blueprint("station", __name__, url_prefix="/station")
SEEN_MAX = 200
FAULTS = (
    "nothing_came",
    "no_enter",
    "ends_with_tab",
    "separator_missing",
    "separator_as_text",
    "input_method",
    "caps_lock",
    "cut_short",
    "characters_added",
    "layout_german",
    "layout_french",
    "layout_british",
    "layout_unknown",
    "another_code",
)
CAN_OPEN_DEVIATIONS = frozenset({Role.OPERATOR, Role.VERIFIER, Role.COLD_CHAIN_OPERATOR, Role.PREPARER, Role.QA_REVIEWER, Role.QC_ANALYST})


@dataclass(frozen=True, kw_only=True)
class TestShown:
    """One test code with its outcome. `state`: open, good or bad; `faults`: what is wrong and what to do, in words."""

    name: str
    title: str
    picture: str
    state: str
    faults: tuple[str, ...]


@blueprint.get("")
@signed_in
def setup() -> str:
    """The set-up page as it opens: nothing scanned yet."""
    return _page({}, "", ("", ""))


@blueprint.post("/check")
@signed_in
def check() -> str:
    """What one test code came as; the outcomes of the others are sent along by the page."""
    known = {test.name: test for test in TESTS}
    outcomes = {name: _outcome(request.form.get(f"was.{name}", "")) for name in known if request.form.get(f"was.{name}")}
    test = known.get(request.form.get("test", ""), TESTS[0])
    # Not `strip()`: the separator counts as white space there.
    seen = request.form.get("scan", "").strip(" \r\n\t")[:SEEN_MAX]
    noticed = frozenset(request.form.get("noticed", "").split())
    outcomes[test.name] = faults(test.text, seen, by_itself=request.form.get("by", "enter") != "hand", noticed=noticed)
    return _page(outcomes, seen, first_difference(test.text, seen))


def _outcome(text: str) -> tuple[str, ...]:
    """The faults of a test as the page sends them again; `ok` where there were none."""
    return tuple(fault for fault in text.split() if fault in FAULTS)


def _page(outcomes: dict[str, tuple[str, ...]], seen: str, difference: tuple[str, str]) -> str:
    words = current.words()
    tests = tuple(_shown(words, test, outcomes.get(test.name)) for test in TESTS)
    waiting = next((test.name for test in TESTS if outcomes.get(test.name) is None), "")
    bad = next((test.name for test in TESTS if outcomes.get(test.name)), "")
    return render_template(
        "pages/station.html",
        page_title=words.say("station.title"),
        tests=tests,
        now_test=bad or waiting,
        outcomes={name: " ".join(found) or "ok" for name, found in outcomes.items()},
        seen=seen.replace("\x1d", "␝"),
        difference=_difference(words, *difference),
        all_good=len(outcomes) == len(TESTS) and not any(outcomes.values()),
        commands=tuple(_command(words, name) for name in COMMANDS),
    )


def _command(words: Words, name: str) -> tuple[str, str, str, str]:
    """Title, what it does, the code and its picture."""
    word = name.lower()
    picture = _picture(code128_svg(custody_symbol("command", name)))
    return words.say(f"station.command.{word}"), words.say(f"station.does.{word}"), name, picture


def _difference(words: Words, expected: str, seen: str) -> str:
    return words.say("station.difference", expected=_visible(expected), seen=_visible(seen)) if expected or seen else ""


def _visible(character: str) -> str:
    return character.replace("\x1d", "␝")


def _shown(words: Words, test: ScannerTest, found: tuple[str, ...] | None) -> TestShown:
    return TestShown(
        name=test.name,
        title=words.say(f"station.test.{test.name}"),
        picture=_picture(qr_svg(test.text, with_separator=True)),
        state="open" if found is None else "bad" if found else "good",
        faults=tuple(words.say(f"station.fault.{fault}") for fault in found or ()),
    )


def _picture(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


@blueprint.get("/supervisor")
@signed_in
def supervisor() -> str:
    """Who to call and what can be done when a label cannot be read or something is wrong; then back to where the command was scanned."""
    words, site = current.words(), site_here()
    here = current.present().roles & CAN_OPEN_DEVIATIONS
    return render_template(
        "pages/station_supervisor.html",
        page_title=words.say("station.supervisor"),
        then=same_site_path(request.args.get("then", "")),
        site=site.name if site is not None else "",
        phone=site.phone if site is not None else "",
        deviation=url_for("acts.form", name="deviation_opened") if here else "",
    )
