"""Clocks that are set back, the edges of what is kept, days that are short, long, missing or no days at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio

from tests.contracts.household.home import Home, move_in, opened
from wattline.households.energy.daily import daily_use
from wattline.households.energy.streams import electric_streams
from wattline.households.meters.model import LAYOUT
from wattline.model.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, to_micros
from wattline.model.record import Row

from .town import START


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Home, ManualClock]]:
    """A household on a platform whose clock is set as a test likes; readings are kept for a hundred years."""
    clock = ManualClock(START)
    kept = {f"retention_{tier}_days": 36_500 for tier in ("raw", "minute", "5m", "hour", "day")}
    async with opened(tmp_path_factory.mktemp("time"), clock, mqtt=False, **kept) as (platform, app):
        home = await move_in(platform, app)
        async with home.client:
            yield home, clock


async def moved_in(world: tuple[Home, ManualClock], at: datetime) -> tuple[Home, ManualClock]:
    """A further household, at a time."""
    first, clock = world
    clock.set(at)
    (transport,) = [first.client._transport]
    assert isinstance(transport, httpx.ASGITransport)
    return await move_in(first.platform, transport.app), clock


async def hourly(home: Home, start: int, end: int, kwh: float = 0.2) -> None:
    """A reading an hour, ends included."""
    stream = await home.platform.registry.register(home.tenant, home.user, home.mac, LAYOUT)
    times = range(start, end + 1, HOUR)
    rows = [Row(stream.id, at, end, (1000 + n * kwh, None, 200.0, 1000 + n * kwh, None), 0) for n, at in enumerate(times)]
    await home.platform.pipeline.ingest.submit(rows)


async def send(home: Home, token: str, value: float, time: int | None = None) -> httpx.Response:
    body = {"value": value} | ({} if time is None else {"timestamp": time})
    return await home.client.post("/sensor_input", json=body, headers={"Authorization": token})


async def test_a_clock_that_is_set_back(world: tuple[Home, ManualClock]) -> None:
    home, clock = await moved_in(world, START)
    token = (await home.client.post("/token", json={"sensor_id": home.mac})).json()["access_token"]
    assert (await send(home, token, 100.0)).status_code == 200
    clock.advance(60)
    assert (await send(home, token, 100.1)).status_code == 200
    clock.advance(-7200)
    # A token is not younger than it was, and may be asked for again.
    assert (await send(home, token, 100.1)).status_code in (200, 400, 401)
    answer = await home.client.post("/token", json={"sensor_id": home.mac})
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    assert (await send(home, token, 100.05, to_micros(START) + 30 * SECOND)).status_code == 400
    for path, name, value in (
        ("/process_peaks", "sensor_id", home.mac),
        ("/process_anomaly", "sensor_id", home.mac),
        ("/process_reports", "user_id", home.user),
    ):
        answer = await home.client.post(path, json={name: value, "secret": home.keys["cron"]})
        assert answer.status_code in (200, 404), answer.text
    for method, path, body in (
        ("POST", f"/sensors/{home.mac}/assign", {"user_id": None}),
        ("POST", f"/sensors/{home.mac}/assign", {"user_id": home.user}),
        ("POST", f"/sensors/{home.mac}/swap", {"initial": 7.0}),
        ("GET", f"/users/{home.user}/peaks", None),
        ("GET", f"/users/{home.user}/anomalies", None),
        ("GET", f"/sensors/{home.mac}", None),
    ):
        answer = await home.call(method, path, json=body)
        assert answer.status_code == 200, (path, answer.text)
    clock.advance(7300)
    token = (await home.client.post("/token", json={"sensor_id": home.mac})).json()["access_token"]
    assert (await send(home, token, 7.1)).status_code == 200


async def test_readings_at_the_very_edges(tmp_path: Path) -> None:
    clock = ManualClock(START)
    async with opened(tmp_path / "data", clock, mqtt=False, max_future_seconds=300) as (platform, app):
        home = await move_in(platform, app)
        token = (await home.client.post("/token", json={"sensor_id": home.mac})).json()["access_token"]
        now = clock.micros()
        for number, (inside, outside) in enumerate(((now - 90 * DAY, -1), (now + 5 * MINUTE, 1)), 1):
            assert (await send(home, token, 5.0, inside + outside)).status_code == 400
            assert (await send(home, token, 5.0, inside)).status_code == 200
            answer = await home.call("GET", "/csv_energy", key="own", managed=False)
            assert answer.text.count("\n") == 1 + number, answer.text
        await home.client.aclose()


@pytest.mark.parametrize(
    ("zone", "today", "hours"),
    [
        ("America/Havana", date(2026, 3, 9), 23),
        ("America/Havana", date(2026, 11, 2), 25),
        ("Europe/Berlin", date(2026, 3, 30), 23),
        ("Australia/Lord_Howe", date(2026, 10, 5), 23.5),
        ("Asia/Kathmandu", date(2028, 3, 1), 24),
        ("Pacific/Apia", date(2012, 1, 1), 24),
        ("Pacific/Apia", date(2011, 12, 31), 0),
        ("right/Europe/Berlin", date(2026, 3, 30), 23),
    ],
)
async def test_reports_and_files_of_odd_days_agree(
    world: tuple[Home, ManualClock], zone: str, today: date, hours: float
) -> None:
    local = ZoneInfo(zone)
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=local).astimezone(UTC)
    home, clock = await moved_in(world, noon)
    for answer in (await home.call("PATCH", f"/users/{home.user}", json={"zone": zone, "report_days": 2}),):
        assert answer.status_code == 200, answer.text
    await hourly(home, clock.micros() - 8 * DAY, clock.micros())
    answer = await home.client.post("/process_reports", json={"user_id": home.user, "secret": home.keys["cron"]})
    assert answer.status_code == 200, answer.text
    report = answer.json()["report"]["content"] if "content" in answer.json()["report"] else answer.json()["report"]
    days = [date.fromisoformat(day["day"]) for day in report["daily"]]
    assert days == [today - timedelta(days=2), today - timedelta(days=1)], report
    total = 0.0
    for day in report["daily"]:
        query = {"start": day["day"], "end": day["day"]}
        answer = await home.call("GET", "/csv_energy", key="own", managed=False, params=query)
        assert answer.status_code in (200, 404), answer.text
        rows = [line.split(",") for line in answer.text.splitlines()[1:]] if answer.status_code == 200 else []
        used = sum(float(row[1]) for row in rows)
        assert (day["kwh"] or 0.0) == pytest.approx(used, abs=1e-6), day
        total += used
    assert report["total_kwh"] == pytest.approx(total, abs=1e-6)
    if hours == int(hours):
        assert round((report["daily"][-1]["kwh"] or 0.0) / 0.2) == hours
    await home.client.aclose()


async def test_a_day_that_never_was(world: tuple[Home, ManualClock]) -> None:
    home, clock = await moved_in(world, datetime(2012, 1, 3, tzinfo=UTC))
    await hourly(home, clock.micros() - 10 * DAY, clock.micros())
    households, zone = home.households, ZoneInfo("Pacific/Apia")
    streams = await electric_streams(households.meters, home.tenant, home.user)
    for first, last in (((2011, 12, 28), (2012, 1, 1)), ((2011, 12, 30), (2012, 1, 1)), ((2011, 12, 28), (2011, 12, 30))):
        days = await daily_use(households.series, streams, date(*first), date(*last), zone)
        assert [day.day for day in days] == [date(*first) + timedelta(days=at) for at in range(len(days))]
        assert len(days) == (date(*last) - date(*first)).days + 1
        assert [day.kwh is None for day in days] == [day.day == date(2011, 12, 30) for day in days]
    await home.client.aclose()


RANGES = [
    ("0000-01-01", None, 400),
    ("0001-01-01", "9999-12-31", 200),
    ("0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", 200),
    ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", 200),
    ("1900-01-01", "2099-12-31", 200),
    ("9999-12-31", None, 404),
    (None, "0001-01-01", 404),
    ("9999-12-31T24:00:00Z", None, {400, 404}),
    ("2026-02-29", None, 400),
    ("2028-02-29", "2028-02-29", 404),
    ("2026-03-29T02:30:00", "2026-03-29T02:30:00", {200, 404}),
    ("2026-10-25T02:30:00", "2026-10-25T02:30:00", {200, 404}),
    ("2026-03-29T02:30:00", "2026-03-29T01:00:00Z", {200, 400, 404}),
    ("2026-06-11T12:00:60Z", None, 400),
    ("2026-06-11T12:00:00+99:99", None, 400),
    ("2026-06-11T12:00:00+24:00", None, 400),
    ("-0001-01-01", None, 400),
    ("+002026-01-01", None, 400),
    ("2026-W01-1", None, 400),
    ("٢٠٢٦-٠١-٠١", None, 400),
    ("x" * 20_000, None, 400),
    ("\0", None, 400),
    ("", None, 400),
]


async def test_ranges_of_every_kind(world: tuple[Home, ManualClock]) -> None:
    home, clock = await moved_in(world, START)
    await hourly(home, clock.micros() - 5 * DAY, clock.micros())
    for start, end, expected in RANGES:
        params = {name: text for name, text in (("start", start), ("end", end)) if text is not None}
        answer = await home.call("GET", "/csv_energy", key="own", managed=False, params=params)
        statuses = expected if isinstance(expected, set) else {expected}
        assert answer.status_code in statuses, (start, end, answer.status_code, answer.text[:200])
        for path in ("peaks", "anomalies"):
            answer = await home.call("GET", f"/users/{home.user}/{path}", key="own", params=params)
            assert answer.status_code in (200, 400), (path, start, end, answer.text[:200])
    await home.client.aclose()
