"""What exists: tenant > site > device > stream > sensor.

A *stream* is the set of sensors that a device reports together (one measurement row of a field protocol).
It is the unit of ordering: a row that is newer than every row of its stream is new by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SensorKind = Literal["gauge", "counter", "state"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What one column of a stream measures. `unit` is a UCUM-like symbol, as sent: kV stays kV."""

    name: str
    unit: str
    kind: SensorKind = "gauge"


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a stream, in order, under a name that is stable for ever (it is stored)."""

    name: str
    quantities: tuple[Quantity, ...]


@dataclass(slots=True)
class Site:
    """A substation, depot, building, home or hall. `key` is the owner's own identifier, unique in the tenant."""

    id: int
    tenant: str
    key: str
    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(slots=True)
class Device:
    """Something that reports: `key` is unique in its site; `attributes` are the contract's own words for it."""

    id: int
    site: Site
    key: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One numeric time series."""

    id: int
    quantity: Quantity
