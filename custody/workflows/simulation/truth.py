"""What is really so in the simulated world, whoever knows it: which things must not be used, and why. The record is compared with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from custody.domain.acts.allocation import DoseAllocated, SpareAllocated
from custody.domain.acts.base import Act
from custody.domain.acts.bedside import BagPreparationStarted, DoseBagReleased, InfusionStarted, NextBagStarted
from custody.domain.acts.release import Released
from custody.domain.acts.shipping import BagAccepted, ShipperSealed
from custody.domain.ids import BagId, DoseId, LotId, Node, ParticipantId
from custody.workflows.simulation.kinds import Fault
from custody.workflows.simulation.plan import Plan


@dataclass
class Truth:
    """`unfit`: things that must not be used now, each with the fault behind it; `given`: what was really infused into whom."""

    parents: dict[Node, tuple[Node, ...]]
    unfit: dict[Node, Fault] = field(default_factory=dict)
    given: dict[BagId, DoseId] = field(default_factory=dict)
    infused: dict[ParticipantId, DoseId] = field(default_factory=dict)
    bands: dict[DoseId, object] = field(default_factory=dict)
    """The wristband that the participant of a dose really wears."""

    @classmethod
    def of(cls, plan: Plan) -> Truth:
        found = cls({})
        for lot in plan.lots:
            above = () if lot.placebo else (lot.cast.donor,)
            found.parents[lot.cast.lot] = above
            found.parents |= dict.fromkeys(lot.cast.bags, (lot.cast.lot, *above))
        return found

    def breaks(self, node: Node, fault: Fault) -> None:
        self.unfit[node] = fault

    def mends(self, node: Node) -> None:
        """Somebody with the right to do so has decided that it may be used."""
        self.unfit.pop(node, None)

    def fault_of(self, thing: BagId | LotId) -> Fault | None:
        """Of a bag or a lot, or of what it was made from."""
        return next((self.unfit[node] for node in (thing, *self.parents.get(thing, ())) if node in self.unfit), None)

    def lot_of(self, bag: BagId) -> LotId:
        lot = self.parents[bag][0]
        assert isinstance(lot, LotId)
        return lot

    def passed(self, act: Act) -> tuple[str, ...]:
        """Every reason why this act, which a hold point has just let pass, should not have passed."""
        wrong = [f"{fault}, and {act.rule.name} passed" for thing in _brings_nearer(act) if (fault := self.fault_of(thing)) is not None]
        if isinstance(act, InfusionStarted):
            wrong += self._begun(act)
        if isinstance(act, InfusionStarted | NextBagStarted):
            wrong += self._spiked(act)
        return tuple(wrong)

    def _begun(self, act: InfusionStarted) -> list[str]:
        wrong = []
        if act.participant in self.infused:
            wrong.append("one participant infused twice")
        if act.participant in self.unfit:
            wrong.append(f"{self.unfit[act.participant]}, and the infusion began")
        self.infused[act.participant] = act.dose
        return wrong

    def _spiked(self, act: InfusionStarted | NextBagStarted) -> list[str]:
        wrong = []
        if act.bag in self.given:
            wrong.append("one bag given twice")
        if act.scans.bag != act.bag:
            wrong.append("another bag was scanned than was given")
        if self.bands.get(act.dose) != act.scans.wristband:
            wrong.append("the bag went to somebody else's wristband")
        self.given[act.bag] = act.dose
        return wrong


def _brings_nearer(act: Act) -> tuple[BagId | LotId, ...]:
    """The lot or the bags that this act brings nearer to somebody."""
    if isinstance(act, Released):
        return (act.node,) if isinstance(act.node, LotId) else ()
    if isinstance(act, ShipperSealed | DoseAllocated):
        return act.bags
    if isinstance(act, BagAccepted | SpareAllocated | BagPreparationStarted | DoseBagReleased | InfusionStarted | NextBagStarted):
        return (act.bag,)
    return ()
