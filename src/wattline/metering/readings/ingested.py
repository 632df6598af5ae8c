"""The event of a row: `data.ingested`, one for each reading that was stored or replaced another. It is written nowhere else."""

from __future__ import annotations

from typing import Any

from wattline.metering.fields import NAMES
from wattline.metering.model import Meter
from wattline.metering.readings.ids import ulid
from wattline.metering.readings.notes import Note, note_of
from wattline.model.clock import from_micros
from wattline.model.record import Quality, Row

KIND = "data.ingested"
CAUSE = "causation_id"
"""The member of another event's body that names the event of the reading in which it was found."""
QUALITIES = {int(Quality.GOOD): "good", int(Quality.UNCERTAIN): "uncertain", int(Quality.BAD): "bad"}


def event_id(row: Row) -> str:
    """The id of a committed row's event, which no other event has."""
    return _id(row, note_of(row.status))


def _id(row: Row, note: Note) -> str:
    return ulid(row.stream, row.time, note.revision - 1)


def event_of(row: Row, meter: Meter | int) -> dict[str, Any]:
    """The data of a committed row's event, and its id, which no other event has: `event_id`. `meter` may be its id alone.

    The fields are those of the whole reading after it was stored, in SI units. `quality` is the worst of them, and is left out
    where all are good.
    """
    note = note_of(row.status)
    data: dict[str, Any] = {
        "meter_id": meter if isinstance(meter, int) else meter.id,
        "timestamp": from_micros(row.time).isoformat().replace("+00:00", "Z"),
    }
    worst = int(Quality.GOOD)
    for column, (name, value) in enumerate(zip(NAMES, row.values, strict=False)):
        if value is not None:
            data[name] = value
            worst = max(worst, row.quality[column] if isinstance(row.quality, tuple) else row.quality)
    if worst != Quality.GOOD:
        data["quality"] = QUALITIES[worst]
    if note.breaker_state is not None:
        data["breaker_state"] = note.breaker_state
    if note.seq is not None:
        data["seq"] = note.seq
    if note.extra is not None:
        data["extra"] = dict(note.extra)
    data["event_id"] = _id(row, note)
    data["status"] = "stored" if note.revision == 1 else "replaced"
    if note.revision > 1:
        data["revision"] = note.revision
    return data
