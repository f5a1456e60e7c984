"""Every desk from the donor to the packing in Chromium, in both languages, light and dark: its list, its sheets and a form."""

from __future__ import annotations

import pytest

from custody.web.desks import DESKS
from tests.journeys.fitness import shown, wrong_with
from tests.journeys.pages import AT_THE_BED

pytestmark = [pytest.mark.browser, pytest.mark.slow]
REST = {desk.name for desk in DESKS} - AT_THE_BED


@pytest.fixture(scope="module")
def seen(demonstration_folder, tmp_path_factory):
    with shown(demonstration_folder, tmp_path_factory.mktemp("every_desk"), plain=False, desks=REST) as found:
        yield found


def test_every_desk_of_the_product_is_fit_to_use_in_both_languages_light_and_dark(browser, seen):
    wrong = wrong_with(seen, browser)
    assert wrong == [], "\n".join(wrong)
