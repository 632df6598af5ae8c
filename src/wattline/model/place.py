"""What exists: tenant > site > block > device > stream > sensor.

A *stream* is the set of sensors that a device reports together (one measurement row of a field protocol).
It is the unit of ordering: a row that is newer than every row of its stream is new by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SensorKind = Literal["gauge", "counter", "state"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """What one column of a stream measures. `unit` is a UCUM-like symbol, as sent: kV stays kV.

    `role` is the energy role that a sensor of it has from the start.
    """

    name: str
    unit: str
    kind: SensorKind = "gauge"
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a stream, in order, under a name that is stable for ever (it is stored)."""

    name: str
    quantities: tuple[Quantity, ...]


@dataclass(slots=True, eq=False)
class Site:
    """A substation, depot, building, home or hall. `key` is the owner's own identifier, unique in the tenant.

    `zone` is the IANA name of its local time, None for UTC. `config` is what its owner keeps about it. `created` is in us.
    """

    id: int
    tenant: str
    key: str
    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    region: str | None = None
    status: str = "active"
    zone: str | None = None
    config: Mapping[str, Any] | None = None
    created: int | None = None


@dataclass(slots=True, eq=False)
class Block:
    """A part of a site that is operated on its own. `slug` is unique in its site.

    A site whose contract knows no blocks has one, with the site's own key as its slug. `mode` is the thermal mode that its
    controller last said, since `mode_since`; times in us.
    """

    id: int
    site: Site
    slug: str
    capacity_mw: float = 0.0
    status: str = "active"
    commissioned: int | None = None
    config: Mapping[str, Any] | None = None
    mode: str | None = None
    mode_since: int | None = None


@dataclass(slots=True, eq=False)
class Device:
    """Something that reports: `key` is unique in its site; `attributes` are the contract's own words for it."""

    id: int
    site: Site
    key: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    block: Block = field(kw_only=True)


@dataclass(slots=True, eq=False)
class Sensor:
    """One numeric time series.

    What a point schedule says of it is None where nobody said it: its tag, the subsystem, the range of sound values, the
    interval at which it is read, and its part in energy accounts (`role`); `factor` multiplies its value there, like the
    ratio of a current transformer.
    """

    id: int
    quantity: Quantity
    tag: str | None = None
    description: str | None = None
    subsystem: str | None = None
    range_min: float | None = None
    range_max: float | None = None
    poll_ms: int | None = None
    role: str | None = None
    factor: float = 1.0
