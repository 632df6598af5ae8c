"""Peaks of households: one look at a thousand homes, and a synthetic day of which the truth is known."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

import numpy as np

from bench.figure import Figure
from bench.runner import ROOT, Context
from bench.synthetic_day import Day, Device, readings
from wattline.households.peaks.detection import Found, detect, peak
from wattline.households.peaks.model import WINDOW
from wattline.households.peaks.reference import SPAN, STEP, usual
from wattline.households.peaks.samples import WATTS, sampled
from wattline.model.clock import DAY, SECOND

START = 20_600 * DAY
CADENCES = (15, 21)
SECONDS, POWER_W = 300.0, 2000.0
STEPS = tuple(Device(1800 + 2500 * n, 1250, 30) for n in range(34))
NEAR = 60.0
"""Seconds between the beginning of a peak and that of what is found for it."""


def speed(context: Context) -> Figure:
    """One look at every home, in a process of its own: the last half hour, a day before it as the reference."""
    homes = context.scaled(1000, 50)
    command = [sys.executable, "-m", "bench.peak_homes", str(context.place("peaks")), str(homes)]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = json.loads(made.stdout.splitlines()[-1])
    if not found["peaks"]:
        raise RuntimeError("no peak was found in any home")
    return Figure("peaks of 1,000 households for a half hour", found["seconds"], "s", "less", target=20, detail=found)


def _found(cadence: float, begins: Sequence[float], choice: np.random.Generator) -> list[Found]:
    watts = Day((*(Device(begin, SECONDS, POWER_W) for begin in begins), *STEPS)).watts(choice)
    times, totals = readings(watts, START, cadence, offset=float(choice.uniform(0, cadence)))
    edges = np.arange(START - SPAN, START + DAY + 1, STEP)
    registers = np.interp(edges, times, totals, left=np.nan, right=np.nan)
    base, margin = usual((np.diff(registers) * WATTS / STEP)[None], DAY // WINDOW)
    samples = sampled(np.zeros(len(times), np.int64), times, totals, START, base, margin)
    return [found for chain in detect(samples, [START])[0] if (found := peak(samples, chain)) is not None]


def quality(context: Context) -> Sequence[Figure]:
    """Days of a home with 18 peaks of 2 kW for five minutes, 34 steps of 30 W and a fridge, at both cadences."""
    real = told = matched = 0
    errors: list[float] = []
    for seed in range(context.scaled(50, 5)):
        choice = np.random.default_rng(seed)
        for cadence in CADENCES:
            begins = [3 * 3600 + 3600 * n + float(choice.uniform(0, 2400)) for n in range(18)]
            found = _found(cadence, begins, choice)
            real, told = real + len(begins), told + len(found)
            for begin in begins:
                mine = [each for each in found if abs((each.start - START) / SECOND - begin) < NEAR]
                if mine and (error := abs(mine[0].power_w / POWER_W - 1)) <= 0.05:
                    matched += 1
                    errors.append(error)
    detail = {"peaks": real, "cadences_s": CADENCES, "largest_error": max(errors), "mean_error": sum(errors) / len(errors)}
    return [
        Figure("peaks found within 5 % of their power", matched / real, "of all", target=1, detail=detail),
        Figure("peaks reported that are none, steps of 30 W", told - matched, "peaks", "less", target=0, detail=detail),
    ]


def peaks(context: Context) -> Sequence[Figure]:
    """Every figure."""
    return [speed(context), *quality(context)]
