"""The demonstration's printed sheet: badges, wristband, bags, shippers and seals to scan, and what to try with each of the five lots."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from flask import Blueprint, render_template

from custody.codes.scan import custody_symbol
from custody.errors import NotFoundError
from custody.printing.symbols import code128_svg, qr_svg
from custody.web import current
from custody.web.access import public
from custody.workflows import demonstration
from custody.workflows.demonstration import DemoLot, casts
from custody.workflows.rehearsal.bedside import wristband
from custody.workflows.rehearsal.road import Cast
from custody.workflows.roster import demonstration_accounts

blueprint = Blueprint("demonstration", __name__)
BAGS_SHOWN = 2
"""Bags of a lot that travelled; the others stay in the store."""


@dataclass(frozen=True, kw_only=True)
class Code:
    """One symbol: what it is on, the text a person can type, and the picture."""

    caption: str
    text: str
    picture: str


@dataclass(frozen=True, kw_only=True)
class LotShown:
    title: str
    lot: str
    to_try: str
    codes: tuple[Code, ...]


@blueprint.get("/demo")
@public("a demonstration shows everybody its own badges and what to try; any other store answers that there is no such page")
def sheet() -> str:
    """Raises NotFoundError in a store that is no demonstration."""
    if not current.store().is_demonstration:
        raise NotFoundError("there is no such page", code="page_not_found")
    lots = casts(current.installation().config.key_dir)
    words = current.words()
    return render_template(
        "pages/demonstration.html",
        page_title=words.say("demo.title"),
        secret=demonstration.SECRET,
        hospital_number=demonstration.HOSPITAL_NUMBER,
        patient=_patient(lots[0].cast),
        lots=tuple(_lot(lot) for lot in lots),
        people=tuple(
            (
                account,
                ", ".join(words.term(role) for role in account.roles),
                _code(account.printed_name, "badge", account.account.upper(), wide=False),
            )
            for account in demonstration_accounts()
        ),
    )


def _patient(cast: Cast) -> tuple[Code, ...]:
    words = current.words()
    return (
        _code(words.say("demo.wristband"), "wristband", wristband(cast).value, wide=True),
        _code(words.say("demo.dose"), "dose", cast.dose.value, wide=True),
    )


def _lot(lot: DemoLot) -> LotShown:
    words, cast = current.words(), lot.cast
    bags = tuple(_code(words.named(bag), "bag", bag.value, wide=True) for bag in cast.bags[:BAGS_SHOWN])
    travelled = lot.word != "not_released"
    trip = (
        _code(words.named(cast.shipper), "shipper", cast.shipper.value, wide=True),
        *(_code(words.say("receiving.seal"), "seal", seal.value, wide=True) for seal in cast.seals),
    )
    return LotShown(
        title=words.say(f"demo.lot_{lot.word}"),
        lot=words.named(cast.lot),
        to_try=words.say(f"demo.try_{lot.word}"),
        codes=(*bags, *(trip if travelled else ())),
    )


def _code(caption: str, kind: str, value: str, *, wide: bool) -> Code:
    text = custody_symbol(kind, value)
    svg = code128_svg(text) if wide else qr_svg(text)
    picture = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return Code(caption=caption, text=value, picture=picture)
