"""Events of what changes slowly: THD, imbalance and frequency, by a threshold and a way back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from wattline.quality.config import Config
from wattline.quality.disturbance import Disturbance
from wattline.quality.marks import Marks, Mask, some

RETURN = 0.95
"""THD and imbalance have ended once they are below this share of their limit."""
FREQUENCY_RETURN = 0.1
"""How far within its band the frequency must be to have returned, as a share of the distance from the nominal to that limit."""
DIGITS = 9
Values = NDArray[np.float64]
Begin = Callable[[int], Disturbance]


def is_beyond(kind: str, values: Values, config: Config) -> Mask:
    """Which values are an event."""
    seen = np.round(values, DIGITS)
    if kind == "frequency":
        return np.asarray((seen < config.frequency_low) | (seen > config.frequency_high))
    return np.asarray(seen > (config.thd if kind == "thd" else config.imbalance))


def is_not_back(kind: str, values: Values, config: Config) -> Mask:
    """Which values keep an event open."""
    seen = np.round(values, DIGITS)
    if kind == "frequency":
        low, high, nominal = config.frequency_low, config.frequency_high, config.nominal_frequency
        inner_low = round(low + FREQUENCY_RETURN * (nominal - low), DIGITS)
        inner_high = round(high - FREQUENCY_RETURN * (high - nominal), DIGITS)
        return np.asarray((seen < inner_low) | (seen > inner_high))
    limit = config.thd if kind == "thd" else config.imbalance
    return np.asarray(seen >= round(RETURN * limit, DIGITS))


def follow(
    kind: str, event: Disturbance | None, times: NDArray[np.int64], values: Values, config: Config, begin: Begin
) -> tuple[Disturbance | None, list[Disturbance]]:
    """Follow one quantity: what is open at the end, and what began or ended, each event once.

    `values` is samples x channels, NaN where nothing is known: it begins with any channel, and ends when no channel keeps it. A
    sample without any value changes nothing.
    """
    told: list[Disturbance] = []
    known = some(~np.isnan(values))
    place, begins = 0, Marks(some(is_beyond(kind, values, config)))
    ends: dict[Config, Marks] = {}
    while place < len(times):
        if event is None:
            place = begins.first(place)
            if place == len(times):
                break
            event = begin(place)
            told.append(event)
        mine = event.config
        if mine not in ends:
            ends[mine] = Marks(known & ~some(is_not_back(kind, values, mine)))
        stop = ends[mine].first(place)
        held = known[place:stop]
        beyond = is_beyond(kind, values[place:stop], mine)
        event.absorb(times[place:stop][held], values[place:stop][held], beyond[held])
        place = stop
        if stop < len(times):
            event.end = int(times[stop])
            if not any(event is one for one in told):
                told.append(event)
            event = None
    return event, told
