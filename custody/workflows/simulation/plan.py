"""What a seed lays down before anything happens: hospitals, donors, lots, deliveries and the participants who will come."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from custody.domain.ids import BagId, EquipmentId, LoggerId, SiteId
from custody.errors import InputError
from custody.workflows.rehearsal.road import MILLION_CELLS_PER_BAG, MILLION_CELLS_PER_KG, Cast
from custody.workflows.simulation.draws import Draws, bag_number

BEGINS = datetime(2025, 1, 6, tzinfo=UTC)
"""Every trial begins on this morning (at eight in China), so that a seed names the same history on every day."""
FIRST_FILL = timedelta(days=156)
"""From then a first donor has given, and the banks are made, tested and released."""
BETWEEN_LOTS = timedelta(days=4)
"""About as long as the doses of a lot take: one a day, because participants of a cohort are staggered."""
LOTS_OF_A_BANK = 8
SITES_MAX, LOTS_MAX, SEED_MAX = 50, 2000, 2**63 - 1
OPEN_LABEL, BLINDED = "P1-1M", "P2"
LIGHT, HEAVY, OF_PHASE_2 = (120, 285), (325, 345), (100, 119)
"""Weights in steps of 0.4 kg: of those who need one bag of the lowest dose, of those who need two, and of two bags of phase 2."""
BLINDED_SHARE, PLACEBO_SHARE = 0.3, 0.35


@dataclass(frozen=True, kw_only=True)
class Hospital:
    number: int

    @property
    def word(self) -> str:
        return f"h{self.number:02d}"

    @property
    def site(self) -> SiteId:
        return SiteId(f"DEMO-{self.word.upper()}")

    @property
    def name(self) -> str:
        return f"Demo Hospital {self.number}"

    @property
    def freezer(self) -> EquipmentId:
        return EquipmentId(f"LN2-{self.word.upper()}")

    @property
    def freezer_logger(self) -> LoggerId:
        return LoggerId(f"LOGGER-{self.word.upper()}")


@dataclass(frozen=True, kw_only=True)
class LotCast(Cast):
    """A lot of the rehearsed road with bag numbers that say nothing of it."""

    numbers: tuple[BagId, ...]

    @property
    def bags(self) -> tuple[BagId, ...]:
        return self.numbers


@dataclass(frozen=True, kw_only=True)
class Comer:
    """A participant who will come to a hospital once bags are there."""

    number: int
    cohort: str
    weight_kg: Decimal

    @property
    def bags_needed(self) -> int:
        return math.ceil(MILLION_CELLS_PER_KG[self.cohort] * self.weight_kg / MILLION_CELLS_PER_BAG)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    number: int
    hospital: Hospital
    bags: tuple[BagId, ...]
    comers: tuple[Comer, ...]


@dataclass(frozen=True, kw_only=True)
class LotPlan:
    cast: LotCast
    placebo: bool
    filled_at: datetime
    deliveries: tuple[Delivery, ...]

    @property
    def number(self) -> int:
        return self.cast.made_as


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`cohort`: a trial is played in the first cohort of phase 1, or in the blinded phase 2, with kits of cells and of placebo."""

    seed: int
    faults: bool
    cohort: str
    hospitals: tuple[Hospital, ...]
    lots: tuple[LotPlan, ...]

    @property
    def is_blinded(self) -> bool:
        return self.cohort == BLINDED

    @property
    def participants(self) -> int:
        return sum(len(delivery.comers) for lot in self.lots for delivery in lot.deliveries)

    @property
    def over(self) -> datetime:
        """A day by which everything planned is long done."""
        return self.lots[-1].filled_at + timedelta(days=120 + 2 * self.participants)


def plan_of(sites: int, lots: int, seed: int, *, faults: bool) -> Plan:
    """The plan of that seed. Raises InputError for numbers that no trial has."""
    _check("sites", sites, 1, SITES_MAX)
    _check("lots", lots, 1, LOTS_MAX)
    _check("seed", seed, 0, SEED_MAX)
    draws = Draws(seed)
    hospitals = tuple(Hospital(number=n) for n in range(1, sites + 1))
    cohort = BLINDED if draws.of("phase").random() < BLINDED_SHARE else OPEN_LABEL
    planned = _lots(draws.of("plan"), hospitals, lots, cohort)
    return Plan(seed=seed, faults=faults, cohort=cohort, hospitals=hospitals, lots=planned)


def _check(what: str, seen: int, least: int, most: int) -> None:
    if not least <= seen <= most:
        raise InputError(
            f"--{what} is {seen}; expected a whole number from {least} to {most}",
            code="simulation_number",
            what=what,
            seen=seen,
            least=least,
            most=most,
        )


def _lots(draw: random.Random, hospitals: tuple[Hospital, ...], lots: int, cohort: str) -> tuple[LotPlan, ...]:
    found: list[LotPlan] = []
    deliveries = comers = 0
    for number in range(1, lots + 1):
        bags = tuple(bag_number(draw) for _ in range(draw.randint(4, 7)))
        parts = _parts(draw, bags, hospitals)
        made = []
        for hospital, part in parts:
            deliveries += 1
            group = _comers(draw, comers, len(part), cohort)
            comers += len(group)
            made.append(Delivery(number=deliveries, hospital=hospital, bags=part, comers=group))
        vial, donor = (number - 1) % LOTS_OF_A_BANK + 1, (number - 1) // LOTS_OF_A_BANK + 1
        cast = LotCast(number=vial, batch=number, upstream=donor, bag_count=len(bags), numbers=bags)
        filled_at = BEGINS + FIRST_FILL + (number - 1) * BETWEEN_LOTS + timedelta(minutes=draw.randint(0, 240))
        placebo = cohort == BLINDED and draw.random() < PLACEBO_SHARE
        found.append(LotPlan(cast=cast, placebo=placebo, filled_at=filled_at, deliveries=tuple(made)))
    return tuple(found)


def _parts(draw: random.Random, bags: tuple[BagId, ...], hospitals: tuple[Hospital, ...]) -> tuple[tuple[Hospital, tuple[BagId, ...]], ...]:
    """All to one hospital, or some to each of two."""
    if len(hospitals) == 1 or draw.random() < 0.5:
        return ((draw.choice(hospitals), bags),)
    first, second = draw.sample(hospitals, 2)
    cut = len(bags) // 2
    return ((first, bags[:cut]), (second, bags[cut:]))


def _comers(draw: random.Random, before: int, bags: int, cohort: str) -> tuple[Comer, ...]:
    """As many as there are bags for, so that one stays as a spare; a few need two bags."""
    found: list[Comer] = []
    left = bags - 1
    while left > 0:
        if cohort == BLINDED and left < 2:
            break
        heavy = draw.random() < 0.2 and left > 1
        span = OF_PHASE_2 if cohort == BLINDED else HEAVY if heavy else LIGHT
        # Steps of 0.4 kg make volumes of whole tenths of a millilitre: 30 ml hold the cells for 120 kg.
        weight = Decimal(draw.randint(*span) * 4) / 10
        comer = Comer(number=before + len(found) + 1, cohort=cohort, weight_kg=weight)
        found.append(comer)
        left -= comer.bags_needed
    return tuple(found)
