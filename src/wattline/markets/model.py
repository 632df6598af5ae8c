"""What a market says."""

from __future__ import annotations

from typing import NamedTuple

from wattline.model.errors import WattlineError


class Signal(NamedTuple):
    """One value that was told for a time. `id` is a UUID in canonical lower-case text; times in us.

    `value` is a float4 widened to a float, None where the market gave none; `metadata` is JSON text.
    """

    id: str
    time: int
    type: int
    value: float | None
    metadata: str | None
    created: int


class SignalType(NamedTuple):
    """What signals of a type mean, and their unit."""

    id: int
    name: str
    description: str | None
    unit: str | None
    created: int | None


class Told(NamedTuple):
    """A value for a time as a market tells it."""

    time: int
    type: int
    value: float | None


SEEDS = (
    (1, "niv_estimate", "Net Imbalance Volume Estimate", "MW"),
    (2, "wholesale_price", "Wholesale Price", "£/MWh"),
    (3, "imbalance_price", "Imbalance Price", "£/MWh"),
    (4, "axle_dispatch", "Axle Dispatch", "kW"),
)
"""The types that every tenant begins with: id, name, description, unit."""
LAST_ID = 2**31 - 1
"""The greatest id of a type."""


class Duplicate(WattlineError):
    """A key that another row has already. `column` and `value` are those of the key."""

    def __init__(self, column: str, value: str | int) -> None:
        super().__init__(f"there is a row with the {column} {value}")
        self.column = column
        self.value = value


class Exhausted(WattlineError):
    """No id is left for another type."""
