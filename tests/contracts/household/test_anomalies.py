"""Anomalies over HTTP: who may ask, what is answered, and that asking twice does nothing twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from tests.contracts.household.home import Home, new_mac
from wattline.households.meters.model import LAYOUT, Kind
from wattline.households.tables import anomalies, assignments
from wattline.model.clock import DAY, HOUR, MINUTE, from_micros
from wattline.model.record import Row
from wattline.notify.tables import ledger

DOORS = ("/process_anomaly", "/api/v1/process_anomaly")


async def lived(home: Home, *, kettle_w: float = 9000.0) -> int:
    """Five days at 200 W, with some more power for 25 minutes that ended 20 minutes before the newest half hour closed; when
    that began."""
    slot = home.households.anomalies.slot()
    began = slot - 45 * MINUTE
    stream = await home.platform.registry.register(home.tenant, home.user, home.mac, LAYOUT)
    times = np.arange(slot - 5 * DAY, slot + MINUTE, MINUTE)
    watts = 200.0 + np.where((times >= began) & (times < began + 25 * MINUTE), kettle_w, 0.0)
    totals = np.concatenate([[500.0], 500.0 + np.cumsum(watts[:-1]) / 60_000])
    rows = [Row(stream.id, t, t, (v, None, None, v, None)) for t, v in zip(times.tolist(), totals.tolist(), strict=True)]
    await home.platform.ingest.submit(rows)
    async with home.platform.database.transaction() as connection:
        mine = assignments.c.mac == home.mac
        await connection.execute(sa.update(assignments).where(mine).values(since=slot - 4 * HOUR))
    return began


async def process(home: Home, door: str = DOORS[0], **body: Any) -> Any:
    asked = {"sensor_id": home.mac, "secret": home.keys["cron"]} | body
    return await home.call("POST", door, key=None, managed=False, json=asked)


async def letters(home: Home) -> list[Any]:
    async with home.platform.database.read() as connection:
        return list(await connection.execute(sa.select(ledger).where(ledger.c.tenant == home.tenant)))


@pytest.mark.parametrize("door", DOORS)
async def test_what_is_found_is_told_and_written_once(home: Home, door: str) -> None:
    began = await lived(home)
    first = await process(home, door)
    assert first.status_code == 200, first.text
    answer = first.json()
    assert answer["status"] == 200
    (found,) = answer["anomalies"]
    assert found["sensor_id"] == home.mac
    assert (found["kind"], found["reason"]) == ("usage", "power")
    assert found["start"] == from_micros(began).isoformat().replace("+00:00", "Z")
    assert found["power_w"] == pytest.approx(9200, rel=0.01)
    assert found["expected_w"] == pytest.approx(200, rel=0.01)
    assert found["excess_kwh"] == pytest.approx(3.75, rel=0.01)
    assert found["cost_eur"] is None
    assert (await process(home, door)).json() == answer
    camel = {"sensorId": home.mac, "secret": home.keys["cron"]}
    assert (await home.call("POST", door, key=None, managed=False, json=camel)).json() == answer
    assert (await home.call("GET", "/anomaly", key="cron", managed=False)).status_code == 200
    (letter,) = await letters(home)
    assert letter.recipient == "weber@example.org"
    listed = await home.call("GET", f"/users/{home.user}/anomalies", key="own")
    assert listed.json()["anomalies"] == [found]
    assert (await home.call("GET", f"/users/{home.user}/anomalies", key="admin")).json() == listed.json()


async def test_nothing_found_is_not_found(home: Home) -> None:
    await lived(home, kettle_w=1000.0)
    answer = await process(home)
    assert (answer.status_code, answer.json()) == (404, {"error": "no anomalies found", "status": 404})
    assert await letters(home) == []


@pytest.mark.parametrize("given", ["AA:BB:CC:DD:EE:FF", "no address", "€"])
async def test_an_unknown_sensor_is_not_found(home: Home, given: str) -> None:
    answer = await process(home, sensor_id=given)
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


async def test_a_sensor_of_nobody_and_one_of_another_tenant_are_not_found(home: Home, stranger: Home) -> None:
    free = new_mac()
    await home.households.meters.add(home.tenant, free, Kind.DIGITAL_ELECTRICITY)
    assert (await process(home, sensor_id=free)).status_code == 404
    await lived(stranger)
    assert (await process(home, sensor_id=stranger.mac)).status_code == 404
    assert await letters(stranger) == []


@pytest.mark.parametrize("secret", ["wrong", "", 7, None])
async def test_a_wrong_secret_is_refused_before_anything_is_done(home: Home, secret: object) -> None:
    await lived(home)
    answer = await process(home, secret=secret)
    assert (answer.status_code, answer.json()["status"]) == (401, 401)
    for key in (None, "own", "admin", "ml"):
        assert (await home.call("GET", "/anomaly", key=key, managed=False)).status_code == 401
    assert await letters(home) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 20_000])
async def test_what_is_no_request_is_a_bad_one(home: Home, body: bytes) -> None:
    answer = await home.call("POST", DOORS[0], key=None, managed=False, content=body)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


async def test_a_sensor_id_must_be_text(home: Home) -> None:
    for given in (7, None, [], "x" * 1000):
        answer = await process(home, sensor_id=given)
        assert answer.status_code == 400, answer.text


async def test_nobody_sees_another_households_anomalies(home: Home, neighbour: Home, stranger: Home) -> None:
    await lived(home)
    assert (await process(home)).status_code == 200
    path = f"/users/{home.user}/anomalies"
    for other in (neighbour, stranger):
        assert (await other.call("GET", path, key="own")).status_code == 404
    assert (await stranger.call("GET", path, key="admin")).status_code == 404
    for key in (None, "cron", "ml"):
        assert (await home.call("GET", path, key=key)).status_code == 401
    assert (await neighbour.call("GET", f"/users/{neighbour.user}/anomalies", key="own")).json() == {"anomalies": []}


async def test_a_range_is_of_local_days_and_checked(home: Home) -> None:
    start = home.platform.clock.micros() - 40 * DAY
    figures = {"reason": "silent", "silent_us": 1, "noticed": start}
    row = {"tenant": home.tenant, "id": home.user, "user": home.user, "mac": home.mac, "kind": "silent", "figures": figures}
    async with home.platform.database.transaction() as connection:
        await connection.execute(sa.insert(anomalies).values(**row, start=start, end=start + HOUR, created=1, updated=1))
    path = f"/users/{home.user}/anomalies"
    assert (await home.call("GET", path)).json() == {"anomalies": []}
    day = from_micros(start + 2 * HOUR).date().isoformat()
    (found,) = (await home.call("GET", path, params={"start": day, "end": day})).json()["anomalies"]
    assert (found["kind"], found["reason"], found["power_w"]) == ("silent", "silent", None)
    for bad in ({"start": "x"}, {"end": "2026-13-01"}, {"start": "2030-01-01"}, {"start": "2020-01-01"}):
        answer = await home.call("GET", path, params=bad)
        assert (answer.status_code, answer.json()["status"]) == (400, 400)
