"""What meters, groups, accounts and device keys are: plain data, made from resources that were checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import sqrt
from typing import Any, Literal, NamedTuple

from wattline.registry.stream import Stream

MeterKind = Literal["grid", "submeter", "generation", "battery", "evse", "virtual"]
Wiring = Literal["1p2w", "1p3w", "3p3w", "3p4w"]
EnergyUnit = Literal["Wh", "kWh"]
BillingMode = Literal["postpaid", "prepaid"]

_LOOPS: dict[Wiring, float] = {"1p2w": 1.0, "1p3w": 2.0, "3p3w": sqrt(3), "3p4w": 3.0}
"""How often nominal voltage times rated current flows through a meter; a split phase has two conductors beside the neutral."""


class Term(NamedTuple):
    """One meter of a formula, and whether its figure is added (1) or taken away (-1)."""

    meter_id: int
    sign: int


class SourceField(NamedTuple):
    """A field of a meter that is a quantity of another device: value = quantity * factor."""

    field: str
    quantity: str
    factor: float


class Source(NamedTuple):
    """A device of another contract that a meter reads, by the keys of the registry."""

    site: str
    device: str
    fields: tuple[SourceField, ...]


class Channel(NamedTuple):
    """Where a field of a meter is stored: a column of a stream; the field is the stored value times `factor`."""

    stream: Stream
    column: int
    factor: float


class Tenure(NamedTuple):
    """A meter of an account in [start, end), in us; None has no end on that side."""

    meter_id: int
    start: int | None
    end: int | None


class Assignment(NamedTuple):
    """A tariff of an account in [start, end), in us; None has no end on that side."""

    tariff_id: int
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter as configured; every field has a value or is None where nobody said it and there is no default.

    `nominal_voltage` (V) is that between a phase and the neutral, with the wiring `3p3w`, which has no neutral, that between
    two phases. `timezone` is an IANA name. `ct_ratio` and `vt_ratio` multiply what comes in only if `secondary_readings` says
    that readings are those of the transformers' secondary side; `energy_unit` is that of the registers as they are sent:
    stored is what `channels.scales` makes of it, always primary values and kWh. `interval_s` is the expected time between
    readings. `formula` holds the terms of a virtual meter, `source` the device of a meter that reads one of another contract.
    """

    id: int
    tenant: str
    version: int
    name: str
    external_id: str | None
    site: str
    kind: MeterKind
    phases: int
    wiring: Wiring
    nominal_voltage: float
    nominal_frequency: int
    rated_current: float | None
    ct_ratio: float
    vt_ratio: float
    secondary_readings: bool
    register_digits: int | None
    energy_unit: EnergyUnit
    interval_s: int
    timezone: str
    account_id: int | None
    group_ids: tuple[int, ...]
    parent_id: int | None
    node_id: int | None
    formula: tuple[Term, ...]
    source: Source | None
    reading: Literal["strict", "lenient"]
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def device_key(self) -> str:
        """The key of its own device in the registry, at its site."""
        return f"meter-{self.id}"

    @property
    def takes_readings(self) -> bool:
        """Whether it has readings of its own; a virtual meter is computed, and one with a source reads another device."""
        return self.kind != "virtual" and self.source is None

    @property
    def rated_power_w(self) -> float | None:
        """The power at rated current and nominal voltage, None without a rated current."""
        return None if self.rated_current is None else _LOOPS[self.wiring] * self.nominal_voltage * self.rated_current

    @property
    def register_span_kwh(self) -> float | None:
        """Where its energy registers, as they are stored, roll over to zero; None where the number of digits is not known."""
        if self.register_digits is None:
            return None
        ratio = self.ct_ratio * self.vt_ratio if self.secondary_readings else 1.0
        span = 10.0**self.register_digits * ratio
        return span / 1000 if self.energy_unit == "Wh" else span


@dataclass(frozen=True, slots=True)
class Group:
    """Meters and groups of them. With `dedupe` a meter counts once however many ways lead to it, else once for each way."""

    id: int
    tenant: str
    version: int
    name: str
    meter_ids: tuple[int, ...]
    group_ids: tuple[int, ...]
    dedupe: bool


@dataclass(frozen=True, slots=True)
class Account:
    """Who is billed for which meters, by which tariffs; at no time by two.

    `tax_rate` is a fraction of the net amount (0.19 is 19 %). `billing_day` is the day of the month on which a period begins.
    """

    id: int
    tenant: str
    version: int
    name: str
    customer: str | None
    currency: str
    tariffs: tuple[Assignment, ...]
    meters: tuple[Tenure, ...]
    billing_mode: BillingMode
    tax_rate: Decimal
    billing_day: int


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A key of a device (of the one meter `meter_id`) or of a gateway, without its text, of which only a digest is kept.

    `meters` are the meters that it may write for; None: every meter of the tenant. An HMAC needs the `secret` itself; it is
    the text of 64 hexadecimal digits, and what signs are its ASCII bytes. After a rotation the former secret holds until
    `former_until` (us). Times in us.
    """

    id: int
    tenant: str
    name: str | None
    meter_id: int | None
    meters: frozenset[int] | None
    secret: str = field(repr=False)
    former_secret: str | None = field(repr=False)
    former_until: int | None
    require_signature: bool
    created: int
    rotated: int | None
    revoked: int | None

    @property
    def is_gateway(self) -> bool:
        """Whether readings have to say which meter they are of, unless it has one only."""
        return self.meter_id is None

    def secrets(self, now: int) -> tuple[str, ...]:
        """The secrets that hold at a moment, the present one first."""
        if self.former_secret is not None and self.former_until is not None and now < self.former_until:
            return self.secret, self.former_secret
        return (self.secret,)

    def may_write(self, meter_id: int) -> bool:
        """Whether readings of this meter of its tenant may come with it."""
        return self.meters is None or meter_id in self.meters
