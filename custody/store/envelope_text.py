"""Reads single places of an envelope without parsing all of it, which would take longer than everything else in a verification.

In canonical form a bare quotation mark stands only around keys and values, keys come in order, and after the body come only
keys that no other place has: so these places are unmistakable.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

_ACCOUNT = '{"account":"'
_ACT = '","act":"'
_VERSION = ',"act_version":'
_BODY = ',"body":'
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

    def content(self) -> dict[str, Any]:
        """The account, the act's version and its body."""
        version_at = self.text.index(_VERSION, self.act_at) + len(_VERSION)
        body_at = self.text.index(_BODY, version_at)
        return {
            "account": self.text[len(_ACCOUNT) : self.act_at],
            "act_version": int(self.text[version_at:body_at]),
            "body": json.loads(self.text[body_at + len(_BODY) : self.body_end]),
        }


def written(text: str) -> Written:
    return Written(text, text.find(_ACT, len(_ACCOUNT)), text.rfind(_AFTER_BODY))
