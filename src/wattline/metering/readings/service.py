"""Taking readings in: whose they are, when they were taken, what of them is stored; then the ledger decides."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta, tzinfo
from typing import NamedTuple

from wattline.billing.days import zone_named
from wattline.ingest.pipeline import Pipeline
from wattline.metering.channels import Scale, scales
from wattline.metering.fields import FIELDS
from wattline.metering.meters import Meters
from wattline.metering.model import Meter
from wattline.metering.readings.careful import MOST_FAULTS, at, bounded, ranged
from wattline.metering.readings.ledger import Ledger
from wattline.metering.readings.model import Draft, Outcome, Reading, Refused, Sender
from wattline.model.clock import DAY, EPOCH, Clock
from wattline.model.errors import Fault, Invalid
from wattline.model.record import Quality
from wattline.registry.stream import Stream

OLDEST = 450 * DAY
"""How far back a reading may be, in us: what a yearly settlement finds can still be put right."""
QUALITIES = {None: int(Quality.GOOD), "good": int(Quality.GOOD), "uncertain": int(Quality.UNCERTAIN), "bad": int(Quality.BAD)}
MOST_TOLD = 10_000
"""Faults of readings sent together that are told in full; of further readings the first one is, and how many more there are."""
AT_ONCE = 1_000
"""Readings looked at in one go; whoever else needs the event loop gets it in between."""
NOT_ALLOWED, UNKNOWN_METER = "not_allowed", "unknown_meter"
"""Codes of readings of a meter that the key does not write for, and of one that is not there."""
_MICROSECOND = timedelta(microseconds=1)


class NotTaken(Invalid):
    """Readings were to be stored together, and some are refused: nothing was written. `rejected` by index."""

    def __init__(self, rejected: dict[int, Refused]) -> None:
        super().__init__(f"{len(rejected)} of the readings are refused, so none was stored")
        self.rejected = rejected


class _Desk(NamedTuple):
    """What every reading of a meter needs."""

    meter: Meter
    stream: Stream
    scales: tuple[Scale, ...]
    zone: tzinfo


class Readings:
    """The intake of every meter. `ahead` is how far in the future a reading may be, in us."""

    def __init__(self, meters: Meters, pipeline: Pipeline, clock: Clock, *, ahead: int) -> None:
        self._meters = meters
        self._clock = clock
        self._ahead = ahead
        self._ledger = Ledger(pipeline, clock)
        self._desks: dict[int, _Desk] = {}

    async def take(self, sender: Sender, readings: Sequence[Reading], *, atomic: bool = False) -> list[Outcome | Refused]:
        """Store readings; of each, in order, what became of it, or everything that is wrong with it. Durable on return.

        With `atomic` all or none: raises `NotTaken`. Raises `Unavailable` and `StorageFull`, and then none is stored.
        """
        now = self._clock.micros()
        desks: dict[int | None, _Desk | Fault] = {}
        drafts: list[Draft] = []
        places: list[int] = []
        rejected: dict[int, Refused] = {}
        stamped: set[int] = set()
        told = 0
        for index, reading in enumerate(readings):
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            desk = desks.get(reading.meter_id)
            if desk is None:
                desk = desks[reading.meter_id] = await self._desk(sender, reading.meter_id)
            found = self._draft(desk, reading, now)
            if type(found) is Draft and found.stamped:
                if found.stream.id in stamped:
                    found = [Fault("/timestamp", "required", "only one reading of a meter can be of now")]
                else:
                    stamped.add(found.stream.id)
            if isinstance(found, Draft):
                drafts.append(found)
                places.append(index)
            else:
                rejected[index] = bounded(found, MOST_FAULTS if told < MOST_TOLD else 1)
                told += len(rejected[index])
        if atomic and rejected:
            raise NotTaken(rejected)
        results: list[Outcome | Refused] = []
        results += await self._ledger.put(drafts)
        if rejected:
            taken = zip(places, results, strict=True)
            results = [rejected.get(index, []) for index in range(len(readings))]
            for index, outcome in taken:
                results[index] = outcome
        return results

    async def _desk(self, sender: Sender, number: int | None) -> _Desk | Fault:
        """Where the readings of a meter go, or why this sender's do not go there."""
        if number is None:
            if sender.meters is None or len(sender.meters) != 1:
                return Fault("/meter_id", "required", "this caller writes for several meters: a reading says for which it is")
            (number,) = sender.meters
        elif sender.meters is not None and number not in sender.meters:
            return Fault("/meter_id", NOT_ALLOWED, "this key does not write for this meter")
        meter = self._meters.find(sender.tenant, number)
        if meter is None or (sender.sites is not None and meter.site not in sender.sites):
            return Fault("/meter_id", UNKNOWN_METER, "there is no such meter")
        desk = self._desks.get(number)
        if desk is not None and desk.meter is meter:
            return desk
        if not meter.takes_readings:
            return Fault("/meter_id", "computed", "this meter takes no readings: it is computed, or reads another device")
        stream = self._meters.find_stream(meter) or await self._meters.stream(meter)
        desk = self._desks[meter.id] = _Desk(meter, stream, scales(meter), zone_named(meter.timezone))
        return desk

    def _draft(self, desk: _Desk | Fault, reading: Reading, now: int) -> Draft | Refused:
        if isinstance(desk, Fault):
            known = any(fault.pointer == desk.pointer for fault in reading.faults)
            return [*reading.faults] if known else [desk, *reading.faults]
        meter, stream, applied, zone = desk
        faults: Refused = [*reading.faults] if reading.faults else []
        time = now
        if reading.timestamp is not None:
            moment = reading.timestamp
            if moment.tzinfo is None:
                if meter.reading == "strict":
                    faults.append(Fault("/timestamp", "bad_timestamp", "this meter's times have an offset from UTC, or Z"))
                moment = moment.replace(tzinfo=zone)
            time = (moment - EPOCH) // _MICROSECOND
            if time > now + self._ahead:
                faults.append(Fault("/timestamp", "future", "the time is too far in the future"))
            elif time < now - OLDEST:
                faults.append(Fault("/timestamp", "too_old", f"the time is more than {OLDEST // DAY} days ago"))
        if reading.ignored and meter.reading == "strict":
            faults += [Fault(at(name), "unknown", "there is no such field") for name in reading.ignored]
        values = reading.values
        if applied and not reading.faults:
            values = _scaled(values, applied, faults)
        if faults:
            return faults
        return Draft(
            meter.id,
            stream,
            time,
            reading.timestamp is None,
            values,
            QUALITIES[reading.quality],
            reading.breaker_state,
            reading.seq,
            reading.extra,
            reading.ignored,
        )


def _scaled(values: tuple[float | None, ...], applied: Sequence[Scale], faults: Refused) -> tuple[float | None, ...]:
    """The values as they are stored; they have to be in range as such, too."""
    found = list(values)
    for column, factor, divisor in applied:
        value = found[column]
        if value is not None:
            stored = value * factor / divisor
            field = FIELDS[column]
            if not field.low <= stored <= field.high:
                faults.append(ranged(at(field.name), field))
            found[column] = stored
    return tuple(found)
