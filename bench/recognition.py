"""Recognition of appliances: how often it is right on the packaged test splits, how honest its confidence is, what it costs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from bench.figure import Figure, percentile
from bench.runner import Context
from wattline.households.recognition.evaluation import evaluate
from wattline.households.recognition.model import Recogniser

TARGETS = {"plaid": 0.88, "acsf1": 0.82}
"""The least accuracy asked for on the test splits."""


def recognition(_context: Context) -> Sequence[Figure]:
    """The shipped model on all of the test splits: the same code and file as in a server. Takes a few seconds."""
    recogniser = Recogniser()
    figures = []
    for quality in evaluate(recogniser):
        detail = {"series": quality.series, "called_unknown": quality.unknown, "classes": quality.classes}
        figures += [
            Figure(
                f"recognition of {quality.dataset}: accuracy",
                quality.accuracy,
                "of all",
                target=TARGETS.get(quality.dataset),
                detail=detail,
            ),
            Figure(f"recognition of {quality.dataset}: calibration error", quality.calibration_error, "of 1", "less"),
        ]
    taken = _seconds(recogniser)
    figures.append(
        Figure(
            "recognition of a day's peak at 15 s",
            percentile(taken, 50),
            "ms",
            "less",
            target=20,
            p50=percentile(taken, 50),
            p99=percentile(taken, 99),
        )
    )
    return figures


def _seconds(recogniser: Recogniser) -> list[float]:
    """Durations of a hundred calls on a peak as long as any."""
    times = np.arange(0, 86_400, 15) * 1_000_000
    watts = np.random.default_rng(1).choice([60.0, 2100.0], times.size)
    taken = []
    for _ in range(100):
        begun = time.perf_counter()
        recogniser.classify(times, watts)
        taken.append(time.perf_counter() - begun)
    return taken
