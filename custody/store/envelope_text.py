"""Reads single places of an envelope without parsing all of it, which would take longer than all else in a verification.

In canonical form a bare quotation mark stands only around keys and values, keys come in order, and after the body come only
keys that no other place has: so these places are unmistakable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_VERSION = ',"act_version":'
_BODY = ',"body":'
_PROPOSAL = '"proposal":"'
_PROPOSED_ACT = ',"body":{"act":"'
# Reads one value where it stands, and not what comes after it.
_read = json.JSONDecoder().raw_decode


class Told:
    """What one entry says, read no further than somebody asks, and once. `text` is the envelope."""

    __slots__ = ("_body", "_proposal", "_proposed_act", "_text", "act", "number", "stream")

    def __init__(self, number: int, stream: str, act: str, text: str) -> None:
        self.number = number
        self.stream = stream
        self.act = act
        self._text = text
        self._body: Mapping[str, Any] | None = None
        self._proposal: str | None = None
        self._proposed_act: str | None = None

    @property
    def fields(self) -> Mapping[str, Any]:
        """All that the envelope says."""
        fields: Mapping[str, Any] = json.loads(self._text)
        return fields

    @property
    def act_version(self) -> int:
        start = self._text.index(_VERSION) + len(_VERSION)
        return int(self._text[start : self._text.index(",", start)])

    @property
    def body(self) -> Mapping[str, Any]:
        """The body of the act."""
        if self._body is None:
            self._body = _read(self._text, self._text.index(_BODY) + len(_BODY))[0]
        return self._body

    @property
    def proposal(self) -> str:
        """The digest of the proposal that an act about proposals names."""
        if self._proposal is None:
            self._proposal = self._quoted(_PROPOSAL)
        return self._proposal

    @property
    def proposed_act(self) -> str:
        """The name of the act that a proposal carries."""
        if self._proposed_act is None:
            self._proposed_act = self._quoted(_PROPOSED_ACT)
        return self._proposed_act

    def _quoted(self, before: str) -> str:
        start = self._text.index(before, self._text.index(_BODY)) + len(before)
        return self._text[start : self._text.index('"', start)]
