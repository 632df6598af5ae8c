"""Alarms as the contract shows them: in lists, in answers to operators, and in frames of the live feed."""

from __future__ import annotations

from typing import Any

import msgspec

from wattline.alarms.model import Alarm
from wattline.contracts.mcs.times import spell, spell_or_none
from wattline.model.clock import SECOND
from wattline.registry.point import Point


class AlarmKeys(msgspec.Struct, kw_only=True):
    """The 24 published keys of an alarm. Every one is always present."""

    id: int | None
    sensor_id: int
    priority: str
    state: str
    site_id: str
    """The slug of the site."""
    block_id: str
    """The slug of the block."""
    subsystem: str
    tag: str
    value_at_raise: float | None
    value_at_clear: float | None
    threshold_value: float | None
    threshold_direction: str | None
    raised_at: str | None
    acked_at: str | None
    acked_by: str | None
    cleared_at: str | None
    shelved_at: str | None
    shelved_by: str | None
    shelved_until: str | None
    shelve_reason: str | None
    suppressed_by_alarm_id: int | None
    last_value: float | None
    last_seen: str | None
    response_time_seconds: float | None


class LiveAlarm(AlarmKeys, kw_only=True):
    """An alarm as frames of the live feed show it: the published keys and how many transitions it has made."""

    transition_count: int


class AlarmRow(LiveAlarm, kw_only=True):
    """An alarm as answers show it, with what was added to the published keys."""

    alarm_id: int | None
    """The same as `id`."""
    sensor_tag: str
    """The same as `tag`."""
    description: str | None
    """Of the sensor."""
    unit: str
    """Of the values."""
    equipment_tag: str
    limit: str
    """The name of the limit in force, such as HH."""
    out_of_service: bool


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
