"""Writing a draft: states, alarms and events, in one transaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.alarms import store
from wattline.alarms.draft import Draft, Note, Step
from wattline.alarms.model import Alarm, Change
from wattline.alarms.watch import Watch
from wattline.events.model import Entry
from wattline.events.service import EventLog
from wattline.registry.point import Point

KIND = "alarm"
"""The kind of every event of alarms; `event_type` is the kind of the change."""

_REVEALING = frozenset({"alarm_unsuppressed", "alarm_in_service"})

Ids = Mapping[int, int]


class Repeated(Exception):
    """What the draft answers was answered before; nothing is to be written."""


async def write(connection: AsyncConnection, log: EventLog, draft: Draft) -> tuple[list[Change], list[Watch]]:
    """Write a draft; what the feeds are told, in order, and the sensors as they are once this is committed.

    Raises `store.Moved` where another process decided meanwhile, and `Repeated`: both must undo the transaction.
    """
    await store.decide(connection, draft.decided, draft.now)
    await store.replace_limits(connection, sorted(draft.limits.items()))
    ids = await _write_alarms(connection, draft)
    changes = await _log(connection, log, draft, ids)
    await store.insert_raises(connection, [_raise(change, step.point) for change, step in changes if _annunciates(change)])
    decided = {watch.sensor for watch in draft.decided}
    watches = [
        replace(watch, alarm=watch.alarm and _known(watch.alarm, ids), revision=watch.revision + (watch.sensor in decided))
        for watch in draft.watches
    ]
    return [change for change, _ in changes], watches


async def _write_alarms(connection: AsyncConnection, draft: Draft) -> Ids:
    """Write the alarms as they end up, and give the ids of the new ones by those they bore in the draft."""
    old, new = [], []
    for number, (alarm, point) in draft.alarms.items():
        linked = replace(alarm, suppressed_by=None) if (alarm.suppressed_by or 0) < 0 else alarm
        if number > 0:
            before = draft.book.watch(point.id).alarm
            if before is None or before.id != number:
                raise store.Moved
            old.append((linked, point, before.transitions))
        else:
            new.append((linked, point))
    # What has ended makes room for what is raised on the same sensor.
    await store.update_alarms(connection, old)
    made = await store.insert_alarms(connection, new)
    ids = dict(zip((number for number in draft.alarms if number < 0), made, strict=True))
    links = [
        (ids.get(number, number), ids[alarm.suppressed_by])
        for number, (alarm, _) in draft.alarms.items()
        if alarm.suppressed_by is not None and alarm.suppressed_by < 0
    ]
    await store.link(connection, links)
    return ids


def _known(alarm: Alarm, ids: Ids) -> Alarm:
    """The alarm with the ids that the store gave."""
    if (alarm.id or 0) > 0 and (alarm.suppressed_by or 0) >= 0:
        return alarm
    suppressed_by = None if alarm.suppressed_by is None else ids.get(alarm.suppressed_by, alarm.suppressed_by)
    return replace(alarm, id=ids.get(alarm.id or 0, alarm.id), suppressed_by=suppressed_by)


async def _log(connection: AsyncConnection, log: EventLog, draft: Draft, ids: Ids) -> list[tuple[Change, Step]]:
    """Log everything in the order of the draft, the steps before the notes, and say what is to be told of the steps."""
    told = [(step, _known(step.alarm, ids)) for step in draft.steps]
    details = [_details(step, alarm) for step, alarm in told]
    entries = [
        _entry(draft.now, step.kind, step.point, step.sample.time, _body(alarm, step, more))
        for (step, alarm), more in zip(told, details, strict=True)
    ]
    entries += [_entry(draft.now, note.event_type, note.point, note.time, _note_body(note)) for note in draft.notes]
    if entries:
        # One identity for all: they are one transaction, of which nothing happens where the first has happened before.
        entries[0] = replace(entries[0], identity=draft.identity)
    events = await log.append_all(connection, entries)
    if None in events:
        raise Repeated
    return [
        (Change(step.kind, alarm, draft.now, event.sequence, more), step)
        for (step, alarm), more, event in zip(told, details, events, strict=False)
        if event is not None
    ]


def _details(step: Step, alarm: Alarm) -> Mapping[str, object]:
    if alarm.suppressed_by is None or step.kind != "alarm_suppressed":
        return dict(step.details)
    return {**step.details, "suppressed_by_alarm_id": alarm.suppressed_by}


def _entry(now: int, event_type: str, point: Point, time: int, body: Mapping[str, Any]) -> Entry:
    return Entry(
        tenant=point.tenant,
        kind=KIND,
        time=time,
        received=now,
        site=point.site.key,
        device=point.device.key,
        subject=point.block.slug,
        event_type=event_type,
        severity=body.get("priority"),
        body=body,
    )


def _place(point: Point) -> dict[str, object]:
    return {"sensor_id": point.id, "tag": point.tag, "subsystem": point.subsystem}


def _body(alarm: Alarm, step: Step, details: Mapping[str, object]) -> dict[str, object]:
    return {
        "alarm_id": alarm.id,
        **_place(step.point),
        "priority": alarm.priority,
        "state": alarm.state,
        "value": step.sample.value,
        "limit": alarm.limit,
        "threshold": alarm.threshold_value,
        "direction": alarm.threshold_direction,
        **details,
    }


def _note_body(note: Note) -> dict[str, object]:
    return {**_place(note.point), **note.body}


def _annunciates(change: Change) -> bool:
    """Whether an operator hears of a raise: when it happens, or when what hid it is over."""
    return change.kind == "alarm_raised" or (change.kind in _REVEALING and change.alarm.state == "ACTIVE")


def _raise(change: Change, point: Point) -> dict[str, object]:
    """An annunciation, as the rates count it."""
    alarm = change.alarm
    return {
        "alarm": alarm.id,
        "raised": alarm.raised,
        "tenant": alarm.tenant,
        "site": point.site.key,
        "block": point.block.id,
        "sensor": point.id,
        "priority": alarm.priority,
        "time": alarm.raised if change.kind == "alarm_raised" else change.time,
    }
