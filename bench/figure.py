"""One line of the table: a measured figure, its target, and what it was measured with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

Run = TypeVar("Run")


@dataclass(frozen=True, slots=True)
class Figure:
    """`figure` in `unit`; `target` is the least (`better="more"`) or the most (`better="less"`) that is asked, if anything is.

    `p50` and `p99` are latencies in milliseconds where the figure has such; `detail` is whatever helps to understand it.
    """

    name: str
    figure: float
    unit: str
    better: Literal["more", "less"] = "more"
    target: float | None = None
    p50: float | None = None
    p99: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        return self.figure >= self.target if self.better == "more" else self.figure <= self.target

    def as_json(self) -> dict[str, Any]:
        """The row as the report holds it."""
        return {
            "name": self.name,
            "figure": round(self.figure, 4),
            "unit": self.unit,
            "better": self.better,
            "target": self.target,
            "met": self.met,
            "p50": None if self.p50 is None else round(self.p50, 3),
            "p99": None if self.p99 is None else round(self.p99, 3),
            "detail": self.detail,
        }


def percentile(seconds: Sequence[float], share: float) -> float:
    """A percentile (0..100) of durations in seconds, in milliseconds."""
    return float(np.percentile(np.asarray(seconds), share)) * 1000.0


def median_run(runs: Sequence[Run], key: Callable[[Run], float]) -> Run:
    """The run in the middle by `key`: its other figures belong together, which the median of each would not."""
    return sorted(runs, key=key)[len(runs) // 2]
