"""What goes into the scoring and what comes out of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from wattline.model.errors import Invalid

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]
SubstationKey = tuple[str, str]
"""Tenant and site key."""

ZSCORE = "zscore-linear-2.5"
ROBUST = "robust-2"
MODELS = (ZSCORE, ROBUST)

BASELINE_SECONDS = 1_800
"""Length of the baseline of both models."""
RECENT_SECONDS = 60
"""What is judged: the minute between the end of the baseline and the scored instant."""
WINDOW_SECONDS = BASELINE_SECONDS + RECENT_SECONDS

ANOMALY = 0.7
"""The published decision point, inclusive."""
CERTAIN = 0.9
"""A score that needs no second one to confirm it."""
CALM = 0.5
"""Below this an anomaly begins to clear."""

IncidentKind = Literal["local", "system"]


@dataclass(frozen=True, slots=True)
class FrequencyWindow:
    """Frequency of every substation over one span, one column a second.

    `frequency_hz` is [substations x seconds]: the median over the feeders of a substation, NaN where no feeder reported.
    Column j covers the second that starts at `start_us` + j s. `newest_us` and `newest_hz` are the newest reading of each
    substation, which may be older than the span; `newest_hz` is NaN for a substation that never reported.
    """

    keys: Sequence[SubstationKey]
    frequency_hz: Floats
    start_us: int
    newest_us: Indices
    newest_hz: Floats

    def __post_init__(self) -> None:
        count = len(self.keys)
        if self.frequency_hz.ndim != 2 or self.frequency_hz.shape[0] != count:
            raise Invalid(f"a window of {count} substations needs as many rows", "frequency_hz")
        if self.newest_us.shape != (count,) or self.newest_hz.shape != (count,):
            raise Invalid(f"a window of {count} substations needs as many newest readings", "newest")
        if len(set(self.keys)) != count:
            raise Invalid("a substation stands twice in the window", "keys")


class FrequencySource(Protocol):
    """Where the readings come from."""

    async def window(self, end_us: int, seconds: int) -> FrequencyWindow:
        """The last `seconds` whole seconds before `end_us`, of every substation that reported a frequency in them."""
        ...


@dataclass(frozen=True, slots=True)
class Score:
    """One model's verdict on one substation at one instant.

    `time` is the scored instant in microseconds since 1970; `is_anomaly` says whether `anomaly_score` (0..1) reaches 0.7.
    Mean and sample standard deviation (Hz) are those of the baseline, `latest_value` (Hz) is the newest reading, and
    `z_score` is their classical z, in both models. All are finite and unrounded. `reasons` are the codes of `detectors`.
    """

    tenant: str
    site: str
    time: int
    model_version: str
    anomaly_score: float
    is_anomaly: bool
    z_score: float
    baseline_mean: float
    baseline_std: float
    latest_value: float
    reasons: tuple[str, ...]


class ScoreSink(Protocol):
    """Where scores are kept. A score is identified by tenant, site, model_version and time: writing one twice keeps one."""

    async def write(self, scores: list[Score]) -> None:
        """Store the scores; returns when they are durable."""
        ...


@dataclass(frozen=True, slots=True)
class AnomalyEdge:
    """An incident that was confirmed (`raised`), or one that was confirmed before and is over (not `raised`).

    An edge is delivered at least once: (`incident`, `raised`) identifies it. `scores` are those of `substations`, in order, at
    the moment of the edge; a substation without a score at that moment has its peak.
    """

    tenant: str
    incident: str
    kind: IncidentKind
    raised: bool
    substations: tuple[str, ...]
    scores: tuple[float, ...]
    reasons: tuple[str, ...]
    time: int


AnomalyHook = Callable[[AnomalyEdge], Awaitable[None]]


async def ignore_edges(edge: AnomalyEdge) -> None:
    """The hook of a service that nobody listens to."""
