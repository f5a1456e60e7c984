"""What stands around a server: the proxies before it, the machines that watch it, and whether a second database must follow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from custody.errors import InputError

Network = IPv4Network | IPv6Network
TOKEN_SIGNS_MIN = 32


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Nothing is believed and nothing is counted aloud unless it is named here.

    `proxies`: whose word about a browser's address and scheme is taken. `metrics_token`: empty where nobody may read the counts.
    `wants_standby`: the server is not ready while no second PostgreSQL holds each commit.
    """

    proxies: tuple[Network, ...] = ()
    metrics_token: str = ""
    wants_standby: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Surroundings:
        """Raises InputError, with the remedy, for an address that is none, a token that can be guessed, a wish other than 0 or 1."""
        given = os.environ if environment is None else environment
        token = given.get("CUSTODY_METRICS_TOKEN", "")
        if token and (len(token) < TOKEN_SIGNS_MIN or not token.isascii() or not token.isprintable() or " " in token):
            raise InputError(
                f"CUSTODY_METRICS_TOKEN can be guessed; give at least {TOKEN_SIGNS_MIN} random letters and digits", code="token_guessable"
            )
        standby = given.get("CUSTODY_WANTS_STANDBY", "") or "0"
        if standby not in {"0", "1"}:
            raise InputError(f"CUSTODY_WANTS_STANDBY is “{standby}”; expected 0 or 1", code="standby_wish_unknown")
        named = (each.strip() for each in given.get("CUSTODY_PROXIES", "").split(","))
        return cls(proxies=tuple(_network(each) for each in named if each), metrics_token=token, wants_standby=standby == "1")


def _network(text: str) -> Network:
    try:
        found = ip_network(text)
    except ValueError as error:
        raise InputError(
            f"CUSTODY_PROXIES names “{text}”; expected addresses or networks such as 127.0.0.1 or 10.1.2.0/29", code="proxy_unknown"
        ) from error
    if found.prefixlen == 0:
        raise InputError(f"CUSTODY_PROXIES names everybody ({text}); name the proxies alone", code="proxy_everybody")
    return found
