"""A lot of 200 bags at the desks: filled on one form, listed, released, packed and recalled, and no page breaks or crawls."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

import pytest

from custody.domain.acts.manufacturing import BagsFilled
from custody.domain.acts.quality import Recalled
from custody.domain.acts.shipping import Leg, ShipmentPlanned
from custody.domain.folds.study import StudyFold
from custody.domain.ids import ShipmentId, SiteId
from custody.domain.terms import StorageForm
from custody.workflows.demonstration import SECRET
from custody.workflows.dossiers import dossier_of
from custody.workflows.rehearsal import downstream
from custody.workflows.rehearsal.player import Player
from custody.workflows.rehearsal.road import Cast
from custody.workflows.rehearsal.steps import STUDY, Script, Step
from tests.web.desks.test_quality_control import inline
from tests.web.test_proposals import countersign_path, waiting_link

pytestmark = pytest.mark.slow
CAST = Cast(number=6, upstream=1, bag_count=200)
PAGE_S = 8.0
"""Far above what a page takes even on a busy machine (about a second), far below what somebody waits."""
DAYS = 12


@pytest.fixture
def lot(web):
    """Up to the fill, which is done by hand; what follows is played when it is asked for."""
    with web.store.reading() as connection:
        criteria = _criteria(connection)
    script = Script((web.clock.now + timedelta(days=DAYS)).replace(second=0, microsecond=0))
    downstream.make_lot(script, CAST, criteria, fill_day=-2)
    steps = script.in_order()
    place = next(n for n, step in enumerate(steps) if isinstance(step.act, BagsFilled))
    play(web, steps[:place])
    web.clock.now = steps[place].at
    return steps[place], steps[place + 1 :]


def _criteria(connection):
    return StudyFold(dossier_of(connection, [STUDY]), STUDY).criteria_now


def play(web, steps):
    player = Player(web.store)
    for step in steps:
        player.play(step)
        web.clock.now = max(web.clock.now, step.at + timedelta(seconds=20))


def opens(browser, path, *said):
    began = monotonic()
    page = browser.get(path)
    took = monotonic() - began
    assert page.code == 200, f"{path}: {page.text[:300]}"
    assert took < PAGE_S, f"{path} took {took:.1f} s"
    for text in said:
        assert str(text) in page.text, f"{text} on {path}"
    return page


def fill(web, act):
    """Both people, each on their own form."""
    at = act.filled_at + timedelta(hours=8)
    values = {
        "lot": f"CU1:lot:{act.lot}",
        "bags": "\n".join(f"CU1:bag:{bag}" for bag in act.bags),
        "volume_ml": "30",
        "viable_cells_label": "120000000",
        "filled_at.date": f"{at:%Y-%m-%d}",
        "filled_at.time": f"{at:%H:%M:%S}",
        "expires_at.date": f"{at.year + 1}-{at:%m-%d}",
        "expires_at.time": f"{at:%H:%M:%S}",
        "materials": [each.value for each in act.materials],
        "equipment": [each.value for each in act.equipment],
        "balance.unit": "bags",
        "balance.quantity_in": "200",
        "balance.quantity_out": "200",
    }
    done = inline(web.browser("demo-operator-one"), f"/desks/bench/lot/{act.lot}?act=bags_filled", values)
    assert 'class="confirmation"' in done.html, done.text
    web.clock.advance(seconds=20)
    second = web.browser("demo-verifier-one")
    link = waiting_link(second)
    done = second.send(second.get(link), countersign_path(link), {"lot": values["lot"], "secret": SECRET})
    assert 'class="confirmation"' in done.html, done.text


def test_lot_of_two_hundred_bags_is_filled_listed_released_packed_and_recalled(web, lot):
    filled, rest = lot
    name, first, last = CAST.lot, CAST.bags[0], CAST.bags[-1]
    fill(web, filled.act)
    with web.store.reading() as connection:
        (deed,) = dossier_of(connection, [name]).deeds(name, BagsFilled)
    assert len(deed.act.bags) == 200
    play(web, rest)
    opens(web.browser("demo-operator-one"), "/desks/bench")
    opens(web.browser("demo-operator-one"), f"/desks/bench/lot/{name}", "200")
    opens(web.browser("demo-coldchain-one"), "/desks/storage", "bags")
    opens(web.browser("demo-coldchain-one"), "/desks/storage/equipment/LN2-01", first)
    opens(web.browser("demo-analyst-one"), f"/desks/quality-control/lot/{name}", "VIA")
    road = Script(web.clock.now.replace(second=0, microsecond=0) + timedelta(minutes=2))
    downstream.release_lot(road, CAST, days=0)
    opens(web.browser("demo-qp-one"), f"/desks/release/lot/{name}", "rules stand in the way now")
    play(web, road.in_order())
    opens(web.browser("demo-qp-one"), f"/desks/release/lot/{name}")
    opens(web.browser("demo-qp-one"), f"/certificates/lot/{name}", name)
    opens(web.browser("demo-qp-one"), f"/things/lot/{name}", name)
    planned = ShipmentPlanned(
        shipment=ShipmentId("SH-0200"),
        origin=SiteId("A9991"),
        destination=SiteId("A9992"),
        form=StorageForm.CRYO,
        bags=CAST.bags,
        legs=(Leg(carrier="Demo Courier"),),
        planned_minutes=240,
        documents=downstream.DOCUMENTS,
    )
    play(web, [Step(name="shipment_planned", at=web.clock.now, by=("demo-coldchain-one",), act=planned)])
    opens(web.browser("demo-coldchain-one"), "/desks/packing", "SH-0200")
    opens(web.browser("demo-coldchain-one"), "/desks/packing/shipment/SH-0200", "200", first, last)
    recalled = Recalled(node=CAST.lot, recall="RC-0200", reason="particles seen in a retain sample")
    play(web, [Step(name="recalled", at=web.clock.now, by=("demo-qp-one",), act=recalled)])
    page = opens(web.browser("demo-qa-one"), f"/desks/quality/lot/{name}/recall", first, last)
    assert all(str(bag) in page.text for bag in CAST.bags), "a bag is missing from the recall list"
    opens(web.browser("demo-inspector-one"), f"/desks/monitor/lot/{name}", "RC-0200")
    opens(web.browser("demo-qa-one"), "/", "LOT")
