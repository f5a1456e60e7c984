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
    "command": "command code",
    "station": "station code",
}
# What ISBT 128 and GS1 symbols say; kinds without a word of their own are their own word.
_STANDARD_KINDS: dict[str, str] = {
    "donation": "donation number (DIN)",
    "chain_of_identity": "Chain of Identity code",
    "donor_registry": "donor registry number",
    "expiry": "expiry date",
    "expiry_month": "expiry date",
    "collection_time": "collection date",
    "production_time": "production date",
    "label_message": "blood group or message",
    "product_code": "product code",
    "sec": "Single European Code",
    "gtin": "product number (GTIN)",
    "sscc": "logistic unit label (SSCC)",
    "place": "place code (GLN)",
    "staff_relation": "staff number (GS1)",
    "patient_relation": "patient number (GS1)",
    "isbt_national": "national or local code",
}


def word_for(kind: str) -> str:
    """What to call a kind in a sentence."""
    return CUSTODY_KINDS.get(kind) or _STANDARD_KINDS.get(kind) or kind.replace("_", " ")


def word_with_article(kind: str) -> str:
    word = word_for(kind)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
