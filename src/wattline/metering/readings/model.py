"""What a reading is on its way in, and what can become of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from wattline.metering.model import DeviceKey
from wattline.metering.readings.ids import ulid
from wattline.model.errors import Fault
from wattline.model.principal import Principal
from wattline.registry.stream import Stream

Status = Literal["stored", "duplicate", "replaced"]
Place = tuple[int, int]
"""A stream's id and a time (us)."""


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One reading as it was sent, its form checked: values by column of the layout, None where nothing was sent.

    `ignored` are the names in it that are no field, `faults` what is wrong with its form: such a reading is never taken.
    """

    values: tuple[float | None, ...]
    timestamp: datetime | None = None
    meter_id: int | None = None
    breaker_state: str | None = None
    quality: str | None = None
    seq: int | None = None
    extra: Mapping[str, float] | None = None
    ignored: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


Refused = list[Fault]
"""Everything that is wrong with a reading; it was not taken."""


class Sender(NamedTuple):
    """Who sends: for which meters and sites of a tenant, None for all. With a sole meter a reading need not name it."""

    tenant: str
    meters: frozenset[int] | None = None
    sites: frozenset[str] | None = None

    @classmethod
    def of_key(cls, key: DeviceKey) -> Sender:
        """A device or a gateway."""
        return cls(key.tenant, key.meters)

    @classmethod
    def of_principal(cls, principal: Principal) -> Sender:
        """A caller with a token, whose scope was checked."""
        return cls(principal.tenant, None, principal.sites)


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A reading that may be stored: its meter and stream, time (us), values as they are stored, quality, and its note.

    `stamped`: the time is ours, because the reading has none.
    """

    meter_id: int
    stream: Stream
    time: int
    stamped: bool
    values: tuple[float | None, ...]
    quality: int
    breaker_state: str | None
    seq: int | None
    extra: Mapping[str, float] | None
    ignored: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of a reading. `revision` counts what was stored of this meter at this time (us), from 1.

    `ignored` are the names in it that were passed over.
    """

    status: Status
    meter_id: int
    stream: int
    time: int
    revision: int
    ignored: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The reading's id: the same for this meter and time whenever it is sent."""
        return ulid(self.stream, self.time)
