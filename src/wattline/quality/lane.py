"""Everything that is followed of one meter by one kind of input: readings, or what was measured cycle by cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from wattline.quality import levels
from wattline.quality.config import Config
from wattline.quality.disturbance import PHASES, Disturbance, Method, Type
from wattline.quality.rapid_changes import RapidChanges, RapidState
from wattline.quality.rms_detector import RmsDetector, RmsState
from wattline.quality.window_means import WindowState, means

Values = NDArray[np.float64]
Times = NDArray[np.int64]
LaneName = Literal["readings", "fine"]
"""Readings of intervals; or half-cycle series and waveforms. Each is in the order of its own times."""


class Steady(msgspec.Struct):
    """What changes slowly, a row a time: THD of three phases and imbalance in percent, frequency in Hz; NaN where unknown.

    `assumed` says of which imbalances the angles were assumed.
    """

    thd: Values
    imbalance: Values
    frequency: Values
    assumed: NDArray[np.bool_]


class Lane(msgspec.Struct):
    """The open events of one input of a meter, and what deciding on its next sample needs. `levelled` is the newest time of
    anything that changes slowly."""

    rms: RmsState = msgspec.field(default_factory=RmsState)
    rapid: RapidState = msgspec.field(default_factory=RapidState)
    window: WindowState = msgspec.field(default_factory=WindowState)
    thd: Disturbance | None = None
    imbalance: Disturbance | None = None
    frequency: Disturbance | None = None
    levelled: int | None = None

    @property
    def open(self) -> list[Disturbance]:
        """The events that last, without what may yet be none: a tail, a rapid voltage change."""
        every = (self.rms.under, self.rms.over, self.thd, self.imbalance, self.frequency)
        return [event for event in every if event is not None and not event.tail]

    @property
    def idle(self) -> bool:
        """Whether nothing is open."""
        every = (self.rms.under, self.rms.over, self.rapid.change, self.thd, self.imbalance, self.frequency)
        return all(event is None for event in every)

    def feed_rms(
        self, times: Times, volts: Values, config: Config, *, names: Sequence[str], method: Method, resolution: int | None
    ) -> list[Disturbance]:
        """Follow RMS voltages; see `RmsDetector.feed`. Rapid voltage changes are looked for in what is measured by half cycles
        alone: a value of an interval does not tell of them."""
        lasting = [self.rms.under, self.rms.over]
        told = RmsDetector(self.rms).feed(times, volts, config, names=names, method=method, resolution=resolution)
        if resolution is None:
            return told
        others = {id(event): event for event in (*told, *lasting) if event is not None and not event.tail}
        rapid = RapidChanges(self.rapid)
        changes = rapid.feed(times, volts, config, list(others.values()), names=names, method=method, resolution=resolution)
        self.rapid = rapid.state
        return sorted([*told, *changes], key=lambda event: event.start) if changes else told

    def feed_steady(
        self, times: Times, found: Steady, flagged: NDArray[np.bool_], config: Config, *, method: Method, resolution: int | None
    ) -> list[Disturbance]:
        """Follow what changes slowly. What is `flagged`, because a voltage was beyond its threshold then, is not judged.

        `resolution` as in `RmsDetector.feed`.
        """
        if not len(times):
            return []
        table = np.column_stack([found.thd, found.imbalance])
        table[flagged] = np.nan
        frequency = np.where(flagged, np.nan, found.frequency)[:, None]
        mean = means(self.window, times, table, config.window, config.min_samples)
        told: list[Disturbance] = []
        steps = np.diff(times, prepend=times[0] if self.levelled is None else self.levelled)

        def follow(kind: Type, event: Disturbance | None, values: Values, names: tuple[str, ...]) -> Disturbance | None:
            def begin(place: int) -> Disturbance:
                start, apart = int(times[place]), resolution or int(steps[place])
                event = Disturbance(kind, start, start, method, apart, config, names)
                event.before = start - int(steps[place]) if steps[place] else None
                event.assumed_angles = kind == "imbalance" and bool(found.assumed[place])
                return event

            event, new = levels.follow(kind, event, times, values, config, begin)
            told.extend(new)
            return event

        self.thd = follow("thd", self.thd, mean[:, :3], PHASES)
        self.imbalance = follow("imbalance", self.imbalance, mean[:, 3:4], ("abc",))
        self.frequency = follow("frequency", self.frequency, frequency, ("abc",))
        self.levelled = int(times[-1])
        return sorted(told, key=lambda event: event.start)
