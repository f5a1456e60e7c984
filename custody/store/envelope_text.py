"""Reads single places of an envelope without parsing all of it, which would take longer than all else in a verification.

In canonical form a bare quotation mark stands only around keys and values, keys come in order, and after the body come only
keys that no other place has: so these places are unmistakable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_VERSION = b',"act_version":'
_BODY = b',"body":'
_PROPOSAL = b'"proposal":"'
_PROPOSED_ACT = b',"body":{"act":"'
_AFTER_BODY = b',"happened_at":"'


class Told:
    """What one entry says, read no further than somebody asks. `text` is the envelope's bytes."""

    __slots__ = ("_body", "_text", "act", "number", "stream")

    def __init__(self, number: int, stream: str, act: str, text: bytes) -> None:
        self.number = number
        self.stream = stream
        self.act = act
        self._text = text
        self._body: Mapping[str, Any] | None = None

    @property
    def fields(self) -> Mapping[str, Any]:
        """All that the envelope says."""
        fields: Mapping[str, Any] = json.loads(self._text)
        return fields

    @property
    def act_version(self) -> int:
        start = self._text.index(_VERSION) + len(_VERSION)
        return int(self._text[start : self._text.index(b",", start)])

    @property
    def body(self) -> Mapping[str, Any]:
        """The body of the act."""
        if self._body is None:
            start = self._text.index(_BODY) + len(_BODY)
            self._body = json.loads(self._text[start : self._text.rindex(_AFTER_BODY)].decode())
        return self._body

    @property
    def proposal(self) -> str:
        """The digest of the proposal that an act about proposals names."""
        return self._quoted(_PROPOSAL)

    @property
    def proposed_act(self) -> str:
        """The name of the act that a proposal carries."""
        return self._quoted(_PROPOSED_ACT)

    def _quoted(self, before: bytes) -> str:
        start = self._text.index(before, self._text.index(_BODY)) + len(before)
        return self._text[start : self._text.index(b'"', start)].decode()
