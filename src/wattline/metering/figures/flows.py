"""What flowed through one meter in each interval of 15 minutes: from its registers, from its power where these say nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wattline.metering.energy.cells import INTERVAL, Cells
from wattline.metering.energy.register import Floats, Ints

HOURS = 0.25
"""Of an interval."""


@dataclass(slots=True)
class Flows:
    """One entry an interval, in kWh; `covered` is the share of it whose energy is known, None where all of every one is.

    `back` is None where the meter tells nothing of energy that it gives.
    """

    there: Floats
    back: Floats | None
    covered: Floats | None
    estimated: Floats | None
    withheld: Floats | None
    count: Ints


def flows(size: int, register: Cells, returned: Cells, power: Cells | None) -> Flows | None:
    """The flows of a meter with these registers (taken, given) and this power; None where nothing is known of it."""
    told = power if power is not None and power.covered is not None else None
    if register.covered is None and returned.covered is None and told is None:
        return None
    there, covered = _filled(size, register, None if told is None else told, "energy")
    back = None
    if returned.covered is not None or told is not None:
        back, known = _filled(size, returned, told, "back")
        if register.covered is None and told is None:
            covered = known
    counted = next(each for each in (register, told, returned) if each is not None and each.covered is not None)
    whole = covered is None or bool((covered == 1.0).all())
    withheld = _sum(register.withheld, returned.withheld)
    return Flows(there, back, None if whole else covered, register.estimated, withheld, counted.full("count").astype(np.int64))


def _filled(size: int, register: Cells, power: Cells | None, column: str) -> tuple[Floats, Floats]:
    """Energy and shares of a register, and of the power where the register tells nothing; `column` is the power's."""
    if register.covered is None:
        if power is None:
            return np.zeros(size), np.zeros(size)
        return power.full(column), power.full("covered").astype(np.float64)
    covered = register.covered.astype(np.float64)
    energy: Floats = register.full("energy")
    if power is not None:
        silent = covered == 0
        if silent.any():
            energy = np.where(silent, power.full(column), energy)
            covered = np.where(silent, power.full("covered"), covered)
    return energy, covered


def _sum(one: Floats | None, other: Floats | None) -> Floats | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def trimmed(found: Flows, first: int, start: int, end: int, width: int = INTERVAL) -> Flows:
    """The flows of the part of them in [start, end), in us; the intervals of `width` begin with number `first`, from 1970 on.

    Of an interval that is cut its share in time is taken, of what is known of it.
    """
    size = len(found.there)
    edges = (first + np.arange(size + 1, dtype=np.int64)) * width
    room = np.diff(np.clip(edges, start, end).astype(np.float64)) / width
    if bool((room == 1.0).all()):
        return found
    covered = np.ones(size) if found.covered is None else found.covered
    kept = np.minimum(covered, room)
    part = np.divide(kept, covered, out=np.zeros(size), where=covered > 0)

    def cut(column: Floats | None) -> Floats | None:
        return None if column is None else column * part

    count = np.where(room > 0, found.count, 0)
    return Flows(found.there * part, cut(found.back), kept, cut(found.estimated), cut(found.withheld), count)
