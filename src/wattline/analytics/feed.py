"""Where the scoring's readings come from, and where its scores go: the platform's own streams."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from wattline.analytics.model import FrequencyWindow, Score, SubstationKey
from wattline.ingest.series import Series
from wattline.ingest.service import Ingest
from wattline.model.clock import SECOND, Clock
from wattline.model.place import Layout, Quantity
from wattline.model.record import Row
from wattline.registry.registration import Registration
from wattline.registry.service import Registry
from wattline.registry.stream import Stream
from wattline.telemetry.reader import RawReadings

FREQUENCY = "frequency_hz"
SCORE = Layout(
    "score",
    (
        Quantity("anomaly_score", "1"),
        Quantity("is_anomaly", "1", "state"),
        Quantity("z_score", "1"),
        Quantity("baseline_mean", "Hz"),
        Quantity("baseline_std", "Hz"),
        Quantity("latest_value", "Hz"),
    ),
)


class FrequencyFeed:
    """Every sensor of grid frequency of every tenant, whichever contract it came by, grouped by site."""

    def __init__(self, registry: Registry, series: Series) -> None:
        self._registry = registry
        self._series = series

    def _by_substation(self) -> dict[SubstationKey, list[Stream]]:
        found: dict[SubstationKey, list[Stream]] = {}
        for stream in self._registry.every_stream():
            if any(sensor.quantity.name == FREQUENCY for sensor in stream.sensors):
                site = stream.device.site
                found.setdefault((site.tenant, site.key), []).append(stream)
        return found

    async def window(self, end_us: int, seconds: int) -> FrequencyWindow:
        """The per-second medians of the last `seconds` whole seconds before `end_us`; silent substations are left out."""
        end = end_us // SECOND * SECOND
        start = end - seconds * SECOND
        substations = self._by_substation()
        keys = list(substations)
        streams = [stream for members in substations.values() for stream in members]
        groups = [i for i, members in enumerate(substations.values()) for _ in members]
        if not streams:
            nothing = np.zeros((0, seconds))
            return FrequencyWindow([], nothing, start, np.zeros(0, np.int64), np.zeros(0))
        medians = await self._series.medians(streams, groups, start, end, SECOND, FREQUENCY)
        newest = [_newest(substations[key], end_us) for key in keys]
        return await asyncio.to_thread(_window, keys, medians, start, seconds, newest)


def _newest(streams: Sequence[Stream], end_us: int) -> tuple[int, float]:
    """The newest frequency of a substation that is in memory and not of the future of the window."""
    best = (0, float("nan"))
    for stream in streams:
        row = stream.latest
        if row is None or row.time > end_us or row.time < best[0]:
            continue
        for sensor, value in zip(stream.sensors, row.values, strict=True):
            if sensor.quantity.name == FREQUENCY and value is not None:
                best = (row.time, value)
    return best


def _window(
    keys: Sequence[SubstationKey], medians: RawReadings, start: int, seconds: int, newest: Sequence[tuple[int, float]]
) -> FrequencyWindow:
    matrix = np.full((len(keys), seconds), np.nan)
    matrix[medians.sensor, (medians.time - start) // SECOND] = medians.value
    times = np.array([time for time, _ in newest], np.int64)
    values = np.array([value for _, value in newest])
    reported = ~np.isnan(matrix).all(axis=1)
    # Where the newest reading in memory lies after the window, the last second of the window stands for it.
    for i in np.flatnonzero(reported & np.isnan(values)):
        last = int(np.flatnonzero(~np.isnan(matrix[i]))[-1])
        times[i], values[i] = start + last * SECOND, matrix[i, last]
    chosen = np.flatnonzero(reported)
    return FrequencyWindow([keys[int(i)] for i in chosen], matrix[chosen], start, times[chosen], values[chosen])


class ScoreStore:
    """Scores as rows of a stream of their own: one per substation and model, by the one path of every reading."""

    def __init__(self, registry: Registry, ingest: Ingest, clock: Clock) -> None:
        self._registry = registry
        self._ingest = ingest
        self._clock = clock

    async def write(self, scores: list[Score]) -> None:
        """Store the scores durably. A score of the same substation, model and time is replaced."""
        wanted = [
            Registration(s.tenant, s.site, f"score:{s.model_version}", SCORE, {"model_version": s.model_version})
            for s in scores
        ]
        streams = await self._registry.register_all(wanted)
        received = self._clock.micros()
        await self._ingest.submit(
            [
                Row(
                    stream.id,
                    s.time,
                    received,
                    (s.anomaly_score, float(s.is_anomaly), s.z_score, s.baseline_mean, s.baseline_std, s.latest_value),
                    0,
                    ",".join(s.reasons) or None,
                )
                for s, stream in zip(scores, streams, strict=True)
            ]
        )
