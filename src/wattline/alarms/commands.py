"""What a person, a device or the passing of time does to the alarm of a sensor: each a function on a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wattline.alarms import lifecycle
from wattline.alarms.condition import reconfigured, usable
from wattline.alarms.draft import NOTHING, Draft, Note
from wattline.alarms.evaluation import judge, spread
from wattline.alarms.lifecycle import Outcome
from wattline.alarms.model import EDGE, Condition, Limit, Sample, Standing
from wattline.alarms.report import Report
from wattline.alarms.watch import OutOfService, Watch
from wattline.model.clock import HOUR
from wattline.model.record import NEVER


def acknowledge(draft: Draft, sensor: int, operator: str) -> None:
    """An operator has seen it."""
    watch = draft.watch(sensor)
    outcome = lifecycle.acknowledge(watch.alarm, operator, draft.now, sensor=sensor)
    _apply(draft, watch, outcome, {"operator": operator})


def shelve(draft: Draft, sensor: int, operator: str, reason: str, duration: int) -> None:
    """An operator puts it aside for a while."""
    watch = draft.watch(sensor)
    outcome = lifecycle.shelve(watch.alarm, operator, reason, duration, draft.now, sensor=sensor)
    _apply(draft, watch, outcome, {"operator": operator, "reason": reason, "duration_hours": duration / HOUR})


def unshelve(draft: Draft, sensor: int, operator: str) -> None:
    """An operator takes it back before its time."""
    watch = draft.watch(sensor)
    _apply(draft, watch, lifecycle.unshelve(watch.alarm, draft.now, sensor=sensor), {"operator": operator})


def expire(draft: Draft, sensor: int) -> None:
    """The time of its shelf is up."""
    watch = draft.watch(sensor)
    if watch.alarm is not None:
        _apply(draft, watch, lifecycle.expire(watch.alarm, draft.now), {"reason": "timer_expired"})


def take_out_of_service(draft: Draft, sensor: int, operator: str, reason: str) -> None:
    """Nothing is shown of the sensor from now on; its condition is followed all the same."""
    watch = draft.watch(sensor)
    if watch.out is not None:
        return
    watch = replace(watch, out=OutOfService(draft.now, operator, reason))
    details = {"operator": operator, "reason": reason}
    if watch.alarm is None:
        _note(draft, watch, "alarm_out_of_service", details)
    else:
        _apply(draft, watch, lifecycle.take_out_of_service(watch.alarm), details)


def return_to_service(draft: Draft, sensor: int, operator: str) -> None:
    """The alarm of the sensor is shown again, if it is in force."""
    watch = draft.watch(sensor)
    if watch.out is None:
        return
    watch = replace(watch, out=None)
    details = {"operator": operator}
    if watch.alarm is None:
        _note(draft, watch, "alarm_in_service", details)
    else:
        _apply(draft, watch, lifecycle.return_to_service(watch.alarm, draft.now), details)


def report(draft: Draft, sensor: int, found: Report) -> None:
    """A device annunciates; what is older than its newest report changes nothing."""
    watch = draft.watch(sensor)
    if found.time < watch.reported:
        return
    edge = None if found.action == "CLEARED" else Standing(EDGE, found.priority, found.threshold, found.direction)
    # What was reported must outlive a crash even where it changes no alarm: nobody sends it again.
    watch = replace(watch, edge=edge, reported=found.time)
    judge(draft, watch, Sample(found.time, found.value))
    draft.put(draft.watch(sensor))


def set_limits(draft: Draft, sensor: int, limits: tuple[Limit, ...]) -> None:
    """Other limits hold, from the newest reading on."""
    watch = draft.watch(sensor)
    if limits == watch.limits:
        return
    draft.limits[sensor] = limits
    condition = watch.condition if watch.limits else _newest(watch)
    after = replace(watch, limits=limits, condition=reconfigured(watch.limits, limits, condition))
    draft.put(after)
    through = after.condition.through
    sample = Sample(through if through > NEVER else draft.now, after.condition.value)
    if limits or after.edge is not None or after.alarm is None:
        judge(draft, after, sample)
        return
    before = watch.showing
    draft.apply(after, lifecycle.withdraw(after.alarm, sample.value, draft.now), sample, {"reason": "limits_removed"})
    spread(draft, sensor, before)


def _newest(watch: Watch) -> Condition:
    """What is known of a sensor that was not followed: its newest reading."""
    newest = watch.point.newest()
    if newest is None or newest.time < watch.condition.through:
        return watch.condition
    return Condition(through=newest.time, value=newest.value if usable(newest.value, newest.quality) else None)


def _apply(draft: Draft, watch: Watch, outcome: Outcome, details: Mapping[str, object] = NOTHING) -> None:
    before = draft.watch(watch.sensor).showing
    if outcome.alarm is watch.alarm:
        draft.put(watch)
        return
    draft.apply(watch, outcome, Sample(draft.now, watch.condition.value), details)
    spread(draft, watch.sensor, before)


def _note(draft: Draft, watch: Watch, event_type: str, body: Mapping[str, object]) -> None:
    draft.put(watch)
    draft.notes.append(Note(event_type, watch.point, draft.now, {"alarm_id": None, **body}))
