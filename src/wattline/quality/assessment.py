"""What EN 50160 and IEEE 519 say of a week of a meter, from its stored readings; late ones count as all others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec
import numpy as np

from wattline.billing.days import days, zone_named
from wattline.ingest.series import Series
from wattline.metering.model import Channel, Meter
from wattline.metering.service import Metering
from wattline.model.clock import MINUTE, SECOND, to_micros
from wattline.quality.compliance import Criterion, Standard, Values, percentile, verdict, within
from wattline.quality.config import Config, ieee519_limit
from wattline.quality.disturbance import LINES, PHASES
from wattline.quality.imbalance import imbalance
from wattline.quality.readings import config_for

TEN_MINUTES, TEN_SECONDS, THREE_SECONDS = 10 * MINUTE, 10 * SECOND, 3 * SECOND
VERY_SHORT = 1.5
"""What the daily percentile of 3-s values may be, as a multiple of the weekly limit."""
NO_FLICKER = "flicker is not measured"
NO_HARMONICS = "single harmonics are not in readings; the total is judged alone"
COARSE = "readings are too far apart for values of 3 s"
YEARLY = "the standard asks this of a year; here it is judged for the week"


class Report(msgspec.Struct, frozen=True):
    """A week of a meter; times in us. `compliant` is None where nothing speaks against it and something could not be judged."""

    standard: Standard
    week: str
    start: int
    end: int
    nominal_voltage: float
    compliant: bool | None
    criteria: list[Criterion]
    notes: list[str]


def week_of(year: int, number: int, zone_name: str) -> tuple[int, int]:
    """A week of ISO 8601 in a zone, from Monday to Monday, in us. Raises ValueError for a week that there is not."""
    zone = zone_named(zone_name)
    monday = date.fromisocalendar(year, number, 1)
    first, last = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (monday, monday + timedelta(days=7)))
    return to_micros(first), to_micros(last)


class Assessment:
    """Reads a week and judges it."""

    def __init__(self, metering: Metering, series: Series) -> None:
        self._metering = metering
        self._series = series

    async def report(
        self, standard: Standard, meter: Meter, config: Config, week: str, start: int, end: int, now: int
    ) -> Report:
        """The report of [start, end), as far as `now`."""
        upto = min(end, max(now, start))
        if standard == "en50160":
            criteria, notes = await self._en50160(meter, config, start, upto)
        else:
            criteria, notes = await self._ieee519(meter, config, start, upto)
        return Report(standard, week, start, end, config.nominal_voltage, verdict(criteria), criteria, notes)

    async def _en50160(self, meter: Meter, config: Config, start: int, end: int) -> tuple[list[Criterion], list[str]]:
        slots = _slots(start, end, TEN_MINUTES)
        volts = await self._rms(meter, [f"voltage_{name}" for name in (*PHASES, *LINES)], start, end, TEN_MINUTES)
        phases, lines = volts[:, :3], volts[:, 3:]
        criteria = []
        has_phases, has_lines = not np.isnan(phases).all(), not np.isnan(lines).all()
        names = LINES if has_lines and (meter.wiring == "3p3w" or not has_phases) else PHASES
        nominal = config_for(config, meter, names).nominal_voltage
        for place, name in enumerate(names):
            values = (phases if names is PHASES else lines)[:, place]
            if meter.phases == 3 or not np.isnan(values).all() or place == 0:
                criteria.append(
                    within(
                        f"voltage_{name}",
                        "voltage",
                        values,
                        0.9 * nominal,
                        1.1 * nominal,
                        95,
                        unit="V",
                        width_s=600,
                        slots=slots,
                    )
                )
        if meter.phases == 3:
            unbalance, _ = imbalance("vuf", phases, lines)
            criteria.append(within("imbalance", "vuf", unbalance, -np.inf, 2, 95, unit="%", width_s=600, slots=slots))
        thd = await self._rms(meter, [f"thd_v_{name}" for name in PHASES], start, end, TEN_MINUTES)
        criteria.append(within("thd", "thd_v", _worst(thd), -np.inf, 8, 95, unit="%", width_s=600, slots=slots))
        criteria += await self._frequency(meter, start, end)
        return criteria, [NO_FLICKER, "angles between phases are assumed where line voltages are not measured"]

    async def _frequency(self, meter: Meter, start: int, end: int) -> list[Criterion]:
        nominal = meter.nominal_frequency
        width = max(TEN_SECONDS, meter.interval_s * SECOND)
        (values,) = (await self._rms(meter, ["frequency"], start, end, width)).T
        slots, seconds = _slots(start, end, width), width / SECOND
        return [
            within(
                "frequency",
                "frequency",
                values,
                0.99 * nominal,
                1.01 * nominal,
                99.5,
                unit="Hz",
                width_s=seconds,
                slots=slots,
                note=YEARLY,
            ),
            within(
                "frequency_always",
                "frequency",
                values,
                0.94 * nominal,
                1.04 * nominal,
                100,
                unit="Hz",
                width_s=seconds,
                slots=slots,
            ),
        ]

    async def _ieee519(self, meter: Meter, config: Config, start: int, end: int) -> tuple[list[Criterion], list[str]]:
        limit = ieee519_limit(config.nominal_voltage)
        fields = [f"thd_v_{name}" for name in PHASES]
        weekly = _worst(await self._rms(meter, fields, start, end, TEN_MINUTES))
        criteria = [
            percentile("thd_week_95", "thd_v", weekly, 95, limit, unit="%", width_s=600, slots=_slots(start, end, TEN_MINUTES))
        ]
        notes = [NO_HARMONICS]
        if meter.interval_s * SECOND > THREE_SECONDS:
            return criteria, [*notes, COARSE]
        for number, (midnight, next_midnight) in enumerate(days(start, end, zone_named(meter.timezone)), 1):
            day, until = max(start, midnight), min(end, next_midnight)
            values = _worst(await self._rms(meter, fields, day, until, THREE_SECONDS))
            slots = _slots(day, until, THREE_SECONDS)
            name = f"thd_day_{number}_99"
            criteria.append(percentile(name, "thd_v", values, 99, VERY_SHORT * limit, unit="%", width_s=3, slots=slots))
        return criteria, notes

    async def _rms(self, meter: Meter, fields: Sequence[str], start: int, end: int, width: int) -> Values:
        """The root mean square of each field in each interval of `width` us: intervals x fields, NaN where there is nothing."""
        first = start // width
        table = np.full((max(0, -(-end // width) - first), len(fields)), np.nan)
        channels = [self._metering.channel(meter, field) for field in fields]
        known = [channel for channel in channels if channel is not None]
        if not known or not len(table):
            return table
        sensors = {channel.stream.sensor_ids[channel.column] for channel in known}
        streams = list({channel.stream.id: channel.stream for channel in known}.values())
        found = await self._series.buckets(streams, sorted(sensors), start, end, width)
        used = found.count > 0
        for place, channel in enumerate(channels):
            if channel is not None:
                mine = used & (found.group == _sensor(channel))
                rows = found.time[mine] // width - first
                table[rows, place] = np.sqrt(found.squares[mine] / found.count[mine]) * channel.factor
        return table


def _sensor(channel: Channel) -> int:
    return channel.stream.sensor_ids[channel.column]


def _slots(start: int, end: int, width: int) -> int:
    return max(0, -(-end // width) - start // width)


def _worst(values: Values) -> Values:
    """The highest of each row, NaN where there is none."""
    return np.asarray(np.fmax.reduce(values, axis=1))
