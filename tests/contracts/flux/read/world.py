"""Relations with a few rows, and a reader of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.flux.memory import MemoryRelation, relations
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.read.answer import Limits, Rows, View, everything
from wattline.contracts.flux.read.rows import Reader
from wattline.contracts.flux.syntax import query
from wattline.contracts.flux.syntax.ast import Window
from wattline.contracts.flux.tables import BESS, MARKET, MARKET_TYPES, METER, REGISTRY
from wattline.contracts.flux.values import encode

SECOND = 1_000_000
NOW = 1_704_110_400 * SECOND


def uuid(number: int) -> str:
    """The uuid with a number at its end."""
    return f"00000000-0000-0000-0000-{number:012d}"


class World:
    """A tenant `one` with devices 1 to 3, readings of devices 1, 2 and 9, three types, and market data of types 1, 2 and 7."""

    def __init__(self, *, ordered: bool = False, slice_rows: int = 4, limits: Limits | None = None) -> None:
        self.members = {
            kind.name: MemoryRelation(kind, ordered=ordered, slice_rows=slice_rows)
            for kind in (BESS, METER, REGISTRY, MARKET, MARKET_TYPES)
        }
        self.reader = Reader(relations(*self.members.values()), limits or Limits(aggregates=True))
        self.visible: Callable[[str], bool] = everything
        self.put(
            REGISTRY.name,
            *(
                {
                    "id": uuid(number),
                    "created_at": number,
                    "name": f"device-{number}",
                    "type": kind,
                    "site": "WLCE",
                    "metadata": about,
                }
                for number, kind, about in (
                    (1, "bess", '{"max_power": 100, "tags": ["a", "b"]}'),
                    (2, "bess", '{"max_power": 50.5}'),
                    (3, "meter", None),
                )
            ),
        )
        self.put(
            BESS.name,
            *(
                {
                    "time": place * SECOND,
                    "device_id": uuid(device),
                    "id": uuid(100 + place),
                    "created_at": 0,
                    "soe": float(place),
                }
                for place, device in enumerate([1, 2, 9, 1, 2, 1, 1, 2, 9, 1])
            ),
        )
        self.put(
            MARKET_TYPES.name,
            {"id": 1, "name": "niv", "unit": "MW"},
            {"id": 2, "name": "price", "unit": None},
            {"id": 3, "name": "idle", "unit": "kW"},
        )
        self.put(
            MARKET.name,
            *(
                {"id": uuid(place), "time": place * SECOND, "type": kind, "value": value, "created_at": place}
                for place, (kind, value) in enumerate([(1, 10.0), (2, 5.5), (7, 1.0), (1, None), (2, 7.5), (1, 30.0)])
            ),
        )

    def put(self, name: str, *rows: dict[str, object]) -> None:
        """Add rows of the tenant."""
        self.members[name].put("one", *rows)

    async def rows(self, name: str, text: str = "", *, window: Window | None = None, **asked: bool) -> Rows:
        """The answer to a query string."""
        view = View("one", NOW, None, self.visible)
        return await self.reader.read(view, name, query.parse(text), window=window or Window(), **asked)

    async def get(self, name: str, text: str = "") -> Any:
        """The same as a client reads it."""
        return shown(await self.rows(name, text))

    async def refused(self, name: str, text: str = "", **asked: Any) -> Refusal:
        """What it is refused with."""
        with pytest.raises(Refusal) as refusal:
            await self.rows(name, text, **asked)
        return refusal.value


def shown(rows: Rows) -> Any:
    """The rows as a client reads them."""
    return json.loads(b"".join(encode.json_array(rows.table, rows.outputs)))
