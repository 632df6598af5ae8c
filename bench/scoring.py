"""How often the two scoring models cry wolf, what they miss, how late they are, and what a pass costs.

`python bench/scoring.py` prints the tables; `run()` returns the figures. All randomness is seeded.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wattline.analytics.hysteresis import QUIET
from wattline.analytics.model import MODELS, WINDOW_SECONDS, FrequencyWindow, Score, SubstationKey
from wattline.analytics.service import ScoringService
from wattline.analytics.settings import ScoringSettings
from wattline.analytics.verdicts import judge
from wattline.model.clock import SECOND, ManualClock
from wattline.state.database import Database
from wattline.state.migrate import migrate

Matrix = NDArray[np.float64]
MEMORIES_S = (300.0, 600.0, 900.0, 1200.0)
PASS_S = 60
FAST_PASS_S = 5
SUBSTATIONS = 6
DAY_S = 86_400


def ornstein_uhlenbeck(rng: np.random.Generator, rows: int, seconds: int, sigma: float, memory_s: float) -> Matrix:
    """Noise that forgets itself within `memory_s`; stationary from the first second on."""
    keep = float(np.exp(-1.0 / memory_s))
    kick = rng.normal(0.0, sigma * np.sqrt(1.0 - keep * keep), (seconds, rows))
    value = rng.normal(0.0, sigma, rows)
    for second in range(seconds):
        value = keep * value + kick[second]
        kick[second] = value
    return np.ascontiguousarray(kick.T)


def grid(rng: np.random.Generator, substations: int, seconds: int, memory_s: float) -> Matrix:
    """One interconnection: a shared 20 mHz wander; at each substation 1 mHz of swing (5 s) and 1 mHz of noise; 1 mHz steps."""
    shared = ornstein_uhlenbeck(rng, 1, seconds, 0.020, memory_s)
    swing = ornstein_uhlenbeck(rng, substations, seconds, 0.001, 5.0)
    return np.round(60.0 + shared + swing + rng.normal(0.0, 0.001, swing.shape), 3)


Instrument = Callable[[np.random.Generator, Matrix], Matrix]


def every_second(_rng: np.random.Generator, readings: Matrix) -> Matrix:
    """What the public page describes."""
    return readings


def in_steps(step_hz: float) -> Instrument:
    """A coarse instrument."""
    return lambda _rng, readings: np.round(np.round(readings / step_hz) * step_hz, 3)


def seldom(period_s: int) -> Instrument:
    """One reading in so many seconds, each substation in its own phase."""

    def sampled(rng: np.random.Generator, readings: Matrix) -> Matrix:
        phase = rng.integers(0, period_s, len(readings))[:, None]
        return np.where(np.arange(readings.shape[1]) % period_s == phase, readings, np.nan)

    return sampled


def holding(period_s: int) -> Instrument:
    """A device that repeats its last measurement until the next."""

    def held(rng: np.random.Generator, readings: Matrix) -> Matrix:
        phase = rng.integers(0, period_s, len(readings))[:, None]
        second = np.arange(readings.shape[1])
        return np.take_along_axis(readings, np.maximum((second - phase) // period_s * period_s + phase, 0), axis=1)

    return held


def clocks_apart(_rng: np.random.Generator, readings: Matrix) -> Matrix:
    """Substations 0, 1 and 2 s behind."""
    return np.stack([np.roll(row, number % 3) for number, row in enumerate(readings)])


def lossy(rng: np.random.Generator, readings: Matrix) -> Matrix:
    """Each reading is lost with a chance of one in five."""
    return np.where(rng.random(readings.shape) < 0.2, np.nan, readings)


def window_at(readings: Matrix, end_s: int, keys: list[SubstationKey]) -> FrequencyWindow:
    """The window that ends at a second of the simulation."""
    block = readings[:, end_s - WINDOW_SECONDS : end_s]
    present = ~np.isnan(block)
    last = WINDOW_SECONDS - 1 - present[:, ::-1].argmax(axis=1)
    start_us = (end_s - WINDOW_SECONDS) * SECOND
    newest_hz = block[np.arange(len(block)), last]
    return FrequencyWindow(keys, block, start_us, start_us + last * SECOND, newest_hz)


def flat_now(scores: list[Score]) -> set[SubstationKey]:
    """Those whose last score named a flat line, as the service remembers them."""
    return {(score.tenant, score.site) for score in scores if "flatline" in score.reasons}


def verdicts_at(readings: Matrix, end_s: int, keys: list[SubstationKey], flat: Collection[SubstationKey]) -> list[list[Score]]:
    """The scores of both models."""
    return [verdict.scores for verdict in judge(window_at(readings, end_s, keys), ScoringSettings(), flat)]


def clean(days: float, instrument: Instrument = every_second, substations: int = SUBSTATIONS) -> dict[str, dict[str, float]]:
    """Flags and raised anomalies per substation-day where nothing is wrong, over one utility for each memory of the noise."""
    rng = np.random.default_rng(1)
    seconds = WINDOW_SECONDS + round(days * DAY_S)
    readings = np.concatenate([instrument(rng, grid(rng, substations, seconds, memory)) for memory in MEMORIES_S])
    keys = [(f"memory{memory:.0f}", f"SUB{number}") for memory in MEMORIES_S for number in range(substations)]
    flags = dict.fromkeys(MODELS, 0)
    raised = dict.fromkeys(MODELS, 0)
    states = {(model, key): QUIET for model in MODELS for key in keys}
    flat: set[SubstationKey] = set()
    for end in range(WINDOW_SECONDS, seconds + 1, PASS_S):
        for model, scores in zip(MODELS, verdicts_at(readings, end, keys, flat), strict=True):
            flat = flat_now(scores)
            for score in scores:
                before = states[model, (score.tenant, score.site)]
                after = before.after(score.anomaly_score)
                flags[model] += score.is_anomaly
                raised[model] += after.active and not before.active
                states[model, (score.tenant, score.site)] = after
    span = days * len(keys)
    return {model: {"flags": flags[model] / span, "raised": raised[model] / span} for model in MODELS}


def instruments(days: float) -> dict[str, dict[str, dict[str, float]]]:
    """The same for healthy substations that measure or report in other ways, and for utilities too small to compare."""
    kinds: dict[str, tuple[Instrument, int]] = {
        "one substation": (every_second, 1),
        "two substations": (every_second, 2),
        "steps of 10 mHz": (in_steps(0.01), SUBSTATIONS),
        "steps of 100 mHz": (in_steps(0.1), SUBSTATIONS),
        "a reading every 10 s": (seldom(10), SUBSTATIONS),
        "a reading every 30 s": (seldom(30), SUBSTATIONS),
        "measured every 10 s, sent every second": (holding(10), SUBSTATIONS),
        "clocks up to 2 s apart": (clocks_apart, SUBSTATIONS),
        "a fifth of the readings lost": (lossy, SUBSTATIONS),
    }
    return {name: clean(days, instrument, substations) for name, (instrument, substations) in kinds.items()}


@dataclass(frozen=True)
class Fault:
    """What befalls the first substation, and how long after its start it must have been flagged."""

    name: str
    deadline_s: int
    befall: Callable[[Matrix, int], None]


def offset(readings: Matrix, start: int) -> None:
    """30 mHz too high from now on."""
    readings[0, start:] += 0.030


def dip(readings: Matrix, start: int) -> None:
    """0.1 Hz low for 5 s at one substation."""
    readings[0, start : start + 5] -= 0.100


def system_dip(readings: Matrix, start: int) -> None:
    """0.1 Hz low for 5 s everywhere."""
    readings[:, start : start + 5] -= 0.100


def stuck(readings: Matrix, start: int) -> None:
    """The same value for ever."""
    readings[0, start:] = readings[0, start - 1]


def drift(readings: Matrix, start: int) -> None:
    """20 mHz an hour."""
    readings[0, start:] += np.arange(readings.shape[1] - start) * (0.020 / 3600.0)


def silence(readings: Matrix, start: int) -> None:
    """No more data."""
    readings[0, start:] = np.nan


FAULTS = (
    Fault("30 mHz local offset", 120, offset),
    Fault("0.1 Hz dip of 5 s, one substation", 120, dip),
    Fault("0.1 Hz dip of 5 s, whole system", 120, system_dip),
    Fault("stuck sensor", 300, stuck),
    Fault("drift of 20 mHz/h", 3600, drift),
    Fault("data loss", 120, silence),
)


def delay_of(readings: Matrix, start: int, fault: Fault, period_s: int) -> dict[str, float | None]:
    """Seconds from the fault to the first flag of each model on the first substation, with passes every `period_s`."""
    keys = [("utility", f"SUB{number}") for number in range(len(readings))]
    found: dict[str, float | None] = dict.fromkeys(MODELS)
    flat: set[SubstationKey] = set()
    first = start // period_s * period_s + period_s
    for end in range(first, start + fault.deadline_s + 1, period_s):
        for model, scores in zip(MODELS, verdicts_at(readings, end, keys, flat), strict=True):
            flat = flat_now(scores)
            if scores[0].is_anomaly and found[model] is None:
                found[model] = float(end - start)
        if None not in found.values():
            break
    return found


def faults(trials: int) -> dict[str, dict[str, dict[str, float | None]]]:
    """Recall and median delay of both models for every fault; with fast passes the delay of `robust-2` as well."""
    rng = np.random.default_rng(2)
    report: dict[str, dict[str, dict[str, float | None]]] = {}
    for fault in FAULTS:
        delays: dict[str, list[float | None]] = {model: [] for model in (*MODELS, "fast")}
        for trial in range(trials):
            start = WINDOW_SECONDS + PASS_S + int(rng.integers(0, PASS_S))
            readings = grid(rng, SUBSTATIONS, start + fault.deadline_s + PASS_S, MEMORIES_S[trial % len(MEMORIES_S)])
            fault.befall(readings, start)
            for model, delay in delay_of(readings, start, fault, PASS_S).items():
                delays[model].append(delay)
            if fault.deadline_s < 3600:
                delays["fast"].append(delay_of(readings, start, fault, FAST_PASS_S)[MODELS[1]])
        report[fault.name] = {model: _summary(found) for model, found in delays.items() if found}
    return report


def _summary(delays: list[float | None]) -> dict[str, float | None]:
    found = [delay for delay in delays if delay is not None]
    return {"recall": len(found) / len(delays), "median_delay_s": statistics.median(found) if found else None}


class Replay:
    """A source that plays a matrix, and a sink that counts."""

    def __init__(self, readings: Matrix) -> None:
        self.readings = readings
        self.keys = [("utility", f"SUB{number:04d}") for number in range(len(readings))]
        self.written = 0

    async def window(self, end_us: int, seconds: int) -> FrequencyWindow:
        """The window that ends at an instant of the simulation."""
        return window_at(self.readings, end_us // SECOND, self.keys)

    async def write(self, scores: list[Score]) -> None:
        """Count the scores."""
        self.written += len(scores)


async def _through_service(readings: Matrix, ends: range) -> tuple[int, float]:
    """How many incidents a replay opens, and the slowest pass in seconds (reading, scoring, state; not the score store)."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite+aiosqlite:///{Path(folder) / 'state.sqlite'}")
        await migrate(database)
        replay = Replay(readings)
        service = ScoringService(database, replay, replay, ManualClock(datetime(1970, 1, 1, tzinfo=UTC)))
        slowest = 0.0
        for end in ends:
            begun = time.perf_counter()
            await service.run(end * SECOND)
            slowest = max(slowest, time.perf_counter() - begun)
        incidents = await service.incidents("utility")
        await database.close()
    return len(incidents), slowest


