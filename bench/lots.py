"""The roads of a facility's lots: which fates they meet, and the steps of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from custody.domain.acts.manufacturing import LotStarted
from custody.domain.acts.quality import DeviationOpened, HoldPlaced, Recalled, ResultRecorded
from custody.domain.acts.release import Rejected
from custody.domain.acts.shipping import BagDestroyed, ShipmentArrived
from custody.domain.criteria import StudyContent
from custody.domain.terms import ProductForm, Severity
from custody.workflows.rehearsal import bedside, downstream, upstream
from custody.workflows.rehearsal.places import KEPT
from custody.workflows.rehearsal.road import QA, QP, Cast, read_file
from custody.workflows.rehearsal.steps import Script, Step

BAGS_A_LOT = 16
LOTS_A_BANK = 15
WEEK = timedelta(days=7)


def lots_of(bags: int, more: int) -> tuple[Cast, ...]:
    """Lots that make up about so many bags, and `more`; fifteen come from the banks of the first of them."""
    numbers = range(1, round(bags / BAGS_A_LOT) + more + 1)
    return tuple(Cast(number=n, upstream=(n - 1) // LOTS_A_BANK * LOTS_A_BANK + 1, bag_count=BAGS_A_LOT) for n in numbers)


def upstream_road(first: Cast, start: datetime, criteria: StudyContent) -> list[Step]:
    """From the mother's consent to the released working bank."""
    script = Script(start)
    upstream.give(script, first, criteria)
    upstream.bring_tissue(script, first)
    upstream.make_banks(script, first, criteria)
    return script.steps


def lot_road(cast: Cast, start: datetime, criteria: StudyContent) -> list[Step]:
    """One lot as far as its fate lets it go: two in three travel, one in three is given, some are held, rejected, recalled or forgotten."""
    n = cast.number
    script = Script(start)
    downstream.make_lot(script, cast, criteria)
    if n % 50 == 7:
        return _prepared(cast, _failing(script.steps))  # tested, failed, and never looked at again
    if n % 40 == 11:
        rejected = Rejected(node=cast.lot, reason_code="other", reason="bench")
        upstream.conclude(script, cast.lot, days=downstream.RELEASE_DAY, decision=rejected)
        return _prepared(cast, script.steps)
    downstream.release_lot(script, cast)
    if n % 3 != 1:
        _deliver(script, cast)
    if n % 3 == 2:
        _treat(script, cast, criteria)
    if n % 3 != 1 and n % 5 != 0:
        _destroy_the_rest(script, cast)
    _trouble(script, cast)
    return _prepared(cast, script.steps)


def _deliver(script: Script, cast: Cast) -> None:
    downstream.pack(script, cast, cast.bags)
    downstream.seal(script, cast, cast.bags)
    downstream.travel(script, cast)
    downstream.accept(script, cast, cast.bags)


def _treat(script: Script, cast: Cast, criteria: StudyContent) -> None:
    bedside.enrol(script, cast, criteria)
    bedside.allocate(script, cast)
    bedside.thaw(script, cast, cast.dose_bags[0], minutes=-40)
    bedside.make_ready_at_the_bed(script, cast)
    bedside.start(script, cast)
    bedside.infuse(script, cast)
    bedside.follow_up_and_close(script, cast, criteria)


def _destroy_the_rest(script: Script, cast: Cast) -> None:
    given = cast.dose_bags if cast.number % 3 == 2 else ()
    for n, bag in enumerate(bag for bag in cast.bags if bag not in given):
        destroyed = BagDestroyed(bag=bag, method="incineration", reason="not needed")
        script.do(destroyed, (bedside.PREPARERS[0], bedside.NURSES[0]), days=30, minutes=n)


def _trouble(script: Script, cast: Cast) -> None:
    n = cast.number
    if n % 60 == 13:
        script.do(HoldPlaced(node=cast.lot, hold=f"H-{n:04d}", reason="bench", owner="QA"), QA, days=1)
    if n % 80 == 17:
        script.do(Recalled(node=cast.lot, recall=f"RC-{n:04d}", reason="bench"), QP, days=2)
    if n % 30 == 19:
        opened = DeviationOpened(node=cast.lot, deviation=f"DEV-{n:04d}", severity=Severity.MINOR, description="bench")
        script.do(opened, QA, days=-20)


def _prepared(cast: Cast, steps: list[Step]) -> list[Step]:
    """With the vial this lot draws, as many bags counted as travel, and without the files that all share."""
    kept = []
    for step in steps:
        act = step.act
        if step.file and act is not None and act.subject in {cast.kept.logger, cast.kept.ward_logger}:
            continue
        if isinstance(act, LotStarted):
            act = replace(act, vials_drawn=((cast.number - 1) % LOTS_A_BANK + 1,))
        elif isinstance(act, ShipmentArrived):
            act = replace(act, bags_counted=len(cast.bags))
        kept.append(step if act is step.act else replace(step, act=act))
    return kept


def _failing(steps: list[Step]) -> list[Step]:
    """The viability is too low."""
    return [
        replace(step, act=replace(step.act, result="55.0")) if isinstance(step.act, ResultRecorded) and step.act.test == "VIA" else step
        for step in steps
    ]


def freezer_files(begin: datetime) -> list[Step]:
    """What both freezers measured in one week."""
    script = Script(begin)
    kept = KEPT[ProductForm.FROZEN]
    for logger, by in ((kept.logger, "demo-coldchain-one"), (kept.ward_logger, bedside.PREPARERS[0])):
        read_file(script, logger, begin, begin + WEEK, kept.celsius, by, at=begin + WEEK + timedelta(minutes=5), interval=kept.interval)
    return script.steps
