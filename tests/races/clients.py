"""People at their devices: connections of their own to a server of this machine, and requests that are sent all at once."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from urllib.parse import urlencode

from custody.workflows.demonstration import SECRET
from tests.web.conftest import Page

WAIT_S = 60.0
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Request:
    """One that is ready to go over the wire; `after_s` counts from the moment all are sent."""

    port: int
    text: bytes
    after_s: float = 0.0


@dataclass(frozen=True)
class Person:
    """Signed in at a device; any number of connections may use one session, as the tabs of a browser do."""

    port: int
    cookie: str = ""
    token: str = ""

    def get(self, path: str) -> Page:
        return at_once([self._request("GET", path, b"")])[0]

    def post(self, path: str, values: dict[str, object]) -> Page:
        return at_once([self.form(path, values)])[0]

    def form(self, path: str, values: dict[str, object], *, after_s: float = 0.0) -> Request:
        """A filled-in form; the token of the session travels with it."""
        body = urlencode({"csrf_token": self.token, **values}, doseq=True).encode()
        return self._request("POST", path, body, after_s)

    def _request(self, method: str, path: str, body: bytes, after_s: float = 0.0) -> Request:
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Cookie": self.cookie,
            "Accept-Language": "en",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return Request(self.port, f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body, after_s)


def sign_in(port: int, account: str) -> Person:
    answer, cookie = _answered(
        _sent(Person(port).form("/sign-in", {"account": account, "secret": SECRET, "station": "races", "then": "/"}))
    )
    assert answer.code in {302, 303}, answer.text
    person = Person(port, cookie.partition(";")[0])
    found = TOKEN.search(person.get("/acts/none").html)
    assert found is not None, "this page has no form that carries the session's token"
    return Person(port, person.cookie, found[1])


def at_once(requests: Sequence[Request]) -> list[Page]:
    """The answers, in the order of the requests: all connections stand before the first is written to.

    They are made in the order of sending: a thread of the server may wait for what its connection has not said yet.
    """
    order = sorted(range(len(requests)), key=lambda n: requests[n].after_s)
    doors = {n: socket.create_connection(("127.0.0.1", requests[n].port), timeout=WAIT_S) for n in order}
    began = time.perf_counter()
    for n in order:
        time.sleep(max(0.0, requests[n].after_s - (time.perf_counter() - began)))
        doors[n].sendall(requests[n].text)
    return [_answered(doors[n])[0] for n in range(len(requests))]


def _sent(request: Request) -> socket.socket:
    door = socket.create_connection(("127.0.0.1", request.port), timeout=WAIT_S)
    door.sendall(request.text)
    return door


def _answered(door: socket.socket) -> tuple[Page, str]:
    with door, HTTPResponse(door) as response:
        response.begin()
        html = re.sub(r'<span class="whole">([^<]*)</span>', r"\1", response.read().decode())
        return Page(response.status, html, response.headers.get("Location", "")), response.headers.get("Set-Cookie", "")
