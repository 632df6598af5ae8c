"""From what a meter sends to the mail about it: once, with figures, and never for what people do every day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.contracts.household.home import Home
from tests.contracts.household.promises.conftest import Town
from tests.contracts.household.promises.reader import Reader
from tests.households.anomalies.street import also, living
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND

DAYS = 3


async def process(home: Home, path: str = "/process_anomaly") -> Any:
    body = {"sensor_id": home.mac, "secret": home.keys["cron"]}
    return await home.call("POST", path, key=None, managed=False, json=body)


async def test_nine_kilowatts_at_night_are_mailed_once_with_figures_and_cooking_never(town: Town) -> None:
    begin = town.set("2026-05-04 00:00")
    night = begin + DAYS * DAY + 3 * HOUR
    home = await town.home()
    tariff = {"base_price": "12", "working_price": "0.40"}
    assert (await home.call("PUT", f"/users/{home.user}/tariffs/2026-01-01", json=tariff)).status_code == 200
    reader = Reader(home)

    # Every fifteen seconds in the night that matters, else as seldom as power can be told from.
    times = np.concatenate(
        [np.arange(begin, night - HOUR, 5 * MINUTE), np.arange(night - HOUR, night + 70 * MINUTE + 1, 15 * SECOND)]
    )
    each = np.arange(begin, int(times[-1]) + 1, 15 * SECOND)
    watts = also(living, (night, 25, 9000.0))(each)
    register = 4000 + np.concatenate([[0.0], np.cumsum(watts[:-1])]) * 15 / 3.6e6
    values = np.round(register[(times - begin) // (15 * SECOND)], 4)
    for first, last in [(day * DAY, (day + 1) * DAY) for day in range(DAYS)] + [(DAYS * DAY, DAYS * DAY + 6 * HOUR)]:
        mine = (times >= begin + first) & (times < begin + last)
        town.wait(min(begin + last, int(times[-1])))
        await reader.tell(zip(times[mine].tolist(), values[mine].tolist(), strict=True))
        if last <= DAYS * DAY:
            assert (await process(home)).status_code == 404
    assert await town.mails(home) == []

    answer = await process(home)
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["anomalies"]
    assert found["power_w"] == pytest.approx(9150, rel=0.03)
    assert found["excess_kwh"] == pytest.approx(3.75, rel=0.03)
    assert float(found["cost_eur"]) == pytest.approx(1.50, abs=0.05)
    assert (await process(home, "/api/v1/process_anomaly")).json() == answer.json()
    assert (await home.call("GET", "/anomaly", key="cron", managed=False)).status_code == 200
    (mail,) = await town.mails(home)
    for part in (mail.text, mail.html):
        assert "Donnerstag, 07.05.2026, 03:00 Uhr" in part
        assert "kWh" in part
        assert "9,1 kW" in part or "9,2 kW" in part
        assert "1,5" in part


async def test_a_meter_that_falls_silent_is_mailed_once_and_ends_when_it_speaks(town: Town) -> None:
    begin = town.set("2026-06-01 08:00")
    home = await town.home(language="en")
    reader = Reader(home)
    town.wait(begin + 30 * MINUTE)
    await reader.tell((begin + step * 15 * MINUTE, 100 + step / 100) for step in range(1, 3))
    town.wait(begin + 6 * HOUR)
    assert (await process(home)).status_code == 404
    town.wait(begin + 6 * HOUR + 31 * MINUTE)
    answer = await process(home)
    (found,) = answer.json()["anomalies"]
    assert (found["kind"], found["reason"], found["end"]) == ("silent", "silent", None)
    assert (await process(home)).json() == answer.json()
    town.wait(begin + 8 * HOUR)
    await process(home)
    (mail,) = await town.mails(home)
    assert mail.title == "Your meter stopped sending"
    assert "08:30" in mail.text

    await reader.tell([(begin + 8 * HOUR - MINUTE, 100.5)])
    (found,) = (await process(home)).json()["anomalies"]
    assert found["end"] is not None
    assert len(await town.mails(home)) == 1
