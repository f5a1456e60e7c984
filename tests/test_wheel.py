"""The wheel, installed alone and far from the checkout, brings everything it needs: gates, pages, symbols, seed and ledger."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installed:
    """custody from its wheel, in a virtual environment of its own, run from a folder of its own."""

    wheel: Path
    environment: Path
    elsewhere: Path

    def run(self, *command: str, **variables: str) -> str:
        """The output of a program of this environment. Fails with both outputs when the program does."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CUSTODY_", "COVERAGE", "COV_"))}
        program = self.environment / "bin" / command[0]
        done = subprocess.run(
            [program, *command[1:]], cwd=self.elsewhere, env=clean | variables, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)} answered {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def python(self, program: str, **variables: str) -> str:
        return self.run("python", "-c", program, **variables)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    # hatchling builds in this environment: an isolated build would fetch it again.
    _python("-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("custody-*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    _python("-m", "pip", "--python", str(environment), "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    # The libraries of this run are lent to it. A .pth file inside a folder lent this way is not read, so the checkout stays invisible.
    lend = environment / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages" / "lent.pth"
    lend.write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    return Installed(wheel, environment, elsewhere)


def _python(*arguments: str) -> None:
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def seeded(installed: Installed) -> str:
    """The address of the demonstration's store."""
    folder = installed.elsewhere / "demo"
    installed.run("custody", "demo", "--store", str(folder), "--seed-only")
    (database,) = folder.glob("*.db")
    return f"sqlite:///{database}"


def test_wheel_holds_the_data_folders_and_no_tests(installed: Installed):
    names = zipfile.ZipFile(installed.wheel).namelist()
    for folder in ("templates", "seed_data"):
        assert any(name.startswith(f"custody/_data/{folder}/") for name in names), folder
    assert not [name for name in names if name.startswith(("tests/", "bench/")) or "__pycache__" in name]
    committed = {path.relative_to(ROOT).as_posix() for path in (ROOT / "custody").rglob("*.py")}
    assert committed <= set(names)


def test_custody_comes_from_the_wheel_and_not_from_the_checkout(installed: Installed):
    where = installed.python("import custody, custody.resources as r; print(custody.__file__); print(r.data_dir('templates'))")
    for line in where.splitlines():
        assert Path(line).is_relative_to(installed.environment), line


IMPORT_ALL = """
import importlib, pkgutil, re, sys
from importlib import metadata
import custody

with_an_extra = {"custody.store.answering"}  # loaded where a PostgreSQL is used, by nothing else of custody
for found in pkgutil.walk_packages(custody.__path__, "custody."):
    if not found.name.startswith("custody.store.migrations.") and not found.name.endswith("__main__") and found.name not in with_an_extra:
        importlib.import_module(found.name)

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

def needed(distribution, seen):
    if distribution in seen:
        return
    seen.add(distribution)
    try:
        requires = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return  # needed on another system only
    for line in requires:
        if "extra ==" not in line:
            needed(plain(re.match("[A-Za-z0-9._-]+", line)[0]), seen)

declared = set()
needed("custody", declared)
owners = metadata.packages_distributions()
used = {plain(owner) for name in list(sys.modules) for owner in owners.get(name.partition(".")[0], ())}
loaded_when_there = {"greenlet", "pillow", "setuptools"}  # by other libraries; custody works without them
print(sorted(used - declared - loaded_when_there))
"""


def test_every_module_imports_only_declared_libraries(installed: Installed):
    """A library that only the tests install would be missing at a hospital."""
    assert installed.python(IMPORT_ALL) == "[]\n"


def test_gates_are_listed(installed: Installed):
    gates = json.loads(installed.run("custody", "gates", "--json"))
    assert {"BAG-EXP", "BED-PID", "REL-SELF"} <= {gate["id"] for gate in gates}
    assert all(set(gate) == {"id", "revision", "title", "source", "hold_points"} for gate in gates)


def test_symbol_is_drawn_without_pillow(installed: Installed):
    drawn = installed.python(
        "import sys; sys.modules['PIL'] = None  # only the tests install it\n"
        "from custody.printing.symbols import code128_svg, qr_svg; print(code128_svg('CU1:bag:A') + qr_svg('CU1:bag:A'))"
    )
    assert drawn.count("</svg>") == 2


def test_seed_is_loaded_and_its_ledger_verified(installed: Installed, seeded: str):
    installed.run("custody", "ledger", "verify", CUSTODY_DATABASE_URL=seeded)
    verified = json.loads(installed.run("custody", "ledger", "verify", "--json", CUSTODY_DATABASE_URL=seeded))
    assert verified


def test_page_is_rendered(installed: Installed, seeded: str):
    program = """
import sys
from custody.config import Config
from custody.web.app import create_app
from custody.workflows.door import open_ready
config = Config.from_environment()
answer = create_app(open_ready(config.database_url), config).test_client().get("/", follow_redirects=True)
assert answer.status_code == 200, answer.status_code
sys.stdout.write("page:" + answer.get_data(as_text=True))
"""
    page = installed.python(program, CUSTODY_DATABASE_URL=seeded).partition("page:")[2]
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "</html>" in page
    assert "<form" in page
