"""Text that is none any more: SQLite keeps any bytes in a column of text, and gives them out only to who asks for them so."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class any_text:  # noqa: N801 - reads as a function: with any_text(connection)
    """Within the block a connection of SQLite gives out every text; bytes that are none stand for themselves, so that no two look alike."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._before = self._connection.text_factory
        self._connection.text_factory = _as_it_is

    def __exit__(self, *_: object) -> None:
        self._connection.text_factory = self._before


def _as_it_is(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogateescape")


_BYTES = {0xDC00 + byte: f"\\x{byte:02x}" for byte in range(0x80, 0x100)}


def shown(text: str) -> str:
    """The text as it can be written anywhere, with bytes that are none in hexadecimal digits."""
    return text.translate(_BYTES).encode("utf-8", "backslashreplace").decode()
