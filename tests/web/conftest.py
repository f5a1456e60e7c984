"""A browser without a screen over a demonstration store: made once for all tests, copied for each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import make_url
from werkzeug.test import TestResponse

from custody.config import Config
from custody.store.copying import copy_all
from custody.workflows import demonstration
from custody.workflows.door import Store, open_store
from tests import postgres
from tests.counts import IN_FULL
from tests.databases import BOTH
from tests.once import made_once
from tests.postgres import Server
from tests.web.application import application

NOW = datetime(2026, 6, 1, 6, 0, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def demonstration_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the five lots, as they stand at NOW."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CUSTODY_WEAK_SECRETS", "1")
            demonstration.make(folder / "store", NOW).close()

    return made_once(tmp_path_factory, "demonstration", make) / "store"


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


class _Form(HTMLParser):
    """The forms of a page with the values a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, list[str]]]] = []
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        elif tag == "input" and self.forms and given.get("name"):
            if given.get("type") in {"radio", "checkbox"} and "checked" not in given:
                return
            self._add(given["name"], given.get("value", ""))
        elif tag == "select":
            self._select = given.get("name", "")
        elif tag == "option" and self._select and "selected" in given:
            self._add(self._select, given.get("value", ""))
        elif tag == "textarea":
            self._area = given.get("name", "")
            self._add(self._area, "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][1][self._area][-1] += data

    def _add(self, name: str, value: str) -> None:
        self.forms[-1][1].setdefault(name, []).append(value)


@dataclass
class Page:
    """What came back."""

    code: int
    html: str
    location: str

    @property
    def text(self) -> str:
        """What a person reads, with single spaces."""
        return " ".join(re.sub(r"<[^>]+>", " ", self.html).replace("&#39;", "'").replace("&amp;", "&").split())

    def form(self, action: str) -> dict[str, list[str]]:
        """The values of the first form whose action begins like this."""
        parser = _Form()
        parser.feed(self.html)
        return next(values for found, values in parser.forms if found.startswith(action))

    @property
    def actions(self) -> list[str]:
        parser = _Form()
        parser.feed(self.html)
        return [action for action, _ in parser.forms]


@dataclass
class Browser:
    """One person's browser."""

    client: FlaskClient
    language: str = "en"

    def get(self, path: str) -> Page:
        return _page(self.client.get(path, headers={"Accept-Language": self.language}))

    def post(self, path: str, values: dict[str, object] | None = None, **headers: str) -> Page:
        return _page(self.client.post(path, data=values or {}, headers={"Accept-Language": self.language, **headers}))

    def send(self, page: Page, action: str, changes: dict[str, object] | None = None) -> Page:
        """Send a form of the page with some values changed (None: left out)."""
        values: dict[str, object] = dict(page.form(action))
        values |= changes or {}
        return self.post(action, {name: value for name, value in values.items() if value is not None})

    def sign_in(self, account: str, secret: str = demonstration.SECRET) -> Page:
        page = self.post("/sign-in", {"account": account, "secret": secret, "then": "/"})
        assert page.code == 302, page.text
        return page


def _page(response: TestResponse) -> Page:
    # The marks that keep a number on one line say nothing; tests/web/test_whole.py looks at them.
    html = re.sub(r'<span class="whole">([^<]*)</span>', r"\1", response.get_data(as_text=True))
    return Page(response.status_code, html, response.headers.get("Location", ""))


@dataclass
class Web:
    """The application over its own copy of the store, and a browser for each person."""

    store: Store
    config: Config
    clock: Clock = field(default_factory=Clock)
    kept: dict[tuple[str, str], Browser] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = application(self.store, self.config, self.clock)
        self.app.testing = True
        self.app.config["PROPAGATE_EXCEPTIONS"] = False

    def signed_in(self, account: str, language: str = "en") -> Browser:
        """A browser of this person that is kept for the next test."""
        kept = self.kept.get((account, language))
        if kept is None:
            kept = self.kept[account, language] = self.browser(account, language)
        return kept

    def browser(self, account: str | None = None, language: str = "en") -> Browser:
        found = Browser(self.app.test_client(), language)
        if account is not None:
            found.sign_in(account)
        return found


def pytest_generate_tests(metafunc):
    """`make prove` runs every test of the pages on both databases, but for those of SQLite's file; `make test` on SQLite."""
    if "pages_on" not in metafunc.fixturenames:
        return
    both = IN_FULL and not metafunc.definition.get_closest_marker("only_sqlite")
    metafunc.parametrize("pages_on", BOTH if both else ["sqlite"], indirect=True, scope="session")


@dataclass
class Copied:
    """A PostgreSQL server, and its databases that were filled from a folder once and only copied since."""

    server: Server
    filled: dict[Path, str] = field(default_factory=dict)

    @contextmanager
    def copy(self, of: Path) -> Iterator[Store]:
        if of not in self.filled:
            self.filled[of] = f"filled_{len(self.filled)}"
            file, store = open_store(f"sqlite:///{of / demonstration.DB_NAME}"), open_store(self.server.make(self.filled[of]))
            copy_all(file, store)
            for each in (file, store):
                each.close()
        store = open_store(self.server.copy(self.filled[of]))
        yield store
        store.close()
        self.server.drop(make_url(store.url).database or "")


@pytest.fixture(scope="session")
def pages_on(request: pytest.FixtureRequest) -> Iterator[Copied | None]:
    """The server on which the store of a test lies; None: in its folder, as a file."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield None
        return
    with postgres.running() as server:
        yield Copied(server)


def over_a_copy(of: Path, folder: Path, *, now: datetime = NOW, on: Copied | None = None) -> Iterator[Web]:
    shutil.copytree(of, folder)
    with pytest.MonkeyPatch.context() as patch, _store(of, folder, on) as store:
        patch.setenv("CUSTODY_WEAK_SECRETS", "1")
        yield Web(store, Config(database_url=store.url, key_dir=folder / "keys", secure_cookies=False), Clock(now))


@contextmanager
def _store(of: Path, folder: Path, on: Copied | None) -> Iterator[Store]:
    if on is not None:
        with on.copy(of) as store:
            yield store
        return
    store = open_store(f"sqlite:///{folder / demonstration.DB_NAME}")
    yield store
    store.close()


@pytest.fixture
def web(demonstration_folder: Path, tmp_path: Path, pages_on: Copied | None) -> Iterator[Web]:
    """A store of its own for each test."""
    yield from over_a_copy(demonstration_folder, tmp_path / "store", on=pages_on)


@pytest.fixture(scope="session")
def looked_at(demonstration_folder: Path, tmp_path_factory: pytest.TempPathFactory, pages_on: Copied | None) -> Iterator[Web]:
    """One store for tests that only look."""
    yield from over_a_copy(demonstration_folder, tmp_path_factory.mktemp("looked_at") / "store", on=pages_on)


@pytest.fixture
def at_the_bed(
    demonstration_folder: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, pages_on: Copied | None
) -> Iterator[Web]:
    """As `web`, with the good lot's bag brought to the bed; `cast` says which and `url` where."""
    from tests.web.at_the_desks import bring_to_the_bed, cast_of

    def bring(folder: Path) -> None:
        for web in over_a_copy(demonstration_folder, folder / "store"):
            bring_to_the_bed(web)
            (folder / "now").write_text(web.clock.now.isoformat(), encoding="utf-8")

    made = made_once(tmp_path_factory, "at-the-bed", bring)
    now = datetime.fromisoformat((made / "now").read_text(encoding="utf-8"))
    for web in over_a_copy(made / "store", tmp_path / "store", now=now, on=pages_on):
        web.cast = cast_of(web, "good")
        web.url = f"/bedside/{web.cast.dose}"
        yield web
