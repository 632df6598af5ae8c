"""A forecast of a grid: what is generated at night, what is clipped, what a horizon may reach."""

from __future__ import annotations

import numpy as np
import pytest

from tests.forecasting.series import demand, grid
from wattline.forecasting import candidates, forecaster
from wattline.forecasting.forecaster import Outlook
from wattline.forecasting.grid import Grid
from wattline.forecasting.model import Floats, ModelName, Question


def outlook(of: Grid, steps: int = 24, **asked: object) -> Outlook:
    question = Question(as_of=0, **{"model": "auto", **asked})  # type: ignore[arg-type]
    ready = candidates.prepare(of)
    return forecaster.forecast(ready, candidates.fit(ready), question, of.slot + np.arange(steps))


def sun(days: int, seed: int = 1) -> Floats:
    """Generation from 6 to 18, more or less of it each day."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24)
    return np.asarray(np.maximum(0, np.sin((hour - 6) * np.pi / 12)) * (hour < 18) * rng.uniform(0.1, 5, (days, 1)))


@pytest.mark.parametrize("model", ["naive", "seasonal_naive", "seasonal_mean", "auto"])
def test_generation_is_dark_at_night_and_never_negative(model: ModelName) -> None:
    found = outlook(grid(sun(60), slot=12), 48, model=model, target="generation")
    hour = (12 + np.arange(48)) % 24
    dark = (hour <= 6) | (hour >= 18)
    assert (found.values[dark] == 0).all()
    assert (found.quantiles[:, dark] == 0).all()
    assert (found.quantiles >= 0).all()
    assert found.values[~dark].max() > 0


def test_a_step_that_was_never_measured_is_not_night() -> None:
    values = sun(60)
    values[-40:, 12] = np.nan
    found = outlook(grid(values), target="generation", model="seasonal_naive")
    assert found.values[12] > 0


def test_demand_may_be_negative() -> None:
    assert outlook(grid(demand(60) - 100)).values.max() < 0


def test_bounds_clip_the_answer_alone() -> None:
    of = grid(demand(60))
    free, bound = outlook(of), outlook(of, lower=9.0, upper=11.0)
    assert free.values.min() < 9
    assert free.values.max() > 11
    assert bound.values == pytest.approx(np.clip(free.values, 9, 11))
    assert bound.quantiles == pytest.approx(np.clip(free.quantiles, 9, 11))
    assert bound.backtest == free.backtest


@pytest.mark.parametrize("days", [22, 30, 48, 60, 120])
def test_the_choice_is_better_than_the_season_before(days: int) -> None:
    found = outlook(grid(demand(days)))
    assert found.skill.seasonal_naive is not None
    assert found.skill.seasonal_naive > 0.1
    season = outlook(grid(demand(days)), model="seasonal_naive")
    assert season.skill.seasonal_naive == 0
    assert found.backtest.pinball is not None
    assert season.backtest.pinball is not None
    assert found.backtest.pinball < season.backtest.pinball
    assert found.backtest.coverage_80 is not None
    assert 70 <= found.backtest.coverage_80 <= 92


@pytest.mark.parametrize("slot", [0, 1, 12, 23])
def test_a_week_ahead_has_quantiles_to_its_end(slot: int) -> None:
    found = outlook(grid(demand(40), slot), 168)
    assert np.isfinite(found.values).all()
    assert np.isfinite(found.quantiles).all()
    width = found.quantiles[-1] - found.quantiles[0]
    assert width[120:].mean() > width[:12].mean()


def test_a_backtest_is_what_was_forecast_then() -> None:
    """The last fold is the forecast that the history without its last day gives, but for what is fitted on the way."""
    values = demand(50)
    ready = candidates.prepare(grid(values))
    fitted = candidates.fit(ready)
    for name, path in candidates.paths(ready, fitted, 1).items():
        before = candidates.prepare(grid(values[:-1]))
        then = candidates.paths(before, candidates.fit(before), 1)[name][-1]
        assert path[-2] == pytest.approx(then, abs=1e-9 if name.startswith("seasonal") else 1.0)
