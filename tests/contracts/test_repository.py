"""Nothing in the tree belongs to one machine: no path of a home, no registry, no key, no database, nothing huge."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NOT_OURS = frozenset({".git", ".venv", "__pycache__", "dist", "build", "node_modules", "demo-store", ".work"})
CACHES = frozenset({".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".import_linter_cache"})
VENDORED = "custody/web/static/vendor/"
"""Libraries we ship unchanged may name where they come from."""

MACHINE_PATH = re.compile(r"(?<![\w./:-])/(?:home|root|Users|work|workspace|mnt|opt|private|tmp)/[\w.-]+|\b[A-Z]:\\\\?Users\\")
REGISTRY = re.compile(
    r"\b(?:[\w-]+\.)?(?:pypi|npmjs|pythonhosted|rubygems|jsdelivr|unpkg|cdnjs)\.[a-z]{2,4}\b|--(?:extra-)?index-url|\bghcr\.io\b"
)
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}")
DATABASES = frozenset({".db", ".db-wal", ".db-shm", ".sqlite", ".sqlite3", ".log", ".pyc"})
BYTES_MAX = 1_500_000


def in_tree() -> list[Path]:
    """Every file that is or could be committed: by git where there is one, else all but caches and builds."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    ignored = NOT_OURS | CACHES
    return [path for path in ROOT.rglob("*") if path.is_file() and ignored.isdisjoint(path.relative_to(ROOT).parts)]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in in_tree():
        name = path.relative_to(ROOT).as_posix()
        try:
            found.append((name, path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # pictures, fonts and logger exports
    assert len(found) > 100, "the tree was not read"
    return found


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY, PRIVATE_KEY], ids=["path of a machine", "registry", "private key"])
def test_no_file_names(pattern: re.Pattern[str]):
    found = [f"{name}: {match[0]}" for name, text in texts() if not name.startswith(VENDORED) for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        (MACHINE_PATH, ("see /ho", "me/somebody")),
        (MACHINE_PATH, ('open("/wo', 'rk/main")')),
        (REGISTRY, ("from files.python", "hosted.org")),
        (REGISTRY, ("--index", "-url=x")),
        (PRIVATE_KEY, ("-----BEGIN PRIVATE", " KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA")),
    ],
)
def test_what_must_not_be_named_would_be_found(pattern: re.Pattern[str], parts: tuple[str, str]):
    assert pattern.search("".join(parts))


def test_no_database_log_or_compiled_file_is_in_the_tree():
    assert [path.name for path in in_tree() if path.suffix in DATABASES] == []


def test_no_file_is_huge():
    large = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in in_tree() if path.stat().st_size > BYTES_MAX}
    assert large == {}


def test_text_files_end_with_a_line_end():
    """The canonical golden bodies are bytes that were hashed; nothing may be added to them."""
    exempt = ("tests/contracts/golden/acts/", VENDORED)
    assert [name for name, text in texts() if text and not text.endswith("\n") and not name.startswith(exempt)] == []


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "Makefile", ".ci/run"])
def test_fresh_clone_has_what_a_stranger_looks_for(name: str):
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_build_script_can_be_run():
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
