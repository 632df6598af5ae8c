"""Anomaly scoring: how long a pass over a thousand substations takes, and what each model finds and falsely flags."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figure import Figure
from bench.runner import Context


def scoring(context: Context) -> Sequence[Figure]:
    """The figures of `bench.scoring`, which drives the scoring engine itself."""
    from bench.scoring import run  # needs the analytics stack, which the other benches do without

    return run(context)
