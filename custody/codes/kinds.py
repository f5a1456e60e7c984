"""The kinds of things a scan can name, and the English word for each."""

from __future__ import annotations

# What custody prints on its own symbols.
CUSTODY_KINDS: dict[str, str] = {
    "bag": "bag label",
    "wristband": "wristband",
    "badge": "staff badge",
    "shipper": "shipper label",
    "seal": "seal",
    "shipment": "shipment label",
    "logger": "logger label",
    "lot": "lot label",
    "dose": "dose label",
    "kit": "kit label",
    "cover": "cover label",
    "equipment": "equipment label",
    "material": "material label",
    "participant": "participant code",
    "donor": "donor code",
    "tissue": "cord tissue label",
    "bank": "cell bank label",
    "command": "command code",
    "station": "station code",
}
# What ISBT 128 and GS1 symbols say; the kinds left out read well with a space for the underscore.
_STANDARD_KINDS: dict[str, str] = {
    "donation": "donation number (DIN)",
    "product_divisions": "product division code",
    "chain_of_identity": "Chain of Identity code",
    "donor_registry": "donor registry number",
    "patient": "patient number (ISBT 128)",
    "staff": "staff number (ISBT 128)",
    "consignment": "consignment label",
    "expiry": "expiry date",
    "expiry_month": "expiry month",
    "collection_time": "collection date",
    "production_time": "production date",
    "label_message": "blood group or message",
    "sec": "Single European Code",
    "isbt_national": "national or local code",
    "gtin": "product number (GTIN)",
    "sscc": "logistic unit label (SSCC)",
    "place": "place code (GLN)",
    "gs1_shipment": "shipment number (GS1)",
    "gs1_consignment": "consignment number (GS1)",
    "staff_relation": "staff number (GS1)",
    "patient_relation": "patient number (GS1)",
}


def word_for(kind: str) -> str:
    """What to call a kind in a sentence."""
    word = CUSTODY_KINDS.get(kind) or _STANDARD_KINDS.get(kind)
    if word is not None:
        return word
    family, _, number = kind.partition("_")
    if number.isdecimal():
        return f"GS1 value ({number})" if family == "ai" else f"code of ISBT 128 structure {number}"
    return kind.replace("_", " ")


def word_with_article(kind: str) -> str:
    word = word_for(kind)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
