"""What blinded people are shown: everything the server answers to them, kept as it went out, and made comparable between two worlds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from flask import request

from tests.journeys import browsing

make_application = browsing.application
BLINDED = ("demo-nurse-one", "demo-nurse-two", "demo-physician-one", "demo-receiver-one")
WHO = "X-Blinded-Person"
BY_CHANCE = (
    (re.compile(r'(name="(?:csrf_token|idempotency_key|key)" value=")[^"]+'), r"\1TOKEN"),
    (re.compile(r'(class="symbol[^>]*><img src=")data:image/svg\+xml;base64,[^"]+'), r"\1SYMBOL"),
    (re.compile(r'(data-(?:mark|sound)=")[0-9a-f]{24}"'), r"\1MARK"),
    (re.compile(r'(<span class="code">)[0-9a-f]{12}(?=</span>)'), r"\1REFERENCE"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
)
"""What differs between any two stores: tokens and keys of requests, the drawn address of a page (its port), digests of entries,
whole or as marks and reference numbers."""


@dataclass(frozen=True)
class Answer:
    """One answer: who asked for what, and all that came back."""

    account: str
    asked: str
    status: str
    headers: tuple[str, ...]
    text: str
    is_page: bool

    def __str__(self) -> str:
        return f"{self.account} {self.asked} {self.status}"

    @property
    def comparable(self) -> str:
        """All of it as text, without what only chance makes different."""
        whole = "\n".join((self.asked, self.status, *self.headers, self.text))
        for pattern, word in BY_CHANCE:
            whole = pattern.sub(word, whole)
        return whole


@dataclass
class Eyes:
    """A server's answers to blinded people, in their order. `application` goes in place of the one that is served."""

    answers: list[Answer] = field(default_factory=list)

    def application(self, *given):
        app = make_application(*given)
        app.after_request_funcs = {**app.after_request_funcs, None: [*app.after_request_funcs.get(None, []), self._look]}
        return app

    def _look(self, response):
        if request.headers.get(WHO) in BLINDED and not request.path.startswith("/static/"):
            told = tuple(
                f"{name}: {value}" for name, value in response.headers if name in {"Location", "Content-Type", "Content-Disposition"}
            )
            asked = f"{request.method} {request.full_path.rstrip('?')}"
            is_page = request.headers.get("Sec-Fetch-Dest", "document") == "document"
            text = response.get_data(as_text=True)
            self.answers.append(Answer(request.headers[WHO], asked, response.status, told, text, is_page))
        return response

    @property
    def pages(self) -> list[Answer]:
        """What was opened, in its order; what scripts ask for in between comes whenever a browser has time."""
        return [answer for answer in self.answers if answer.is_page]


@contextmanager
def watching() -> Iterator[Eyes]:
    """Every server that begins in this block is watched."""
    eyes = Eyes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(browsing, "application", eyes.application)
        yield eyes
