"""Dates and numbers with a hyphen are marked to stay on one line; everything else is escaped and left alone."""

import pytest

from custody.web.whole import LENGTH_MAX, whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("until 2026-11-22 14:32 (UTC+8)", 'until <span class="whole">2026-11-22</span> 14:32 (UTC+8)'),
        ("lot LOT-0001: held", 'lot <span class="whole">LOT-0001</span>: held'),
        ("LOGGER-T-0002", '<span class="whole">LOGGER-T-0002</span>'),
        ("liquid-nitrogen cold-chain", "liquid-nitrogen cold-chain"),
        ("BAG-DONOR", "BAG-DONOR"),
        ("<b> & B-1", '&lt;b&gt; &amp; <span class="whole">B-1</span>'),
        (f"{'A' * 9}-{'1' * (LENGTH_MAX - 10)}", f'<span class="whole">{"A" * 9}-{"1" * (LENGTH_MAX - 10)}</span>'),
        (f"{'A' * 12}-{'1' * LENGTH_MAX}", f"{'A' * 12}-{'1' * LENGTH_MAX}"),
        (7, "7"),
        ("", ""),
    ],
)
def test_dates_and_numbers_are_marked_and_the_rest_is_escaped(text, expected):
    assert str(whole(text)) == expected


def test_passport_keeps_its_dates_and_numbers_whole(looked_at):
    raw = looked_at.signed_in("demo-qa-one").client.get("/things/shipment/SH-0002").get_data(as_text=True)
    assert '<span class="whole">SH-0002</span>' in raw or '<span class="whole">2026-06-01</span>' in raw
