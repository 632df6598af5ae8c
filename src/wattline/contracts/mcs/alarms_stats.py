"""The figures of an alarm system as the contract shows them."""

from __future__ import annotations

from typing import Annotated

import msgspec

from wattline.alarms.statistics import Statistics
from wattline.contracts.mcs.derive import said
from wattline.model.errors import NotFound
from wattline.registry.service import Registry


class ContributorRow(msgspec.Struct):
    """One of the sensors that raise most."""

    sensor_id: int
    tag: str
    raised: int
    share: float


class ResponseRow(msgspec.Struct):
    """How alarms of one priority were responded to in 24 h."""

    target_seconds: int
    acked: int
    met: int
    share_met: Annotated[float | None, said("Null where none was acknowledged.")]


class StatsRow(msgspec.Struct):
    """The eight published figures, then those that were added. All count live and cleared alarms alike, by their raise."""

    standing: Annotated[int, said("ACTIVE and RTN_UNACK.")]
    acked: int
    shelved: int
    suppressed: int
    raised_last_hour: int
    avg_response_seconds_24h: Annotated[
        float, said("Of the alarms raised within 24 h and acknowledged; 0 where there is none.")
    ]
    isa_18_2_target_per_hour: int
    compliant: Annotated[bool, said("Whether no more than the target were raised in the last hour.")]
    out_of_service: Annotated[int, said("Added: sensors out of service.")]
    p95_response_seconds_24h: Annotated[float | None, said("Added.")]
    raised_24h: Annotated[int, said("Added.")]
    raised_10_minutes: Annotated[int, said("Added.")]
    peak_10_minutes_24h: Annotated[int, said("Added: the most raises in 10 minutes (EEMUA 191: more than 10 is a flood).")]
    flooded: Annotated[bool, said("Added: an alarm flood is on.")]
    flood_share_24h: Annotated[float, said("Added: share of the last 24 h in flood.")]
    top: Annotated[list[ContributorRow], said("Added: the ten sensors that raised most in 24 h.")]
    standing_over_24h: Annotated[int, said("Added: alarms that have stood for more than a day.")]
    stale_sensors: Annotated[list[int], said("Added: sensors with limits that have gone silent.")]
    chattering_sensors: Annotated[list[int], said("Added: sensors that raised three times within a minute.")]
    priority_counts_24h: Annotated[dict[str, int], said("Added: raises by priority.")]
    priority_mix_24h: Annotated[dict[str, float], said("Added: the same as shares.")]
    response_by_priority_24h: Annotated[
        dict[str, ResponseRow], said("Added: acknowledgement within the target of each priority.")
    ]


def _tag(registry: Registry, sensor: int) -> str:
    """The sensor's tag; its number where another process has just registered it and this one is about to learn of it."""
    try:
        return registry.any_point(sensor).tag
    except NotFound:
        return str(sensor)


def stats_row(found: Statistics, registry: Registry) -> StatsRow:
    """The figures for an answer."""
    return StatsRow(
        found.standing,
        found.acked,
        found.shelved,
        found.suppressed,
        found.raised_last_hour,
        round(found.average_response, 1),
        found.target_per_hour,
        found.compliant,
        found.out_of_service,
        None if found.p95_response is None else round(found.p95_response, 1),
        found.raised_24h,
        found.raised_10_minutes,
        found.peak_10_minutes,
        found.flooded,
        found.flood_share_24h,
        [ContributorRow(each.sensor, _tag(registry, each.sensor), each.raised, each.share) for each in found.top],
        found.stale_alarms,
        list(found.stale_sensors),
        list(found.chattering),
        {str(priority): count for priority, count in found.priorities_24h.items()},
        {str(priority): share for priority, share in found.mix_24h.items()},
        {
            priority: ResponseRow(each.target_seconds, each.acked, each.met, each.share_met)
            for priority, each in found.responses.items()
        },
    )
