"""The peaks of a household over HTTP: with their devices, what they look like, and what was measured in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from tests.contracts.household.home import Home
from wattline.households.meters.model import LAYOUT
from wattline.households.peaks.model import Peak
from wattline.households.tables import peak_devices, peaks, suggestions
from wattline.model.clock import DAY, MINUTE, SECOND, from_micros
from wattline.model.record import Row

OVER = 15 * SECOND


async def peak(home: Home, power_w: float = 2000, *, ago: int = 60 * MINUTE, minutes: int = 10) -> Peak:
    """A peak of this household that began so long ago."""
    start = home.platform.clock.micros() - ago
    named = f"{home.user}-{ago // SECOND}"
    made = Peak(
        home.tenant, named, home.user, home.mac, start, start + minutes * MINUTE, power_w, 150.0, power_w * minutes / 6e4
    )
    values = {name: getattr(made, name) for name in Peak.__slots__}
    async with home.platform.database.transaction() as connection:
        await connection.execute(sa.insert(peaks).values(**values, created=1, updated=1))
    return made


async def device(home: Home, **fields: Any) -> int:
    body = {"name": "Kettle", "category": "kettle", **fields}
    answer = await home.call("POST", f"/users/{home.user}/devices", key="own", json=body)
    return int(answer.json()["id"])


async def measured(home: Home, made: Peak, watts: float) -> None:
    """Readings of the household's meter every 15 s, from five minutes before a peak to five minutes after it."""
    stream = await home.platform.registry.register(home.tenant, home.user, home.mac, LAYOUT)
    rows, total = [], 100.0
    for time in range(made.start - 5 * MINUTE, made.end + 5 * MINUTE, OVER):
        inside = made.start < time <= made.end
        total += (watts if inside else 150.0) * OVER / (3600 * SECOND) / 1000
        rows.append(Row(stream.id, time, time, (total, None, None, total, None)))
    await home.platform.ingest.submit(rows)


