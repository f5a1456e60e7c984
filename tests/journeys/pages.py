"""Every page there is: for each route that shows one, who looks at it and at which real things of the demonstration.

`python -m tests.journeys.pages FOLDER [--only WORD] [--language zh] [--scheme dark] [--on-paper]` takes pictures for people to look at.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

from custody.domain.acts.allocation import WeightMeasured
from custody.domain.acts.people import SignaturePolicyAccepted
from custody.domain.ids import AccountId, node_of
from custody.domain.terms import Sex
from custody.store import entries
from custody.web.app import COOKIE
from custody.web.desks import DESKS, Desk
from custody.workflows import demonstration
from custody.workflows.door import unit_of_work
from custody.workflows.outcome import proposal_digest
from custody.workflows.recording import record
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.steps import people
from tests.journeys.browsing import DESK, PHONE, Running, chromium, serving
from tests.web.at_the_desks import RECEIVER_ONE, bring_to_the_bed, cast_of
from tests.web.conftest import NOW, Web
from tests.web.test_bedside import start
from tests.web.test_receiving import bag_answers

NOBODY = ""
"""Looks without having signed in."""
LOT, BAG, SHIPMENT, DOSE = "LOT-0001", "DEMO0001B0014", "SH-0002", "DOSE-0001"
THINGS = {
    "donor": "DN-0001",
    "donation": "A999926000001",
    "tissue": "TS-0001",
    "bank": "WCB-0001",
    "lot": LOT,
    "bag": BAG,
    "material": "MED-0001",
    "equipment": "LN2-91",
    "shipper": "SHIPPER-0002",
    "logger": "LOGGER-T-0002",
    "shipment": SHIPMENT,
    "participant": "P-0001",
    "dose": DOSE,
    "kit": "KIT-0001",
    "account": "demo-nurse-one",
    "site": "A9992",
    "study": "NCT06505941",
}
NO_PAGES = {
    "static": "files: style sheet, scripts, pictures",
    "health.answers": "one word for a load balancer",
    "health.is_ready": "one word for a load balancer",
    "metrics.counted": "numbers for the machine that shows its token",
    "symbols.symbol": "a picture of a code; it stands on pages that are here",
    "receiving.curve": "a picture of a temperature curve; receiving.file shows it",
    "desk_quality.curve": "a picture of a temperature curve; the sheet of a bag shows it",
    "bedside.state": "a part of bedside.show, which asks for it again and again",
    "desk_bench.new_bags": "leads on to the form of the fill, which is an open form of the bench",
}
"""Routes that answer GET without a page of their own, each with the reason."""


@dataclass(frozen=True)
class Looked:
    """One page as one person opens it."""

    endpoint: str
    account: str
    path: str

    @property
    def name(self) -> str:
        return re.sub(r"[^A-Za-z0-9]+", "_", f"{self.endpoint} {self.path}").strip("_")[:90]


def scene(store, config, clock) -> Web:
    """The demonstration a little later: an infusion runs, a weight and an arrived bag wait for their second person."""
    web = Web(store, config, clock)
    warm = cast_of(web, "warm")
    receiver, where = web.browser(RECEIVER_ONE), f"/receiving/{warm.shipment}/bags/{warm.bags[0]}"
    assert receiver.send(receiver.get(where), where, bag_answers(warm.bags[0], warm)).code == 303
    web.cast = bring_to_the_bed(web)
    web.url = f"/bedside/{web.cast.dose}"
    start(web)
    for account, act in (("demo-admin-one", POLICY), ("demo-nurse-one", WEIGHT)):
        with unit_of_work(web.store) as connection:
            record(connection, act, Player.signer(connection, account, act, 0, web.clock()), web.clock())
    return web


WEIGHT = WeightMeasured(participant=node_of("participant:P-0001"), weight_kg=70, height_cm=172, sex=Sex.MALE)
POLICY = SignaturePolicyAccepted(account=AccountId("demo-admin-one"), policy_version="1")


AT_THE_BED = {"allocation", "closing", "handoff", "preparation", "release", "quality", "safety"}
"""Desks of the second part; the first has all others: each is looked at in a file of tests of its own, so that two workers share them."""


def pages_of(web: Web, *, plain: bool = True, desks: Collection[str] | None = None) -> tuple[Looked, ...]:
    """What is to be looked at, in the order of people, so that each signs in once; `desks` where not all are wanted."""
    wanted = [desk for desk in DESKS if desk.has_sheets and (desks is None or desk.name in desks)]
    made = [*(_plain(web) if plain else ()), *_desks(web, wanted)]
    return tuple(sorted(made, key=lambda each: each.account))


def uncovered(web: Web, pages: tuple[Looked, ...]) -> set[str]:
    """Routes that answer GET and stand neither on a page of this table nor on the argued list."""
    every = {rule.endpoint for rule in web.app.url_map.iter_rules() if "GET" in (rule.methods or set())}
    return every - {page.endpoint for page in pages} - NO_PAGES.keys()


def _plain(web: Web):
    for endpoint, (account, *paths) in PLAIN.items():
        for path in paths:
            yield Looked(endpoint, account, path)
    receiver, bag = RECEIVER_ONE, cast_of(web, "warm").bags
    file = _digest(web, "logger:LOGGER-T-0002", "logger_file_read", "file")
    yield Looked("receiving.file", receiver, f"/receiving/{SHIPMENT}/temperature/{file}")
    yield Looked("logger_files.shown", "demo-qa-one", f"/logger-files/{file}")
    yield Looked("receiving.second_form", "demo-receiver-two", f"/receiving/{SHIPMENT}/bags/{bag[0]}/second")
    for endpoint, end in (("receiving.bag", ""), ("receiving.refuse_form", "/refuse")):
        for each in bag[:2] if not end else bag[1:2]:
            yield Looked(endpoint, receiver, f"/receiving/{SHIPMENT}/bags/{each}{end}")
    yield Looked("proposals.show", "demo-nurse-two", f"/proposals/participant/P-0001/{proposal_digest(WEIGHT).value}")
    with web.store.reading() as connection:
        first = entries.load_streams(connection, ["participant:P-0001"])["participant:P-0001"][0].digest.value
    yield Looked("corrections.form", "demo-physician-one", f"/corrections/participant/P-0001/{first}")


def _digest(web: Web, stream: str, act: str, name: str) -> str:
    with web.store.reading() as connection:
        found = entries.load_streams(connection, [stream])[stream]
    return getattr(next(entry.act for entry in found if entry.act.rule.name == act), name).value


PLAIN: dict[str, tuple[str, ...]] = {
    "sign_in.form": (NOBODY, "/sign-in", "/sign-in?why=locked"),
    "reset.form": (NOBODY, "/reset"),
    "study.choose_form": ("demo-qa-one", "/study"),
    "demonstration.sheet": ("demo-qa-one", "/demo"),
    "sign_in.policy_form": ("demo-nurse-one", "/policy"),
    "sign_in.secret_form": ("demo-nurse-one", "/secret"),
    "work.home": ("demo-qa-one", "/"),
    "work.search": ("demo-qa-one", "/search", "/search?q=000", "/search?q=nothing-like-it"),
    "proposals.waiting": ("demo-nurse-two", "/waiting"),
    "acts.every": ("demo-qa-one", "/acts"),
    "acts.form": ("demo-qa-one", "/acts/hold_placed", f"/acts/deviation_opened?about=lot:{LOT}"),
    "things.passport": (
        "demo-qa-one",
        *(f"/things/{kind}/{name}" for kind, name in THINGS.items() if kind not in {"participant", "dose", "kit"}),
    ),
    "things.traced": ("demo-qa-one", f"/things/lot/{LOT}/trace", "/things/donor/DN-0001/trace"),
    "own.show": ("demo-nurse-one", "/account"),
    "own.bench": ("demo-nurse-one", "/bench"),
    "people.every": ("demo-admin-one", "/people"),
    "people.one": ("demo-admin-one", "/people/demo-nurse-one"),
    "people.badge_form": ("demo-admin-one", "/people/demo-nurse-one/badge"),
    "people.reset_form": ("demo-admin-one", "/people/demo-nurse-one/reset"),
    "access_review.form": ("demo-qa-one", "/access-review"),
    "station.setup": ("demo-operator-one", "/station"),
    "station.supervisor": ("demo-operator-one", "/station/supervisor?then=/"),
    "bedside.choose": ("demo-nurse-one", "/bedside"),
    "bedside.show": ("demo-nurse-one", f"/bedside/{DOSE}"),
    "bedside.scan_form": ("demo-nurse-one", f"/bedside/{DOSE}/scan"),
    "bedside.act_form": ("demo-nurse-one", f"/bedside/{DOSE}/acts/vitals_recorded", f"/bedside/{DOSE}/acts/reaction_recorded"),
    "bedside.next_form": ("demo-nurse-one", f"/bedside/{DOSE}/next"),
    "receiving.choose": (RECEIVER_ONE, "/receiving"),
    "receiving.show": (RECEIVER_ONE, f"/receiving/{SHIPMENT}"),
    "receiving.arrival_form": (RECEIVER_ONE, f"/receiving/{SHIPMENT}/arrival"),
    "receiving.hand_over_form": (RECEIVER_ONE, f"/receiving/{SHIPMENT}/hand-over"),
    "receiving.upload_form": (RECEIVER_ONE, f"/receiving/{SHIPMENT}/temperature"),
    "certificates.show": ("demo-qa-one", f"/certificates/lot/{LOT}"),
    "logger_files.form": ("demo-procurement-one", "/logger-files"),
    "desk_bench.label_page": ("demo-operator-one", f"/desks/bench/lot/{LOT}/labels"),
    "desk_packing.manifest": ("demo-coldchain-one", f"/desks/packing/manifest/{SHIPMENT}"),
    "desk_quality.recall": ("demo-qa-one", "/desks/quality/lot/LOT-0005/recall"),
    "desk_registers.whole": ("demo-admin-one", "/desks/registers/of/account"),
    "desk_monitor.audit": ("demo-inspector-one", "/desks/monitor/audit"),
}
"""Per route: who looks, and at what."""
EYES = {"registers": "demo-admin-one", "monitor": "demo-inspector-one", "release": "demo-qp-one", "closing": "demo-nurse-one"}
"""Where another person than the first of the desk's roles sees more."""


