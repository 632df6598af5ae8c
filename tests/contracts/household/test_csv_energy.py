"""GET /csv_energy: whose rows, of which days, in which words; and that a part is never taken for the whole."""

from __future__ import annotations

import asyncio
import csv
import http.client
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.contracts.household.home import Home, new_mac
from tests.households.energy.register_rows import Reading
from wattline.households.meters.model import LAYOUT, Kind
from wattline.ingest.series import RawReadings
from wattline.model.clock import HOUR, SECOND, from_micros, to_micros
from wattline.model.errors import Unavailable
from wattline.model.record import Quality
from wattline.server import Listener, Server

GERMAN = "Zählerstand (Verbraucht),Verbrauch in kWh,Zählerstand (Eingespeißt),Erzeugt in kWh,Leistung in Watt,Zeitstempel\n"
PLAIN = "Meter reading (consumed),Consumption in kWh,Meter reading (fed in),Generated in kWh,Power in watts,Timestamp\n"


def micros(text: str) -> int:
    return to_micros(datetime.fromisoformat(text))


async def measured(home: Home, readings: Sequence[Reading], mac: str | None = None) -> None:
    stream = await home.platform.registry.register(home.tenant, home.user, mac or home.mac, LAYOUT)
    await home.platform.ingest.submit([reading.row(stream) for reading in readings])


async def download(home: Home, key: str | None = "own", path: str = "/csv_energy", **parameters: Any) -> httpx.Response:
    headers = parameters.pop("headers", {})
    return await home.call("GET", path, key=key, managed=False, params=parameters, headers=headers)


def stamps(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [line.rpartition(",")[2] for line in answer.text.splitlines()[1:]]


async def fails(home: Home, status: int, key: str | None = "own", **parameters: Any) -> str:
    answer = await download(home, key, **parameters)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error", "status"}
    assert body["status"] == status
    return str(body["error"])


async def test_the_file_to_the_byte(home: Home) -> None:
    await measured(
        home,
        [
            Reading(micros("2026-01-31T22:59:45+00:00"), 1_234_567_800, 12_250_000, 345.6),
            Reading(micros("2026-01-31T23:00:00.123456+00:00"), 1_234_567_810, None, -120.0),
            Reading(micros("2026-01-31T23:00:10+00:00"), 99, 99, 1.0, Quality.BAD),
            Reading(micros("2026-01-31T23:00:15+00:00"), 1_235_000_000, 12_250_001, None),
        ],
    )
    answer = await download(home)
    assert answer.content.decode() == GERMAN + (
        "1234.5678,0,12.25,0,345.6,2026-01-31T22:59:45.000Z\n"
        "1234.56781,0.00001,,,-120,2026-01-31T23:00:00.123Z\n"
        "1235,0.43219,12.250001,0.000001,,2026-01-31T23:00:15.000Z\n"
    )
    assert answer.headers["content-type"] == "text/csv"
    stamp = home.platform.clock.micros() // 1000
    assert answer.headers["content-disposition"] == f"attachment; filename=export_{home.user}_{stamp}.csv"
    assert (answer.headers["content-language"], answer.headers["cache-control"]) == ("de", "no-store")
    assert "Accept-Language" in answer.headers["vary"]
    twin = await download(home, path="/api/v1/csv_energy")
    assert (twin.content, twin.headers["content-type"]) == (answer.content, "text/csv")


async def test_days_are_local_and_the_last_one_is_included(home: Home) -> None:
    texts = ("2026-01-30T22:59:59.999+00:00", "2026-01-30T23:00:00+00:00", "2026-01-31T22:59:59.999999+00:00")
    times = [*(micros(text) for text in texts), micros("2026-01-31T23:00:00+00:00")]
    await measured(home, [Reading(time, n * 1000) for n, time in enumerate(times)])
    found = await download(home, start="2026-01-31", end="2026-01-31")
    assert stamps(found) == ["2026-01-30T23:00:00.000Z", "2026-01-31T22:59:59.999Z"]
    # The row before the range is known all the same.
    assert found.text.splitlines()[1].split(",")[1] == "0.001"
    assert len(stamps(await download(home, start="2026-01-31"))) == 3
    assert len(stamps(await download(home, end="2026-01-30"))) == 1
    exact = {"start": "2026-01-31T00:00:00+01:00", "end": "2026-01-30T23:00:00Z"}
    assert stamps(await download(home, **exact)) == ["2026-01-30T23:00:00.000Z"]
    assert await fails(home, 404, start="2026-02-02", end="2026-02-03") == "nothing was measured in this range"


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2025-10-26", 25)])
async def test_days_of_another_length(home: Home, day: str, hours: int) -> None:
    begin = micros(f"{day}T00:00:00+00:00") - 30 * HOUR
    await measured(home, [Reading(begin + n * HOUR, n * 1000) for n in range(80)])
    assert len(stamps(await download(home, start=day, end=day))) == hours


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"start": "yesterday"}, "start"),
        ({"end": "2026-02-30"}, "end"),
        ({"start": ""}, "start"),
        ({"start": "2026-01-02", "end": "2026-01-01"}, "end"),
        ({"start": ["2026-01-01", "2026-01-02"]}, "start"),
        ({"dialect": "lotus"}, "dialect"),
        ({"dialect": ""}, "dialect"),
    ],
)
async def test_what_makes_no_sense_is_named(home: Home, parameters: dict[str, Any], named: str) -> None:
    assert named in await fails(home, 400, **parameters)
    # Who may not ask learns nothing of how to ask.
    assert named not in await fails(home, 401, key=None, **parameters)


