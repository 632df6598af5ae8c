"""Which meters are looked at, from when to when, and one look at some of them: from the store to incidents with figures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from wattline.households.accounts.model import User
from wattline.households.anomalies.expectation import HISTORY_DAYS, Expectation
from wattline.households.anomalies.history import STEP, Steps, read
from wattline.households.anomalies.incidents import Incident, case_of, incident
from wattline.households.anomalies.judgement import judge, origin_of
from wattline.households.anomalies.model import Anomaly
from wattline.households.anomalies.store import Key
from wattline.ingest.series import Series
from wattline.model.clock import DAY, HOUR, MINUTE
from wattline.registry.stream import Stream

WINDOW = 30 * MINUTE
PATIENCE = 2 * HOUR
"""us for which a gap is left alone once the meter sends again: readers send what they kept, some of them every hour."""
HISTORY = (HISTORY_DAYS + 2) * DAY
"""us before a look of which incidents matter to it."""
STEPS_AT_ONCE = 120_000
"""Of all meters that are looked at together, so that memory does not grow with their number."""
MOST_LEARNT = 20_000
"""Meters of which what was learnt is kept for the day, at about 2 KB each."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A meter of a household, and from when to when (us) to look; `before` is up to when anybody looked, None: never."""

    key: Key
    user: User
    stream: Stream
    before: int | None
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at a meter came to: up to when it went, and the incidents that began, went on or ended."""

    watched: Watched
    upto: int
    incidents: list[Incident]


class Learnt:
    """What is expected of meters on the day that they were last looked at; a day is judged by the days before it, so it does
    not matter when it was learnt."""

    def __init__(self) -> None:
        self._known: dict[int, dict[int, Expectation]] = {}

    def of(self, stream: int) -> dict[int, Expectation]:
        return dict(self._known.get(stream, {}))

    def keep(self, stream: int, learnt: Mapping[int, Expectation]) -> None:
        """Keep the newest day."""
        if len(self._known) >= MOST_LEARNT and stream not in self._known:
            self._known.pop(next(iter(self._known)))
        newest = max(learnt)
        self._known[stream] = {newest: learnt[newest]}


def together(watched: Sequence[Watched]) -> Iterator[list[Watched]]:
    """Meters that can be looked at at once, in numbers that fit the memory."""
    groups: dict[tuple[str, int, int], list[Watched]] = {}
    for each in watched:
        groups.setdefault((each.user.zone, each.begin, each.end), []).append(each)
    for (_, begin, end), group in groups.items():
        at_once = max(STEPS_AT_ONCE // ((end - begin + HISTORY) // STEP), 1)
        for at in range(0, len(group), at_once):
            yield group[at : at + at_once]


async def look(
    series: Series,
    zone: ZoneInfo,
    watched: Sequence[Watched],
    held: Mapping[Key, Sequence[Anomaly]],
    learnt: Learnt,
    now: int,
) -> list[Found]:
    """Look at meters of one zone that have one begin and one end. `held` has their incidents of the last weeks."""
    begin, end = watched[0].begin, watched[0].end
    cases = [case_of(held.get(each.key, ()), end, learnt.of(each.stream.id)) for each in watched]
    steps = await read(series, [each.stream for each in watched], origin_of(cases, zone, begin, end), end)
    for row, case in enumerate(cases):
        case.end = _known_until(steps, steps.watts[row], begin, end, now)
    looking = [number for number, case in enumerate(cases) if case.end > begin]
    if looking:
        some = Steps(steps.start, steps.watts[looking])
        # As reading is: not on the loop that others wait for.
        await asyncio.to_thread(judge, some, [cases[number] for number in looking], zone, begin)
    found = []
    for number in looking:
        each, case = watched[number], cases[number]
        learnt.keep(each.stream.id, case.learnt)
        told = [await incident(series, each.key, each.stream, touched) for touched in case.touched]
        found.append(Found(each, case.end, told))
    return found


def _known_until(steps: Steps, watts: NDArray[np.float64], begin: int, end: int, now: int) -> int:
    """Up to which window to look: not beyond what is known, nor beyond a gap that may still be filled."""
    known = np.flatnonzero(~np.isnan(watts))
    if not len(known):
        return begin
    reached = steps.start + (int(known[-1]) + 1) * STEP
    for before, resumed in zip(np.append(-1, known[:-1]).tolist(), known.tolist(), strict=True):
        time = steps.start + resumed * STEP
        if resumed - before > 1 and time > begin and now - time < PATIENCE:
            reached = min(reached, steps.start + (before + 1) * STEP)
            break
    return max(begin, min(end, reached) // WINDOW * WINDOW)