def _desks(web: Web, desks: Sequence[Desk]):
    """Each desk, a thing of each of its kinds that this person finds, and the form of the first act offered there."""
    for desk in desks:
        account = EYES.get(desk.name) or next(each.account.value for each in people().values() if desk.roles & set(each.roles))
        base, browser = f"/desks/{desk.name.replace('_', '-')}", web.signed_in(account)
        yield Looked(f"desk_{desk.name}.home", account, base)
        found = [path for kind in desk.kinds if browser.get(path := f"{base}/{kind}/{THINGS[kind]}").code == 200]
        for path in found:
            yield Looked(f"desk_{desk.name}.sheet", account, path)
        forms = [each for path in found for each in re.findall(rf'href="({re.escape(path)}\?act=[^"]+)"', browser.get(path).html)]
        for path in forms[:1]:
            yield Looked(f"desk_{desk.name}.sheet", account, unescape(path))


def speak(context: BrowserContext, server: Running, language: str) -> None:
    """From the next page on in this language, as the button in the head of every page does it: an `Accept-Language` of the context's own
    locale would win over one that is set beside it.
    """
    context.add_cookies([{"name": "language", "value": language, "url": server.url}])


def enter(context: BrowserContext, server: Running, web: Web, account: str) -> None:
    """Become this person: a session that was opened without a screen goes on in the browser."""
    context.clear_cookies()
    if account != NOBODY:
        token = web.signed_in(account).client.get_cookie(COOKIE).value
        context.add_cookies([{"name": COOKIE, "value": token, "url": server.url}])


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--only", default="")
    asked.add_argument("--language", default="en", choices=("en", "zh"))
    asked.add_argument("--scheme", default="light")
    asked.add_argument("--on-paper", action="store_true")
    given = asked.parse_args()
    os.environ["CUSTODY_WEAK_SECRETS"] = "1"
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        demonstration.make(Path(name) / "made", NOW).close()
        with serving(Path(name) / "made", Path(name) / "store", NOW) as server, sync_playwright() as hands, chromium(hands) as browser:
            web = scene(server.store, server.config, server.clock)
            pages = [page for page in pages_of(web) if re.search(given.only, f"{page.endpoint} {page.path}")]
            page = browser.new_context(viewport=DESK).new_page()
            page.emulate_media(color_scheme=given.scheme, reduced_motion="reduce", media="print" if given.on_paper else "screen")
            for each in pages:
                enter(page.context, server, web, each.account)
                speak(page.context, server, given.language)
                page.goto(server.url + each.path)
                for word, size in (("360", PHONE), ("1280", DESK)):
                    page.set_viewport_size(size)
                    page.screenshot(path=given.folder / f"{each.name}_{word}.png", full_page=True)
                print(datetime.now(UTC).strftime("%H:%M:%S"), each.endpoint, each.account, each.path, page.url, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
