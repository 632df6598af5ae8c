"""What a change of condition does: to the alarm of its sensor, and to the alarms that this one hides or no longer hides."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from wattline.alarms import lifecycle
from wattline.alarms.draft import Draft
from wattline.alarms.model import Sample
from wattline.alarms.watch import Watch


def judge(draft: Draft, watch: Watch, sample: Sample) -> None:
    """Give the alarm of a sensor what its condition now asks for. `watch` has the new condition, and the alarm as it was."""
    before = draft.watch(watch.sensor).showing
    causes = draft.causes(watch.point)
    outcome = lifecycle.on_condition(
        watch.alarm,
        watch.limits,
        watch.condition,
        sample,
        draft.now,
        tenant=watch.point.tenant,
        sensor=watch.sensor,
        suppressor=causes[0].alarm.id if causes and causes[0].alarm is not None else None,
        out_of_service=watch.out is not None,
        edge=watch.edge,
    )
    if outcome.alarm is watch.alarm:
        draft.put(watch, decided=False)
        return
    hidden = "alarm_suppressed" in outcome.kinds and outcome.alarm is not None and outcome.alarm.suppressed_by is not None
    draft.apply(watch, outcome, sample, _by(causes) if hidden else {})
    if "alarm_deescalated" in outcome.kinds and causes:
        # A P0 is not hidden; now that it is less, the cause that was there all the time hides it.
        _hide(draft, draft.watch(watch.sensor), causes[0])
    spread(draft, watch.sensor, before)


def spread(draft: Draft, sensor: int, before: bool) -> None:
    """Carry on that the alarm of a sensor shows, or no longer does; `before` is whether it did.

    Rules may form a circle: an alarm is hidden at most once in one go, so this ends.
    """
    queue = deque([(sensor, before)])
    hidden: set[int] = set()
    while queue:
        cause_id, before = queue.popleft()
        cause = draft.watch(cause_id)
        if cause.showing == before:
            continue
        for effect in draft.effects(cause.point):
            was = effect.showing
            if not cause.showing:
                review(draft, effect)
            elif effect.sensor not in hidden and _hide(draft, effect, cause):
                hidden.add(effect.sensor)
            queue.append((effect.sensor, was))


def review(draft: Draft, watch: Watch) -> bool:
    """Release an alarm that nothing hides any more; whether it was. While another cause shows, the link moves there."""
    alarm = watch.alarm
    if alarm is None or alarm.suppressed_by is None:
        return False
    causes = [cause.alarm.id for cause in draft.causes(watch.point) if cause.alarm is not None]
    if alarm.suppressed_by in causes:
        return False
    if causes:
        draft.apply(watch, lifecycle.Outcome(replace(alarm, suppressed_by=causes[0])), _now(draft, watch))
        return False
    draft.apply(watch, lifecycle.release(alarm, draft.now), _now(draft, watch))
    return True


def _hide(draft: Draft, effect: Watch, cause: Watch) -> bool:
    if effect.alarm is None or cause.alarm is None or cause.alarm.id is None:
        return False
    outcome = lifecycle.suppress(effect.alarm, cause.alarm.id)
    if outcome.alarm is effect.alarm:
        return False
    draft.apply(effect, outcome, _now(draft, effect), _by([cause]))
    return True


def _by(causes: list[Watch]) -> dict[str, object]:
    return {"suppressed_by_sensor_id": causes[0].sensor} if causes else {}


def _now(draft: Draft, watch: Watch) -> Sample:
    return Sample(draft.now, watch.condition.value)
