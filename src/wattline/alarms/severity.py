"""Which of several limits in force an alarm stands for, and whether another one is worse."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wattline.alarms.model import Condition, Limit, Standing


def standing(limits: Sequence[Limit], condition: Condition, edge: Standing | None = None) -> Standing | None:
    """The most severe limit in force, with what the device annunciates itself (`edge`) among them; None where none is.

    Among equal priorities it is the outermost. Where limits of both directions are in force (a deadband or off-delay may hold
    one) it is that of the side on which the value lies further out.
    """
    active = [limit for limit in limits if limit.name in condition.active]
    worst = min(active, key=lambda limit: _rank(limit, active, condition.value), default=None)
    if worst is None or (edge is not None and edge.priority < worst.priority):
        return edge
    return Standing(worst.name, worst.priority, None if math.isnan(worst.value) else worst.value, worst.direction)


def _rank(limit: Limit, active: Sequence[Limit], value: float | None) -> tuple[str, float, float]:
    if math.isnan(limit.value):
        return limit.priority, math.inf, math.inf
    inward = -limit.value if limit.direction == "HIGH" else limit.value
    if value is None:
        return limit.priority, 0.0, inward
    # All limits of one direction share its figure: the excess over the innermost of them.
    excess = max(
        _excess(other, value) for other in active if other.direction == limit.direction and not math.isnan(other.value)
    )
    return limit.priority, -excess, inward


def _excess(limit: Limit, value: float) -> float:
    return value - limit.value if limit.direction == "HIGH" else limit.value - value


def turned(before: Standing, after: Standing) -> bool:
    """Whether the violation moved to the other side, from too high to too low or back: a different occurrence."""
    return before.direction is not None and after.direction is not None and before.direction != after.direction


def compare(before: Standing, after: Standing) -> int:
    """1 where `after` is more severe, -1 where it is less, 0 where they weigh the same.

    Priority comes first. Of one priority, another limit of the same direction is more severe if it lies further out: by
    ISA-18.2 every limit is an alarm of its own, so reaching it must be told even to who has acknowledged the one before.
    """
    if before.priority != after.priority:
        return 1 if after.priority < before.priority else -1
    if (
        before.limit == after.limit
        or before.direction != after.direction
        or before.threshold is None
        or after.threshold is None
    ):
        return 0
    outward = after.threshold - before.threshold
    if after.direction == "LOW":
        outward = -outward
    return (outward > 0) - (outward < 0)
