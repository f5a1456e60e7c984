"""Dates and numbers with a hyphen are marked to stay on one line; everything else is escaped and left alone."""

import re

import pytest

from custody.web.whole import LENGTH_MAX, whole
from custody.web.wording import Line, told_once


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


def test_number_at_the_end_of_a_task_keeps_the_space_before_it(looked_at):
    """The link of a task is a row of boxes, which swallows a space between two of them: text and number stand in one."""
    raw = looked_at.signed_in("demo-receiver-one").client.get("/receiving/SH-0002").get_data(as_text=True)
    assert re.search(r'<a href="[^"]*"><span>Temperature file of logger <span class="whole">LOGGER-T-0002</span></span></a>', raw)


def test_what_a_part_of_an_act_is_called_stands_once():
    labels = ("Lot", "Step: Passage", "Step: Balance: In", "Step: Balance: Out", "Leg 1: Carrier", "Leg 2: Carrier", "Reason")
    told = [line.label for line in told_once(Line(label, "x") for label in labels)]
    assert told == ["Lot", "Step: Passage", "Balance: In", "Out", "Leg 1: Carrier", "Leg 2: Carrier", "Reason"]


def test_passport_of_a_step_names_its_balance_once_and_each_default_on_a_line_of_its_own(looked_at):
    quality = looked_at.signed_in("demo-qa-one")
    text = quality.get("/things/lot/LOT-0001").text
    assert "Culture step: Step expansion Started at" in text
    assert "Balance of quantities: Unit cells Quantity in" in text
    page = quality.get("/things/study/NCT06505941")
    assert re.search(r'<div class="listed"><dt>Default settings[^<]*</dt><dd>[^<]*\nhighest passage\n', page.html)
