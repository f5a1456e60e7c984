"""Every route says who may call it; the public ones stand on a short list with an argument; everything else turns strangers away."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from custody.config import Config
from custody.web.access import Access, needs, public, signed_in
from custody.web.app import create_app
from custody.workflows.door import open_store, upgrade

PUBLIC = frozenset(
    {
        *("sign_in.form", "sign_in.enter", "sign_in.leave", "sign_in.language", "reset.form", "reset.choose"),
        *("health.answers", "health.is_ready", "metrics.counted", "demonstration.sheet", "static"),
    }
)
"""Endpoints open to everybody. A new one needs a line here and an argument in its decorator."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder: Path = tmp_path_factory.mktemp("routes")
    url = f"sqlite:///{folder / 'custody.db'}"
    store = open_store(url)
    upgrade(store)
    return create_app(store, Config(database_url=url, key_dir=folder / "keys", secure_cookies=False))


def access_of(app: Flask, rule: Rule) -> Access | None:
    return getattr(app.view_functions[rule.endpoint], "custody_access", None)


def private_rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in PUBLIC]


def address(rule: Rule) -> str:
    """The rule's address with a plausible value for each of its arguments."""
    samples = {"IntegerConverter": 1, "PathConverter": "one", "UUIDConverter": "00000000-0000-4000-8000-000000000000"}
    values = {name: samples.get(type(rule._converters[name]).__name__, "one") for name in rule.arguments}
    built = rule.build(values)
    assert built is not None
    return str(built[1])


def test_every_route_says_who_may_call_it(app: Flask):
    silent = [rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint != "static" and access_of(app, rule) is None]
    assert silent == []


def test_public_routes_are_those_of_the_short_list_and_argue_why(app: Flask):
    open_to_all = {rule.endpoint: access for rule in app.url_map.iter_rules() if (access := access_of(app, rule)) and access.public}
    assert set(open_to_all) <= PUBLIC
    for endpoint, access in open_to_all.items():
        assert len(access.argument.split()) >= 3, f"{endpoint}: say why it is public"
        assert access.roles == frozenset()


def test_there_are_routes_behind_the_sign_in(app: Flask):
    assert len(private_rules(app)) >= 5


def test_stranger_sees_nothing_but_the_sign_in(app: Flask):
    """Whatever a route asks for, nobody without a session gets more than a redirect to the sign-in page or a refusal."""
    client = app.test_client()
    for rule in private_rules(app):
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = client.open(address(rule), method=method)
            assert answer.status_code in {302, 303, 401, 403}, f"{method} {rule.rule} answered {answer.status_code}"
            if answer.status_code in {302, 303}:
                assert answer.headers["Location"].startswith("/sign-in"), rule.rule


def test_forms_from_other_sites_are_refused(app: Flask):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}:
            answer = client.open(address(rule), method=method, headers={"Sec-Fetch-Site": "cross-site"})
            assert answer.status_code in {302, 303, 401, 403}, f"{method} {rule.rule} answered {answer.status_code}"
            assert "Set-Cookie" not in answer.headers, rule.rule


def test_safe_methods_and_changes_are_different_routes(app: Flask):
    """A page that is only looked at must change nothing, so no view answers both."""
    both = [rule.rule for rule in app.url_map.iter_rules() if {"GET", "POST"} <= (rule.methods or set())]
    assert both == []


def test_decorators_mark_a_view_and_leave_it_otherwise_alone():
    def view() -> str:
        return "page"

    assert public("because")(view)() == "page"
    assert view.custody_access == Access(public=True, argument="because")  # type: ignore[attr-defined]
    assert signed_in(view).custody_access == Access(public=False)  # type: ignore[attr-defined]
    assert needs().__call__(view).custody_access.public is False  # type: ignore[attr-defined]
