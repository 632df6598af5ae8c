"""Occurrences from rows of meters and from events of the chain."""

from __future__ import annotations

from typing import Any

from wattline.events.model import Event
from wattline.metering.occurrences.model import Occurrence, Position
from wattline.metering.readings.ingested import CAUSE, event_of
from wattline.metering.readings.ingested import KIND as INGESTED
from wattline.model.record import Row
from wattline.registry.stream import Stream

PREFIX = "meter-"
CAUSED = frozenset({"pq.event", "protection.event"})
"""Kinds of events that may say which entry they follow from, in their body."""


def meter_number(device: str | None) -> int | None:
    """The id of the meter whose own device has this key."""
    digits = (device or "").removeprefix(PREFIX)
    if device is None or digits == device or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return None
    return int(digits)


def of_row(row: Row, stream: Stream, sequence: int) -> Occurrence:
    """The `data.ingested` of a row of a meter's stream, where the chain has been read up to `sequence`."""
    number = meter_number(stream.device.key) or 0
    data: dict[str, Any] = event_of(row, number)
    name = data.pop("event_id")
    site = stream.device.site
    return Occurrence(
        name, INGESTED, row.time, row.received, site.tenant, site.key, number, data, Position(row.received, sequence)
    )


def of_event(event: Event, received: int) -> Occurrence:
    """An event of the chain, where rows have been read up to `received`."""
    said = event.body.get("meter_id")
    number = said if isinstance(said, int) else meter_number(event.device)
    place = Position(received, event.sequence)
    data, cause = event.body, None
    if event.kind in CAUSED and CAUSE in data:
        data = {name: value for name, value in data.items() if name != CAUSE}
        cause = event.body[CAUSE]
    return Occurrence(event.id, event.kind, event.time, event.received, event.tenant, event.site, number, data, place, cause)
