"""Alarm limits from and to the forms in which they are written down: thresholds (HH, H, L, LL) and point schedules (P0 ... P3).

Whatever is made here has been checked: limits in order, finite, with deadbands that leave a normal band between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from wattline.alarms.consistency import FIELD, LONGEST_DELAY, LONGEST_NAME, OUTWARD, check, normal_band
from wattline.alarms.model import EDGE, PRIORITIES, Direction, Limit, Priority
from wattline.model.clock import SECOND
from wattline.model.errors import Invalid

USUAL_PRIORITY: Priority = "P2"

_RELATIVE_BAND = 0.02
_RANGE_BAND = 0.01
_DIRECTIONS: Final[Mapping[str, Direction]] = {
    name: direction for direction, forms in OUTWARD.items() for form in forms for name in form
}
_ORDER: Final = ("HH", "H", "L", "LL", *(f"{priority}_{side}" for priority in PRIORITIES for side in ("high", "low")))
_KEYS: Final = frozenset({"value", "priority", "delay_s", "off_delay_s", "deadband", "deadband_pct"})


@dataclass(frozen=True, slots=True)
class _Level:
    """A limit whose deadband may still have to be chosen."""

    limit: Limit
    chosen: bool


def from_thresholds(thresholds: Mapping[str, Any], *, range_span: float | None, boolean: bool = False) -> tuple[Limit, ...]:
    """The limits of {HH|H|L|LL: {value, priority, delay_s, off_delay_s, deadband | deadband_pct}}, most severe level first.

    Only `value` is required. `priority` is P0 ... P3, by default P2; delays are seconds, by default 0; `deadband` is in the
    sensor's unit, `deadband_pct` in per cent of the limit. By default the deadband is 2 % of the limit or 1 % of the sensor's
    range (`range_span`), whichever is more, but at most a quarter of the normal band where there are limits on both sides. The
    levels P0_high ... P3_low of a point schedule are read too; they bear their priority in their name. A level that is null is
    not set. The limits of a `boolean` sensor are violated by the limit itself and have no deadband. Invalid says what is wrong.
    """
    if not isinstance(thresholds, Mapping):
        raise Invalid("alarm thresholds must be an object with the levels HH, H, L and LL", FIELD)
    levels = [_level(name, entry, boolean) for name, entry in thresholds.items() if entry is not None]
    levels.sort(key=lambda level: _ORDER.index(level.limit.name))
    return _finished(levels, range_span, boolean)


def from_schedule(
    pairs: Mapping[Priority, tuple[float | None, float | None]], *, range_span: float | None, boolean: bool = False
) -> tuple[Limit, ...]:
    """The limits of a point schedule, which has a low and a high limit a priority, None where there is none.

    They are called P0_high, P0_low ... P3_low. A more severe priority must lie further out. Deadbands as in `from_thresholds`.
    """
    levels = []
    for priority in sorted(pairs):
        low, high = pairs[priority]
        for side, value in (("high", high), ("low", low)):
            if value is not None:
                levels.append(_level(f"{priority}_{side}", {"value": value}, boolean))
    return _finished(levels, range_span, boolean)


def to_thresholds(limits: Iterable[Limit], *, range_span: float | None = None) -> dict[str, dict[str, Any]]:
    """The limits as `from_thresholds` reads them: value, priority and delay_s of each level.

    off_delay_s is there where it is not 0, deadband (in the sensor's unit) where it is not the default one. What a device
    watches by itself is no threshold of ours and not among them.
    """
    own = [limit for limit in limits if limit.name != EDGE]
    found: dict[str, dict[str, Any]] = {}
    for limit, usual in zip(own, _with_deadbands([_Level(each, False) for each in own], range_span), strict=True):
        entry: dict[str, Any] = {
            "value": limit.value,
            "priority": limit.priority,
            "delay_s": _seconds(limit.on_delay),
        }
        if limit.off_delay:
            entry["off_delay_s"] = _seconds(limit.off_delay)
        if limit.deadband != usual.deadband:
            entry["deadband"] = limit.deadband
        found[limit.name] = entry
    return found


def _level(name: object, entry: object, boolean: bool) -> _Level:
    if not isinstance(name, str) or name not in _DIRECTIONS:
        raise Invalid(f"unknown alarm level {str(name)[:LONGEST_NAME]!r}: the levels are HH, H, L and LL", FIELD)
    if not isinstance(entry, Mapping):
        raise Invalid(f"alarm level {name} must be an object with a value", FIELD)
    unknown = sorted(str(key)[:LONGEST_NAME] for key in entry.keys() - _KEYS)
    if unknown:
        raise Invalid(f"alarm level {name} has an unknown key {unknown[0]!r}", FIELD)
    if entry.get("value") is None:
        raise Invalid(f"alarm level {name} has no value", FIELD)
    value = _number(entry["value"], name, "value", boolean)
    on_delay, off_delay = _delay(entry, name, "delay_s"), _delay(entry, name, "off_delay_s")
    deadband = 0.0 if boolean else _deadband(entry, name, value)
    limit = Limit(name, _DIRECTIONS[name], value, _priority(entry, name), on_delay, off_delay, deadband or 0.0, boolean)
    return _Level(limit, deadband is not None)


def _priority(entry: Mapping[str, Any], name: str) -> Priority:
    own = next((priority for priority in PRIORITIES if name.startswith(priority)), None)
    given = entry.get("priority")
    if given is None:
        return own or USUAL_PRIORITY
    if given not in PRIORITIES:
        raise Invalid(f"alarm level {name} has an unknown priority: it is one of P0, P1, P2 and P3", FIELD)
    if own is not None and given != own:
        raise Invalid(f"alarm level {name} cannot have the priority {given}", FIELD)
    priority: Priority = given
    return priority


def _number(given: object, name: str, key: str, boolean: bool = False) -> float:
    if isinstance(given, (int, float)) and (boolean or not isinstance(given, bool)):
        try:
            number = float(given)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise Invalid(f"{key} of alarm level {name} must be a finite number", FIELD)


def _delay(entry: Mapping[str, Any], name: str, key: str) -> int:
    seconds = _number(entry.get(key) or 0, name, key)
    if not 0 <= seconds <= LONGEST_DELAY / SECOND:
        raise Invalid(f"{key} of alarm level {name} must be from 0 to {LONGEST_DELAY // SECOND} seconds", FIELD)
    return round(seconds * SECOND)


def _deadband(entry: Mapping[str, Any], name: str, value: float) -> float | None:
    """What was chosen, in the sensor's unit; None where nothing was."""
    absolute, relative = entry.get("deadband"), entry.get("deadband_pct")
    if absolute is not None and relative is not None:
        raise Invalid(f"alarm level {name} has both deadband and deadband_pct", FIELD)
    if absolute is None and relative is None:
        return None
    if absolute is not None:
        deadband = _number(absolute, name, "deadband")
    else:
        deadband = abs(value) * _number(relative, name, "deadband_pct") / 100
    if not 0 <= deadband < math.inf:
        raise Invalid(f"the deadband of alarm level {name} must not be negative", FIELD)
    return deadband


def _finished(levels: Sequence[_Level], range_span: float | None, boolean: bool) -> tuple[Limit, ...]:
    # In two goes: the default deadband is a part of the normal band, which must be known to be one.
    check([level.limit if level.chosen else replace(level.limit, deadband=0.0) for level in levels])
    limits = tuple(level.limit for level in levels) if boolean else _with_deadbands(levels, range_span)
    check(limits)
    return limits


def _with_deadbands(levels: Sequence[_Level], range_span: float | None) -> tuple[Limit, ...]:
    span = range_span if range_span is not None and math.isfinite(range_span) and range_span > 0 else 0.0
    band = normal_band([level.limit for level in levels])
    widest = math.inf if band is None else (band[1] - band[0]) / 4
    return tuple(
        level.limit
        if level.chosen
        else replace(level.limit, deadband=_usual(level.limit, span, widest) if not level.limit.inclusive else 0.0)
        for level in levels
    )


def _usual(limit: Limit, span: float, widest: float) -> float:
    return min(max(_RELATIVE_BAND * abs(limit.value), _RANGE_BAND * span), widest)


def _seconds(span: int) -> float | int:
    seconds = span / SECOND
    return int(seconds) if seconds.is_integer() else seconds
