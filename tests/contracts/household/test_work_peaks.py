"""POST /process_peaks and GET /mark_peaks as a timer plays them: the work is done when the answer comes, and done once."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from bench.synthetic_day import Day, Device, readings
from tests.contracts.household.home import Home
from wattline.households.meters.model import LAYOUT
from wattline.households.peaks.model import WINDOW
from wattline.model.clock import HOUR, MINUTE, SECOND, ManualClock, from_micros
from wattline.model.record import Row

PATHS = ("/process_peaks", "/api/v1/process_peaks")


async def live(home: Home, clock: ManualClock, *begins: int, cadence: int = 15) -> int:
    """Six hours in the home up to now, with 2 kW for five minutes so many seconds after their begin; the begin."""
    start = clock.micros() // WINDOW * WINDOW - 6 * HOUR
    watts = Day([Device(begin, 300, 2000) for begin in begins], seconds=6 * 3600).watts(np.random.default_rng(1))
    times, totals = readings(watts, start, cadence, offset=3)
    platform = home.platform
    stream = await platform.registry.register(home.tenant, home.user, home.mac, LAYOUT)
    rows = [
        Row(stream.id, time, time, (total, None, None, total, None))
        for time, total in zip(times.tolist(), totals.tolist(), strict=True)
    ]
    await platform.pipeline.ingest.submit(rows)
    return start


async def ask(home: Home, path: str = PATHS[0], **body: Any) -> tuple[int, dict[str, Any]]:
    answer = await home.client.post(path, json=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("cadence", [15, 21])
async def test_the_peaks_are_in_the_answer_and_again_in_the_next(home: Home, shared_clock: ManualClock, cadence: int) -> None:
    start = await live(home, shared_clock, 7000, 12_700, cadence=cadence)
    status, told = await ask(home, sensor_id=home.mac, secret=home.keys["cron"])
    assert (status, told["status"], told["statusMessage"]) == (200, 200, "Peaks processed")
    first, second = told["peaks"]
    assert list(first) == ["id", "start", "end", "power_w", "base_w", "energy_kwh"]
    for begin, peak in ((7000, first), (12_700, second)):
        assert peak["power_w"] == pytest.approx(2000, rel=0.05)
        assert peak["energy_kwh"] == pytest.approx(2 / 12, rel=0.05)
        assert peak["start"][:16] == from_micros(start + begin * SECOND).isoformat()[:16]
    for path in PATHS:
        assert await ask(home, path, sensorId=home.mac.lower().replace(":", "-"), secret=home.keys["cron"]) == (200, told)
    listed = await home.call("GET", f"/users/{home.user}/peaks", key="own")
    assert [each["id"] for each in listed.json()["peaks"]] == [first["id"], second["id"]]


async def test_nothing_found_is_a_404(home: Home, shared_clock: ManualClock) -> None:
    key = home.keys["cron"]
    assert await ask(home, sensor_id=home.mac, secret=key) == (404, {"error": "no peaks found", "status": 404})
    await live(home, shared_clock)
    assert await ask(home, sensor_id=home.mac, secret=key) == (404, {"error": "no peaks found", "status": 404})


async def test_a_sensor_of_another_tenant_does_not_exist(home: Home, stranger: Home, shared_clock: ManualClock) -> None:
    await live(home, shared_clock, 7000)
    unknown = 404, {"error": "there is no such sensor", "status": 404}
    for sensor in ("AA:BB:CC:00:00:99", "no address"):
        status, told = await ask(home, sensor_id=sensor, secret=home.keys["cron"])
        assert (status, told["status"]) == (404, 404)
    assert await ask(home, sensor_id="no address", secret=home.keys["cron"]) == unknown
    foreign = await ask(stranger, sensor_id=home.mac, secret=stranger.keys["cron"])
    assert foreign == await ask(stranger, sensor_id="AA:BB:CC:00:00:99", secret=stranger.keys["cron"])
    assert foreign[0] == 404
    assert await home.households.peaks.found(home.tenant, home.user, 0, 2**53) == []
    await home.households.meters.assign(home.tenant, home.mac, None)
    assert (await ask(home, sensor_id=home.mac, secret=home.keys["cron"]))[0] == 404


async def test_only_the_timers_secret_opens_it(home: Home, shared_clock: ManualClock) -> None:
    await live(home, shared_clock, 7000)
    wrong: list[Any] = [home.keys["admin"], home.keys["ml"], home.keys["own"], "", "x" * 5000, None, 7, ["x"], "\ud7ff\u00e9"]
    for secret in wrong:
        answer = await home.client.post(PATHS[0], json={"sensor_id": home.mac, "secret": secret})
        assert (answer.status_code, answer.json()["status"]) == (401, 401), secret
        assert "www-authenticate" in answer.headers
    assert (await ask(home, sensor_id=home.mac))[0] == 401
    # Who is not let in learns nothing of what is wrong with the rest.
    assert (await ask(home, secret="wrong"))[0] == 401
    header = await home.call("POST", PATHS[0], key="cron", managed=False, json={"sensor_id": home.mac})
    assert header.status_code == 401
    assert await home.households.peaks.found(home.tenant, home.user, 0, 2**53) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"7", b"\xff", b"[" * 5000, b'{"secret": "\\ud800"}', b'{"a": NaN}']
)
async def test_what_is_no_json_object_is_a_400(home: Home, body: bytes) -> None:
    answer = await home.client.post(PATHS[0], content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


async def test_a_sensor_id_is_a_text_and_one(home: Home) -> None:
    key = home.keys["cron"]
    for sensor in (None, 7, "", "x" * 300, [home.mac], {}):
        assert (await ask(home, sensor_id=sensor, secret=key))[0] == 400
    assert (await ask(home, secret=key))[0] == 400
    assert (await ask(home, sensor_id=home.mac, sensorId="AA:BB:CC:00:00:99", secret=key))[0] == 400
    content = json.dumps({"sensor_id": home.mac, "secret": key})
    # Timers send all kinds of types.
    answer = await home.client.post(PATHS[0], content=content, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 404


async def test_a_timer_of_ones_own_marks_everybodys_peaks(
    home: Home, neighbour: Home, stranger: Home, shared_clock: ManualClock
) -> None:
    for each in (home, neighbour, stranger):
        await live(each, shared_clock, 7000)
    for key in (None, "admin", "own", "ml"):
        answer = await home.call("GET", "/mark_peaks", key=key, managed=False)
        assert (answer.status_code, answer.json()["status"]) == (401, 401)
    for path in ("/mark_peaks", "/api/v1/mark_peaks"):
        answer = await home.call("GET", path, key="cron", managed=False)
        assert (answer.status_code, answer.json()) == (200, {"status": 200, "statusMessage": "Peaks marked"})
    counts = [len(await each.households.peaks.found(each.tenant, each.user, 0, 2**53)) for each in (home, neighbour, stranger)]
    assert counts == [1, 1, 0]


async def test_readings_sent_by_the_meter_itself_make_peaks(home: Home, shared_clock: ManualClock) -> None:
    """From the door of the devices to the answer: an hour of rows with times of their own."""
    grant = await home.client.post("/token", json={"sensor_id": home.mac})
    assert grant.status_code == 200, grant.text
    token = grant.json()["access_token"]
    start = shared_clock.micros() // WINDOW * WINDOW - HOUR
    watts = Day([Device(2400, 300, 2000)], seconds=3600).watts(np.random.default_rng(3))
    for time, total in zip(*(each.tolist() for each in readings(watts, start, 21)), strict=True):
        body = {"access_token": token, "type": 1, "value": total, "timestamp": time // 1000}
        answer = await home.client.post("/sensor_input", json=body)
        assert answer.status_code == 200, answer.text
    status, told = await ask(home, sensor_id=home.mac, secret=home.keys["cron"])
    assert status == 200
    (peak,) = told["peaks"]
    assert peak["power_w"] == pytest.approx(2000, rel=0.05)
    assert peak["start"][:16] == from_micros(start + 40 * MINUTE).isoformat()[:16]
