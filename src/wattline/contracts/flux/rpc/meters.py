"""`get_meter_readings_5m` and `get_meter_readings_30m`: averages, minima and advances of meters in intervals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.relation import Need, Scan
from wattline.contracts.flux.relations.intervals import MOST_DEVICES, ROOM, Block, IntervalRows, Plan, Wanted
from wattline.contracts.flux.rpc.deltas import deltas
from wattline.contracts.flux.tables import METER_FUNCTION_COLUMNS
from wattline.model.clock import MINUTE

WIDTHS = {"get_meter_readings_5m": 5 * MINUTE, "get_meter_readings_30m": 30 * MINUTE}
"""The length of each function's intervals, in us."""
TYPES = {name: RelationType(name, METER_FUNCTION_COLUMNS, writable=False) for name in WIDTHS}
"""What they return. There is no other order than that in which the rows come: by device, then by time."""


class MeterIntervals:
    """One call. `start` and `end` (us) are both included; `devices` None is every device.

    What a counter advanced in an interval depends on its neighbours in the range alone.
    """

    def __init__(
        self, rows: IntervalRows, name: str, tenant: str, start: int, end: int, devices: frozenset[object] | None
    ) -> None:
        self._rows = rows
        self._width = WIDTHS[name]
        self._tenant = tenant
        self._start = start
        self._end = end
        self._devices = devices

    def scan(self, need: Need) -> Scan:
        """The rows, with the needed columns."""
        return Scan(self._tables(need), ordered=not need.order)

    async def _tables(self, need: Need) -> AsyncIterator[pa.Table]:
        names = [column.name for column in METER_FUNCTION_COLUMNS if column.name in need.columns] or ["time_b"]
        stems = {
            what: [name.removesuffix(what) for name in names if name.endswith(what)] for what in ("_avg", "_min", "_delta")
        }
        wanted = Wanted(tuple(dict.fromkeys((*stems["_avg"], *stems["_min"]))), tuple(stems["_delta"]))
        # The interval that begins at `end` belongs to the answer.
        plan = await self._rows.plan(self._tenant, wanted, self._devices, self._start, self._end + 1, self._width)
        if plan.intervals:
            async for block, emitted in self._blocks(plan):
                yield self._table(block, emitted, plan, names)

    async def _blocks(self, plan: Plan) -> AsyncIterator[tuple[Block, slice]]:
        """Blocks, and which of their rows are due: those whose neighbours are there."""
        together = max(min(ROOM // plan.intervals, MOST_DEVICES), 1)
        step = ROOM * self._width if together == 1 else plan.end - plan.start
        for first in range(0, len(plan.uuids), together):
            held: Block | None = None
            due = 0
            for start in range(plan.start, plan.end, step):
                part = plan.part(first, together, start, min(start + step, plan.end))
                block = await self._rows.read(part, first)
                held = block if held is None else held.then(block)
                if part.end < plan.end and len(held) - due > 1:
                    yield held, slice(due, len(held) - 1)
                    held, due = held.take(slice(len(held) - 2, None)), 1
            if held is not None and len(held) > due:
                yield held, slice(due, len(held))

    def _table(self, block: Block, due: slice, plan: Plan, names: Sequence[str]) -> pa.Table:
        found: list[pa.Array] = []
        advances = deltas(block.series, block.start, self._width, block.counters)
        for name in names:
            column, _, what = name.rpartition("_")
            if name == "time_b":
                found.append(pa.array(block.start))
            elif name == "device_id":
                found.append(pa.array(plan.uuids, pa.string()).take(pa.array(block.series)))
            elif what == "avg":
                found.append(block.means(plan.wanted.values.index(column)))
            elif what == "min":
                found.append(block.minima(plan.wanted.values.index(column)))
            else:
                line = plan.wanted.counters.index(column)
                found.append(pa.array(advances[line], mask=~block.counters.present[line]))
        return pa.table(found, names=list(names)).slice(due.start, due.stop - due.start)
