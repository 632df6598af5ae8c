"""Meters that stopped sending, and such that never began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wattline.households.anomalies.model import Anomaly, id_of
from wattline.households.anomalies.store import Key
from wattline.households.meters.model import TOTAL
from wattline.ingest.series import Series
from wattline.model.clock import DAY, MINUTE
from wattline.registry.stream import Stream

FIRST_ROW = MINUTE
"""us after the assignment of a meter within which a row is what its register showed then, not a reading of its own."""


async def last_heard(series: Series, streams: Sequence[Stream], fresh: int, oldest: int, now: int) -> dict[int, int]:
    """The time of the newest reading of each stream that has one since `oldest` (us).

    What is in memory counts where it is not before `fresh`: another process may have taken in newer readings. The rest is
    looked up.
    """
    heard = {stream.id: stream.latest.time for stream in streams if stream.latest is not None and stream.latest.time >= fresh}
    missing = [stream for stream in streams if stream.id not in heard]
    if missing:
        sensors = {stream.sensor_ids[TOTAL]: stream for stream in missing}
        found = await series.buckets(missing, list(sensors), max(oldest, 0) // DAY * DAY, now + DAY, DAY)
        used = found.count > 0
        for sensor, time in zip(found.group[used].tolist(), found.last_time[used].tolist(), strict=True):
            stream = sensors[sensor]
            heard[stream.id] = max(time, heard.get(stream.id, time))
    for stream in missing:
        if stream.latest is not None:
            heard[stream.id] = max(stream.latest.time, heard.get(stream.id, stream.latest.time))
    return heard


async def first_after(series: Series, stream: Stream, time: int, now: int) -> int | None:
    """The first reading of a stream after a time; None where there is none by now."""
    sensor = stream.sensor_ids[TOTAL]
    found = await series.buckets([stream], [sensor], time + 1, max(now, time) + DAY, DAY)
    times = found.first_time[found.count > 0]
    return int(np.min(times)) if len(times) else None


def silence(key: Key, since: int, heard: int | None, now: int, after: int, never_after: int) -> Anomaly | None:
    """The silence of a meter assigned `since` and last `heard`; None while it is no longer than it may be."""
    never = heard is None or heard <= since + FIRST_ROW
    start = since if never or heard is None else heard
    if now - start < (never_after if never else after):
        return None
    figures = {"reason": "never" if never else "silent", "silent_us": now - start, "noticed": now}
    return Anomaly(key.tenant, id_of(*key, "silent", start), key.user, key.mac, "silent", start, None, figures)


def over(row: Anomaly, since: Mapping[Key, int], heard: Mapping[Key, int]) -> bool:
    """Whether a silence is over: the meter sent since, or is not there to be waited for."""
    key = Key(row.tenant, row.user, row.mac)
    if key not in since:
        return True
    newest = heard.get(key)
    return newest is not None and newest > row.start + (FIRST_ROW if row.figures["reason"] == "never" else 0)
