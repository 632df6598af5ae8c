"""Which of several limits in force an alarm stands for, and whether another one is worse."""

from __future__ import annotations

from collections.abc import Sequence

from wattline.alarms.model import Condition, Limit, Standing


def standing(limits: Sequence[Limit], condition: Condition, edge: Standing | None = None) -> Standing | None:
    """The most severe limit in force, with what the device annunciates itself (`edge`) among them; None where none is.

    It depends on what is in force, not on the value: while that stays the same, so does the alarm. Of equal priority the
    outermost counts, and a high one before a low one (an off-delay may hold the one side while the other is violated).
    """
    active = [limit for limit in limits if limit.name in condition.active]
    worst = min(active, key=_rank, default=None)
    if worst is None or (edge is not None and edge.priority < worst.priority):
        return edge
    return Standing(worst.name, worst.priority, worst.value, worst.direction)


def _rank(limit: Limit) -> tuple[str, str, float]:
    return limit.priority, limit.direction, -limit.value if limit.direction == "HIGH" else limit.value


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
