"""The hours of sensors whose tiers must be computed again, found by sensor: every query asks whether it touches one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from wattline.model.clock import DAY

SensorHour = tuple[int, int]
"""A sensor, and the begin of an hour in us."""


class LateHours:
    """A set of (sensor, hour)."""

    def __init__(self, pairs: Iterable[SensorHour] = ()) -> None:
        self._of: dict[int, set[int]] = {}
        self.add(pairs)

    def __len__(self) -> int:
        return sum(len(hours) for hours in self._of.values())

    def __contains__(self, pair: SensorHour) -> bool:
        sensor, hour = pair
        return hour in self._of.get(sensor, ())

    def add(self, pairs: Iterable[SensorHour]) -> None:
        for sensor, hour in pairs:
            self._of.setdefault(sensor, set()).add(hour)

    def remove(self, pairs: Iterable[SensorHour]) -> None:
        """Forget some; those that are not there are passed over."""
        for sensor, hour in pairs:
            hours = self._of.get(sensor)
            if hours is not None:
                hours.discard(hour)
                if not hours:
                    del self._of[sensor]

    def new(self, pairs: Iterable[SensorHour]) -> list[SensorHour]:
        """Those that are not there yet, in order."""
        return sorted((sensor, hour) for sensor, hour in pairs if hour not in self._of.get(sensor, ()))

    def touching(self, sensors: Collection[int] | None, start: int, end: int) -> list[SensorHour]:
        """Those of these sensors (None: of all) that could make a bucket in [start, end) stale (one is a day wide at most)."""
        if not self._of:
            return []
        chosen = self._of if sensors is None else [sensor for sensor in sensors if sensor in self._of]
        return [(sensor, hour) for sensor in chosen for hour in self._of[sensor] if hour < end and hour + DAY > start]
