"""GS1 Digital Link: a web address whose path and parameters carry GS1 elements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from custody.codes.gs1 import Element, element, require_together
from custody.errors import UnreadableCodeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LINK_SCHEMES = ("https://", "http://", "HTTPS://", "HTTP://")
CANONICAL_HOST = "https://id.gs1.org"

# Key -> the chains of qualifiers that may follow it in the path, each in this order, any of them left out.
_QUALIFIERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "01": (("22", "10", "21"), ("235",)),
    "414": (("254",),),
    "417": ((),),
    "8010": (("8011",),),
    "8017": (("8019",),),
    "8018": (("8019",),),
    "00": ((),),
    "8003": ((),),
    "8004": ((),),
}
_MOST_PAIRS = 4
_NEVER_IN_QUERY = frozenset({"03", "21", "22", "235", "254", "7040", "7041", "8011", "8014", "8019", "8020", "8200"})
_LINK = re.compile(r"(?:https?|HTTPS?)://[A-Za-z0-9.\-]+(?::[0-9]{1,5})?(/[!-~]*)")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_link(text: str) -> tuple[Element, ...]:
    """The elements of a link: key, qualifiers, then parameters. Fragments and parameters without an identifier are ignored."""
    parts = _LINK.fullmatch(text)
    if parts is None:
        raise UnreadableCodeError("this web link has no form that custody reads: https://host/path, visible ASCII characters only")
    address = parts[1].partition("#")[0]
    path, _, query = address.partition("?")
    elements = (*_path_elements(path.split("/")[1:]), *_query_elements(query))
    require_together(elements)
    return elements


def digital_link(elements: Sequence[Element], stem: str = CANONICAL_HOST) -> str:
    """The link for these elements: the first key and its qualifiers in the path, the others as parameters."""
    require_together(elements)
    key = next((found for found in elements if found.ai in _QUALIFIERS), None)
    if key is None:
        raise UnreadableCodeError("none of these GS1 values can be the key of a link")
    by_ai = {found.ai: found for found in elements}
    chain = next((chain for chain in _QUALIFIERS[key.ai] if by_ai.keys() & set(chain)), ())
    in_path = [key, *(by_ai[ai] for ai in chain if ai in by_ai)]
    in_query = [found for found in elements if found not in in_path]
    _refuse_in_query(found.ai for found in in_query)
    path = "".join(f"/{found.ai}/{quote(found.value, safe='')}" for found in in_path)
    query = "&".join(f"{found.ai}={quote(found.value, safe='')}" for found in in_query)
    return f"{stem}{path}{'?' if query else ''}{query}"


def _path_elements(segments: list[str]) -> list[Element]:
    """The key is sought from the end, so that a folder of the site that looks like a key does no harm."""
    for pairs in range(1, _MOST_PAIRS + 1):
        tail = segments[-2 * pairs :]
        if len(tail) == 2 * pairs and tail[0] in _QUALIFIERS:
            found = [element(ai, _decoded(value)) for ai, value in zip(tail[::2], tail[1::2], strict=True)]
            _require_qualifiers(found[0].ai, [qualifier.ai for qualifier in found[1:]])
            return found
    raise UnreadableCodeError("this web link carries no GS1 key; scan the code on the label instead")


def _require_qualifiers(key: str, qualifiers: list[str]) -> None:
    for chain in _QUALIFIERS[key]:
        if qualifiers == [ai for ai in chain if ai in qualifiers]:
            return
    raise UnreadableCodeError(f"the parts of this web link behind ({key}) are in an order or of a kind that GS1 does not allow")


def _query_elements(query: str) -> list[Element]:
    pairs = [parameter.partition("=") for parameter in re.split("[&;]", query)]
    # A bare + means a space in a query, and no GS1 value holds a space.
    numbered = [(ai, value.replace("+", " ")) for ai, _, value in pairs if re.fullmatch("[0-9]+", ai)]
    _refuse_in_query(ai for ai, _ in numbered)
    return [element(ai, _decoded(value)) for ai, value in numbered]


def _refuse_in_query(ais: Iterable[str]) -> None:
    for ai in ais:
        if ai in _NEVER_IN_QUERY:
            raise UnreadableCodeError(f"GS1 value ({ai}) may stand in the path of a web link only")


def _decoded(text: str) -> str:
    if _BAD_PERCENT.search(text):
        raise UnreadableCodeError("this web link holds a percent sign that encodes no character")
    return unquote(text, errors="replace")
