"""Whose address a request has: that of its connection, or what a named proxy says; what anybody else says of it is dropped."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from custody.web.surroundings import Network

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SAID = (
    *("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX"),
    *("HTTP_X_FORWARDED_SSL", "HTTP_X_FORWARDED_PROTOCOL", "HTTP_X_REAL_IP", "HTTP_FORWARDED"),
)
"""What proxies say of a request. Only the first two are ever read."""


class BehindProxies:
    """The application as it is reached: each request has its browser's address where named proxies passed it on."""

    def __init__(self, application: WSGIApplication, proxies: tuple[Network, ...]) -> None:
        self._application = application
        self._proxies = proxies

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        said = {name: environ.pop(name) for name in SAID if name in environ}
        peer = _address(environ.get("REMOTE_ADDR", ""))
        if peer is not None and self._is_named(peer):
            environ["REMOTE_ADDR"] = str(self._browser(peer, said.get("HTTP_X_FORWARDED_FOR", "")))
            scheme = said.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
        return self._application(environ, start_response)

    def _browser(self, peer: IPv4Address | IPv6Address, said: str) -> IPv4Address | IPv6Address:
        """From the right, because each proxy adds the address it saw at the end and anybody can write what stands before."""
        last = peer
        for text in reversed(said.split(",")):
            found = _address(text.strip())
            if found is None:
                break
            last = found
            if not self._is_named(found):
                break
        return last

    def _is_named(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
