"""Reading what flowed through several meters: registers first, and power only of the meters whose registers do not tell all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np

from wattline.metering.energy.cells import A_DAY, INTERVAL, Cells
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.register import Rule
from wattline.metering.energy.service import Turn
from wattline.metering.figures.flows import Flows, flows
from wattline.metering.figures.subject import Member
from wattline.metering.model import Meter
from wattline.metering.service import Metering
from wattline.model.clock import DAY, SECOND

TAKEN, GIVEN, POWER = "total_energy", "energy_export", "total_power"
REACTIVE, REACTIVE_POWER = "reactive_energy", "reactive_power"
PHASES = "phases"
"""The powers of a meter's phases, added up."""
LEGS = {"1p2w": ("power_a",), "1p3w": ("power_a", "power_b")}
"""Of other wirings there are three."""
THREE = ("power_a", "power_b", "power_c")
FINE = 4
"""Members that are read finely at once."""
BLOCK = 32
"""Days: meters whose gaps lie in the same blocks of so many are read together."""


def lane_of(metering: Metering, meter: Meter, field: str, *, returns: bool = False) -> Lane | None:
    """How a field of a meter, or its `PHASES`, is read for energy; None where it is nowhere."""
    named = LEGS.get(meter.wiring, THREE) if field == PHASES else (field,)
    channels = [channel for each in named if (channel := metering.channel(meter, each)) is not None]
    if len(channels) < len(named) or len({(channel.stream.id, channel.factor) for channel in channels}) > 1:
        return None
    stream, factor = channels[0].stream, channels[0].factor
    power = field in (POWER, REACTIVE_POWER, PHASES)
    rule = None if power else Rule.rated(meter.register_span_kwh, meter.rated_power_w)
    columns = tuple(channel.column for channel in channels)
    sensors = tuple(stream.sensor_ids[column] for column in columns)
    return Lane(stream.id, sensors, columns, factor, meter.interval_s * SECOND, rule, returns)


