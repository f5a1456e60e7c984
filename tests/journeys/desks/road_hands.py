"""What hands do on the road: a thing is scanned at a desk, the act is chosen there, its form filled in, read again and signed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from playwright.sync_api import TimeoutError as NoAnswer

from custody.codes.kinds import CUSTODY_KINDS
from custody.domain.acts.base import ACTS, Act, field_types
from custody.domain.acts.codec import body_of
from custody.domain.ids import Node
from custody.web.desks import BY_NAME, desk_for
from custody.web.forms import as_typed
from custody.web.scan_lists import MORE
from custody.workflows import demonstration
from custody.workflows.order import guarding_rule
from custody.workflows.rehearsal.steps import people
from tests.journeys.browsing import Person
from tests.journeys.desks.road_people import A_MOMENT, EN, Company, click
from tests.journeys.wedge import scan_keys

FORM = "main form.form[action*='/review'], main form.form[action*='/proposals/'], main form.form[action*='/receiving/']"
CONTROLS = """form => [...form.elements].filter(e => e.name && e.type !== 'hidden' && e.type !== 'submit').map(e => ({
    name: e.name, value: e.value, required: e.required, checked: e.checked, scan: 'scan' in e.dataset,
    kind: e.tagName === 'INPUT' ? e.type : e.tagName.toLowerCase()}))"""

ANSWERED_MS = 4_000
TRIES = 20
"""A busy machine types too slowly for a scanner now and then: the code is scanned again."""


@dataclass
class Hands:
    """The company at work. `by_desk`: the acts done by hand, with the desk each was begun at."""

    company: Company
    done: list[tuple[str, str, str]] = field(default_factory=list)

    def act(self, act: Act, by: str, *, desk: str = "", at: Node | None = None, given: Mapping[str, object] | None = None) -> None:
        """Begun, filled in and signed by its first person. `at`: the thing scanned at the desk, where it is not what the act is about."""
        name, node = act.rule.name, at or act.subject
        desk = desk or _desk(act, by, node)
        person = self.company.at_desk(by, desk)
        _begin(person, act, node, desk)
        fill_in(person, act, given or {})
        sign(person, name)
        self.note(act, by, desk)

    def second(self, act: Act, by: str, *, given: Mapping[str, object] | None = None) -> None:
        """The next person finds it in their own work list, and signs or reads everything again."""
        self.company.server.clock.reach(self.company.server.clock() + A_MOMENT)
        person = self.company.at_work_list(by)
        title, thing = EN.act_title(act.rule.name), EN.named(act.subject)
        row = person.page.get_by_role("row").filter(has_text=title).filter(has_text=thing)
        assert row.count(), f"{title} of {thing} does not wait for {by}: {person.text()}"
        click(person, row.get_by_role("link").first)
        if guarding_rule(act).second == "repeat":
            fill_in(person, act, given or {})
        sign(person, act.rule.name)
        self.note(act, by, "work")

    def note(self, act: Act, by: str, desk: str) -> None:
        """Remember that this was done by hand."""
        self.done.append((act.rule.name, by, desk))


def _desk(act: Act, by: str, node: Node) -> str:
    found = desk_for(act.rule.name, node.kind, frozenset(people()[by].roles))
    assert found is not None, f"no desk of {by} offers {act.rule.name} about a {node.kind}"
    return found.name


def code_of(node: Node) -> str:
    """What the symbol on a thing says: one of custody's own, or the donation's number."""
    return f"CU1:{node.kind}:{node.value}" if node.kind in CUSTODY_KINDS else str(node)


def _begin(person: Person, act: Act, node: Node, desk: str) -> None:
    rule, title = ACTS[act.rule.name], EN.act_title(act.rule.name)
    main = person.page.locator("main")
    if rule.opens == "first" or not BY_NAME[desk].has_sheets:
        links = main.get_by_role("link", name=title, exact=True)
        assert links.count(), f"no way to “{title}” on {person.page.url}: {person.text()}"
        click(person, links.first)
        if rule.opens != "first":
            _about(person, node)
        return
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        person.scan("scan", code_of(node))
    offered = main.locator(f"a[href*='act={act.rule.name}']").or_(main.get_by_role("link", name=title, exact=True))
    why = main.locator(".offer-off", has_text=title)
    assert offered.count(), f"“{title}” is not offered on {person.page.url}: {why.all_inner_texts() or person.text()}"
    click(person, offered.first)


def _about(person: Person, node: Node) -> None:
    """The page that asks what an act is about: the thing is scanned."""
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        person.scan("about", code_of(node))


def fill_in(person: Person, act: Act, given: Mapping[str, object]) -> None:
    """Every field of the form that does not hold its value already. `given`: what a person writes where the record keeps something else."""
    rule = ACTS[act.rule.name]
    typed: dict[str, list[str]] = as_typed(rule, body_of(act), EN, person.server.clock())
    typed |= {name: [code_of(each)] for name in field_types(rule.cls) if isinstance(each := getattr(act, name), Node)}
    typed |= {name: [str(value)] for name, value in given.items()}
    typed = {name: values for name, values in typed.items() if values}
    _add_rows(person, typed)
    for control in _controls(person):
        path = control["name"].removeprefix(MORE)
        if path != control["name"] and path in typed:
            for text in typed[path][1:] or typed[path]:
                _scan_onto_list(person, path, text)
    seen = set()
    for control in _controls(person):
        name = control["name"]
        if name in typed and not (name in seen and control["kind"] in {"radio", "checkbox"}):
            seen.add(name)
            _put(person, control, typed[name])


def _controls(person: Person) -> list[dict]:
    return person.page.locator(FORM).first.evaluate(CONTROLS)


def _add_rows(person: Person, typed: Mapping[str, list[str]]) -> None:
    """Parts that repeat: a row for each is asked for by its button."""
    wanted = {}
    for name in typed:
        path, _, rest = name.partition("-")
        number = rest.partition(".")[0]
        if number.isdigit():
            wanted[path] = max(wanted.get(path, 0), int(number) + 1)
    for path, count in wanted.items():
        while sum(1 for c in _controls(person) if c["name"].startswith(f"{path}-{count - 1}.")) == 0:
            button = person.page.locator(f"button[name=add][value='{path}']")
            assert button.count(), f"there is no way to write down {count} of {path}"
            click(person, button)


def _put(person: Person, control: Mapping, values: list[str]) -> None:
    name, kind, page = control["name"], control["kind"], person.page
    box = page.locator(FORM).locator(f'[name="{name}"]')
    if kind in {"radio", "checkbox"}:
        for value in values[1:] or values:
            page.locator(FORM).locator(f'[name="{name}"][value="{value}"]').check()
    elif kind == "select":
        box.first.select_option(values[0])
    elif control["value"] != values[0]:
        if control["scan"]:
            scan_in_form(person, name, values[0])
        else:
            box.first.fill(values[0])


def _scan_onto_list(person: Person, path: str, text: str) -> None:
    """One thing of several: the wedge ends with Enter, and the page comes back with its tick or cross."""
    page = person.page
    kept = page.locator(FORM).locator(f'[name="{path}"][value="{text}"]')
    for _ in range(TRIES):
        if kept.count():
            return
        box = page.locator(FORM).locator(f'[name="{MORE}{path}"]').first
        box.fill("")
        box.focus()
        with suppress(NoAnswer), page.expect_navigation(wait_until="domcontentloaded", timeout=ANSWERED_MS):
            scan_keys(page, text, "Enter")
    raise AssertionError(f"{text} was never put on the list of {path}: {person.text()}")


def scan_in_form(person: Person, name: str, text: str) -> None:
    """As a wedge that ends with a tab: the form stays. A scan that was cut short is scanned again."""
    box = person.page.locator(FORM).locator(f'[name="{name}"]').first
    asked_why = box.locator("xpath=following-sibling::*[@data-typed-why]")
    for _ in range(TRIES):
        box.fill("")
        box.focus()
        scan_keys(person.page, text, "Tab")
        if box.input_value() and not asked_why.is_visible():
            return
    raise AssertionError(f"{text} was never read whole")


def sign(person: Person, name: str) -> None:
    """On to the second look, if there is one, and the signature."""
    if not person.page.locator(".signature").count():
        person.press("Continue")
    assert person.page.locator(".signature").count(), f"{name} on {person.page.url}: {person.text()}"
    if person.page.locator("[name=secret]").count():
        person.page.fill("[name=secret]", demonstration.SECRET)
    with person.page.expect_navigation(wait_until="domcontentloaded"):
        person.page.locator(".signature button").last.click()
    assert person.page.locator(".confirmation").count(), f"{name} on {person.page.url}: {person.text()}"
