"""Alarms as the contract shows them: in lists, in answers to operators, and in frames of the live feed."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from wattline.alarms.model import Alarm, Direction, Priority, State
from wattline.contracts.mcs.derive import Time, said
from wattline.contracts.mcs.times import spell, spell_or_none
from wattline.model.clock import SECOND
from wattline.registry.point import Point


class AlarmKeys(msgspec.Struct, kw_only=True):
    """The 24 published keys of an alarm. Every one is always present."""

    id: int | None
    sensor_id: int
    priority: Annotated[Priority, said("The most severe limit in force; P0 is the most severe.")]
    state: State
    site_id: Annotated[str, said("The slug of the site.")]
    block_id: Annotated[str, said("The slug of the block.")]
    subsystem: str
    tag: str
    value_at_raise: float | None
    value_at_clear: float | None
    threshold_value: float | None
    threshold_direction: Direction | None
    raised_at: Time | None
    acked_at: Time | None
    acked_by: Annotated[str | None, said("The operator, as named when it was acknowledged.")]
    cleared_at: Time | None
    shelved_at: Time | None
    shelved_by: str | None
    shelved_until: Time | None
    shelve_reason: str | None
    suppressed_by_alarm_id: int | None
    last_value: float | None
    last_seen: Time | None
    response_time_seconds: Annotated[
        float | None, said("From asking for an operator to the acknowledgement; an alarm asks from its first raise on.")
    ]


class LiveAlarm(AlarmKeys, kw_only=True):
    """An alarm as frames of the live feed show it: the published keys and how many transitions it has made."""

    transition_count: Annotated[int, said("How many transitions it has made; the raise is the first.")]


class AlarmRow(LiveAlarm, kw_only=True):
    """An alarm as answers show it, with what was added to the published keys."""

    alarm_id: Annotated[int | None, said("Added: the same as `id`.")]
    sensor_tag: Annotated[str, said("Added: the same as `tag`.")]
    description: Annotated[str | None, said("Added: what the sensor measures.")]
    unit: Annotated[str, said("Added: the unit of the values.")]
    equipment_tag: Annotated[str, said("Added.")]
    limit: Annotated[str, said("Added: the name of the limit in force, such as HH; EDGE where the device itself raised it.")]
    out_of_service: Annotated[bool, said("Added: it is hidden because its sensor is out of service.")]


def published(alarm: Alarm, point: Point) -> dict[str, Any]:
    """The values of the published keys."""
    newest = point.newest()
    response = alarm.response_time
    return {
        "id": alarm.id,
        "sensor_id": alarm.sensor,
        "priority": alarm.priority,
        "state": alarm.state,
        "site_id": point.site.key,
        "block_id": point.block.slug,
        "subsystem": point.subsystem,
        "tag": point.tag,
        "value_at_raise": alarm.value_at_raise,
        "value_at_clear": alarm.value_at_clear,
        "threshold_value": alarm.threshold_value,
        "threshold_direction": alarm.threshold_direction,
        "raised_at": spell(alarm.raised),
        "acked_at": spell_or_none(alarm.acked),
        "acked_by": alarm.acked_by,
        "cleared_at": spell_or_none(alarm.cleared),
        "shelved_at": spell_or_none(alarm.shelved),
        "shelved_by": alarm.shelved_by,
        "shelved_until": spell_or_none(alarm.shelved_until),
        "shelve_reason": alarm.shelve_reason,
        "suppressed_by_alarm_id": alarm.suppressed_by,
        "last_value": None if newest is None else newest.value,
        "last_seen": None if newest is None else spell(newest.time),
        "response_time_seconds": None if response is None else response / SECOND,
    }


def live_alarm(alarm: Alarm, point: Point) -> LiveAlarm:
    """An alarm for a frame."""
    return LiveAlarm(**published(alarm, point), transition_count=alarm.transitions)


def alarm_row(alarm: Alarm, point: Point) -> AlarmRow:
    """An alarm for an answer."""
    return AlarmRow(
        **published(alarm, point),
        transition_count=alarm.transitions,
        alarm_id=alarm.id,
        sensor_tag=point.tag,
        description=point.sensor.description,
        unit=point.unit,
        equipment_tag=point.equipment,
        limit=alarm.limit,
        out_of_service=alarm.out_of_service,
    )