async def test_who_may_download_what(home: Home, neighbour: Home, stranger: Home) -> None:
    at = home.platform.clock.micros() - HOUR
    for number, each in enumerate((home, neighbour, stranger)):
        await measured(each, [Reading(at, (number + 1) * 10**6)])
    assert "\n1,0,,,," in (await download(home)).text
    assert "\n2,0,,,," in (await download(neighbour)).text
    # A token names nobody but its own household; an administrator any of the tenant.
    assert "\n1,0,,,," in (await download(home, user_id=home.user)).text
    assert "\n2,0,,,," in (await download(home, "admin", user_id=neighbour.user)).text
    for other in (neighbour.user, stranger.user, "nobody"):
        await fails(home, 404, user_id=other)
    for other in (stranger.user, "nobody"):
        await fails(home, 404, "admin", user_id=other)
    await fails(home, 400, "admin")
    for key in (None, "cron", "ml"):
        await fails(home, 401, key)
        await fails(home, 401, key, user_id=home.user)


async def test_who_never_measured_anything_gets_404(home: Home) -> None:
    assert await fails(home, 404) == "nothing was measured in this range"
    await measured(home, [Reading(home.platform.clock.micros() - HOUR, 5, quality=Quality.BAD)])
    await fails(home, 404)


async def test_a_household_that_is_deleted_has_no_file(home: Home) -> None:
    await measured(home, [Reading(home.platform.clock.micros() - HOUR, 5)])
    await home.households.accounts.delete_user(home.tenant, home.user)
    await fails(home, 404, "admin", user_id=home.user)
    await fails(home, 401)


async def test_the_header_follows_the_language(home: Home) -> None:
    await measured(home, [Reading(home.platform.clock.micros() - HOUR, 5)])
    for language, header, said in (("de", GERMAN, "de"), ("en-GB,de;q=0.5", PLAIN, "en"), ("fr", PLAIN, "en")):
        answer = await download(home, headers={"Accept-Language": language})
        assert answer.text.splitlines(keepends=True)[0] == header
        assert answer.headers["content-language"] == said


async def test_a_file_for_a_german_spreadsheet(home: Home) -> None:
    await measured(home, [Reading(micros("2026-05-01T10:00:00+00:00"), 1_234_567_800, 12_250_000, 345.6)])
    answer = await download(home, dialect="excel")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv"
    header, row = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert header == next(csv.reader([GERMAN]))
    assert row == ["1234,5678", "0", "12,25", "0", "345,6", "2026-05-01T10:00:00.000Z"]


async def test_former_meters_count_and_those_of_gas_do_not(home: Home) -> None:
    at = home.platform.clock.micros() - 10 * HOUR
    await measured(home, [Reading(at, 10**6), Reading(at + HOUR, 2 * 10**6)])
    meters = home.households.meters
    await meters.assign(home.tenant, home.mac, None)
    second, gas = new_mac(), new_mac()
    for mac, kind in ((second, Kind.DIGITAL_ELECTRICITY), (gas, Kind.GAS)):
        await meters.add(home.tenant, mac, kind)
        await meters.assign(home.tenant, mac, home.user)
    await measured(home, [Reading(at + 2 * HOUR, 7 * 10**6), Reading(at + 3 * HOUR, 9 * 10**6)], second)
    await measured(home, [Reading(at + 2 * HOUR, 5 * 10**6), Reading(at + 3 * HOUR, 6 * 10**6)], gas)
    rows = [line.split(",")[:2] for line in (await download(home)).text.splitlines()[1:]]
    assert rows == [["1", "0"], ["2", "1"], ["7", "0"], ["9", "2"]]
    await meters.remove(home.tenant, home.mac)
    assert len(stamps(await download(home))) == 4


async def test_a_download_that_fails_on_the_way_breaks_off(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    at = home.platform.clock.micros() - 48 * HOUR
    await measured(home, [Reading(at + n * 15 * SECOND, n * 1000) for n in range(9000)])
    series = home.households.series
    usable, calls = series.usable, 0

    async def failing(*arguments: Any) -> RawReadings:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Unavailable("the store went away")
        return await usable(*arguments)

    app = home.client._transport.app  # type: ignore[attr-defined]
    listener = Listener("127.0.0.1", 0, tls=False)
    async with Server(app, listener, home.platform.settings, lambda: None).serving():
        whole = await asyncio.to_thread(_read, listener.port, home.keys["own"])
        monkeypatch.setattr(series, "usable", failing)
        with pytest.raises(http.client.IncompleteRead) as broken:
            await asyncio.to_thread(_read, listener.port, home.keys["own"])
        assert whole.startswith(broken.value.partial)
        assert len(broken.value.partial) > 1000
        calls = 1
        with pytest.raises(ValueError, match="503"):
            await asyncio.to_thread(_read, listener.port, home.keys["own"])
    assert len(whole.splitlines()) == 9001


def _read(port: int, token: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/csv_energy", headers={"Authorization": token})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ValueError(str(answer.status))
        assert answer.getheader("Transfer-Encoding") == "chunked"
        return answer.read()
    finally:
        connection.close()


async def test_a_row_is_in_one_day_only(home: Home) -> None:
    begin = micros("2026-03-27T00:00:00+00:00")
    await measured(home, [Reading(begin + n * 17 * 60 * SECOND, n * 1000) for n in range(400)])
    everything = stamps(await download(home))
    day, parts = from_micros(begin).date() - timedelta(days=1), []
    while day <= datetime(2026, 4, 2, tzinfo=UTC).date():
        answer = await download(home, start=day.isoformat(), end=day.isoformat())
        parts += stamps(answer) if answer.status_code == 200 else []
        day += timedelta(days=1)
    assert parts == everything
