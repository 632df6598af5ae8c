"""Readings to load servers with: realistic in value (they are compressed), cheap to make (the client shares the machine)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from wattline.model.clock import SECOND
from wattline.simulate.fleet import Fleet, Weather
from wattline.simulate.plan import SubstationPlan, grid_plan
from wattline.simulate.words import iso_utc

CALM = Weather(trips_per_hour=0.0, faults_per_hour=0.0)


def _record(station: SubstationPlan, feeder: str, volts: float, amperes: float, megawatts: float, hertz: float) -> str:
    """A record up to its timestamp, at the resolution of the instruments."""
    return (
        f'{{"substation_id":"{station.key}","feeder_id":"{feeder}","device_id":"{station.key}-{feeder}",'
        f'"site_name":"{station.name}","latitude":{station.latitude},"longitude":{station.longitude},'
        f'"voltage_kv":{volts:.1f},"current_a":{amperes:.1f},"power_mw":{megawatts:.1f},"frequency_hz":{hertz:.3f},'
        '"status_code":"NORMAL","timestamp":"'
    )


def cycle(fleet: Fleet, at: int) -> list[str]:
    """One polling cycle of a fleet: a record per feeder, each up to its timestamp."""
    sample = fleet.sample(at)
    columns = zip(
        fleet.feeders,
        sample.voltage_kv.tolist(),
        sample.current_a.tolist(),
        sample.power_mw.tolist(),
        sample.frequency_hz.tolist(),
        strict=True,
    )
    return [_record(station, feeder.key, *values) for (station, feeder), *values in columns]


def present(run: int = 0) -> Iterator[int]:
    """The present time in microseconds, without end, always a millisecond or more after the last; `run` is its last digits."""
    last = 0
    while True:
        last = max(last + SECOND // 1000, time.time_ns() // 1_000_000 * 1000)
        yield last + run


def fleet_bodies(substations: int, feeders: int, run: int = 0) -> Iterator[bytes]:
    """Single-record bodies without end: all feeders in turn, each cycle with the present time."""
    records = [record.encode() for record in cycle(Fleet(7, grid_plan(substations, feeders), CALM), 0)]
    for at in present(run):
        stamp = f'{iso_utc(at)}"}}'.encode()
        for record in records:
            yield record + stamp


@dataclass(slots=True)
class Batches:
    """Batch bodies of one polling cycle each: all feeders of a fleet at one instant.

    A few cycles are formatted beforehand; a body is then one join with the instant's timestamp, so that the client sends
    faster than any server takes. The values repeat, the (feeder, time) pairs never do.
    """

    templates: list[list[bytes]]
    size: int

    @classmethod
    def of(cls, substations: int, feeders: int, variants: int = 8) -> Batches:
        """Prepare for a fleet of `substations` x `feeders`."""
        fleet = Fleet(7, grid_plan(substations, feeders), CALM)
        templates = []
        for number in range(variants):
            records = cycle(fleet, number * SECOND)
            # The timestamp is the last member, so every piece but the last begins where a timestamp has just ended.
            text = '{"records":[' + '"},'.join(f"{record}\0" for record in records) + '"}]}'
            templates.append([piece.encode() for piece in text.split("\0")])
        return cls(templates, substations * feeders)

    def body(self, number: int, at: int) -> bytes:
        """The batch of instant `at` (microseconds)."""
        return iso_utc(at).encode().join(self.templates[number % len(self.templates)])


def history_bodies(fleet: Fleet, start: int, seconds: int, records: int = 1000) -> Iterator[bytes]:
    """The realistic past of a fleet at 1 Hz, as batch bodies of about `records` records; nothing in it repeats."""
    waiting: list[str] = []
    for second in range(seconds):
        at = start + second * SECOND
        waiting.extend(f'{record}{iso_utc(at)}"}}' for record in cycle(fleet, at))
        if len(waiting) >= records or second == seconds - 1:
            yield ('{"records":[' + ",".join(waiting) + "]}").encode()
            waiting = []
