"""The newest row of each stream, from memory: a query of what is now never touches the store but in one rare case."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from wattline.contracts.hop.devices import LAYOUT
from wattline.contracts.hop.rows import FeederRow, LatestRow
from wattline.contracts.hop.seen import SKEW
from wattline.contracts.hop.times import spell_all
from wattline.ingest.series import Series
from wattline.model.record import Row
from wattline.registry.stream import Stream

COLUMNS = [quantity.name for quantity in LAYOUT.quantities]
Newest = tuple[Stream, Row]


async def newest_rows(series: Series, streams: Sequence[Stream], now: int, age: int) -> list[Newest]:
    """Each stream's newest row of the last `age` microseconds, both ends included, allowing for a clock that runs ahead.

    A stream whose newest row lies further ahead than that has its row of now in the store.
    """
    oldest, latest = now - age, now + SKEW
    found: list[Newest] = []
    ahead: list[Stream] = []
    for stream in streams:
        row = stream.latest
        if row is None or row.time < oldest:
            continue
        if row.time > latest:
            ahead.append(stream)
        else:
            found.append((stream, row))
    if ahead:
        found += await _stored(series, ahead, oldest, latest)
    return found


async def _stored(series: Series, streams: Sequence[Stream], oldest: int, latest: int) -> list[Newest]:
    rows = await series.rows(streams, oldest, latest + 1, COLUMNS)
    by_id = {stream.id: stream for stream in streams}
    last: dict[int, int] = {stream: index for index, stream in enumerate(rows.stream.tolist())}
    columns = [rows.columns[name] for name in COLUMNS]
    found = []
    for stream, index in last.items():
        values = tuple(float(column[index]) for column in columns)
        held = tuple(None if isnan(value) else value for value in values)
        time = int(rows.time[index])
        found.append((by_id[stream], Row(stream, time, time, held)))
    return found


def per_substation(found: Sequence[Newest]) -> list[LatestRow]:
    """One row a substation, by id: its newest, of equally new ones the one that came last."""
    best: dict[str, Newest] = {}
    for each in found:
        key, row = each[0].device.site.key, each[1]
        held = best.get(key)
        if held is None or (row.time, row.received) >= (held[1].time, held[1].received):
            best[key] = each
    chosen = [best[key] for key in sorted(best)]
    times = spell_all(row.time for _, row in chosen)
    made = []
    for (stream, row), time in zip(chosen, times, strict=True):
        site = stream.device.site
        voltage, current, power, frequency = row.values
        made.append(LatestRow(site.key, frequency, voltage, current, power, site.latitude, site.longitude, time))
    return made


def per_feeder(found: Sequence[Newest]) -> list[FeederRow]:
    """One row a feeder and device, by substation, feeder and device."""

    def place(each: Newest) -> tuple[str, str, str]:
        attributes = each[0].device.attributes
        return each[0].device.site.key, attributes.get("feeder_id", ""), attributes.get("device_id", "")

    made = []
    chosen = sorted(found, key=place)
    times = spell_all(row.time for _, row in chosen)
    for (stream, row), time in zip(chosen, times, strict=True):
        site, attributes = stream.device.site, stream.device.attributes
        voltage, current, power, frequency = row.values
        made.append(
            FeederRow(
                site.key,
                frequency,
                voltage,
                current,
                power,
                site.latitude,
                site.longitude,
                time,
                attributes.get("feeder_id"),
                attributes.get("device_id"),
                site.name,
                row.status,
            )
        )
    return made
