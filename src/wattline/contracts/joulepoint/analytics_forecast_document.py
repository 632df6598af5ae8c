"""A forecast as it is answered."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from wattline.contracts.joulepoint.query import spell
from wattline.forecasting.model import STEPS, Forecast, Question
from wattline.model.clock import from_micros

DIGITS = 6
"""Decimals of kW: a milliwatt, and a thousandth of it."""
_STEP_NAMES = {seconds: name for name, seconds in STEPS.items()}


def document(named: dict[str, int], zone: ZoneInfo, question: Question, issued_at: int, found: Forecast) -> dict[str, Any]:
    """`named` is the subject's id by its name. Times of points are local, with their offset; all others in UTC."""
    levels = [f"{level:g}" for level in question.quantiles]
    columns = zip(found.times.tolist(), found.values.tolist(), found.quantiles.T.tolist(), strict=True)
    return {
        **named,
        "tz": zone.key,
        "target": question.target,
        "model": found.model,
        "season_h": found.season_h,
        "issued_at": spell(issued_at),
        "as_of": spell(question.as_of),
        "step": _STEP_NAMES[question.step_s],
        "unit": "kW",
        "points": [
            {
                "t": from_micros(time).astimezone(zone).isoformat(),
                "value": _rounded(value),
                "q": {level: _rounded(bound) for level, bound in zip(levels, bounds, strict=True)},
            }
            for time, value, bounds in columns
        ],
        "training": {
            "from": spell(found.training.start),
            "to": spell(found.training.end),
            "completeness_pct": round(found.training.completeness_pct, 2),
            "silent_meters": list(found.training.silent),
            "weather": list(found.weather),
        },
        "weights": {name: round(weight, 4) for name, weight in found.weights.items()},
        "backtest": {
            "folds": found.backtest.folds,
            "mase": _rounded(found.backtest.mase),
            "mae_kw": _rounded(found.backtest.mae_kw),
            "rmse_kw": _rounded(found.backtest.rmse_kw),
            "pinball": _rounded(found.backtest.pinball),
            "coverage_80": _rounded(found.backtest.coverage_80),
        },
        "skill": {"naive": _rounded(found.skill.naive), "seasonal_naive": _rounded(found.skill.seasonal_naive)},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS) + 0.0
