"""What energy costs: by the rate that holds in each interval, exact in money."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
from numpy.typing import NDArray

from wattline.metering.energy.register import Floats, Ints
from wattline.metering.figures.subject import Subject

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Rates:
    """The price of a kWh in each interval: `rates[place]`, none where `place` is `UNKNOWN`.

    In units of `currency` (ISO 4217), of which `minor` is the least.
    """

    rates: Sequence[Decimal]
    place: NDArray[np.int64]
    currency: str
    minor: Decimal = Decimal("0.01")

    def floats(self) -> Floats:
        """The price in each interval, NaN where there is none."""
        return np.array([*(float(rate) for rate in self.rates), np.nan])[self.place]

    def amount(self, energy: Floats) -> Decimal | None:
        """What this energy (kWh in each interval) costs; None where some of it has no price."""
        if bool((energy[self.place == UNKNOWN] != 0).any()):
            return None
        known = self.place != UNKNOWN
        sums = np.bincount(self.place[known], weights=energy[known], minlength=len(self.rates)).tolist()
        whole = sum((Decimal(repr(kwh)) * rate for kwh, rate in zip(sums, self.rates, strict=True)), Decimal(0))
        return whole.quantize(self.minor, ROUND_HALF_EVEN)


RatesOf = Callable[[Subject, Ints], Rates | None]
"""The rates that hold for what a subject takes, at the begin of each interval (us); None without a tariff."""


def no_rates(_subject: Subject, _times: Ints) -> None:
    """Nobody has a tariff."""
