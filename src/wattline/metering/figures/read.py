"""Reading what flowed through several meters: registers first, and power only of the meters whose registers do not tell all."""

from __future__ import annotations

from collections.abc import Sequence

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


def lane_of(metering: Metering, meter: Meter, field: str) -> Lane | None:
    """How a field of a meter is read for energy; None where it is nowhere."""
    channel = metering.channel(meter, field)
    if channel is None:
        return None
    power = field in (POWER, REACTIVE_POWER)
    rule = None if power else Rule.rated(meter.register_span_kwh, meter.rated_power_w)
    sensor = channel.stream.sensor_ids[channel.column]
    return Lane(channel.stream.id, sensor, channel.factor, meter.interval_s * SECOND, rule)


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

    async def energy(self, *, reactive: bool = False) -> None:
        """Read what is needed for `flows`, and for `reactive_flows` if that is asked: together, as each read has its price."""
        meters = list({member.meter.id: member.meter for member in self.members}.values())
        registers = (TAKEN, GIVEN, REACTIVE) if reactive else (TAKEN, GIVEN)
        await self._read([(field, meter) for field in registers for meter in meters])
        powers = [(POWER, each) for each in meters if not (self._whole(TAKEN, each) and self._told(GIVEN, each))]
        if reactive:
            powers += [(REACTIVE_POWER, each) for each in meters if not self._whole(REACTIVE, each)]
        await self._read(powers)

    def flows(self, member: Member) -> Flows | None:
        """What flowed through a member's meter; None where nothing is known of it."""
        return flows(self.size, *(self._of(field, member.meter) for field in (TAKEN, GIVEN, POWER)))

    def reactive_flows(self, member: Member) -> Flows | None:
        """The reactive energy (kvarh), likewise."""
        return flows(self.size, self._of(REACTIVE, member.meter), Cells(self.size), self._of(REACTIVE_POWER, member.meter))

    async def _read(self, wanted: Sequence[tuple[str, Meter]]) -> None:
        lanes = [(field, meter, lane_of(self._metering, meter, field)) for field, meter in wanted]
        known = [(field, meter, lane) for field, meter, lane in lanes if lane is not None]
        found = await self._turn.cells([lane for *_, lane in known], *self._days)
        for (field, meter, _), cells in zip(known, found, strict=True):
            self._cells[field, meter.id] = cells.between(*self._part)

    def _of(self, field: str, meter: Meter) -> Cells:
        return self._cells.get((field, meter.id)) or Cells(self.size)

    def _told(self, field: str, meter: Meter) -> bool:
        return self._of(field, meter).covered is not None

    def _whole(self, field: str, meter: Meter) -> bool:
        covered = self._of(field, meter).covered
        return covered is not None and bool(covered.all())
