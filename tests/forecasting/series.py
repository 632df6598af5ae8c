"""Made-up demand, and grids of it."""

from __future__ import annotations

import numpy as np

from wattline.forecasting.grid import Grid
from wattline.forecasting.model import Floats


def demand(days: int, per_day: int = 24, seed: int = 1) -> Floats:
    """Whole days from a Monday on: a curve of the day, quiet weekends, a level that wanders, noise."""
    rng = np.random.default_rng(seed)
    hour = np.arange(per_day) * 24 / per_day
    curve = 10 + 4 * np.sin((hour - 9) * np.pi / 12) + 2 * np.sin((hour - 2) * np.pi / 6)
    weekday = np.where(np.arange(days) % 7 < 5, 3.0, 0.0)
    level = np.cumsum(rng.normal(0, 0.3, days))
    return np.asarray((weekday + level)[:, None] + curve + rng.normal(0, 0.3, (days, per_day)))


def grid(values: Floats, slot: int = 0, ahead: int = 8, weather: Floats | None = None) -> Grid:
    """A grid whose last row is `values`' last, known up to `slot`; with 0 of it a day that has just begun is put after it."""
    rows = np.vstack([values, np.full((1, values.shape[1]), np.nan)]) if slot == 0 else values.copy()
    rows[-1, slot:] = np.nan
    return Grid(rows, slot, np.arange(len(rows) + ahead) % 7, weather)
