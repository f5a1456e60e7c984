"""Every page that is no desk in Chromium, in both languages, light and dark; and no page of the application is forgotten."""

from __future__ import annotations

import pytest

from tests.journeys.fitness import shown, wrong_with
from tests.journeys.pages import NO_PAGES, pages_of, uncovered

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def seen(demonstration_folder, tmp_path_factory):
    with shown(demonstration_folder, tmp_path_factory.mktemp("every_page"), desks=()) as found:
        yield found


def test_every_page_that_is_no_desk_is_fit_to_use_in_both_languages_light_and_dark(browser, seen):
    wrong = wrong_with(seen, browser)
    assert wrong == [], "\n".join(wrong)


def test_every_route_that_shows_a_page_is_looked_at(seen):
    assert uncovered(seen.web, pages_of(seen.web)) == set()
    assert all(len(reason.split()) > 3 for reason in NO_PAGES.values())
    assert NO_PAGES.keys() <= {rule.endpoint for rule in seen.web.app.url_map.iter_rules()}