async def listed(home: Home, **parameters: str) -> list[dict[str, Any]]:
    answer = await home.call("GET", f"/users/{home.user}/peaks", key="own", params=parameters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["peaks"]
    return found


async def test_a_peak_with_its_figures_devices_and_suggestions(home: Home) -> None:
    made = await peak(home)
    kettle = await device(home)
    async with home.platform.database.transaction() as connection:
        await connection.execute(
            sa.insert(suggestions).values(tenant=home.tenant, peak=made.id, category="kettle", confidence=0.75)
        )
    path = f"/users/{home.user}/peaks/{made.id}"
    answer = await home.call("PUT", f"{path}/devices", key="own", json={"devices": [kettle]})
    assert answer.status_code == 200, answer.text
    expected = {
        "id": made.id,
        "sensor_id": home.mac,
        "start": from_micros(made.start).isoformat().replace("+00:00", "Z"),
        "end": from_micros(made.end).isoformat().replace("+00:00", "Z"),
        "power_w": 2000.0,
        "base_w": 150.0,
        "energy_kwh": pytest.approx(0.3333, abs=1e-4),
        "devices": [kettle],
        "suggestions": [{"category": "kettle", "confidence": 0.75}],
    }
    assert answer.json() == expected
    assert await listed(home) == [expected]
    assert (await home.call("GET", path, key="own")).json() == expected | {"samples": []}


async def test_what_is_assigned_tells_the_powers_of_devices(home: Home) -> None:
    kettle, toaster = await device(home), await device(home, name="Toaster", category="toaster")
    one, both = await peak(home, 2000, ago=5 * 60 * MINUTE), await peak(home, 2900)
    for made, devices in ((one, [kettle]), (both, [toaster, kettle])):
        await home.call("PUT", f"/users/{home.user}/peaks/{made.id}/devices", key="own", json={"devices": devices})
    answer = (await home.call("GET", f"/users/{home.user}/devices", key="own")).json()
    powers = {each["id"]: each["power_w"] for each in answer["devices"]}
    assert powers == {kettle: pytest.approx(2000, rel=0.02), toaster: pytest.approx(900, rel=0.03)}
    assert all(0 < each["sigma_w"] < 150 for each in answer["devices"])
    assert answer["quality"] == "well"
    assert answer["r_squared"] > 0.98
    assert (await home.call("GET", f"/users/{home.user}", key="own")).json()["r_squared"] == answer["r_squared"]
    # Without the first peak the two can be told apart no more: the powers follow.
    gone = await home.call("DELETE", f"/users/{home.user}/peaks/{one.id}", key="own")
    assert (gone.status_code, gone.content) == (204, b"")
    after = {each["id"]: each for each in (await home.call("GET", f"/users/{home.user}/devices", key="own")).json()["devices"]}
    assert after[kettle]["sigma_w"] > 300
    assert [each["id"] for each in await listed(home)] == [both.id]
    assert (await home.call("DELETE", f"/users/{home.user}/peaks/{one.id}", key="own")).status_code == 404


async def test_a_peak_comes_with_what_its_own_meter_measured_and_nothing_else(home: Home, neighbour: Home) -> None:
    """Both homes have a peak at the same time; neither sees the other's readings."""
    own, theirs = await peak(home, 2000), await peak(neighbour, 700)
    await measured(home, own, 2150.0)
    await measured(neighbour, theirs, 850.0)
    for caller, made, watts in ((home, own, 2150.0), (neighbour, theirs, 850.0)):
        answer = (await caller.call("GET", f"/users/{caller.user}/peaks/{made.id}", key="own")).json()
        assert len(answer["samples"]) == 40
        assert [each["power"] for each in answer["samples"]] == [pytest.approx(watts, abs=0.5)] * 40
        times = [each["timestamp"] for each in answer["samples"]]
        assert times == sorted(times)
        assert times[-1] == answer["end"]
        assert times[0] > answer["start"]


async def test_the_samples_of_a_peak_are_what_the_classifier_takes(home: Home) -> None:
    made = await peak(home)
    await measured(home, made, 2150.0)
    samples = (await home.call("GET", f"/users/{home.user}/peaks/{made.id}", key="own")).json()["samples"]
    answer = await home.call("POST", "/ml", key="ml", managed=False, json={"sensor_id": home.mac, "data": samples})
    assert answer.status_code == 200, answer.text


async def test_from_readings_to_a_peak_its_suggestion_and_the_power_of_the_kettle(home: Home) -> None:
    """Two days of a base load, and two minutes of a kettle an hour ago: found, looked at, assigned."""
    clock = home.platform.clock
    now = clock.micros() // MINUTE * MINUTE
    kettle_from, kettle_to = now - 90 * MINUTE, now - 86 * MINUTE
    stream = home.households.meters.stream(home.tenant, home.user, home.mac)
    stream = stream or await home.platform.registry.register(home.tenant, home.user, home.mac, LAYOUT)
    times = np.arange(now - 2 * DAY, now, OVER)
    watts = 160.0 + 40.0 * ((times // (20 * MINUTE)) % 2) + 2000.0 * ((times > kettle_from) & (times <= kettle_to))
    totals = (1000 + np.cumsum(watts) * OVER / (3600 * SECOND) / 1000).tolist()
    rows = [
        Row(stream.id, time, time, (total, None, None, total, None)) for time, total in zip(times.tolist(), totals, strict=True)
    ]
    await home.platform.ingest.submit(rows)
    for _ in range(2):
        await home.households.peaks.process(home.tenant, home.mac)
    (found,) = await listed(home, start=from_micros(kettle_from - MINUTE).isoformat())
    assert found["power_w"] == pytest.approx(2000, rel=0.05)
    assert all(0.5 <= each["confidence"] <= 1 for each in found["suggestions"])
    assert len(found["suggestions"]) == len({each["category"] for each in found["suggestions"]})
    kettle = await device(home)
    path = f"/users/{home.user}/peaks/{found['id']}"
    assert (await home.call("PUT", f"{path}/devices", key="own", json={"devices": [kettle]})).status_code == 200
    shown = (await home.call("GET", f"/users/{home.user}/devices/{kettle}", key="own")).json()
    assert shown["power_w"] == pytest.approx(2000, rel=0.05)
    samples = (await home.call("GET", path, key="own")).json()["samples"]
    assert max(each["power"] for each in samples) == pytest.approx(2180, abs=30)


async def test_a_range_is_of_local_days_or_instants_with_both_ends(home: Home) -> None:
    """The day is Berlin's: 2026-06-11 begins at 22:00 UTC of the day before."""
    now = home.platform.clock.micros()
    begin = now // DAY * DAY - 2 * DAY
    midnight = begin - 2 * 60 * MINUTE
    first = await peak(home, ago=now - (midnight - 10 * MINUTE), minutes=9)
    second = await peak(home, ago=now - midnight)
    third = await peak(home, ago=now - (midnight + DAY - 20 * MINUTE))
    fourth = await peak(home, ago=now - (midnight + DAY))
    day = from_micros(begin).date().isoformat()

    async def ids(**parameters: str) -> list[str]:
        return [each["id"] for each in await listed(home, **parameters)]

    assert await ids(start=day, end=day) == [second.id, third.id]
    assert await ids(start=day) == [second.id, third.id, fourth.id]
    assert await ids(end=day) == [first.id, second.id, third.id]
    assert await ids() == [first.id, second.id, third.id, fourth.id]
    instant = from_micros(third.start + 5 * MINUTE).isoformat()
    assert await ids(start=instant, end=instant) == [third.id]
    assert await ids(start=day, end=instant) == [second.id, third.id]


NO_RANGES = [
    {"start": "yesterday"},
    {"end": "2026-02-30"},
    {"start": "2026-06-10", "end": "2026-06-09"},
    {"start": "2024-01-01", "end": "2026-01-01"},
    {"start": "2999-01-01"},
    {"start": ""},
    {"end": "0001-01-01", "start": "0001-01-01"},
]


async def test_a_range_that_makes_no_sense(home: Home) -> None:
    for parameters in NO_RANGES:
        answer = await home.call("GET", f"/users/{home.user}/peaks", key="own", params=parameters)
        assert (answer.status_code, answer.json()["status"]) == (400, 400), parameters


async def test_nobody_else_sees_or_touches_a_peak(home: Home, neighbour: Home, stranger: Home) -> None:
    made = await peak(home)
    kettle = await device(home)
    theirs = await device(neighbour)
    await home.call("PUT", f"/users/{home.user}/peaks/{made.id}/devices", key="own", json={"devices": [kettle]})
    before = await listed(home)
    for caller, key, users in (
        (neighbour, "own", (home.user, neighbour.user)),
        (stranger, "admin", (home.user, stranger.user)),
        (home, "admin", (neighbour.user,)),
    ):
        for user in users:
            path = f"/users/{user}/peaks/{made.id}"
            for method, under, body in (
                ("GET", path, None),
                ("DELETE", path, None),
                ("PUT", f"{path}/devices", {"devices": []}),
                ("PUT", f"{path}/devices", {"devices": [theirs]}),
            ):
                answer = await caller.call(method, under, key=key, json=body)
                assert answer.status_code == 404, (user, method)
    # Nor may a peak of one's own be said to be caused by another's device.
    answer = await home.call("PUT", f"/users/{home.user}/peaks/{made.id}/devices", key="own", json={"devices": [theirs]})
    assert answer.status_code == 404
    assert await listed(home) == before
    assert await listed(neighbour) == []


@pytest.mark.parametrize("key", [None, "ml", "cron"])
async def test_without_a_key_that_opens_it_there_is_a_401(home: Home, key: str | None) -> None:
    for method, path in (("GET", ""), ("GET", "/a"), ("DELETE", "/a"), ("PUT", "/a/devices")):
        answer = await home.call(method, f"/users/{home.user}/peaks{path}", key=key, content=b"no json")
        assert answer.status_code == 401, (method, path)


NO_ASSIGNMENTS = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"devices": null}',
    b'{"devices": ["1"]}',
    b'{"devices": [true]}',
    b'{"devices": [1.5]}',
]


async def test_what_assigns_nothing(home: Home) -> None:
    made = await peak(home)
    path = f"/users/{home.user}/peaks/{made.id}/devices"
    headers = {"Content-Type": "application/json"}
    for body in NO_ASSIGNMENTS:
        answer = await home.call("PUT", path, key="own", content=body, headers=headers)
        assert answer.status_code == 400, body


async def test_ids_that_are_none(home: Home) -> None:
    made = await peak(home)
    path = f"/users/{home.user}/peaks"
    for peak_id in ("nothing", "x" * 400, "a%00b", "%ff", "%20"):
        assert (await home.call("GET", f"{path}/{peak_id}", key="own")).status_code == 404, peak_id
        assert (await home.call("DELETE", f"{path}/{peak_id}", key="own")).status_code == 404, peak_id
        answer = await home.call("PUT", f"{path}/{peak_id}/devices", key="own", json={"devices": []})
        assert answer.status_code == 404, peak_id
    for number in (0, -1, 2**63, 10**30):
        answer = await home.call("PUT", f"{path}/{made.id}/devices", key="own", json={"devices": [number]})
        assert answer.status_code in (400, 404), number
    async with home.platform.database.read() as connection:
        count = sa.select(sa.func.count()).select_from(peak_devices).where(peak_devices.c.tenant == home.tenant)
        assert (await connection.execute(count)).scalar_one() == 0
