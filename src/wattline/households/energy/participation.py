"""What the participants of an experiment used while they took part."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from wattline.billing.days import zone_named
from wattline.households.accounts.model import Participant, User
from wattline.households.energy.daily import daily_use, local_day
from wattline.households.energy.streams import electric_streams
from wattline.households.meters.service import Meters
from wattline.ingest.series import Series
from wattline.model.clock import DAY
from wattline.registry.stream import Stream


@dataclass(frozen=True, slots=True)
class Participation:
    """A participant, and its use over the local days from installation to deinstallation, both inclusive.

    `total_kwh` is None where nothing was measured; `mean_kwh` is of a day with data.
    """

    participant: Participant
    user: User
    total_kwh: Decimal | None
    days_with_data: int
    mean_kwh: Decimal | None


async def participations(
    found: list[tuple[Participant, User]], meters: Meters, series: Series, now: int
) -> AsyncGenerator[Participation, None]:
    """The figures of each participant; who was not installed counts from its first row, who still takes part to now (us)."""
    for participant, user in found:
        streams = await electric_streams(meters, user.tenant, user.id)
        span = await _span(participant, user, series, streams, now)
        days = [] if span is None else await daily_use(series, streams, *span, zone_named(user.zone))
        used = [day.kwh for day in days if day.kwh is not None]
        total = sum(used, Decimal(0)) if used else None
        mean = None if total is None else total / len(used)
        yield Participation(participant, user, total, len(used), mean)


async def _span(
    participant: Participant, user: User, series: Series, streams: list[Stream], now: int
) -> tuple[date, date] | None:
    if not streams:
        return None
    found = await series.buckets(streams, [stream.sensor_id("total") for stream in streams], 0, now, DAY)
    used = found.count > 0
    if not used.any():
        return None
    zone = zone_named(user.zone)
    first, last = local_day(int(found.first_time[used].min()), zone), local_day(now, zone)
    return max(first, participant.installed or first), min(last, participant.deinstalled or last)
