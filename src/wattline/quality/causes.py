"""The readings that events were found in: an event of the log says which entry it follows from."""

from __future__ import annotations

from collections.abc import Sequence

from wattline.metering.readings.ingested import event_id
from wattline.model.record import Row
from wattline.quality.disturbance import Type
from wattline.quality.readings import FREQUENCY, LINE, PHASE, THD, Source

_VOLTAGES = range(PHASE.start, LINE.stop)
_LEVELS = {"thd": range(THD.start, THD.stop), "frequency": range(FREQUENCY, FREQUENCY + 1)}


class Causes:
    """The readings of one batch. A meter that reads a device of another contract has none in the log."""

    def __init__(self) -> None:
        self._rows: dict[int, list[tuple[Source, Sequence[Row]]]] = {}

    def add(self, meter: int, source: Source, rows: Sequence[Row]) -> None:
        """Readings of a meter, in the order in which they are judged."""
        self._rows.setdefault(meter, []).append((source, rows))

    def of(self, meter: int, kind: Type, time: int) -> str | None:
        """The event of the reading by which a disturbance of this type began or ended at this time (us): of those that came of
        this time, the first one that has what is judged."""
        judged = _LEVELS.get(kind, _VOLTAGES)
        for source, rows in self._rows.get(meter, ()):
            columns = [column for place, column, _ in source.places if place in judged]
            for row in rows:
                if row.time == time and any(row.values[column] is not None for column in columns):
                    return event_id(row)
        return None
