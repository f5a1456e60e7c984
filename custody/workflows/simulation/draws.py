"""Chance from a seed: each actor has a stream of its own by name, so that what one draws changes nothing for another."""

from __future__ import annotations

import random
from datetime import timedelta

from custody.domain.ids import BagId

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are read for another."""


class Draws:
    """`of` always gives the same stream for a name."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def of(self, *name: object) -> random.Random:
        # Of a text Random takes the SHA-512, the same on every machine.
        return random.Random(" ".join(map(str, (self.seed, *name))))  # noqa: S311 - a history that can be had again, and no secret


def between(draw: random.Random, low: float, high: float) -> timedelta:
    """A span in minutes, in whole seconds; the middle is likelier than the ends."""
    first, second = (draw.randint(round(low * 60), round(high * 60)) for _ in range(2))
    return timedelta(seconds=(first + second) // 2)


def bag_number(draw: random.Random) -> BagId:
    return BagId.from_random("".join(draw.choice(LETTERS) for _ in range(12)))
