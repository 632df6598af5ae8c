"""From what meters send to the peaks of their homes, at either cadence, each home by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pytest

from bench.synthetic_day import Day, Device, readings
from tests.contracts.household.home import Home
from tests.contracts.household.promises.conftest import Town
from tests.contracts.household.promises.reader import Reader
from wattline.model.clock import HOUR, MINUTE, from_micros

KETTLE = Device(3000, 300, 2000)
STEP = Device(900, 1500, 30)


async def process(home: Home, path: str = "/process_peaks") -> Any:
    body = {"sensor_id": home.mac, "secret": home.keys["cron"]}
    return await home.call("POST", path, key=None, managed=False, json=body)


async def lived(home: Home, begin: int, cadence: int, *devices: Device) -> None:
    """An hour and a half in a home whose meter is read every so many seconds."""
    watts = Day(devices, seconds=5400).watts(np.random.default_rng(cadence))
    times, values = readings(watts, begin, cadence, offset=2)
    await Reader(home).tell(zip(times.tolist(), values.tolist(), strict=True))


async def test_two_kilowatts_of_five_minutes_are_found_at_both_cadences_and_a_step_is_not(town: Town) -> None:
    begin = town.set("2026-05-04 10:00")
    slow, fast, calm = await town.home(), await town.home(), await town.home()
    town.wait(begin + 2 * HOUR)
    await lived(fast, begin, 15, STEP, KETTLE)
    await lived(slow, begin, 21, STEP, KETTLE)
    await lived(calm, begin, 15, STEP)
    for home in (fast, slow):
        answer = await process(home)
        assert answer.status_code == 200, answer.text
        (peak,) = answer.json()["peaks"]
        assert peak["power_w"] == pytest.approx(2000, rel=0.05)
        assert peak["energy_kwh"] == pytest.approx(2 / 12, rel=0.05)
        start = from_micros(begin + 50 * MINUTE)
        assert abs((datetime.fromisoformat(peak["start"]) - start).total_seconds()) <= 30
        assert (await process(home, "/api/v1/process_peaks")).json() == answer.json()
    assert (await process(calm)).status_code == 404


async def test_two_households_never_see_each_others_rows(town: Town) -> None:
    begin = town.set("2026-05-05 10:00")
    ours = await town.home()
    theirs = await town.home(ours.tenant)
    town.wait(begin + 2 * HOUR)
    await lived(ours, begin, 15, KETTLE)
    await lived(theirs, begin, 15, Device(3060, 300, 3000))
    assert (await ours.call("GET", "/mark_peaks", key="cron", managed=False)).status_code == 200
    shown = []
    for home in (ours, theirs):
        (peak,) = (await home.call("GET", f"/users/{home.user}/peaks", key="own")).json()["peaks"]
        full = (await home.call("GET", f"/users/{home.user}/peaks/{peak['id']}", key="own")).json()
        assert peak["sensor_id"] == home.mac
        shown.append((peak, max(sample["power"] for sample in full["samples"])))
        rows = await Reader(home).exported()
        assert len(rows) == 360
    assert [most for _, most in shown] == pytest.approx([2150, 3150], abs=120)
    for home, (foreign, _) in ((ours, shown[1]), (theirs, shown[0])):
        other = theirs if home is ours else ours
        for path in (f"/users/{home.user}/peaks/{foreign['id']}", f"/users/{other.user}/peaks/{foreign['id']}"):
            assert (await home.call("GET", path, key="own")).status_code == 404
        assert (await home.call("GET", f"/csv_energy?user_id={other.user}", key="own", managed=False)).status_code == 404
