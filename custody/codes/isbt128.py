"""ISBT 128: the text of one symbol, to structures whose content has been tested, to the values they name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from custody.codes.isbt128_compound import split_symbol
from custody.codes.isbt128_dates import TimeOf, read_calendar_day, read_date, read_date_time, read_flexible_time
from custody.codes.isbt128_donation import read_donation
from custody.codes.isbt128_identities import (
    read_chain_of_identity,
    read_consignment,
    read_donor,
    read_expiry_month,
    read_facility_product,
    read_grid,
    read_patient,
    read_staff,
)
from custody.codes.isbt128_products import read_label_message, read_product_code, read_product_divisions
from custody.codes.sec import read_sec
from custody.codes.values import ScannedValue, moment_text

if TYPE_CHECKING:
    from custody.codes.isbt128_structures import DataStructure

Reader = Callable[[str], tuple[ScannedValue, ...]]


def read_isbt128(text: str) -> tuple[DataStructure, ...]:
    """The structures of one scanned text: a single one, a pair, or a compound message.

    Raises UnreadableCodeError, and returns nothing, when any part of it is wrong.
    """
    structures = split_symbol(text)
    for structure in structures:
        values_of(structure)
    return structures


def values_of(structure: DataStructure) -> tuple[ScannedValue, ...]:
    """What the content of one structure names. Content without a rule of its own is passed on whole as `isbt_<number>`."""
    if structure.number is None:
        return (ScannedValue("isbt_national", structure.symbol),)
    reader = _READERS.get(structure.number)
    if reader is None:
        return (ScannedValue(f"isbt_{structure.number:03}", structure.content),)
    return reader(structure.content)


def _donation(content: str) -> tuple[ScannedValue, ...]:
    donation = read_donation(content)
    return ScannedValue("donation", donation.number), ScannedValue("donation_flags", donation.flags)


def _label_message(content: str) -> tuple[ScannedValue, ...]:
    return (ScannedValue("label_message", read_label_message(content).code),)


def _product_code(content: str) -> tuple[ScannedValue, ...]:
    product = read_product_code(content)
    named = {
        "product_code": content,
        "product_description": product.description_code,
        "collection_type": product.collection_type,
        # A division of 99 only points at structure 032, which then holds the real one.
        "division": None if product.needs_product_divisions else product.division,
        "pack_number": product.pack_number,
    }
    return tuple(ScannedValue(kind, value) for kind, value in named.items() if value is not None)


def _date(kind: str) -> Reader:
    return lambda content: (ScannedValue(kind, moment_text(read_date(content).moment)),)


def _date_time(kind: str) -> Reader:
    return lambda content: (ScannedValue(kind, moment_text(read_date_time(content).moment)),)


_FLEXIBLE_KINDS = {TimeOf.EXPIRY: "expiry", TimeOf.COLLECTION: "collection_time", TimeOf.PRODUCTION: "production_time"}


def _flexible_time(content: str) -> tuple[ScannedValue, ...]:
    flexible = read_flexible_time(content)
    zone = "Z" if flexible.is_utc else ""
    return (ScannedValue(_FLEXIBLE_KINDS[flexible.time_of], moment_text(flexible.moment) + zone),)


def _whole(kind: str, rule: Callable[[str], object]) -> Reader:
    """A reader that tests the content by `rule` and passes it on whole."""

    def read(content: str) -> tuple[ScannedValue, ...]:
        rule(content)
        return (ScannedValue(kind, content),)

    return read


def _birth_date(content: str) -> tuple[ScannedValue, ...]:
    return (ScannedValue("birth_date", read_calendar_day(content[2:]).isoformat()),)


def _patient(content: str) -> tuple[ScannedValue, ...]:
    return (ScannedValue("patient", read_patient(content).number),)


def _facility_product(content: str) -> tuple[ScannedValue, ...]:
    made = read_facility_product(content)
    values = (ScannedValue("processing_facility", made.facility), ScannedValue("facility_product_code", made.own_code))
    if made.description_code is None:
        return values
    return (*values, ScannedValue("product_description", made.description_code))


_READERS: dict[int, Reader] = {
    1: _donation,
    2: _label_message,
    3: _product_code,
    4: _date("expiry"),
    5: _date_time("expiry"),
    6: _date("collection_time"),
    7: _date_time("collection_time"),
    8: _date("production_time"),
    9: _date_time("production_time"),
    19: _whole("donor", read_donor),
    20: _whole("staff", read_staff),
    24: _birth_date,
    25: _patient,
    26: _whole("expiry_month", read_expiry_month),
    28: _whole("consignment", read_consignment),
    31: _flexible_time,
    32: _whole("product_divisions", read_product_divisions),
    33: _facility_product,
    34: _facility_product,
    35: _whole("lot_number", str),
    36: _whole("supplemental_number", str),
    37: _whole("donor_registry", str),
    38: _whole("sec", read_sec),
    39: _whole("donor_registry", read_grid),
    40: _whole("chain_of_identity", read_chain_of_identity),
}
