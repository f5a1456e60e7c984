"""Reads single places of an envelope without parsing all of it, which would take longer than everything else in a verification.

In canonical form a bare quotation mark stands only around keys and values, keys come in order, and after the body come only
keys that no other place has: so these places are unmistakable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

_ACCOUNT = '{"account":"'
_ACT = '","act":"'
_BODY = ',"body":'
_PROPOSAL = '"proposal":"'
_PROPOSED_ACT = ',"body":{"act":"'
_AFTER_BODY = ',"happened_at":"'


class Written(NamedTuple):
    """An envelope's text, with the places where `act` begins and the body ends (-1: there is no such place)."""

    text: str
    act_at: int
    body_end: int

    def agrees(  # noqa: PLR0917 - the columns of a row, in their order
        self, stream: str, position: int, act: str, site: str, study: str | None, recorded_at: str, previous: bytes
    ) -> bool:
        """Whether the columns of the row say what the text says."""
        text, act_at, end = self
        if not (type(stream) is type(act) is type(site) is type(recorded_at) is str and (study is None or type(study) is str)):
            return False
        said_study = "null" if study is None else f'"{study}"'
        return (
            0 < act_at < end
            and text.startswith(f'","act":"{act}","act_version":', act_at)
            and text.find(f',"position":{position},"previous":"{previous.hex()}","printed_name":"', end) > 0
            and text.find(f'","recorded_at":"{recorded_at}","role":"', end) > 0
            and text.find(f',"site":"{site}","software_version":"', end) > 0
            and text.endswith(f'","stream":"{stream}","study":{said_study}}}')
        )


def written(text: str) -> Written:
    return Written(text, text.find(_ACT, len(_ACCOUNT)), text.rfind(_AFTER_BODY))


class Told:
    """What one entry says, read no further than somebody asks."""

    __slots__ = ("_fields", "_text", "act", "number", "stream")

    def __init__(self, number: int, stream: str, act: str, text: str, fields: Mapping[str, Any] | None = None) -> None:
        self.number = number
        self.stream = stream
        self.act = act
        self._text = text
        self._fields = fields

    @property
    def fields(self) -> Mapping[str, Any]:
        """Those of the envelope."""
        if self._fields is None:
            self._fields = json.loads(self._text)
        return self._fields

    @property
    def proposal(self) -> str:
        """The digest of the proposal that an act about proposals names."""
        if self._fields is not None:
            return str(self._fields["body"]["proposal"])
        start = self._text.index(_PROPOSAL, self._text.index(_BODY)) + len(_PROPOSAL)
        return self._text[start : self._text.index('"', start)]

    @property
    def proposed_act(self) -> str:
        """The name of the act that a proposal carries."""
        if self._fields is not None:
            return str(self._fields["body"]["act"])
        start = self._text.index(_PROPOSED_ACT) + len(_PROPOSED_ACT)
        return self._text[start : self._text.index('"', start)]
