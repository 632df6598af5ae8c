"""Every detector of `robust-2` once more, written out reading by reading from its definition, for one substation at a time."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[float | None]

BASELINE = 1800
WIDTH = 1860
DECIMALS = (1.0, 0.1, 0.01, 0.001)


def known(row: Row, start: int = 0, stop: int = WIDTH) -> list[tuple[int, float]]:
    """The readings of a span with their seconds."""
    return [(second, value) for second in range(start, stop) if (value := row[second]) is not None]


def median_absolute(values: Sequence[float], centre: float) -> float:
    """The median distance from a centre."""
    return statistics.median(abs(value - centre) for value in values)


def severity(ratio: float) -> float:
    """0.7 at the limit, 1 at twice it."""
    return 0.7 * ratio if ratio <= 1 else min(1.0, 0.7 + 0.3 * (ratio - 1))


def decimal_step(value: float) -> float:
    """The coarsest of 1, 0.1, 0.01 and 0.001 Hz that divides a frequency."""
    for step in DECIMALS:
        if abs(value / step - round(value / step)) * step < 1e-7:
            return step
    return DECIMALS[-1]


@dataclass
class Habits:
    """What the baseline of one substation says."""

    count: int
    warming: bool
    mean: float
    std: float
    median: float
    mad: float
    walk: float
    change: float
    interval: float
    changes: int
    jump: float
    resolution: float


def cadence(seconds: Sequence[int]) -> float:
    """Mean seconds between readings; 60 if there are fewer than five."""
    return (seconds[-1] - seconds[0]) / (len(seconds) - 1) if len(seconds) >= 5 else 60.0


def habits(row: Row, latest: float) -> Habits:
    """Describe a baseline (deviations from 60 Hz)."""
    readings = known(row, 0, BASELINE)
    values = [value for _, value in readings]
    seconds = [second for second, _ in readings]
    interval = cadence(seconds)
    warming = not values or seconds[-1] - seconds[0] + 1 < 600 or len(values) < 20
    if not values:
        return Habits(0, True, 0.0, 0.0, math.nan, math.nan, 0.0, 0.0, 60.0, 0, 0.0, min(decimal_step(60 + latest), 0.1))
    median = statistics.median(values)
    moves = [abs(b - a) for (_, a), (_, b) in itertools.pairwise(readings)]
    jumps = [move for move in moves if move > 1e-7]
    minutes = [[value for _, value in known(row, start, start + 60)] for start in range(0, BASELINE, 60)]
    means = [statistics.fmean(minute) if minute else None for minute in minutes]
    steps = [abs(b - a) for a, b in itertools.pairwise(means) if a is not None and b is not None]
    walk = 1.2533 * statistics.fmean(steps) * math.sqrt(660 / 40) if len(steps) >= 5 else 0.0
    resolution = min(jumps) if jumps else min(decimal_step(60 + median), decimal_step(60 + latest))
    return Habits(
        count=len(values),
        warming=warming,
        mean=statistics.fmean(values),
        std=statistics.stdev(values) if len(values) > 1 else 0.0,
        median=median,
        mad=1.4826 * median_absolute(values, median),
        walk=walk,
        change=1.2533 * sum(jumps) / max(len(values) - 1, 1),
        interval=max(interval, 1.0),
        changes=len(jumps),
        jump=1.2533 * sum(jumps) / max(len(jumps), 1),
        resolution=min(resolution, 0.1),
    )


def last_five(recent: Sequence[float | None]) -> float | None:
    """The median of the last 5 s, else the newest of the minute."""
    near = [value for value in recent[-5:] if value is not None]
    if near:
        return statistics.median(near)
    return next((value for value in reversed(recent) if value is not None), None)


def lasting_or_worst(lasting: float | None, seconds: Sequence[float | None], limit: float) -> float:
    """The greater of what lasts and the worst second, which must be half as far again."""
    worst = max((severity(value / (1.5 * limit)) for value in seconds if value is not None), default=0.0)
    return max(worst, severity(lasting / limit) if lasting is not None else 0.0)


def z_robust(row: Row, found: Habits, latest: float, age: float) -> float:
    """Sigmas from the median."""
    if found.warming:
        return 0.0
    limit = 4 * max(0.002, found.resolution, found.mad, found.walk)
    recent = row[BASELINE:]
    seconds = [second for second, _ in known(row)]
    lasting = latest if 60 < age <= 3 * cadence(seconds) else last_five(recent)
    distances = [None if value is None else abs(value - found.median) for value in recent]
    return lasting_or_worst(None if lasting is None else abs(lasting - found.median), distances, limit)


def rocof(row: Row) -> float:
    """Rate of change to each recent reading from the newest at least 5 s older, if at most 15 s older."""
    worst = 0.0
    for second, value in known(row, BASELINE):
        earlier = known(row, max(0, second - 15), second - 4)
        if earlier:
            then, was = earlier[-1]
            worst = max(worst, abs(value - was) / (second - then))
    return severity(worst / 0.05)


def step(row: Row, found: Habits) -> float:
    """The two-sided CUSUM, by its recursion: from one reading to the next, less the allowance for the time between."""
    if found.warming:
        return 0.0
    allowance = 0.5 * found.change / found.interval
    worst = up = down = 0.0
    readings = known(row, WIDTH - 120)
    for (then, was), (second, value) in itertools.pairwise(readings):
        slack = allowance * (second - then)
        up = max(0.0, up + (value - was) - slack)
        down = max(0.0, down - (value - was) - slack)
        if second >= BASELINE:
            worst = max(worst, up, down)
    return severity(worst / max(0.025 + found.resolution, 12 * found.change, 6 * found.jump))


def limit(row: Row, found: Habits) -> float:
    """The worst second against 100 mHz and half a step."""
    return max((severity(abs(value) / (0.1 + found.resolution / 2)) for _, value in known(row, BASELINE)), default=0.0)


def limit_warning(row: Row) -> float:
    """Ten seconds on end outside 50 mHz, each reading standing for up to 15 s after it."""
    run = 0
    for second in range(BASELINE, WIDTH):
        standing = known(row, second - 15, second + 1)
        run = run + 1 if standing and abs(standing[-1][1]) > 0.05 else 0
        if run == 10:
            return 0.5
    return 0.0


def stale(row: Row, age: float) -> float:
    """Silence against 15 s or three intervals."""
    return severity(age / max(15.0, 3 * cadence([second for second, _ in known(row)])))


def flatline(row: Row, found: Habits, restlessness: float, *, held: bool) -> float:
    """The run of equal readings at the end."""
    readings = known(row)
    began, repeats = readings[-1][0], 0
    for second, value in reversed(readings):
        if abs(value - readings[-1][1]) > 1e-7:
            break
        began, repeats = second, repeats + 1
    changes = sum(abs(b - a) > 1e-7 for (_, a), (_, b) in itertools.pairwise(readings))
    if repeats < 10 or (found.warming and not held):
        return 0.0
    usual = (began - readings[0][0]) / changes if changes else 0.0
    still = 3 * found.resolution**2 / restlessness if restlessness > 0 else math.inf
    patience = 120.0 if held else max(120.0, 10 * usual, still)
    return severity((readings[-1][0] - began) / patience)


def restlessness(found: Habits) -> float:
    """Variance per second of the walk that the minute means suggest."""
    return found.walk**2 / (660 / 40) / 40


def reference(rows: Sequence[Row]) -> list[float | None]:
    """The median over the substations in each second, each reading standing for up to 15 s after it; three are needed."""
    line: list[float | None] = []
    for second in range(WIDTH):
        standing = [found[-1][1] for row in rows if (found := known(row, max(0, second - 15), second + 1))]
        line.append(statistics.median(standing) if len(standing) >= 3 else None)
    return line


def residual(row: Row, others: Sequence[float | None], found: Habits, neighbour_resolution: float) -> float:
    """Distance from the others."""
    fast: list[float] = []
    for start in range(0, BASELINE, 300):
        block = [value - there for second, value in known(row, start, start + 300) if (there := others[second]) is not None]
        if len(block) > 1:
            mean = statistics.fmean(block)
            fast += [abs(value - mean) * math.sqrt(len(block) / (len(block) - 1)) for value in block]
    if len(fast) < 20 or found.warming:
        return 0.0
    noise = 1.4826 * statistics.median(fast) * (1 + 20 / max(found.changes, 5))
    recent: list[float | None] = []
    for second in range(BASELINE, WIDTH):
        value = row[second]
        near = [others[other] for other in (second - 1, second, second + 1) if other < WIDTH]
        distances = [abs(value - there) for there in near if there is not None] if value is not None else []
        recent.append(min(distances, default=None))
    lasting = last_five(recent)
    return lasting_or_worst(lasting, recent, max(0.005 + max(found.resolution, neighbour_resolution), 5 * noise))
