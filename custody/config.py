"""What an installation sets through its environment; everything else is signed data of a study."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from custody.errors import InputError

HOW = "set CUSTODY_DATABASE_URL, for instance to sqlite:////var/lib/custody/custody.db"


@dataclass(frozen=True, kw_only=True)
class Config:
    """Session, lock-out and secret rules are installation policy, not study criteria (design section 5)."""

    database_url: str
    key_dir: Path
    owner_url: str = ""
    """Of PostgreSQL: as whom tables are made and changed; the role of `database_url` may then add to the record and change nothing."""
    session_idle: timedelta = timedelta(minutes=15)
    session_absolute: timedelta = timedelta(hours=12)
    shift: timedelta = timedelta(hours=12)
    """For so long after a signature with the whole secret, at the same place, a PIN signs too; zero: it never does."""
    lockout_after: int = 5
    lockout_for: timedelta = timedelta(minutes=15)
    secure_cookies: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Config:
        """Raises InputError, with the remedy, when the database is not named or a number is none."""
        given = os.environ if environment is None else environment
        url = given.get("CUSTODY_DATABASE_URL", "")
        if not url:
            raise InputError(f"no database is named; {HOW}", code="no_database")
        return cls(
            database_url=url,
            owner_url=given.get("CUSTODY_DATABASE_OWNER_URL", ""),
            key_dir=Path(given.get("CUSTODY_KEY_DIR") or _beside(url)),
            session_idle=timedelta(minutes=_number(given, "CUSTODY_SESSION_IDLE_MIN", 15)),
            session_absolute=timedelta(hours=_number(given, "CUSTODY_SESSION_HOURS", 12)),
            shift=timedelta(hours=_number(given, "CUSTODY_SHIFT_HOURS", 12, least=0)),
            lockout_after=_number(given, "CUSTODY_LOCKOUT_AFTER", 5),
            lockout_for=timedelta(minutes=_number(given, "CUSTODY_LOCKOUT_MIN", 15)),
            secure_cookies=given.get("CUSTODY_INSECURE_COOKIES", "") != "1",
        )


def _beside(url: str) -> str:
    """Keys lie beside the database file unless CUSTODY_KEY_DIR names another place: in `keys` where a demonstration made it.

    Raises InputError where there is no file.
    """
    if url.startswith("postgresql"):
        raise InputError("no folder for keys is named; set CUSTODY_KEY_DIR to one that only custody may read", code="no_key_dir")
    file = Path(url.partition("///")[2] or "custody.db")
    demonstration = file.with_name("keys")
    return str(demonstration if demonstration.is_dir() else file.with_name(file.name + ".keys"))


def _number(given: Mapping[str, str], name: str, default: int, *, least: int = 1) -> int:
    text = given.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise InputError(f"{name} is “{text}”; expected a whole number of at least {least}", code="bad_setting")
    return int(text)