def system_event(substations: int = 50, events: int = 10) -> dict[str, float]:
    """Incidents for each loss of generation: 0.15 Hz down in 8 s, recovering over 5 min."""
    rng = np.random.default_rng(3)
    opened = 0
    for _ in range(events):
        start = WINDOW_SECONDS + PASS_S + int(rng.integers(0, PASS_S))
        seconds = start + 20 * PASS_S
        readings = grid(rng, substations, seconds, 600.0)
        after = np.arange(seconds - start)
        readings[:, start:] -= 0.150 * np.minimum(after / 8.0, 1.0) * np.exp(-np.maximum(after - 8, 0) / 300.0)
        opened += asyncio.run(_through_service(readings, range(WINDOW_SECONDS, seconds + 1, PASS_S)))[0]
    return {"substations": substations, "events": events, "incidents_per_event": opened / events}


def cost(substations: int = 1_000) -> dict[str, float]:
    """Milliseconds of one pass of both models: the arithmetic alone, and through the service with its state."""
    rng = np.random.default_rng(4)
    readings = grid(rng, substations, WINDOW_SECONDS + 3 * PASS_S, 600.0)
    readings[rng.random(readings.shape) < 0.02] = np.nan
    keys = [("utility", f"SUB{number:04d}") for number in range(substations)]
    spent = []
    for end in range(WINDOW_SECONDS, WINDOW_SECONDS + 3 * PASS_S + 1, PASS_S):
        begun = time.perf_counter()
        verdicts_at(readings, end, keys, ())
        spent.append(time.perf_counter() - begun)
    _, slowest = asyncio.run(_through_service(readings, range(WINDOW_SECONDS, WINDOW_SECONDS + 3 * PASS_S + 1, PASS_S)))
    return {"substations": substations, "pass_ms": 1e3 * statistics.median(spent), "service_ms": 1e3 * slowest}


