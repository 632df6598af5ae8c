"""The words of meters. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum

from wattline.model.errors import Invalid, WattlineError
from wattline.model.place import Layout, Quantity

LAYOUT = Layout(
    "household.meter",
    (
        Quantity("value", "kWh", "counter"),
        Quantity("value_out", "kWh", "counter"),
        Quantity("value_current", "W"),
        Quantity("total", "kWh", "counter", role="energy_imported_active"),
        Quantity("total_out", "kWh", "counter", role="energy_exported_active"),
    ),
)
"""A row of a meter: its registers and its power as sent (for an analog meter `value` is the total), and the registers as they
would be had the meter never been swapped, reset or rolled over. What a household used between two rows is the difference of
`total`."""
VALUE, VALUE_OUT, POWER, TOTAL, TOTAL_OUT = range(5)
COLUMNS = tuple(quantity.name for quantity in LAYOUT.quantities)

USUAL_LIMIT = 0.6
"""kWh a minute that a household may use at most: 36 kW."""
LONGEST_SCRIPT = 665
"""Bytes of UTF-8: more do not fit the memory of the devices."""
_MAC = re.compile(r"[0-9A-F]{2}(?::[0-9A-F]{2}){5}")


class Kind(IntEnum):
    """What a meter is, by its number on the wire."""

    ANALOG_ELECTRICITY = 0
    DIGITAL_ELECTRICITY = 1
    GAS = 2
    WATER = 3


ELECTRICITY = (Kind.ANALOG_ELECTRICITY, Kind.DIGITAL_ELECTRICITY)
"""The kinds of which peaks, anomalies and reports tell."""


class TooMany(WattlineError):
    """Asked too often; again after so many seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(Invalid):
    """A reading that is not taken; the text is what the device is told."""


def mac_of(text: str) -> str:
    """A MAC address as it is kept: upper case, with colons; `-` or nothing between the bytes is read too. Raises `Invalid`."""
    raw = text.strip().upper().replace("-", ":")
    if ":" not in raw and len(raw) == 12:
        raw = ":".join(raw[at : at + 2] for at in range(0, 12, 2))
    if not _MAC.fullmatch(raw):
        raise Invalid("a sensor id is a MAC address, as AA:BB:CC:DD:EE:01", "sensor_id")
    return raw


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter as it is registered. `user` is the household that it is assigned to; `limit` is in kWh a minute.

    `script` configures the reader, or is the number of rotations for a kWh; it is handed out while `needs_script`.
    """

    mac: str
    tenant: str
    kind: Kind
    user: str | None
    script: str | None = field(repr=False)
    needs_script: bool
    limit: float
    secret: str | None = field(repr=False)
    created: int
    version: int


@dataclass(frozen=True, slots=True)
class Assignment:
    """That a meter was a household's from `since` until `until` (us; None: still)."""

    mac: str
    user: str
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a device sent, in kWh and W. `time` is in us, None for now; `analog`: `value` is what was used since the last one.

    `single`: the value came as a 4-byte float, so its steps are coarse. `time_unit` is the unit that `time` was sent in.
    """

    value: float
    analog: bool
    value_out: float | None = None
    value_current: float | None = None
    time: int | None = None
    single: bool = False
    time_unit: str = "ms"


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a meter that asked for a token; `expires_in` in seconds."""

    token: str = field(repr=False)
    expires_in: int
    script: str | None = field(default=None, repr=False)
    rotations_per_kwh: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reading that was not taken: its time and when it came last (us), its value (kWh, None where that was no number) and the
    reason; `count`: how often."""

    time: int
    value: float | None
    reason: str
    received: int
    count: int = 1
