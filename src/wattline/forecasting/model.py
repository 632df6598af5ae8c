"""What is asked of a forecast, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wattline.model.errors import Fault, Faulty

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Target = Literal["demand", "generation"]
ModelName = Literal["naive", "seasonal_naive", "seasonal_mean", "auto"]
MODELS: tuple[ModelName, ...] = ("naive", "seasonal_naive", "seasonal_mean", "auto")
STEPS = {"15m": 900, "1h": 3600}
"""Lengths of a step in seconds, by their names."""
HORIZON_HOURS = 168
QUANTILES = (0.1, 0.5, 0.9)
WEATHER = ("temperature", "irradiance", "wind_speed", "humidity", "cloud_cover")
"""The columns of weather that a forecast may be given; the temperature in Cel, the others in any one unit."""


@dataclass(frozen=True, slots=True)
class Column:
    """Values of a weather column at times (us, ascending); between two of them the line that joins them holds."""

    times: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class Question:
    """What is wanted: of the steps of `step_s` seconds from the one that holds `as_of` (us) on, for `horizon_h` hours.

    `lower` and `upper` clip what is answered, in kW. `weather` has columns that reach over the horizon and into the past.
    `live` says that `as_of` is the present of who asks: then nothing has to be kept out that came while the answer was made.
    """

    as_of: int
    horizon_h: int = 24
    step_s: int = 3600
    model: ModelName = "seasonal_naive"
    target: Target = "demand"
    quantiles: tuple[float, ...] = QUANTILES
    lower: float | None = None
    upper: float | None = None
    weather: Mapping[str, Column] = field(default_factory=dict)
    live: bool = False


@dataclass(frozen=True, slots=True)
class Training:
    """The history that was used, in us, and the share of its quarter hours that had data; `silent` meters had none at all."""

    start: int
    end: int
    completeness_pct: float
    silent: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Backtest:
    """Scores over forecasts made from `folds` earlier days at the same time of day, each from what was known then.

    `mase` is None where the history repeats itself exactly. `coverage_80` is in percent, `pinball` in kW, the mean over
    the quantiles asked for: both measured with the errors of other folds, and None where there is none.
    """

    folds: int
    mase: float | None
    mae_kw: float
    rmse_kw: float
    pinball: float | None
    coverage_80: float | None


@dataclass(frozen=True, slots=True)
class Skill:
    """How much smaller the mean absolute error is than that of a simple model on the same folds: 0 as good, 1 perfect.

    None where the simple model makes no error.
    """

    naive: float | None
    seasonal_naive: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Values in kW for the steps that begin at `times` (us); a row of `quantiles` for each quantile asked for, never crossing.

    `weights` has the share of each model in it. `season_h` is the longest season that the model uses, None without one.
    """

    model: ModelName
    weights: dict[str, float]
    season_h: int | None
    times: Ints
    values: Floats
    quantiles: Floats
    training: Training
    backtest: Backtest
    skill: Skill
    weather: tuple[str, ...]


class InsufficientHistory(Faulty):
    """There is too little to learn from; the message says how much there is and how much is needed."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__([Fault(pointer, "insufficient_history", detail)])
