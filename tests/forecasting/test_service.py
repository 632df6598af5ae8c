"""The service: what it reads, what it never looks at, days of every length, short and broken histories."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattline.forecasting import candidates
from wattline.forecasting.history import Past
from wattline.forecasting.model import Column, Floats, Forecast, InsufficientHistory, ModelName, Question, Target
from wattline.forecasting.service import Forecasting
from wattline.model.clock import DAY, HOUR, MINUTE, ManualClock, from_micros, to_micros
from wattline.model.errors import Faulty

BERLIN = ZoneInfo("Europe/Berlin")
QUARTER = 15 * MINUTE
NOW = datetime(2026, 6, 11, 9, 40, tzinfo=UTC)


class Stored:
    """A history in memory, which also has what comes after; it answers any range, and remembers what was asked."""

    def __init__(self, begun: int, power: Floats) -> None:
        self.begun, self.kept = begun, power
        self.asked: list[tuple[int, int]] = []

    async def power(self, _subject: None, _target: Target, start: int, end: int, *, as_of: int, live: bool = False) -> Past:
        assert start % QUARTER == end % QUARTER == 0
        assert end <= as_of
        self.asked.append((start, end))
        at = (start - self.begun) // QUARTER + np.arange((end - start) // QUARTER)
        inside = (at >= 0) & (at < self.kept.size)
        return Past(np.where(inside, self.kept[np.clip(at, 0, self.kept.size - 1)], np.nan))


def by_the_clock(times: range, zone: ZoneInfo = BERLIN, seed: int = 1) -> Floats:
    """Power that follows the clock on the wall, and noise."""
    rng = np.random.default_rng(seed)
    local = [from_micros(time).astimezone(zone) for time in times]
    return np.array([5 + (8 <= at.hour < 18) * (10 if at.weekday() < 5 else 2) for at in local]) + rng.normal(
        0, 0.1, len(local)
    )


def stored(days: int, now: datetime = NOW, ahead: int = 0, seed: int = 1) -> Stored:
    end = to_micros(now) // QUARTER * QUARTER
    begun = end - days * DAY
    return Stored(begun, by_the_clock(range(begun, end + ahead * DAY, QUARTER), seed=seed))


def service(history: Stored, now: datetime = NOW) -> Forecasting[None]:
    return Forecasting(history, ManualClock(now))


def question(now: datetime = NOW, model: ModelName = "auto", horizon_h: int = 24, step_s: int = 3600) -> Question:
    return Question(as_of=to_micros(now), model=model, horizon_h=horizon_h, step_s=step_s)


async def ask(history: Stored, asked: Question, now: datetime = NOW) -> Forecast:
    return await service(history, now).forecast(None, BERLIN, asked)


@pytest.mark.parametrize("model", ["naive", "seasonal_naive", "seasonal_mean", "auto"])
@pytest.mark.parametrize("days", [3, 10, 20, 30, 60])
async def test_every_length_of_history_has_an_answer(model: ModelName, days: int) -> None:
    found = await ask(stored(days), question(model=model, horizon_h=168))
    assert found.values.shape == (168,)
    assert np.isfinite(found.values).all()
    assert np.isfinite(found.quantiles).all()
    assert (np.diff(found.quantiles, axis=0) >= 0).all()
    assert found.times[0] == to_micros(NOW) // HOUR * HOUR
    assert (np.diff(found.times) == HOUR).all()
    assert sum(found.weights.values()) == pytest.approx(1)
    assert 1 <= found.backtest.folds <= candidates.FOLDS


@pytest.mark.parametrize("model", ["naive", "seasonal_naive", "seasonal_mean", "auto"])
async def test_the_future_changes_nothing(model: ModelName) -> None:
    one, other = stored(70, ahead=9), stored(70, ahead=9)
    after = (to_micros(NOW) - other.begun) // QUARTER
    other.kept[after:] = -1e9
    later = datetime(2026, 6, 18, tzinfo=UTC)
    answers = [await ask(each, question(model=model, horizon_h=168), later) for each in (one, other)]
    assert (answers[0].values == answers[1].values).all()
    assert (answers[0].quantiles == answers[1].quantiles).all()
    assert answers[0].backtest == answers[1].backtest
    assert answers[0].skill == answers[1].skill


@pytest.mark.parametrize(
    ("now", "hours"),
    [(datetime(2026, 3, 28, 12, tzinfo=UTC), "spring"), (datetime(2026, 10, 24, 12, tzinfo=UTC), "autumn")],
)
@pytest.mark.parametrize("model", ["seasonal_naive", "auto"])
async def test_seasons_follow_the_clock_on_the_wall(now: datetime, hours: str, model: ModelName) -> None:
    found = await ask(stored(60, now), question(now, model, horizon_h=72), now)
    times = range(int(found.times[0]), int(found.times[-1]) + 1, HOUR)
    wanted = by_the_clock(times, seed=9)
    assert np.abs(found.values - wanted).max() < 1, hours


async def test_a_history_across_the_change_of_clocks_errs_no_more() -> None:
    now = datetime(2026, 4, 10, 12, tzinfo=UTC)
    found = await ask(stored(60, now), question(now), now)
    assert found.backtest.mae_kw < 0.2


async def test_a_fitted_model_serves_all_day_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []
    fit = candidates.fit
    monkeypatch.setattr(candidates, "fit", lambda ready: fits.append(1) or fit(ready))
    history = stored(60, ahead=2)
    asked = service(history, datetime(2026, 6, 14, tzinfo=UTC))
    for hour in (0, 3, 6):
        await asked.forecast(None, BERLIN, question(NOW.replace(hour=9 + hour)))
    assert len(fits) == 1
    await asked.forecast(None, BERLIN, question(NOW.replace(day=12)))
    assert len(fits) == 2
    history.kept[100] += 1
    await asked.forecast(None, BERLIN, question(NOW.replace(day=12)))
    assert len(fits) == 3


async def test_what_is_fitted_makes_no_difference_to_the_answer() -> None:
    history = stored(60, ahead=1)
    later = NOW.replace(hour=15)
    warm = service(history, datetime(2026, 6, 14, tzinfo=UTC))
    await warm.forecast(None, BERLIN, question())
    one = await warm.forecast(None, BERLIN, question(later))
    two = await service(history, datetime(2026, 6, 14, tzinfo=UTC)).forecast(None, BERLIN, question(later))
    assert (one.values == two.values).all()
    assert (one.quantiles == two.quantiles).all()


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(2, 70), st.floats(0, 0.95), st.sampled_from(["seasonal_naive", "seasonal_mean", "auto"])
)
async def test_any_gaps_leave_an_answer_or_a_reason(seed: int, days: int, share: float, model: ModelName) -> None:
    rng = np.random.default_rng(seed)
    history = stored(days)
    for _ in range(10):
        at = rng.integers(0, history.kept.size)
        history.kept[at : at + int(share * history.kept.size * rng.random())] = np.nan
    try:
        found = await ask(history, question(model=model, horizon_h=48))
    except InsufficientHistory as error:
        empty = re.search(r"no data in the (\d+) days", str(error))
        if empty is None:
            assert np.isfinite(history.kept).sum() < 3 * 96
        else:
            assert np.isnan(history.kept[-int(empty[1]) * 96 :]).all()
        return
    assert np.isfinite(found.values).all()
    assert np.isfinite(found.quantiles).all()
    assert 0 < found.training.completeness_pct <= 100


@pytest.mark.parametrize("level", [0.0, 5.0])
async def test_a_load_that_never_changes(level: float) -> None:
    history = stored(60)
    history.kept[:] = level
    found = await ask(history, question())
    assert found.values == pytest.approx(level)
    assert found.quantiles == pytest.approx(level)
    assert found.backtest.mase is None
    assert found.skill.naive is None


async def test_less_than_two_days_are_too_little() -> None:
    with pytest.raises(InsufficientHistory, match=r"1\.0 days of data"):
        await ask(stored(1), question())
    empty = stored(5)
    empty.kept[:] = np.nan
    with pytest.raises(InsufficientHistory, match="no data"):
        await ask(empty, question())
    assert (await ask(stored(2), question())).backtest.folds == 1


async def test_a_meter_that_fell_silent_long_ago_has_no_forecast() -> None:
    history = stored(90)
    history.kept[-40 * 96 :] = np.nan
    with pytest.raises(InsufficientHistory, match="28 days before as_of"):
        await ask(history, question(model="seasonal_naive"))


async def test_no_more_than_a_year_and_a_week_is_read() -> None:
    history = stored(400)
    found = await ask(history, question(model="seasonal_naive"))
    [(start, _)] = history.asked
    assert found.training.start == start
    assert to_micros(NOW) - start < 373 * DAY


async def test_a_moment_that_is_yet_to_come_is_refused() -> None:
    with pytest.raises(Faulty) as caught:
        await ask(stored(10), question(datetime(2026, 6, 12, tzinfo=UTC)))
    assert caught.value.faults[0][:2] == ("/as_of", "future")


async def test_weather_is_used_on_days_of_every_length() -> None:
    now = datetime(2026, 4, 20, 9, tzinfo=UTC)
    history = stored(90, now)
    end = to_micros(now)
    times = np.arange(end - 80 * DAY, end + 30 * HOUR, HOUR)
    degrees = 20 + 12 * np.sin(times / DAY * 1.7)
    quarters = history.begun + np.arange(history.kept.size) * QUARTER
    history.kept += 0.5 * np.maximum(np.interp(quarters, times, degrees) - 18, 0)
    asked = Question(as_of=end, model="auto", weather={"temperature": Column(times, degrees)})
    found = await ask(history, asked, now)
    assert found.training.start >= times[0]
    assert found.weather == ("temperature",)
    assert "regression" in found.weights
    plain = await ask(history, question(now), now)
    assert found.backtest.mae_kw < 0.7 * plain.backtest.mae_kw
