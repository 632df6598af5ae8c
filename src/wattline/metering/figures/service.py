"""Figures of meters, groups and accounts as one service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np

from wattline.ingest.series import Series
from wattline.metering.energy.service import Energy
from wattline.metering.figures.calendar import period_before, year_before
from wattline.metering.figures.cost import RatesOf, no_rates
from wattline.metering.figures.flows import Flows, trimmed
from wattline.metering.figures.kpi import Demand, Kpi, changes, kpi, slid
from wattline.metering.figures.live import Live
from wattline.metering.figures.matrix import ColumnsBy, Matrix, RowsBy, Value, matrix
from wattline.metering.figures.profile import Profile
from wattline.metering.figures.read import Read
from wattline.metering.figures.sliding import NONE, Minutes, Peak, resolution, runs
from wattline.metering.figures.subject import Member, Subject, Subjects
from wattline.metering.service import Metering
from wattline.model.clock import DAY, SECOND, Clock
from wattline.model.errors import Invalid

Compare = Literal["previous", "year_ago", "none"]
BATCH = 128
"""Members whose energy is read at once."""
MOST_METER_DAYS = 400_000
"""Days times members of one question."""
NEWEST = 2**52
"""The year 2112: no reading is newer."""
CARBON = "co2_g_per_kwh"
"""Where a meter's metadata say how much CO2 comes with a kWh that it takes, in g."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The key figures of a period, and those of the one that it is compared with."""

    now: Kpi
    before: Kpi | None = None
    change_pct: dict[str, float | None] | None = None


class Figures:
    """Ranges are half-open in us; `Unavailable` where the store is away.

    `rates_of` tells what a kWh costs. Whatever was committed before a call is in its answer.
    """

    def __init__(self, metering: Metering, energy: Energy, series: Series, clock: Clock, rates_of: RatesOf = no_rates) -> None:
        self.metering = metering
        self.subjects = Subjects(metering)
        self.energy = energy
        self.live = Live(metering, series, clock)
        self._clock = clock
        self._rates_of = rates_of

    async def kpi(
        self, subject: Subject, start: int, end: int, zone: ZoneInfo, compare: Compare = "none", demand: Demand = "block"
    ) -> Comparison:
        """The key figures of [start, end), and those of the period before or of a year ago. Raises `Invalid`."""
        now = await self._kpi(subject, start, end, demand)
        if compare == "none":
            return Comparison(now)
        other = period_before(start, end, zone) if compare == "previous" else year_before(start, end, zone)
        if other[0] < 0:
            raise Invalid("what it is to be compared with lies before 1970", "compare")
        before = await self._kpi(subject, *other, demand)
        return Comparison(now, before, changes(now, before))

    async def _kpi(self, subject: Subject, start: int, end: int, demand: Demand) -> Kpi:
        profile = await self.profile(subject, start, end, reactive=True)
        found = kpi(profile, self._rates_of(subject, profile.times))
        if demand == "block":
            return found
        peaks = (
            [] if found.peak_kw is None else [await self._slid(subject, profile, *run) for run in runs(profile, found.peak_kw)]
        )
        return slid(found, max(peaks, key=itemgetter(0), default=(NONE, start)), resolution(subject.summed))

    async def _slid(self, subject: Subject, profile: Profile, first: int, last: int) -> Peak:
        """The largest mean of 15 minutes that begins on the days [first, last)."""
        summed, minutes = subject.summed, Minutes(first, last)
        for at in range(0, len(summed), BATCH):
            async with self.energy.turn() as turn:
                read = Read(self.metering, turn, summed[at : at + BATCH], first * DAY, last * DAY)
                await read.energy()
                await minutes.add(read, profile.start, profile.end)
        return minutes.peak(profile.start, profile.end)

    async def matrix(
        self, subject: Subject, start: int, end: int, zone: ZoneInfo, value: Value, rows: RowsBy, columns: ColumnsBy
    ) -> Matrix:
        """The matrix of [start, end) by the local time of a zone. Raises `Invalid`."""
        profile = await self.profile(subject, start, end)
        rates = self._rates_of(subject, profile.times) if value == "cost" else None
        return await asyncio.to_thread(matrix, profile, zone, value, rows, columns, rates)

    async def profile(self, subject: Subject, start: int, end: int, *, reactive: bool = False) -> Profile:
        """What flowed through a subject in [start, end). Raises `Invalid` where that is no range, or too much at once."""
        check_range(start, end, len(subject.members))
        summed, generating = subject.summed, subject.generating
        profile = Profile.empty(start, end, len(summed))
        for at in range(0, len(summed), BATCH):
            await self._add(profile, summed[at : at + BATCH], reactive=reactive)
        for at in range(0, len(generating), BATCH):
            await self._generated(profile, generating[at : at + BATCH])
        return profile

    async def _add(self, profile: Profile, members: Sequence[Member], *, reactive: bool) -> None:
        """Add up some members."""
        async with self.energy.turn() as turn:
            read = Read(self.metering, turn, members, profile.start, profile.end)
            await read.energy(reactive=reactive)
            await asyncio.to_thread(_sum, profile, read, self._clock.micros())

    async def _generated(self, profile: Profile, members: Sequence[Member]) -> None:
        """Add what members behind the meter to the grid made: what they gave or, of those that tell nothing of it, counted."""
        made = np.zeros(profile.size) if profile.generated is None else profile.generated
        async with self.energy.turn() as turn:
            read = Read(self.metering, turn, members, profile.start, profile.end)
            await read.energy()
            for member in members:
                found = read.flows(member)
                if found is not None:
                    found = trimmed(found, profile.first, *member.within(profile.start, profile.end))
                    made += member.weight * (found.there if found.back is None else np.abs(found.back - found.there))
        profile.generated = made


