"""A family as templates/parts/desk_lineage.html draws it: names, links within the desk, passage, doublings, vials left."""

from __future__ import annotations

from dataclasses import dataclass

from custody.web.desk_parts import desk_href, thing_href
from custody.web.desks import Desk
from custody.words import Words
from custody.workflows.desks.lineage import Culture, Kin


@dataclass(frozen=True, kw_only=True)
class KinShown:
    """One thing of the family. `more`: how many children are not drawn, in words."""

    label: str
    href: str
    here: bool
    facts: tuple[str, ...]
    more: str
    again: bool
    children: tuple[KinShown, ...]


def family_shown(words: Words, desk: Desk, family: tuple[Kin, ...]) -> tuple[KinShown, ...]:
    """The family with links that stay within the desk where the thing lies on it."""
    return tuple(_shown(words, desk, kin) for kin in family)


def _shown(words: Words, desk: Desk, kin: Kin) -> KinShown:
    facts: list[str] = []
    if kin.culture is not None:
        facts += culture_texts(words, kin.culture)
    if kin.vials_left is not None:
        facts.append(words.say("desk.bench.vials_left", count=kin.vials_left))
    if kin.disposition:
        facts.append(words.say(f"term.disposition.{kin.disposition}"))
    return KinShown(
        label=words.named(kin.node),
        href=desk_href(desk, kin.node) if kin.node.kind in desk.kinds else thing_href(kin.node),
        here=kin.here,
        facts=tuple(facts),
        more=_more(words, kin),
        again=kin.again,
        children=family_shown(words, desk, kin.children),
    )


def _more(words: Words, kin: Kin) -> str:
    if not kin.more:
        return ""
    of_a_lot = kin.node.kind == "lot" and not kin.children
    return words.say("desk.bench.kin_bags" if of_a_lot else "desk.bench.kin_more", count=kin.more)


def culture_texts(words: Words, culture: Culture) -> tuple[str, str]:
    """Passage and doublings, each with its limit."""
    return (
        words.say("desk.bench.passage_of", passage=culture.passage, highest=culture.passage_max),
        words.say("desk.bench.doublings_of", doublings=culture.doublings, highest=culture.doublings_max),
    )
