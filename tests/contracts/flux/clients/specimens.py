"""Rows that filters are tried on: few distinct values, so that comparisons meet, with nulls and what is odd about each type."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.contracts.flux.clients.brute import Kind, Operand

COUNT = 40
FLOATS = (None, 0, -0.0, 0.1, -25, 50, 415.2, 1e-5, 33554432, 1.5e30, "NaN", "Infinity", "-Infinity")
WHOLES = (None, -3, 0, 1, 2, 5)
TIMES = (
    "2024-01-01T11:00:00Z",
    "2024-01-01T11:00:00.5Z",
    "2024-01-01T12:00:00.123456+01:00",
    "2024-01-02",
    "2024-06-30T23:59:59Z",
)
TEXTS = ("a", "A", "ab", "aB", "b,a", 'b"', "a.b", "(a)", "a\\b", "a b", "{a}", "é", "a%", "a_b", "'", "")
SCALARS = (None, True, False, 5, -1.5, 50, "a", "b,", "5")


@dataclass(frozen=True)
class Specimens:
    """The rows of one table. `fence` is a filter that only they pass; `known` has literals for every operand."""

    table: str
    fence: tuple[str, str]
    rows: Sequence[Mapping[str, Any]]
    known: Mapping[Operand, Sequence[str]]


def _written(values: Sequence[Any]) -> list[str]:
    return [str(value) for value in values if value is not None]


def _floats(*names: str) -> dict[Operand, list[str]]:
    return {Operand(name, Kind.FLOAT): _written(FLOATS) for name in names}


def _readings(table: str, dice: random.Random, floats: Sequence[str], wholes: Sequence[str]) -> Specimens:
    devices = [str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(COUNT // len(TIMES))]
    rows = [
        {
            "id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            "device_id": device,
            "time": time,
            **{name: dice.choice(FLOATS) for name in floats},
            **{name: dice.choice(WHOLES) for name in wholes},
        }
        for device in devices
        for time in TIMES
    ]
    known = {
        Operand("device_id", Kind.UUID): devices,
        Operand("time", Kind.TIME): TIMES,
        **_floats(*floats),
        **{Operand(name, Kind.WHOLE): _written(WHOLES) for name in wholes},
    }
    return Specimens(table, ("device_id", f"in.({','.join(devices)})"), rows, known)


def bess(dice: random.Random) -> Specimens:
    """Battery readings."""
    return _readings("mg_bess_readings", dice, ("soe", "target_power"), ("available_inverter_blocks", "command_source"))


def meter(dice: random.Random) -> Specimens:
    """Meter readings."""
    return _readings("mg_meter_readings", dice, ("frequency", "power_total_active", "energy_imported_apparent"), ())


def market(dice: random.Random) -> Specimens:
    """Market data, with documents."""
    types = [dice.randrange(10**6, 10**9) for _ in range(3)]
    rows = [
        {
            "id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            "time": dice.choice(TIMES),
            "type": dice.choice(types),
            "value": dice.choice(FLOATS),
            "metadata": dice.choice((None, {}, {"a": dice.choice(SCALARS)}, {"a": dice.choice(SCALARS), "b": 1})),
        }
        for _ in range(COUNT)
    ]
    known = {
        Operand("time", Kind.TIME): TIMES,
        Operand("type", Kind.WHOLE): _written(types),
        **_floats("value"),
        Operand("metadata", Kind.JSON, "a"): ["5"],
        Operand("metadata", Kind.TEXT, "a"): ["5", "a", "true", "b,"],
    }
    return Specimens("market_data", ("type", f"in.({','.join(map(str, types))})"), rows, known)


def registry(dice: random.Random) -> Specimens:
    """Devices, with texts."""
    site = f"site {dice.getrandbits(64):x}"
    rows = [
        {
            "id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            "name": dice.choice(TEXTS),
            "type": dice.choice(TEXTS),
            "site": site,
            "active": dice.choice((None, True, False)),
        }
        for _ in range(COUNT)
    ]
    known = {
        Operand("id", Kind.UUID): [row["id"] for row in rows],
        Operand("name", Kind.TEXT): TEXTS,
        Operand("type", Kind.TEXT): TEXTS,
        Operand("active", Kind.TRUTH): ["true"],
    }
    return Specimens("mg_device_registry", ("site", f"eq.{site}"), rows, known)


TABLES = {"bess": bess, "meter": meter, "market": market, "registry": registry}