def check_range(start: int, end: int, members: int) -> None:
    """Raise `Invalid` unless [start, end) is a range that can be asked for."""
    if start < 0 or end > NEWEST:
        raise Invalid("a period lies between 1970 and 2112", "from")
    if start >= end:
        raise Invalid("from is before to", "from")
    if (end - start) // DAY * max(members, 1) > MOST_METER_DAYS:
        raise Invalid(
            f"at most {MOST_METER_DAYS} meter-days can be asked for at once: a shorter period, or fewer meters", "from"
        )


def _sum(profile: Profile, read: Read, now: int) -> None:
    """Add up the members of a read."""
    for member in read.members:
        low, high = member.within(profile.start, profile.end)
        profile.expected += max(min(high, now) - low, 0) // (member.meter.interval_s * SECOND)
        found = read.flows(member)
        if found is None:
            profile.silent.append(member.meter.id)
            continue
        found = trimmed(found, profile.first, low, high)
        profile.add(found, member.weight)
        _add_carbon(profile, member, found)
        reactive = read.reactive_flows(member)
        if reactive is None:
            profile.unreactive = True
        else:
            _add_reactive(profile, member, found, trimmed(reactive, profile.first, low, high))


def _add_carbon(profile: Profile, member: Member, found: Flows) -> None:
    grams = member.meter.metadata.get(CARBON)
    if isinstance(grams, bool) or not isinstance(grams, int | float):
        profile.carbon_kg = None
    elif profile.carbon_kg is not None:
        profile.carbon_kg += member.weight * float(found.there.sum()) * grams / 1000


def _add_reactive(profile: Profile, member: Member, found: Flows, reactive: Flows) -> None:
    """Add the energy of the intervals in which both kinds are known."""
    known = np.ones(profile.size, bool) if reactive.covered is None else reactive.covered > 0
    if found.covered is not None:
        known &= found.covered > 0
    profile.active += member.weight * float(found.there[known].sum())
    profile.reactive = (profile.reactive or 0.0) + member.weight * float(reactive.there[known].sum())
