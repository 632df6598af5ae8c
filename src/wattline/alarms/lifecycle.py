"""The life of an alarm by ANSI/ISA-18.2: pure functions from one `Alarm` to the next, with the events that tell of it.

A `Step` whose alarm is the very object that went in changed nothing. One without kinds changed facts that are not annunciated
(a shelved alarm whose condition ended, a threshold that moved): it must be stored, and nothing is told. Every step that tells
something is one transition; all its kinds are told of the same alarm, the one that results.

Three things hide an alarm from the operator, each a fact of its own: a shelf, another alarm that suppresses it, and being out
of service. Under any of them the condition is followed silently. When the last of them ends the alarm is evaluated anew: in
force it is ACTIVE and must be acknowledged (again), else it is CLEARED. A P0 that comes into force is never hidden by another
alarm, nor by a shelf that was laid on a lesser priority: by ISA-18.2 each limit is an alarm of its own, and nobody shelved that
one. It stays hidden while out of service, which is a decision of management on the whole sensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from wattline.alarms.model import (
    LONGEST_SHELF,
    SHORTEST_SHELF,
    Alarm,
    ChangeKind,
    Condition,
    Limit,
    Sample,
    Standing,
    State,
)
from wattline.alarms.severity import compare, standing, turned
from wattline.model.clock import HOUR
from wattline.model.errors import Invalid, NotFound


class Step(NamedTuple):
    """What an alarm became, and what is told of it, in this order."""

    alarm: Alarm | None
    kinds: tuple[ChangeKind, ...] = ()


class Outcome(NamedTuple):
    """A `Step` of an alarm that certainly exists."""

    alarm: Alarm
    kinds: tuple[ChangeKind, ...] = ()


def on_condition(
    alarm: Alarm | None,
    limits: Sequence[Limit],
    condition: Condition,
    sample: Sample,
    now: int,
    *,
    tenant: str,
    sensor: int,
    suppressor: int | None = None,
    out_of_service: bool = False,
    edge: Standing | None = None,
) -> Step:
    """What the condition after `sample` makes of the sensor's live alarm (None, or an ended one, where there is none).

    `suppressor` is the id of a live alarm that would suppress this one if it were raised now. `out_of_service` says the same of
    the sensor. `edge` is what the device annunciates itself, which counts like one more limit in force.
    """
    worst = standing(limits, condition, edge)
    if alarm is None or alarm.ended:
        if worst is None:
            return Step(alarm)
        return _raised(worst, sample, tenant, sensor, suppressor, out_of_service)
    if worst is None:
        return _returned(alarm, sample) if alarm.in_force else Step(alarm)
    if suppressor == alarm.id:
        suppressor = None
    if not alarm.in_force or turned(_stands_for(alarm), worst):
        return _raised_again(alarm, worst, sample, now, suppressor)
    return _moved(alarm, worst, sample, now)


def acknowledge(alarm: Alarm | None, operator: str, now: int, *, sensor: int) -> Outcome:
    """An operator has seen it. ACTIVE becomes ACKED, RTN_UNACK becomes CLEARED; NotFound in any other state."""
    alarm = _eligible(alarm, sensor, "ACTIVE", "RTN_UNACK")
    acked = replace(alarm, acknowledged=True, acked=now, acked_by=operator, ended=not alarm.in_force)
    return _told(acked, "alarm_acked", *(("alarm_cleared",) if acked.ended else ()))


def shelve(alarm: Alarm | None, operator: str, reason: str, duration: int, now: int, *, sensor: int) -> Outcome:
    """Hide it for `duration`. Invalid outside half an hour to a day; NotFound unless ACTIVE, ACKED or RTN_UNACK."""
    if not SHORTEST_SHELF <= duration <= LONGEST_SHELF:
        message = f"an alarm is shelved for {SHORTEST_SHELF / HOUR:g} to {LONGEST_SHELF / HOUR:g} hours"
        raise Invalid(message, "duration")
    if not reason.strip():
        raise Invalid("a reason is needed to shelve an alarm", "reason")
    alarm = _eligible(alarm, sensor, "ACTIVE", "ACKED", "RTN_UNACK")
    shelved = replace(
        alarm,
        shelved=now,
        shelved_by=operator,
        shelved_until=now + duration,
        shelve_reason=reason,
        shelved_priority=alarm.priority,
    )
    return _told(shelved, "alarm_shelved")


def unshelve(alarm: Alarm | None, now: int, *, sensor: int) -> Outcome:
    """Take it off the shelf by hand; NotFound unless SHELVED."""
    return _unshelved(_eligible(alarm, sensor, "SHELVED"), now)


def expire(alarm: Alarm, now: int) -> Outcome:
    """Take it off the shelf if its time is up, also where it lies hidden beneath a suppression; else nothing changes."""
    if alarm.ended or alarm.shelved_until is None or now < alarm.shelved_until:
        return Outcome(alarm)
    return _unshelved(alarm, now)


def suppress(alarm: Alarm, cause: int) -> Outcome:
    """Hide it because of another alarm, whose id is `cause`. A P0, or one that is hidden so already, stays as it is.

    A shelf stays underneath.
    """
    if alarm.ended or alarm.out_of_service or alarm.suppressed_by is not None or alarm.priority == "P0" or cause == alarm.id:
        return Outcome(alarm)
    return _told(replace(alarm, suppressed_by=cause), "alarm_suppressed")


def release(alarm: Alarm, now: int) -> Outcome:
    """The alarm that suppressed it is over. Nothing changes where none did."""
    if alarm.ended or alarm.suppressed_by is None:
        return Outcome(alarm)
    return _revealed(replace(alarm, suppressed_by=None), now, "alarm_unsuppressed")


def take_out_of_service(alarm: Alarm) -> Outcome:
    """Hide it until its sensor is back in service. Nothing changes where it is out of service already, or has ended."""
    if alarm.ended or alarm.out_of_service:
        return Outcome(alarm)
    return _told(replace(alarm, out_of_service=True), "alarm_out_of_service")


def return_to_service(alarm: Alarm, now: int) -> Outcome:
    """The sensor is back in service. Nothing changes where it was."""
    if alarm.ended or not alarm.out_of_service:
        return Outcome(alarm)
    return _revealed(replace(alarm, out_of_service=False), now, "alarm_in_service")


def withdraw(alarm: Alarm, value: float | None, now: int) -> Outcome:
    """End it whatever its state, because its sensor has no limits any more: nothing could ever end it otherwise."""
    if alarm.ended:
        return Outcome(alarm)
    kinds: list[ChangeKind] = []
    if alarm.suppressed_by is not None:
        kinds.append("alarm_unsuppressed")
    if alarm.shelved_until is not None:
        kinds.append("alarm_unshelved")
    if alarm.in_force:
        alarm = replace(alarm, in_force=False, cleared=now, value_at_clear=value)
    gone = replace(_off_shelf(alarm), suppressed_by=None, ended=True)
    return _told(gone, *kinds, "alarm_cleared")


def _eligible(alarm: Alarm | None, sensor: int, *states: State) -> Alarm:
    if alarm is None or alarm.state not in states:
        raise NotFound(f"No active alarm for sensor {sensor}")
    return alarm


def _told(alarm: Alarm, *kinds: ChangeKind) -> Outcome:
    return Outcome(replace(alarm, transitions=alarm.transitions + 1), kinds)


def _raised(worst: Standing, sample: Sample, tenant: str, sensor: int, suppressor: int | None, out_of_service: bool) -> Step:
    alarm = Alarm(
        id=None,
        tenant=tenant,
        sensor=sensor,
        priority=worst.priority,
        in_force=True,
        acknowledged=False,
        limit=worst.limit,
        threshold_value=worst.threshold,
        threshold_direction=worst.direction,
        value_at_raise=sample.value,
        value_at_clear=None,
        raised=sample.time,
        asked=sample.time,
        suppressed_by=None if worst.priority == "P0" else suppressor,
        out_of_service=out_of_service,
    )
    return Step(*_told(alarm, "alarm_suppressed" if _hidden(alarm) else "alarm_raised"))


def _returned(alarm: Alarm, sample: Sample) -> Step:
    normal = replace(alarm, in_force=False, cleared=sample.time, value_at_clear=sample.value)
    if _hidden(normal):
        return Step(normal)
    if normal.acknowledged:
        return Step(*_told(replace(normal, ended=True), "alarm_cleared"))
    return Step(*_told(normal, "alarm_rtn_unack"))


def _raised_again(alarm: Alarm, worst: Standing, sample: Sample, now: int, suppressor: int | None) -> Step:
    """In force after a return to normal, or on the other side: a new raise of the same alarm."""
    again = replace(
        _standing_for(alarm, worst),
        in_force=True,
        value_at_raise=sample.value,
        raised=sample.time,
        value_at_clear=None,
        cleared=None,
    )
    if _hidden(again):
        return _still_hidden(again, now, "alarm_raised")
    again = _asking(again, sample.time)
    if suppressor is not None and worst.priority != "P0":
        return Step(*_told(replace(again, suppressed_by=suppressor), "alarm_suppressed"))
    return Step(*_told(again, "alarm_raised"))


def _moved(alarm: Alarm, worst: Standing, sample: Sample, now: int) -> Step:
    """Still in force, perhaps by another limit."""
    before = _stands_for(alarm)
    if before == worst:
        return Step(alarm)
    weight = compare(before, worst)
    moved = _standing_for(alarm, worst)
    if _hidden(moved):
        return _still_hidden(moved, now, "alarm_escalated")
    if weight > 0:
        return Step(*_told(_asking(moved, sample.time), "alarm_escalated"))
    return Step(*_told(moved, "alarm_deescalated")) if weight < 0 else Step(moved)


def _still_hidden(alarm: Alarm, now: int, news: ChangeKind) -> Step:
    """A hidden alarm in force: silent, unless it is a P0 that what hides it does not hold."""
    if alarm.priority != "P0":
        return Step(alarm)
    kinds: list[ChangeKind] = []
    if alarm.suppressed_by is not None:
        alarm = replace(alarm, suppressed_by=None)
        kinds.append("alarm_unsuppressed")
    if alarm.shelved_until is not None and alarm.shelved_priority != "P0":
        alarm = _off_shelf(alarm)
        kinds.append("alarm_unshelved")
    if not kinds:
        return Step(alarm)
    if not _hidden(alarm):
        alarm = _asking_anew(alarm, now)
        kinds.append(news)
    return Step(*_told(alarm, *kinds))


def _unshelved(alarm: Alarm, now: int) -> Outcome:
    return _revealed(_off_shelf(alarm), now, "alarm_unshelved")


def _revealed(alarm: Alarm, now: int, kind: ChangeKind) -> Outcome:
    """One thing less hides it. If it was the last one, the condition decides anew."""
    if _hidden(alarm):
        return _told(alarm, kind)
    if alarm.in_force:
        return _told(_asking_anew(alarm, now), kind)
    return _told(replace(alarm, ended=True), kind, "alarm_cleared")


def _hidden(alarm: Alarm) -> bool:
    return alarm.out_of_service or alarm.suppressed_by is not None or alarm.shelved_until is not None


def _off_shelf(alarm: Alarm) -> Alarm:
    return replace(alarm, shelved=None, shelved_by=None, shelved_until=None, shelve_reason=None, shelved_priority=None)


def _asking(alarm: Alarm, since: int) -> Alarm:
    """Unacknowledged. Where it was so already, it has been asking for longer."""
    return _asking_anew(alarm, since) if alarm.acknowledged else alarm


def _asking_anew(alarm: Alarm, since: int) -> Alarm:
    return replace(alarm, acknowledged=False, acked=None, acked_by=None, asked=since)


def _stands_for(alarm: Alarm) -> Standing:
    return Standing(alarm.limit, alarm.priority, alarm.threshold_value, alarm.threshold_direction)


def _standing_for(alarm: Alarm, worst: Standing) -> Alarm:
    if _stands_for(alarm) == worst:
        return alarm
    return replace(
        alarm,
        priority=worst.priority,
        limit=worst.limit,
        threshold_value=worst.threshold,
        threshold_direction=worst.direction,
    )
