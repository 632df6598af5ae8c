"""Power quality: what is found in generated traces, how exactly, and how fast."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench import rapid_changes
from bench.figure import Figure
from bench.runner import Context
from wattline.model.clock import SECOND
from wattline.quality.config import Config, checked, config_of
from wattline.quality.disturbance import PHASES, Disturbance
from wattline.quality.imbalance import deviation, vuf_of_lines
from wattline.quality.lane import Lane
from wattline.quality.row import body_of
from wattline.quality.waveform import measured

VOLTS = 230.0
NOISE = 0.0002
"""Standard deviation of an RMS value's noise, as a share of it."""
DEEPER = 0.02
"""Only events that are beyond a threshold by more than this must be found; none may be found that is not there."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Planted:
    """An event as it was put in: the first value beyond its threshold, the first that has returned, and its level in per unit;
    all of it without the noise."""

    kind: str
    start: int
    stop: int
    extreme: float


@dataclass
class Tally:
    """How the events that were found compare with those that were put in."""

    planted: int = 0
    found: int = 0
    false: int = 0
    edges: list[float] = field(default_factory=list)
    extremes: list[float] = field(default_factory=list)
    samples: int = 0
    seconds: float = 0.0


def half_cycles(random: np.random.Generator, length: int) -> tuple[Values, list[Planted]]:
    """A trace of three phases by half cycles in per unit, with noise, slow drift, near misses and up to six events.

    The first value of an event and the first after it are of windows that straddle the change.
    """
    drift = 1 + 0.03 * np.sin(np.linspace(0, random.uniform(2, 12), length) + random.uniform(0, 6))
    trace = drift[:, None] * (1 + random.normal(0, 0.003, 3)) * np.ones((length, 3))
    planted = []
    place = int(random.integers(20, 200))
    while place < length - 400 and len(planted) < 6:
        size = int(np.exp(random.uniform(0, np.log(min(6000, length - place - 200)))))
        phases = random.permutation(3)[: int(random.integers(1, 4))]
        kind = str(random.choice(["sag", "swell", "interruption", "near miss"]))
        if kind == "near miss":
            trace[place : place + size, phases] = random.uniform(0.905, 0.915)
        else:
            low, high = {
                "sag": (0.12, 0.9 - DEEPER),
                "swell": (1.1 + DEEPER, 1.8),
                "interruption": (0.0, 0.1 - DEEPER),
            }[kind]
            level = random.uniform(low, high)
            phases = np.arange(3) if kind == "interruption" else phases
            _plant(random, trace, place, place + size + 1, phases, level)
            planted.append(_as_planted(kind, trace, place, place + size + 1, level))
        place += size + int(random.integers(30, 2000))
    return trace * (1 + random.normal(0, NOISE, trace.shape)), planted


def _plant(random: np.random.Generator, trace: Values, start: int, stop: int, phases: NDArray[np.int64], level: float) -> None:
    shares = random.uniform(0, 1, 2)
    before, after = trace[start, phases].copy(), trace[stop, phases].copy()
    trace[start : stop + 1, phases] = level
    trace[start, phases] = np.sqrt((1 - shares[0]) * before**2 + shares[0] * level**2)
    trace[stop, phases] = np.sqrt((1 - shares[1]) * level**2 + shares[1] * after**2)


def _as_planted(kind: str, trace: Values, start: int, stop: int, level: float) -> Planted:
    """By the definitions, one value after the other."""
    first, back = start, stop
    beyond = (lambda row: max(row) > 1.1) if kind == "swell" else (lambda row: min(row) < 0.9)
    while not beyond(trace[first]):
        first += 1
    returned = {
        "sag": lambda row: min(row) >= 0.92,
        "swell": lambda row: max(row) <= 1.08,
        "interruption": lambda row: max(row) >= 0.12,
    }[kind]
    while not returned(trace[back]):
        back += 1
    return Planted(kind, first, back, level)


def waveform(random: np.random.Generator) -> tuple[Values, float, list[tuple[str, float, float, float]]]:
    """Two seconds of samples of three phases: rate, and one event by its begin and end in seconds and its extreme."""
    rate, frequency = float(random.choice([3200, 6400, 12_800])), random.uniform(49.5, 50.5)
    t = np.arange(round(2 * rate)) / rate
    begin, lasts = random.uniform(0.4, 1.0), random.uniform(0.04, 0.6)
    kind = str(random.choice(["sag", "swell", "interruption"]))
    extreme = {"sag": random.uniform(0.15, 0.87), "swell": random.uniform(1.13, 1.6), "interruption": 0.02}[kind]
    level = np.where((t >= begin) & (t < begin + lasts), extreme, 1.0)
    turn = 2 * np.pi * frequency * t[:, None] - 2 * np.pi * np.arange(3) / 3 + random.uniform(0, 6)
    share = random.uniform(0, 0.03, 2)
    shape = np.sin(turn) + share[0] * np.sin(5 * turn) + share[1] * np.sin(7 * turn)
    size = np.sqrt(1 + (share**2).sum())
    samples = VOLTS * np.sqrt(2) * level[:, None] * shape / size
    return samples + random.normal(0, 0.2, samples.shape), rate, [(kind, begin, begin + lasts, extreme)]


def follow(times: NDArray[np.int64], volts: Values, config: Config, step: int, pieces: int) -> list[Disturbance]:
    """The events of a trace that comes in pieces."""
    lane = Lane()
    found: list[Disturbance] = []
    for some in np.array_split(np.arange(len(times)), pieces):
        told = lane.feed_rms(times[some], volts[some], config, names=PHASES, method="half_cycle_rms", resolution=step)
        found += [event for event in told if not any(event is known for known in found)]
    return found


def _matches(event: Disturbance, kind: str) -> bool:
    names = {"sag": ("sag", "undervoltage"), "swell": ("swell", "overvoltage"), "interruption": ("interruption",)}
    return event.type in names[kind]


def _count(tally: Tally, events: Sequence[Disturbance], wanted: Sequence[tuple[str, float, float, float]], step: float) -> None:
    """Pair what was found with what was put in: (kind, begin, end, extreme), times in us; `step` is one sample."""
    left = list(events)
    for kind, begin, end, extreme in wanted:
        tally.planted += 1
        near = [event for event in left if _matches(event, kind) and abs(event.start - begin) <= 4 * step]
        if not near or near[0].end is None:
            continue
        event = near[0]
        left.remove(event)
        tally.found += 1
        tally.edges += [abs(event.start - begin) / step, abs((event.end or 0) - end) / step]
        measured_extreme = event.most if kind == "swell" else event.least
        tally.extremes.append(100 * abs((measured_extreme or 0) - extreme))
    tally.false += len(left)


def _by_half_cycles(random: np.random.Generator, traces: int, length: int) -> Tally:
    config, tally, step = _config(), Tally(), 10_000
    for _ in range(traces):
        trace, planted = half_cycles(random, length)
        times = np.arange(length, dtype=np.int64) * step
        volts = trace * VOLTS
        begun = time.perf_counter()
        events = follow(times, volts, config, step, 1 + int(random.integers(0, 5)))
        tally.seconds += time.perf_counter() - begun
        tally.samples += length
        # The near misses are rapid voltage changes, which have traces of their own.
        events = [event for event in events if event.type != "rvc"]
        wanted = [(each.kind, float(each.start * step), float(each.stop * step), each.extreme) for each in planted]
        _count(tally, events, wanted, step)
    return tally


def _by_waveforms(random: np.random.Generator, captures: int) -> Tally:
    config, tally, step = _config(), Tally(), 10_000
    for _ in range(captures):
        samples, rate, events = waveform(random)
        begun = time.perf_counter()
        found = measured(samples, 0, rate, 50, PHASES, "vuf")
        told = follow(found.times, found.volts, config, step, 1)
        tally.seconds += time.perf_counter() - begun
        tally.samples += len(samples)
        told = [event for event in told if event.type != "rvc"]
        wanted = [(kind, begin * SECOND, end * SECOND, extreme) for kind, begin, end, extreme in events]
        _count(tally, told, wanted, step)
    return tally


def _by_changes(random: np.random.Generator, traces: int, length: int) -> Tally:
    """Rapid voltage changes, for which `_count` is not made: they have two extremes, and may last no time."""
    config, tally, step = _config(), Tally(), 10_000
    for _ in range(traces):
        trace, planted = rapid_changes.trace(random, length)
        times = np.arange(len(trace), dtype=np.int64) * step
        begun = time.perf_counter()
        events = follow(times, trace * VOLTS, config, step, 1 + int(random.integers(0, 5)))
        tally.seconds += time.perf_counter() - begun
        tally.samples += len(trace)
        left = [event for event in events if event.type == "rvc"]
        for each in planted:
            tally.planted += 1
            near = [event for event in left if abs(event.start / step - each.start) <= 4]
            if near:
                left.remove(near[0])
                tally.found += 1
                body = body_of(near[0])
                tally.edges += [abs(near[0].start / step - each.start), abs((near[0].end or 0) / step - each.end)]
                tally.extremes += [abs(body["delta_u_max_pct"] - 100 * each.greatest)]
                tally.extremes += [abs(body["delta_u_ss_pct"] - 100 * each.between)]
        tally.false += len(left)
    return tally


def _imbalance() -> float:
    """How far LVUR and VUF of the known triples of line voltages are from what they must be."""
    vectors = {(400, 395, 390): (1.2658, 1.4618), (480, 460, 440): (4.3478, 5.0272), (415, 400, 385): (3.75, 4.3345)}
    worst = 0.0
    for volts, (lvur, vuf) in vectors.items():
        lines = np.array(volts, float)
        worst = max(worst, abs(float(deviation(lines)) - lvur), abs(float(vuf_of_lines(lines)) - vuf))
    return worst


def _config() -> Config:
    return config_of(checked({}, VOLTS, 50), VOLTS, 50)


def power_quality(context: Context) -> Sequence[Figure]:
    """1,000 traces of two minutes by half cycles, and captures of samples: found, false, how exact, how fast."""
    random = np.random.default_rng(20_260_611)
    series = _by_half_cycles(random, context.scaled(1000, 100), 12_000)
    captures = _by_waveforms(random, context.scaled(200, 30))
    changes = _by_changes(random, context.scaled(1000, 100), 12_000)
    detail = {"events": series.planted, "traces of half cycles": context.scaled(1000, 100)}
    return [
        Figure("power-quality events found", series.found / series.planted, "of all", target=1, detail=detail),
        Figure("power-quality events found that are not there", series.false, "events", "less", target=0),
        Figure("start and end of an event, the worst", max(series.edges), "samples", "less", target=1),
        Figure("residual voltage, the worst", max(series.extremes), "% of Udin", "less", target=0.2),
        Figure("rapid voltage changes found", changes.found / changes.planted, "of all", target=1),
        Figure("rapid voltage changes found that are not there", changes.false, "events", "less", target=0),
        Figure("start and end of a rapid voltage change, the worst", max(changes.edges), "samples", "less", target=1),
        Figure("dUmax and dUss, the worst", max(changes.extremes), "% of Udin", "less", target=0.2),
        Figure("imbalance of the vectors, the worst", _imbalance(), "percent points", "less", target=0.00005),
        Figure("half-cycle values judged", 3 * series.samples / series.seconds, "values/s"),
        Figure("events found in waveforms", captures.found / captures.planted, "of all", target=1),
        Figure("events found in waveforms that are not there", captures.false, "events", "less", target=0),
        Figure("start and end in a waveform, the worst", max(captures.edges) / 2, "cycles", "less", target=1),
        Figure("residual voltage in a waveform, the worst", max(captures.extremes), "% of Udin", "less", target=0.2),
        Figure("samples of waveforms measured and judged", 3 * captures.samples / captures.seconds, "values/s"),
    ]
