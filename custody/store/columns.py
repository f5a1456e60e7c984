"""Compares the columns of an entry with its envelope's text without parsing it, which would take longer than all else in a verification.

In canonical form a bare quotation mark stands only around keys and values, keys come in order, and after the body come only
keys that no other place has: so the places compared are unmistakable.

Imports nothing: a process that checks a segment of the log begins with it.
"""

from __future__ import annotations

# So many characters mostly tell one account and act from another.
_START = 64
# Bounds memory, not correctness.
FRAMES_REMEMBERED_MAX = 5_000
_AFTER_BODY = ',"happened_at":"'
_DIGEST = '","signature":{"digest":"'
_DIGEST_LENGTH = 64

# Act, site and study; the text up to the version of the act; how far from `happened_at` to `position`; then what stands from `previous` to
# `recorded_at`, from there to the digest that was signed, how long that is, and what stands from there to the stream and to the end.
_Frame = tuple[str, str, str | None, str, int, str, str, int, str, str]


class Columns:
    """Compares entry after entry.

    What one person does at one desk differs, outside the body, in few places. What stands around these, the *frame*, is remembered of
    texts that were searched; a text that has such a frame around its own columns agrees with them.
    """

    def __init__(self) -> None:
        self._frames: dict[str, _Frame] = {}

    def agree(
        self, text: str, stream: str, position: int, act: str, site: str, study: str | None, recorded_at: str, previous: bytes
    ) -> bool:
        """Whether the columns say what the envelope says. Raises TypeError for a column that is no text."""
        frame = self._frames.get(text[:_START])
        if frame is not None:
            its_act, its_site, its_study, head, between, named, signed, length, rest, end = frame
            after = len(text) - len(rest) - len(stream) - len(end)
            digest = text[after - length : after]
            told = f',"position":{position},"previous":"{previous.hex()}{named}{recorded_at}{signed}{digest}{rest}{stream}{end}'
            if (
                text.endswith(told)
                and text.startswith(head)
                and text.startswith(_AFTER_BODY, len(text) - len(told) - between)
                and act == its_act
                and site == its_site
                and study == its_study
                # A value with a quotation mark in it could bring places of its own.
                and '"' not in stream
                and '"' not in recorded_at
                and '"' not in digest
            ):
                return True
        if not _agree(text, stream, position, act, site, study, recorded_at, previous):
            return False
        if len(self._frames) >= FRAMES_REMEMBERED_MAX:
            self._frames.clear()
        frame = _frame(text, stream, position, act, site, study, recorded_at, previous)
        if frame is not None:
            self._frames[text[:_START]] = frame
        return True


def _agree(text: str, stream: str, position: int, act: str, site: str, study: str | None, recorded_at: str, previous: bytes) -> bool:
    start, _, tail = text.rpartition(_AFTER_BODY)
    return (
        start.partition('","act":"')[2].startswith(act + '","act_version":')
        and f',"position":{position},"previous":"{previous.hex()}","printed_name":"' in tail
        and '","recorded_at":"' + recorded_at + '","role":"' in tail
        and _site(site) in tail
        and tail.endswith('","stream":"' + stream + _end(study))
    )


def _frame(
    text: str, stream: str, position: int, act: str, site: str, study: str | None, recorded_at: str, previous: bytes
) -> _Frame | None:
    """Of a text that agrees with its columns; None where its places come in another order."""
    start, _, tail = text.rpartition(_AFTER_BODY)
    account, act_told, _ = start.partition('","act":"' + act + '","act_version":')
    place = f',"position":{position},"previous":"{previous.hex()}'
    before, _, after_place = tail.partition(place)
    name, time_told, _ = after_place.partition('","recorded_at":"' + recorded_at)
    end = _end(study)
    around = after_place[len(name + time_told) : -len(stream + end)]
    signed, mark, rest = around.partition(_DIGEST)
    length = _DIGEST_LENGTH if mark else 0
    head, named, rest = account + act_told, name + '","recorded_at":"', rest[length:]
    in_order = tail == before + place + named + recorded_at + around + stream + end
    if not in_order or not around.startswith('","role":"') or _site(site) not in (rest or signed):
        return None
    return act, site, study, head, len(_AFTER_BODY + before), named, signed + mark, length, rest, end


def _site(site: str) -> str:
    return ',"site":"' + site + '","software_version":"'


def _end(study: str | None) -> str:
    return '","study":null}' if study is None else '","study":"' + study + '"}'
