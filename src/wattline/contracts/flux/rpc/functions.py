"""The functions: what they are called with, what they do, and how a call finds its function."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.read.answer import View
from wattline.contracts.flux.read.page import Source
from wattline.contracts.flux.relations.intervals import IntervalRows
from wattline.contracts.flux.relations.market import MarketData
from wattline.contracts.flux.rpc.arguments import Arguments
from wattline.contracts.flux.rpc.meters import TYPES, MeterIntervals
from wattline.model.clock import DAY

ALIKE_NAME, ALIKE_ARGUMENTS = 0.75, 0.33
Kind = Literal["time", "uuids", "market"]


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `returns` None: nothing. `reads` names the relations whose rows it sees, `inserts` those it adds to."""

    name: str
    arguments: Mapping[str, Kind]
    optional: frozenset[str]
    returns: RelationType | None
    reads: tuple[str, ...]
    inserts: tuple[str, ...]
    call: Callable[[View, Arguments], Awaitable[Source | None]]

    def fits(self, given: Collection[str]) -> bool:
        """Whether it can be called with arguments of these names."""
        return self.arguments.keys() >= set(given) and set(given) >= self.arguments.keys() - self.optional


class Functions:
    """All of them by name."""

    def __init__(self, *members: Function) -> None:
        self.by_name = {member.name: member for member in members}

    def find(self, name: str, given: Collection[str], *, body: bool) -> Function:
        """The function that such a call means. Raises `Refusal` PGRST202; `body`: the call came with one."""
        found = self.by_name.get(name)
        if found is not None and found.fits(given):
            return found
        listed = ", ".join(sorted(given))
        called = f"flux.{name}({listed})" if given else f"flux.{name} without parameters"
        plural = "parameters" if len(given) > 1 else "parameter"
        searched = f"flux.{name} with {plural} {listed}" if given else f"flux.{name} without parameters"
        unnamed = " or with a single unnamed json/jsonb parameter" if body else ""
        raise Refusal(
            404,
            "PGRST202",
            f"Could not find the function {called} in the schema cache",
            f"Searched for the function {searched}{unnamed}, but no matches were found in the schema cache.",
            self._hint(name, listed),
        )

    def _hint(self, name: str, listed: str) -> str | None:
        if name in self.by_name:
            expected = ", ".join(sorted(self.by_name[name].arguments))
            close = difflib.SequenceMatcher(None, listed, expected).ratio() >= ALIKE_ARGUMENTS
            return f"Perhaps you meant to call the function flux.{name}({expected})" if close else None
        names = difflib.get_close_matches(name, sorted(self.by_name), 1, ALIKE_NAME)
        return f"Perhaps you meant to call the function flux.{names[0]}" if names else None


def build(meters: IntervalRows, market: MarketData) -> Functions:
    """The functions of the contract."""

    def intervals(name: str) -> Function:
        async def call(view: View, arguments: Arguments) -> Source | None:
            start = arguments.time("start_time", view.now - DAY)
            end = arguments.time("end_time", view.now)
            devices = arguments.uuids("device_ids")
            if start is None or end is None:
                # A comparison with null is never true.
                devices, start, end = frozenset(), 0, 0
            return MeterIntervals(meters, name, view.tenant, start, end, devices).scan

        given: dict[str, Kind] = {"start_time": "time", "end_time": "time", "device_ids": "uuids"}
        return Function(name, given, frozenset(given), TYPES[name], ("mg_meter_readings",), (), call)

    async def insert(view: View, arguments: Arguments) -> Source | None:
        data = arguments.market("data")
        if data is not None and data.num_rows:
            if arguments.read_only:
                raise sql(405, "25006", "cannot execute INSERT in a read-only transaction")
            await market.insert_batch(view.tenant, data, view.now)
        return None

    batch = Function(
        "insert_market_data_batch", {"data": "market"}, frozenset(), None, ("market_data",), ("market_data",), insert
    )
    return Functions(*map(intervals, TYPES), batch)
