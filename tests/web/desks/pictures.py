"""Pictures of desks for people to look at: `python -m tests.web.desks.pictures quality_control FOLDER [--as ACCOUNT] [--path PATH …]`.

Both widths, light and dark, both languages; axe and sideways scrolling are checked on the way, and what they find is printed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from custody.web.desks import BY_NAME
from custody.workflows import demonstration
from custody.workflows.rehearsal.steps import people
from tests.journeys.browsing import DESK, PHONE, Person, barriers, chromium, no_sideways_scroll, serving
from tests.web.conftest import NOW


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("desk", choices=sorted(BY_NAME))
    asked.add_argument("folder", type=Path)
    asked.add_argument("--as", dest="account", default="")
    asked.add_argument("--path", action="append", default=[])
    given = asked.parse_args()
    desk = BY_NAME[given.desk]
    account = given.account or next(p.account.value for p in people().values() if desk.roles & set(p.roles))
    os.environ["CUSTODY_WEAK_SECRETS"] = "1"
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "made"
        demonstration.make(made, NOW).close()
        with serving(made, Path(name) / "store", NOW) as server, sync_playwright() as playwright, chromium(playwright) as browser:
            paths = given.path or [f"/desks/{desk.name.replace('_', '-')}"]
            return sum(_look(browser, server, account, paths, given.folder, language) for language in ("en-GB", "zh-CN"))


def _look(browser, server, account, paths, folder, language):
    person = Person.arrives(browser, server, account, language=language)
    faults = 0
    for n, path in enumerate(paths):
        for width, size in (("360", PHONE), ("1280", DESK)):
            person.page.set_viewport_size(size)
            for scheme in ("light", "dark"):
                person.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                person.go(path)
                name = f"{n}_{language[:2]}_{width}_{scheme}"
                found = barriers(person.page) + ([] if no_sideways_scroll(person.page) else ["scrolls sideways"])
                faults += len(found)
                print(name, path, *found, sep="\n  " if found else " ")
                person.page.screenshot(path=folder / f"{name}.png", full_page=True)
    person.context.close()
    return min(faults, 1)


if __name__ == "__main__":
    raise SystemExit(main())
