"""The GS1 application identifiers custody uses: format of the value, and what each must or must not come with."""

from __future__ import annotations

import re
from dataclasses import dataclass

GS = "\x1d"
X_CHARACTER = r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]"

# Characters of identifier and value together, by the first two digits: where the value ends needs no separator.
PREDEFINED_LENGTHS: dict[str, int] = {
    "00": 20,
    **dict.fromkeys(("01", "02", "03"), 16),
    "04": 18,
    **dict.fromkeys((str(first) for first in range(11, 20)), 8),
    "20": 4,
    **dict.fromkeys((str(first) for first in range(31, 37)), 10),
    "41": 16,
}
# How many digits of the value a check digit closes. The leading 0 of 8003 weighs nothing in the sum.
CHECKED_DIGITS: dict[str, int] = {
    "00": 18,
    **dict.fromkeys(("01", "02", "03", "8003", "8006", "8026"), 14),
    **dict.fromkeys(("253", "255", *(str(place) for place in range(410, 418))), 13),
    "402": 17,
    **dict.fromkeys(("8017", "8018"), 18),
}
DATES = frozenset({"11", "12", "13", "15", "16", "17"})
EXPIRY_WITH_TIME = "7003"


@dataclass(frozen=True)
class ApplicationIdentifier:
    """`needs`: the value is refused unless all of one of these sets came with it. `never`: nor with any of these."""

    ai: str
    kind: str
    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...] = ()
    never: frozenset[str] = frozenset()

    @property
    def needs_separator(self) -> bool:
        return self.ai[:2] not in PREDEFINED_LENGTHS


def _row(ai: str, kind: str, pattern: str, needs: str = "", never: str = "") -> tuple[str, ApplicationIdentifier]:
    """`needs` such as `01|00+37`: either 01, or 00 and 37 together."""
    sets = tuple(frozenset(choice.split("+")) for choice in needs.split("|") if choice)
    return ai, ApplicationIdentifier(ai, kind, re.compile(pattern), sets, frozenset(never.split()))


def _digits(least: int, most: int | None = None) -> str:
    return rf"[0-9]{{{least},{most or least}}}"


def _x(most: int) -> str:
    return rf"{X_CHARACTER}{{1,{most}}}"


_TEMPERATURE = r"[0-9]{6}-?"
_RELATION = "8017|8018"
_SERIALISED_KEY = "00|01+21|253|255|414+254|8003|8004|8006+21|8010+8011|8017|8018"
# A lot or a date belongs to the item itself (01) or to the items inside a logistic unit (02 with 00 and 37).
_ITEM = "01|02"

APPLICATION_IDENTIFIERS: dict[str, ApplicationIdentifier] = dict(
    (
        _row("00", "sscc", _digits(18)),
        _row("01", "gtin", _digits(14), never="255 37"),
        _row("02", "content_gtin", _digits(14), "00+37"),
        _row("10", "lot_number", _x(20), _ITEM),
        _row("11", "production_time", _digits(6), _ITEM),
        _row("17", "expiry", _digits(6), _ITEM),
        _row("21", "serial_number", _x(20), "01"),
        _row("22", "variant", _x(20), "01"),
        _row("235", "third_party_serial_number", _x(28), "01"),
        _row("37", "count", _digits(1, 8), "00+02"),
        _row("240", "additional_item_number", _x(30), "01"),
        _row("250", "secondary_serial_number", _x(30), "01+21"),
        _row("254", "place_extension", _x(20), "414"),
        _row("400", "order", _x(30)),
        _row("401", "gs1_consignment", _x(30)),
        _row("402", "gs1_shipment", _digits(17)),
        _row("410", "ship_to", _digits(13)),
        _row("414", "place", _digits(13)),
        _row("416", "production_place", _digits(13)),
        _row("417", "party", _digits(13)),
        *(_row(f"430{n}", f"ship_to_{n}", _x(35 if n < 2 else 70), "00") for n in range(7)),
        _row("4307", "ship_to_country", "[A-Z]{2}", "00"),
        _row("4308", "ship_to_telephone", _x(30), "00"),
        _row("4330", "fahrenheit_max", _TEMPERATURE, "00"),
        _row("4331", "celsius_max", _TEMPERATURE, "00"),
        _row("4332", "fahrenheit_min", _TEMPERATURE, "00"),
        _row("4333", "celsius_min", _TEMPERATURE, "00"),
        _row("7003", "expiry", _digits(10), _ITEM),
        _row("7240", "protocol", _x(20), "01"),
        _row("7241", "media_type", r"0[1-9]|10|[89][0-9]", _RELATION),
        _row("7242", "issue_version", _x(25), _RELATION),
        _row("8003", "returnable_asset", rf"0[0-9]{{13}}{X_CHARACTER}{{0,16}}"),
        _row("8004", "asset", _x(30)),
        _row("8010", "component", r"[A-Z0-9#\-/]{1,30}"),
        _row("8011", "component_serial_number", _digits(1, 12), "8010"),
        _row("8017", "staff_relation", _digits(18), never="8018"),
        _row("8018", "patient_relation", _digits(18)),
        _row("8019", "relation_instance", _digits(1, 10), _RELATION),
        _row("8030", "digital_signature", r"[A-Za-z0-9_\-]{1,90}", _SERIALISED_KEY),
    )
)
PERCENT_ENCODED = frozenset(f"430{n}" for n in range(7))
