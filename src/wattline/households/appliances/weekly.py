"""How long an appliance runs in a week, from the peaks that were assigned to it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from wattline.model.clock import DAY, HOUR

WEEK = 7 * DAY


def weekly_hours(spans: Iterable[tuple[int, int]], horizon: int) -> float | None:
    """Hours a week, from the [start, end) in us of the appliance's peaks; None without any.

    `horizon` (us) is up to when the household has told what caused its peaks: what came later says nothing yet, so an estimate
    does not fade because nobody looks. From the first peak to there counts as a week at least: a single run is one run a week,
    however short ago it was. Peaks that overlap (of two meters) count once.
    """
    ordered = sorted(spans)
    if not ordered:
        return None
    ran = 0
    reached = ordered[0][0]
    for start, end in ordered:
        ran += max(0, end - max(start, reached))
        reached = max(reached, end)
    told = max(horizon, reached) - ordered[0][0]
    return ran / HOUR * WEEK / max(told, WEEK)