class Read:
    """The cells of some members in the intervals that [start, end), in us, touches. They hold until the end of the turn."""

    def __init__(self, metering: Metering, turn: Turn, members: Sequence[Member], start: int, end: int) -> None:
        self._metering = metering
        self._turn = turn
        self.members = members
        self._days = start // DAY, -(-end // DAY)
        first = start // INTERVAL - self._days[0] * A_DAY
        self.size = -(-end // INTERVAL) - start // INTERVAL
        self._part = first, first + self.size
        self._cells: dict[tuple[str, int], Cells] = {}
        self._lanes: dict[tuple[str, int], Lane | None] = {}
        self._chosen: dict[tuple[str, int], str] = {}

    async def energy(self, *, reactive: bool = False) -> None:
        """Read what is needed for `flows`, and for `reactive_flows` if that is asked: together, as each read has its price."""
        meters = list({member.meter.id: member.meter for member in self.members}.values())
        registers = (TAKEN, GIVEN, REACTIVE) if reactive else (TAKEN, GIVEN)
        named = (*registers, POWER, REACTIVE_POWER) if reactive else (*registers, POWER)
        lanes = [self._lane(field, meter) for field in named for meter in meters]
        self._turn.expect([lane for lane in lanes if lane is not None])
        for (field, meter), cells in (await self._read([(field, each) for field in registers for each in meters])).items():
            self._cells[field, meter] = cells
        await self._powers(meters, TAKEN, (POWER, PHASES))
        if reactive:
            await self._powers(meters, REACTIVE, (REACTIVE_POWER,))

    async def _powers(self, meters: Sequence[Meter], register: str, fields: Sequence[str]) -> None:
        """Read the power of meters where their registers are silent: all of it, or of the days with such a gap alone."""
        told = [each for each in meters if self._told(register, each)]
        found = await self._first_told([each for each in meters if not self._told(register, each)], fields, self._days)
        self._cells |= {(fields[0], meter): cells for meter, cells in found.items()}
        both = [each for each in told if register == TAKEN and not self._whole(GIVEN, each)]
        back = await self._first_told(both, fields, self._days, returns=True)
        gaps = await self._gaps(told, register, fields)
        for meter in told:
            returned, inside = back.get(meter.id), gaps.get(meter.id)
            if returned is not None and inside is not None:
                inside = replace(inside, back=returned.back)
            chosen = inside or returned
            if chosen is not None:
                self._cells[fields[0], meter.id] = chosen

    async def _gaps(self, meters: Sequence[Meter], register: str, fields: Sequence[str]) -> dict[int, Cells]:
        """The power of the days on which the registers of the meters are silent."""
        blocks: dict[tuple[int, int], list[tuple[Meter, int, int]]] = {}
        for meter in meters:
            silent = np.flatnonzero(self._of(register, meter).full("covered") == 0)
            if len(silent):
                low, high = (self._days[0] + (self._part[0] + int(each)) // A_DAY for each in (silent[0], silent[-1]))
                blocks.setdefault((low // BLOCK, high // BLOCK), []).append((meter, low, high + 1))
        found: dict[int, Cells] = {}
        for some in blocks.values():
            days = min(low for _, low, _ in some), max(high for *_, high in some)
            found |= await self._first_told([meter for meter, *_ in some], fields, days)
        return found

    async def _first_told(
        self, meters: Sequence[Meter], fields: Sequence[str], days: tuple[int, int], *, returns: bool = False
    ) -> dict[int, Cells]:
        """Of each meter the first of these fields that is told on these days, by the meter's id; 0 on other days."""
        found: dict[int, Cells] = {}
        for field in fields:
            lacking = [each for each in meters if each.id not in found]
            read = await self._read([(field, each) for each in lacking], days, returns=returns)
            told = {meter: cells for (_, meter), cells in read.items() if cells.covered is not None}
            self._chosen |= {(fields[0], meter): field for meter in told}
            found |= told
        return found

    def flows(self, member: Member) -> Flows | None:
        """What flowed through a member's meter; None where nothing is known of it."""
        return flows(self.size, *(self._of(field, member.meter) for field in (TAKEN, GIVEN, POWER)))

    async def fine(self, first: int, last: int, width: int) -> AsyncIterator[tuple[Member, Flows]]:
        """The flows of the days [first, last) in intervals of `width` us, of the members of which anything is known.

        What a meter's energy is taken from is what it is taken from in `flows`.
        """
        size = (last - first) * (DAY // width)
        for at in range(0, len(self.members), FINE):
            some = self.members[at : at + FINE]
            lanes = {
                (field, meter.id): lane
                for meter in {member.meter.id: member.meter for member in some}.values()
                for field in (TAKEN, GIVEN, POWER)
                if self._flowing(field, meter)
                and (lane := self._lane(self._chosen.get((field, meter.id), field), meter)) is not None
            }
            if not lanes:
                continue
            cells = dict(zip(lanes, await self._turn.fine(list(lanes.values()), first, last, width), strict=True))
            for member in some:
                register, returned, power = (cells.get((field, member.meter.id)) for field in (TAKEN, GIVEN, POWER))
                found = flows(size, register or Cells(size), returned or Cells(size), power)
                if found is not None:
                    yield member, found

    def _flowing(self, field: str, meter: Meter) -> bool:
        found = self._of(field, meter)
        return found.energy is not None or found.back is not None

    def reactive_flows(self, member: Member) -> Flows | None:
        """The reactive energy (kvarh), likewise."""
        return flows(self.size, self._of(REACTIVE, member.meter), Cells(self.size), self._of(REACTIVE_POWER, member.meter))

    async def _read(
        self, wanted: Sequence[tuple[str, Meter]], days: tuple[int, int] | None = None, *, returns: bool = False
    ) -> dict[tuple[str, int], Cells]:
        """Cells in the intervals asked for, of which those of other than these days are empty, by field and meter."""
        lanes = [(field, meter.id, self._lane(field, meter, returns=returns)) for field, meter in wanted]
        known = [(field, meter, lane) for field, meter, lane in lanes if lane is not None]
        first, last = days or self._days
        cells = await self._turn.cells([lane for *_, lane in known], first, last) if known else []
        at = self._part[0] - (first - self._days[0]) * A_DAY
        return {(field, meter): each.moved(at, self.size) for (field, meter, _), each in zip(known, cells, strict=True)}

    def _lane(self, field: str, meter: Meter, *, returns: bool = False) -> Lane | None:
        if (field, meter.id) not in self._lanes:
            self._lanes[field, meter.id] = lane_of(self._metering, meter, field)
        found = self._lanes[field, meter.id]
        return found._replace(returns=True) if returns and found is not None else found

    def _of(self, field: str, meter: Meter) -> Cells:
        return self._cells.get((field, meter.id)) or Cells(self.size)

    def _told(self, field: str, meter: Meter) -> bool:
        return self._of(field, meter).covered is not None

    def _whole(self, field: str, meter: Meter) -> bool:
        covered = self._of(field, meter).covered
        return covered is not None and bool(covered.all())
