"""The sum of the flows of meters, interval by interval, and how much of them is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from wattline.metering.energy.cells import INTERVAL
from wattline.metering.energy.register import Floats, Ints
from wattline.metering.figures.flows import HOURS, Flows

HALF = 0.5
"""The least share of an interval from which its mean power is told."""


@dataclass(slots=True)
class Profile:
    """What flowed in [start, end), in us, in intervals of 15 minutes, of which the first and the last may be cut.

    `there` and `back` are energy taken and given, in kWh; `known` is the number of members whose energy is known, parts
    included. `power` is the mean net power in kW of the `present` members. `generated` is what the members behind the meter to
    the grid made, None without such members. `active` and `reactive` are of the members that tell reactive energy.
    """

    start: int
    end: int
    members: int
    there: Floats
    back: Floats
    known: Floats
    power: Floats
    present: Ints
    estimated: Floats
    received: Ints
    expected: int = 0
    withheld: float = 0.0
    gives: bool = False
    generated: Floats | None = None
    active: float = 0.0
    reactive: float | None = None
    silent: list[int] = field(default_factory=list)
    """The ids of the meters of which nothing is known."""
    unreactive: bool = False
    """Whether a member with energy tells no reactive energy."""
    carbon_kg: float | None = 0.0
    """CO2 of what was taken; None where a meter does not say how much a kWh has."""

    @classmethod
    def empty(cls, start: int, end: int, members: int) -> Profile:
        """Nothing was added yet."""
        size = -(-end // INTERVAL) - start // INTERVAL
        a, b, c, d, e = (np.zeros(size) for _ in range(5))
        f, g = (np.zeros(size, np.int64) for _ in range(2))
        return cls(start, end, members, a, b, c, d, f, e, g)

    @property
    def first(self) -> int:
        """The number of its first interval, counted from 1970."""
        return self.start // INTERVAL

    @property
    def size(self) -> int:
        return len(self.there)

    @property
    def times(self) -> Ints:
        """When its intervals begin, in us."""
        return (self.first + np.arange(self.size, dtype=np.int64)) * INTERVAL

    def add(self, found: Flows, weight: int) -> None:
        """Add what flowed through one meter."""
        self.there += found.there if weight == 1 else found.there * weight
        net = found.there
        if found.back is not None:
            self.gives = True
            self.back += found.back if weight == 1 else found.back * weight
            net = found.there - found.back
        if found.covered is None:
            self.known += 1.0
            self.present += 1
            self.power += net * (weight / HOURS)
        else:
            self.known += found.covered
            there = found.covered >= HALF * self.room()
            there &= found.covered > 0
            self.present += there
            self.power += np.divide(net * (weight / HOURS), found.covered, out=np.zeros(self.size), where=there)
        if found.estimated is not None:
            self.estimated += weight * found.estimated
        if found.withheld is not None:
            self.withheld += weight * float(found.withheld.sum())
        self.received += found.count

    def room(self) -> Floats:
        """The share of each interval that lies in [start, end)."""
        edges = (self.first + np.arange(self.size + 1, dtype=np.int64)) * INTERVAL
        return np.diff(np.clip(edges, self.start, self.end).astype(np.float64)) / INTERVAL

    def means(self) -> Floats:
        """The mean net power (kW) of each interval, NaN where no member tells it."""
        return np.where(self.present > 0, self.power, np.nan)

    def coverage(self) -> float | None:
        """The share (0..1) of the members' time whose energy is known, None without time or members."""
        whole = float(self.room().sum()) * self.members
        return float(self.known.sum()) / whole if whole else None
