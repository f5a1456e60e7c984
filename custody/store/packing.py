"""Bytes packed for the store, and unpacked again only when they are exactly what the packing wrote."""

from __future__ import annotations

import zlib

_CHECKSUM = 4


def packed(data: bytes, level: int = 6) -> bytes:
    """`data` in fewer bytes, as RFC 1950 has it. `level`: 1 takes a fifth of the time of 6."""
    return zlib.compress(data, level)


def unpacked(content: bytes) -> bytes:
    """What `packed` was given. Raises ValueError when `content` is anything else, be it only by a bit that no reader of it looks at."""
    end = len(content) - _CHECKSUM - 1
    try:
        stream = zlib.decompressobj()
        first = stream.decompress(content[: max(end, 0)])
        beside = stream.copy()
        rest = stream.decompress(content[max(end, 0) :])
    except (zlib.error, TypeError) as error:
        raise ValueError(str(error)) from error
    if not stream.eof or stream.unused_data:
        raise ValueError("it is cut short, or something stands behind it")
    if content[end] and _says_the_same(beside, _without_highest_bit(content[end]) + content[end + 1 :], rest):
        raise ValueError("bits are set that say nothing")
    return first + rest


def _without_highest_bit(byte: int) -> bytes:
    """The bits that fill the last byte before the checksum are its highest, and none of them is set by whoever packs."""
    return bytes([byte ^ 1 << (byte.bit_length() - 1)])


def _says_the_same(stream: zlib._Decompress, content: bytes, expected: bytes) -> bool:
    try:
        return stream.decompress(content) == expected and stream.eof
    except zlib.error:
        return False
