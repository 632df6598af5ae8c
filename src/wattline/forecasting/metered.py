"""The history of meters, groups and accounts, from the energy of their quarter hours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from wattline.forecasting.history import Past
from wattline.forecasting.model import Floats, Target
from wattline.metering.energy.cells import INTERVAL
from wattline.metering.figures.flows import HOURS, Flows
from wattline.metering.figures.profile import HALF
from wattline.metering.figures.read import Read
from wattline.metering.figures.service import BATCH, MOST_METER_DAYS, Figures
from wattline.metering.figures.subject import Member, Subject
from wattline.model.clock import DAY
from wattline.model.errors import Invalid

UNSETTLED = 3
"""The last readings of a meter whose meaning the ones after them can change: whether a register was reset, for one."""


class MeteredHistory:
    """`History` of a subject as it is at `as_of`: the meters that are part of it then, each with all of its past."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    async def power(self, subject: Subject, target: Target, start: int, end: int, *, as_of: int, live: bool) -> Past:
        """See `History`. Raises `Invalid` with more meters than can be read at once, `Unavailable` where the store is away."""
        members, counts_both_ways = _members(subject, target, as_of)
        if (end - start) // DAY * len(members) > MOST_METER_DAYS:
            raise Invalid(f"at most {MOST_METER_DAYS * DAY // (end - start)} meters can be forecast at once")
        total, unknown, silent = np.zeros((end - start) // INTERVAL), np.zeros((end - start) // INTERVAL, bool), list[int]()
        for at in range(0, len(members), BATCH):
            some = members[at : at + BATCH]
            async with self._figures.energy.turn() as turn:
                read = Read(self._figures.metering, turn, some, start, end)
                await read.energy()
                parts = await asyncio.to_thread(_powers, read, some, backdated=not live)
            for member, part in zip(some, parts, strict=True):
                if part is None or np.isnan(part).all():
                    silent.append(member.meter.id)
                    continue
                unknown |= np.isnan(part)
                total += (np.abs(part) * abs(member.weight)) if counts_both_ways else part * member.weight
        if len(silent) == len(members):
            return Past(np.full(total.size, np.nan), tuple(silent))
        if target == "generation" and not counts_both_ways:
            total = np.maximum(-total, 0.0)
        return Past(np.where(unknown, np.nan, total), tuple(silent))


def _members(subject: Subject, target: Target, as_of: int) -> tuple[list[Member], bool]:
    """The members of now, and whether what they measure is generation whichever way they count it.

    A subject without a meter of the kind `generation` generates what it gives.
    """
    made = [member for member in subject.members if member.meter.kind == "generation"] if target == "generation" else []
    present = [member for member in made or subject.summed if member.within(as_of, as_of + 1) == (as_of, as_of + 1)]
    return present, bool(made)


def _powers(read: Read, members: Sequence[Member], *, backdated: bool) -> list[Floats | None]:
    return [None if (found := read.flows(member)) is None else power_of(found, backdated=backdated) for member in members]


def power_of(found: Flows, *, backdated: bool) -> Floats:
    """The mean power (kW) of each interval, NaN where less than half of it is known, or where the profile is only estimated.

    With `backdated` also from the interval on that holds the last readings whose meaning later ones may have changed.
    """
    net = found.there if found.back is None else found.there - found.back
    covered = np.ones(net.size) if found.covered is None else found.covered
    known = (covered >= HALF) & (covered > 0)
    if found.estimated is not None:
        known &= found.estimated == 0
    power: Floats = np.divide(net / HOURS, covered, out=np.full(net.size, np.nan), where=known)
    if backdated:
        later = np.cumsum(found.count[::-1])[::-1]
        power[later <= UNSETTLED] = np.nan
        reached = np.flatnonzero(later > UNSETTLED)
        power[reached[-1] if reached.size else 0 :] = np.nan
    return power
