"""The culture behind a tissue, bank or lot: its passage, its doublings along all ancestors, its vials (rules section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from custody.domain.acts.base import Act
from custody.domain.acts.manufacturing import (
    BankFilled,
    BankStarted,
    BankStepRecorded,
    CultureStep,
    LotStarted,
    LotStepRecorded,
    PrimaryCultureHarvested,
    VialsWithdrawn,
)
from custody.domain.dossier import Dossier
from custody.domain.folds.base import MissingFact
from custody.domain.ids import BankId, Digest, LotId, Node, TissueId
from custody.domain.measures import ceiling

Cultured = TissueId | BankId | LotId
CULTURE_ACTS = (PrimaryCultureHarvested, BankStepRecorded, LotStepRecorded)


@dataclass(frozen=True)
class CultureFold:
    """`proposed` is the act about to be recorded: it counts as the last step, or as the start that names the parents.

    `behind` holds the nodes the question came from: no node may be its own ancestor.
    """

    dossier: Dossier
    node: Cultured
    proposed: Act | None = None
    behind: frozenset[Node] = frozenset()

    @cached_property
    def parents(self) -> tuple[CultureFold, ...]:
        """The tissue or banks it was made from; none for a tissue, where culture begins. Raises MissingFact when it was never started."""
        if isinstance(self.node, TissueId):
            return ()
        named = self._parents_named
        behind = self.behind | {self.node}
        if not named or behind.intersection(named):
            raise MissingFact("parents", node=self.node)
        return tuple(CultureFold(self.dossier, parent, behind=behind) for parent in named)

    @property
    def _parents_named(self) -> tuple[TissueId | BankId, ...]:
        match self._started:
            case BankStarted(parents=parents):
                return parents
            case LotStarted(banks=banks):
                return banks
        raise MissingFact("start", node=self.node)

    @property
    def _started(self) -> Act | None:
        if isinstance(self.proposed, BankStarted | LotStarted):
            return self.proposed
        deed = self.dossier.first(self.node, BankStarted, LotStarted)
        return deed.act if deed is not None else None

    @cached_property
    def recorded_steps(self) -> tuple[CultureStep, ...]:
        return tuple(d.act.culture for d in self.dossier.deeds(self.node, Act) if isinstance(d.act, CULTURE_ACTS))

    @cached_property
    def steps(self) -> tuple[CultureStep, ...]:
        """Its own culture steps, the proposed one last. A correction of a step is proposed as one more: that can only raise the count."""
        return (*self.recorded_steps, self.proposed.culture) if isinstance(self.proposed, CULTURE_ACTS) else self.recorded_steps

    @cached_property
    def evidence(self) -> tuple[Digest, ...]:
        """The steps relied on, its ancestors' included."""
        own = tuple(d.digest for d in self.dossier.deeds(self.node, BankStarted, LotStarted, *CULTURE_ACTS))
        return (*own, *(digest for parent in self.parents for digest in parent.evidence))

    @cached_property
    def passage_before(self) -> int | None:
        """The highest passage among its parents; None for a tissue, where counting begins."""
        return max((parent.passage for parent in self.parents), default=None)

    @cached_property
    def passage(self) -> int:
        """Its passage now, the proposed step included. Raises MissingFact when nothing was cultured yet."""
        reached = [step.passage for step in self.steps]
        before = self.passage_before
        if not reached and before is None:
            raise MissingFact("culture", node=self.node)
        return max([*reached, *([] if before is None else [before])])

    @cached_property
    def growth(self) -> Fraction:
        """How many times the cells have multiplied since the primary culture was seeded, exactly, along the worst line.

        A step that lost cells counts as no growth: what died does not undo the divisions of what lived.
        Raises MissingFact when nothing was cultured yet, or a step seeded nothing.
        """
        if isinstance(self.node, TissueId) and not self.steps:
            raise MissingFact("culture", node=self.node)
        grown = max((parent.growth for parent in self.parents), default=Fraction(1))
        for step in self.steps:
            grown *= max(Fraction(1), _multiplied(step, self.node))
        return grown

    @property
    def doublings(self) -> Decimal:
        """Cumulative doublings to 0.01, rounded up; for showing only (`within_doublings` compares exactly)."""
        return shown_doublings(self.growth)

    def within_doublings(self, limit: Decimal) -> bool:
        """Whether log2 of the growth is at most `limit`, without rounding: growth to the power q against 2 to the power p, limit = p/q."""
        power = Fraction(limit)
        return self.growth**power.denominator <= Fraction(2) ** power.numerator


def _multiplied(step: CultureStep, node: Node) -> Fraction:
    if step.viable_seeded <= 0 or step.viable_harvested < 0:
        raise MissingFact("viable_cells", node=node)
    return Fraction(step.viable_harvested) / Fraction(step.viable_seeded)


def shown_doublings(growth: Fraction) -> Decimal:
    """log2 of `growth` (1 or more) to 0.01, rounded up: the fewest hundredths n with growth to the power 100 at most 2 to the power n."""
    hundredths = (ceiling(growth**100) - 1).bit_length()
    return Decimal(hundredths).scaleb(-2)


@dataclass(frozen=True)
class VialsFold:
    """The vials of a bank: how many were filled, which were drawn."""

    dossier: Dossier
    node: BankId

    @cached_property
    def filled(self) -> int:
        """Raises MissingFact when the bank was not filled."""
        deed = self.dossier.last(self.node, BankFilled)
        if deed is None:
            raise MissingFact("bank_filled", node=self.node)
        return deed.act.vials

    @cached_property
    def drawn(self) -> frozenset[int]:
        return frozenset(vial for d in self.dossier.deeds(self.node, VialsWithdrawn) for vial in d.act.vials)

    @property
    def evidence(self) -> tuple[Digest, ...]:
        return tuple(d.digest for d in self.dossier.deeds(self.node, Act) if isinstance(d.act, BankFilled | VialsWithdrawn))

    @property
    def left(self) -> int:
        return self.filled - len(self.drawn)