def run(days: float = 2.0, trials: int = 24) -> dict[str, object]:
    """Measure everything and print it; `days` of clean data at 24 substations, `trials` of each fault."""
    figures = {
        "clean": clean(days),
        "instruments": instruments(days / 4),
        "faults": faults(trials),
        "system_event": system_event(),
        "cost": cost(),
    }
    _print(figures, days)
    return dict(figures)


def _print(figures: dict[str, dict], days: float) -> None:
    print(f"\nclean data, {days * len(MEMORIES_S) * SUBSTATIONS:g} substation-days, per substation-day")
    print(f"{'':36}{'flags':>10}{'raised':>10}")
    for model, clean_figures in figures["clean"].items():
        print(f"{model:36}{clean_figures['flags']:10.2f}{clean_figures['raised']:10.2f}")
    print(f"\n{'flags per substation-day where':40}" + "".join(f"{model:>24}" for model in MODELS))
    for name, models in figures["instruments"].items():
        print(f"{name:40}" + "".join(f"{models[model]['flags']:>24.2f}" for model in MODELS))
    print(f"\n{'fault':36}" + "".join(f"{model:>24}" for model in (*MODELS, "robust-2 every 5 s")))
    for name, models in figures["faults"].items():
        cells = [f"{_percent(found)}, {_seconds(found)}" for found in models.values()]
        print(f"{name:36}" + "".join(f"{cell:>24}" for cell in cells))
    event, spent = figures["system_event"], figures["cost"]
    print(f"\n{event['incidents_per_event']:.2f} incidents per system event with {event['substations']} substations")
    print(f"{spent['substations']} substations: {spent['pass_ms']:.0f} ms to score, {spent['service_ms']:.0f} ms with state\n")


def _percent(found: dict[str, float | None]) -> str:
    return f"{100 * (found['recall'] or 0.0):.0f} %"


def _seconds(found: dict[str, float | None]) -> str:
    return "never" if found["median_delay_s"] is None else f"{found['median_delay_s']:.0f} s"


if __name__ == "__main__":
    run()
