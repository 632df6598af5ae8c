"""GET /api/energy/analytics/forecast: the answer, and whom it is told."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.forecast.conftest import BERLIN, QUARTER, ask, fill, filled, meter, shop, told
from wattline.contracts.joulepoint.query import spell
from wattline.forecasting import service
from wattline.model.clock import DAY, HOUR, to_micros

NEARLY = 0.01
"""kW: between the readings of two quarter hours power goes in a line."""


async def test_a_forecast_has_the_fields_of_the_contract(depot: Depot) -> None:
    number = await filled(depot)
    found = await told(depot, meter_id=number)
    assert found["meter_id"] == number
    assert (found["model"], found["season_h"], found["step"], found["unit"]) == ("seasonal_naive", 168, "1h", "kW")
    assert found["tz"] == BERLIN.key
    assert found["issued_at"] == found["as_of"] == spell(depot.clock.micros())
    assert len(found["points"]) == 24
    assert set(found["backtest"]) == {"folds", "mase", "mae_kw", "rmse_kw", "pinball", "coverage_80"}
    assert found["training"]["completeness_pct"] == 100
    assert found["skill"]["naive"] > 0.9
    for point in found["points"]:
        local = datetime.fromisoformat(point["t"])
        assert local.utcoffset() is not None
        assert point["value"] == pytest.approx(shop(local) / 1000, abs=NEARLY)
        assert set(point["q"]) == {"0.1", "0.5", "0.9"}
        assert point["q"]["0.1"] <= point["q"]["0.5"] <= point["q"]["0.9"]


async def test_the_first_step_is_the_one_of_now(depot: Depot) -> None:
    number = await filled(depot)
    now = depot.clock.micros()
    for step, width in (("15m", QUARTER), ("1h", HOUR)):
        found = await told(depot, meter_id=number, step=step, horizon_h=2)
        times = [to_micros(datetime.fromisoformat(point["t"])) for point in found["points"]]
        assert times == list(range(now // width * width, now // width * width + 2 * HOUR, width))


@pytest.mark.parametrize("model", ["naive", "seasonal_mean", "auto"])
async def test_each_model_answers(depot: Depot, model: str) -> None:
    number = await filled(depot, days=30)
    found = await told(depot, meter_id=number, model=model, horizon_h=168)
    assert found["model"] == model
    assert len(found["points"]) == 168
    assert sum(found["weights"].values()) == pytest.approx(1, abs=1e-3)
    if model == "naive":
        assert found["season_h"] is None
        assert found["skill"]["naive"] == 0
        assert len({point["value"] for point in found["points"]}) == 1
    else:
        wanted = [shop(datetime.fromisoformat(point["t"])) / 1000 for point in found["points"]]
        assert [point["value"] for point in found["points"]] == pytest.approx(wanted, abs=0.3)


async def test_less_than_two_days_are_refused_with_the_reason(depot: Depot) -> None:
    for days, number in ((1, await filled(depot, days=1)), (0, await meter(depot))):
        answer = await ask(depot, meter_id=number)
        assert answer.status_code == 422
        assert answer.json()["code"] == "insufficient_history"
        assert answer.json()["errors"][0]["code"] == "insufficient_history"
        assert ("1.0 days" if days else "no data") in answer.json()["detail"]


async def test_nothing_after_as_of_is_looked_at(depot: Depot) -> None:
    now = depot.clock.micros() // QUARTER * QUARTER
    then = now - 3 * DAY
    alone, followed = await meter(depot), await meter(depot)
    rng = np.random.default_rng(1)
    noise = dict(zip(range(now - 40 * DAY, now, QUARTER), rng.normal(0, 500, 40 * 96).tolist(), strict=True))

    def noisy(local: datetime) -> float:
        return shop(local) + noise[to_micros(local)]

    for number in (alone, followed):
        await fill(depot, number, noisy, now - 40 * DAY, then)
    await fill(depot, followed, lambda local: -1e6, then, now)
    for model in ("seasonal_naive", "auto"):
        one, other = [await told(depot, meter_id=each, model=model, as_of=spell(then)) for each in (alone, followed)]
        del one["meter_id"], other["meter_id"]
        assert one == other


async def test_gaps_are_handled_and_told(depot: Depot) -> None:
    number = await meter(depot)
    now = depot.clock.micros() // QUARTER * QUARTER
    await fill(depot, number, shop, now - 20 * DAY, now - 9 * DAY)
    await fill(depot, number, shop, now - 4 * DAY, now)
    found = await told(depot, meter_id=number)
    assert found["training"]["completeness_pct"] == pytest.approx(75, abs=0.5)
    wanted = [shop(datetime.fromisoformat(point["t"])) / 1000 for point in found["points"]]
    assert [point["value"] for point in found["points"]] == pytest.approx(wanted, abs=NEARLY)


async def test_a_member_that_is_not_known_is_not_zero(depot: Depot) -> None:
    whole, late, silent = await filled(depot, days=20), await meter(depot), await meter(depot)
    now = depot.clock.micros() // QUARTER * QUARTER
    await fill(depot, late, shop, now - 10 * DAY, now)
    made = await depot.platform.metering.groups.create(depot.tenant, {"name": "g", "meter_ids": [whole, late, silent]})
    found = await told(depot, group_id=made.id)
    assert found["group_id"] == made.id
    assert found["training"]["silent_meters"] == [silent]
    assert found["training"]["from"] == spell(now - 10 * DAY)
    wanted = [2 * shop(datetime.fromisoformat(point["t"])) / 1000 for point in found["points"]]
    # Less than two weeks: the season is a day.
    assert found["season_h"] == 24
    assert min(point["value"] for point in found["points"]) == pytest.approx(min(wanted), abs=NEARLY)


async def test_generation_is_never_negative_and_zero_at_night(depot: Depot) -> None:
    def roof(local: datetime) -> float:
        return -8000.0 * max(0.0, 1 - abs(local.hour + local.minute / 60 - 13) / 5)

    number = await filled(depot, days=25, load=roof, kind="generation")
    for model in ("seasonal_naive", "auto"):
        found = await told(depot, meter_id=number, target="generation", model=model, step="15m", horizon_h=48)
        for point in found["points"]:
            hour = datetime.fromisoformat(point["t"]).hour
            assert min(point["value"], *point["q"].values()) >= 0
            if hour < 7 or hour >= 20:
                assert point["value"] == point["q"]["0.9"] == 0
        assert max(point["value"] for point in found["points"]) == pytest.approx(8, abs=0.3)


async def test_bounds_clip_values_and_quantiles(depot: Depot) -> None:
    number = await filled(depot)
    found = await told(depot, meter_id=number, lower=2, upper=5, quantiles="0.9,0.05")
    for point in found["points"]:
        assert list(point["q"]) == ["0.05", "0.9"]
        assert all(2 <= value <= 5 for value in (point["value"], *point["q"].values()))


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"horizon_h": 0}, "horizon_h"),
        ({"horizon_h": 169}, "horizon_h"),
        ({"step": "5m"}, "step"),
        ({"model": "magic"}, "model"),
        ({"target": "price"}, "target"),
        ({"quantiles": "0.1,x"}, "quantiles"),
        ({"quantiles": "0,0.5"}, "quantiles"),
        ({"quantiles": "nan"}, "quantiles"),
        ({"quantiles": "0.5,0.5"}, "quantiles"),
        ({"quantiles": ",".join(f"0.{n}" for n in range(10, 40))}, "quantiles"),
        ({"as_of": "2026-06-11"}, "as_of"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "as_of"),
        ({"as_of": "1971-12-30T23:00:00Z"}, "as_of"),
        ({"as_of": "0001-01-01T00:00:00Z"}, "as_of"),
        ({"lower": "inf"}, "lower"),
        ({"lower": 2, "upper": 1}, "lower"),
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"weather": "1"}, "weather"),
        ({"group_id": 1}, "meter_id"),
    ],
)
async def test_a_bad_parameter_is_named(depot: Depot, parameters: dict[str, str], named: str) -> None:
    number = await meter(depot)
    answer = await ask(depot, meter_id=number, **parameters)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["parameter"] == named


async def test_the_earliest_moment_is_no_failure(depot: Depot) -> None:
    number = await meter(depot)
    answer = await ask(depot, meter_id=number, as_of="1972-01-01T00:00:00Z", tz="Africa/Monrovia")
    assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_history")


async def test_who_may_not_see_a_meter_is_told_that_there_is_none(depot: Depot, stranger: Depot) -> None:
    number = await filled(depot, days=3)
    assert (await ask(stranger, meter_id=number)).status_code == 404
    assert (await ask(depot, key=await depot.key("energy:read", sites=["elsewhere"]), meter_id=number)).status_code == 404
    assert (await ask(depot, key=await depot.key("pq:read"), meter_id=number)).status_code == 403
    assert (await ask(depot, key=None, meter_id=number)).status_code == 401
    assert (await ask(depot, key=await depot.key("energy:read"), meter_id=number)).status_code == 200


async def test_late_data_change_the_next_answer(depot: Depot) -> None:
    number = await meter(depot)
    now = depot.clock.micros() // QUARTER * QUARTER
    await fill(depot, number, shop, now - 16 * DAY, now - 8 * DAY)
    await fill(depot, number, shop, now - 6 * DAY, now)
    before = await told(depot, meter_id=number)
    await fill(depot, number, lambda local: 4000.0, now - 8 * DAY, now - 6 * DAY)
    after = await told(depot, meter_id=number)
    assert before["training"]["completeness_pct"] < after["training"]["completeness_pct"] == 100
    assert max(point["value"] for point in before["points"]) > 8
    assert [point["value"] for point in after["points"]] == pytest.approx([4.0] * 24, abs=NEARLY)


async def test_too_many_at_once_are_told_when_to_come_again(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await meter(depot)
    monkeypatch.setattr(service, "MOST_ASKED", 0)
    response = await ask(depot, meter_id=number)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["code"] == "unavailable"


async def test_the_last_readings_count_for_who_asks_now(depot: Depot) -> None:
    now = depot.clock.micros() // QUARTER * QUARTER
    number = await filled(depot, load=lambda local: 8000.0 if to_micros(local) >= now - HOUR else 2000.0)
    asked = {"meter_id": number, "model": "naive", "step": "15m", "horizon_h": 1}
    live = await told(depot, **asked)
    assert live["points"][0]["value"] == pytest.approx(8.0, abs=NEARLY)
    # Of a moment that is past the meaning of the last ones may have become clear only afterwards.
    past = await told(depot, **asked, as_of=spell(depot.clock.micros()))
    assert past["training"] == live["training"] | {"completeness_pct": past["training"]["completeness_pct"]}
    assert past["training"]["completeness_pct"] < live["training"]["completeness_pct"]
