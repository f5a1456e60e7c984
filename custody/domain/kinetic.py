"""Mean kinetic temperature: reported beside a cold-chain class, never a reason to pass."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from custody.errors import InputError

GAS_CONSTANT_KJ_PER_MOL_K = 0.0083144
"""As rules section 11 writes it, so that 83.144 kJ/mol gives its 10000 kelvin."""

ACTIVATION_KJ_PER_MOL = Decimal("83.144")
"""Rules section 11. Berlinger loggers use the `MKT Energy` of their own settings, 83.0."""

ZERO_CELSIUS_IN_KELVIN = 273.15


def mean_kinetic_celsius(celsius_values: Iterable[Decimal], activation_kj_per_mol: Decimal = ACTIVATION_KJ_PER_MOL) -> float:
    """T = A ÷ -ln(mean(exp(-A ÷ Ti))) of equally spaced readings, in °C, unrounded; A = activation energy ÷ gas constant, in kelvin.

    Floats are allowed here alone: the value is shown, never compared with a limit. The largest exponent is taken out
    first (log-sum-exp), because at -150 °C exp(-A ÷ T) is about 1e-35 and a plain mean loses its digits.
    Raises InputError when there is no reading.
    """
    counts = Counter(celsius_values)
    if not counts:
        raise InputError("a mean kinetic temperature needs at least one reading; there is none")
    kelvin_per_unit = float(activation_kj_per_mol) / GAS_CONSTANT_KJ_PER_MOL_K
    exponents = {celsius: -kelvin_per_unit / (float(celsius) + ZERO_CELSIUS_IN_KELVIN) for celsius in counts}
    largest = max(exponents.values())
    terms = math.fsum(count * math.exp(exponents[celsius] - largest) for celsius, count in counts.items())
    log_mean = largest + math.log(terms / counts.total())
    return kelvin_per_unit / -log_mean - ZERO_CELSIUS_IN_KELVIN


def mean_kinetic_temperature(celsius_values: Iterable[Decimal], activation_kj_per_mol: Decimal = ACTIVATION_KJ_PER_MOL) -> Decimal:
    """The mean kinetic temperature in °C with two decimals, for a report."""
    return Decimal(f"{mean_kinetic_celsius(celsius_values, activation_kj_per_mol):.2f}")
