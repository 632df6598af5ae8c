"""GET export: CSV that is sent, and files that are made and fetched by a signed link."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.analytics.conftest import ANALYTICS, group, meter, send
from tests.contracts.joulepoint.analytics.test_figures import start
from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import analytics_export
from wattline.contracts.joulepoint.gate import Gate
from wattline.metering.export.service import WORKFLOW, Exports
from wattline.metering.fields import COLUMN, WIDTH
from wattline.metering.readings.notes import Note, status_of
from wattline.model.clock import HOUR, MINUTE
from wattline.model.record import Row
from wattline.platform import Platform

DAY = {"from": "2026-06-08T00:00:00Z", "to": "2026-06-09T00:00:00Z"}


@pytest.fixture
def ordered() -> list[tuple[str, str, object]]:
    """The work that was started."""
    return []


@pytest.fixture
def exports(platform: Platform, ordered: list[tuple[str, str, object]]) -> Exports:
    """With files for whatever has more than 100 rows, which are made when the test says so."""
    found = platform.exports

    async def begin(name: str, key: str, payload: object) -> None:
        ordered.append((name, key, payload))

    return Exports(
        platform.database,
        platform.figures,
        platform.series,
        found.edges,
        platform.settings.data / "exports",
        platform.clock,
        begin,
        most_rows=100,
    )


@pytest.fixture
def routers(platform: Platform, gate: Gate, exports: Exports) -> list[APIRouter]:
    return [analytics_export.build(platform.figures, exports, platform.clock, gate)]


async def rows(depot: Depot, **params: Any) -> list[list[str]]:
    answer = await depot.call("GET", f"{ANALYTICS}/export", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert answer.content.count(b"\n") == answer.content.count(b"\r\n")
    return list(csv.reader(io.StringIO(answer.text, newline="")))


async def test_readings_as_sent(depot: Depot) -> None:
    number = await meter(depot, name="=HYPERLINK(1)", timezone="Europe/Berlin")
    await send(depot, number, {start() + i * MINUTE: {"total_power": 1000.5 + i, "total_energy": 7.0} for i in range(3)})
    found = await rows(depot, meter_id=number, interval="raw", columns="total_power,frequency,total_energy", **DAY)
    assert found == [
        ["time", "time_utc", "meter_id", "meter", "total_power", "frequency", "total_energy"],
        ["2026-06-08T02:00:00.000000+02:00", "2026-06-08T00:00:00.000000Z", str(number), "'=HYPERLINK(1)", "1000.5", "", "7"],
        ["2026-06-08T02:01:00.000000+02:00", "2026-06-08T00:01:00.000000Z", str(number), "'=HYPERLINK(1)", "1001.5", "", "7"],
        ["2026-06-08T02:02:00.000000+02:00", "2026-06-08T00:02:00.000000Z", str(number), "'=HYPERLINK(1)", "1002.5", "", "7"],
    ]


async def test_texts_of_readings(depot: Depot) -> None:
    number = await meter(depot)
    stream = await depot.platform.metering.stream(depot.platform.metering.meters.get(depot.tenant, number))
    said = [(status_of(Note(breaker_state="closed")), 0), ("{}", 1), (status_of(Note(2, "tripped", 7, {"x": 1.0})), 2)]
    rows_sent = []
    for i, (status, quality) in enumerate(said):
        values: list[float | None] = [None] * WIDTH
        values[COLUMN["total_power"]] = float(i)
        values[COLUMN["frequency"]] = 50.0 if i else None
        worst = tuple(quality if name == "frequency" else 0 for name in COLUMN)
        rows_sent.append(Row(stream.id, start() + i * MINUTE, depot.clock.micros(), tuple(values), worst, status))
    await depot.platform.pipeline.ingest.submit(rows_sent)
    found = await rows(depot, meter_id=number, interval="raw", columns="breaker_state,total_power,quality,frequency", **DAY)
    assert [line[4:] for line in found[1:]] == [
        ["closed", "0", "good", ""],
        ["", "1", "uncertain", "50"],
        ["tripped", "2", "bad", "50"],
    ]
    alone = await rows(depot, meter_id=number, interval="raw", columns="quality,breaker_state", **DAY)
    assert [line[4:] for line in alone[1:]] == [["good", "closed"], ["uncertain", ""], ["bad", "tripped"]]
    power = await rows(depot, meter_id=number, interval="raw", columns="total_power,quality", **DAY)
    assert [line[4:] for line in power[1:]] == [["0", "good"], ["1", "good"], ["2", "good"]]


async def test_energy_by_the_hour_day_and_month(depot: Depot) -> None:
    one, two = await meter(depot, timezone="Europe/Berlin"), await meter(depot, timezone="Europe/Berlin")
    for number in (one, two):
        await send(depot, number, {start() + i * HOUR: {"total_energy": float(i)} for i in range(25)})
    both = await group(depot, one, two)
    hours = await rows(depot, group_id=both, interval="1h", columns="import_kwh,coverage_pct", **DAY)
    assert hours[0] == ["time", "time_utc", "import_kwh", "coverage_pct"]
    assert hours[1] == ["2026-06-08T02:00:00+02:00", "2026-06-08T00:00:00Z", "2", "100"]
    assert len(hours) == 25
    quarters = await rows(depot, group_id=both, **DAY)
    assert len(quarters) == 97
    assert sum(float(line[2]) for line in quarters[1:]) == pytest.approx(48.0)
    days = await rows(depot, group_id=both, interval="1d", columns="import_kwh,received", **DAY)
    assert [line[0] for line in days[1:]] == ["2026-06-08T02:00:00+02:00", "2026-06-09T00:00:00+02:00"]
    assert [float(line[2]) for line in days[1:]] == pytest.approx([44.0, 4.0])
    months = {"from": "2026-05-01T00:00:00+02:00", "to": "2026-07-01T00:00:00+02:00"}
    found = await rows(depot, group_id=both, interval="1mo", columns="import_kwh,peak_kw", **months)
    assert [line[0] for line in found[1:]] == ["2026-05-01T00:00:00+02:00", "2026-06-01T00:00:00+02:00"]
    assert [line[2:] for line in found[1:]] == [["", ""], ["48", "2"]]


async def test_a_byte_order_mark_where_it_is_asked_for(depot: Depot) -> None:
    number = await meter(depot)
    answer = await depot.call("GET", f"{ANALYTICS}/export", params={"meter_id": number, "bom": "1", **DAY})
    assert answer.content.startswith(b"\xef\xbb\xbftime,time_utc,")
    assert not (await depot.call("GET", f"{ANALYTICS}/export", params={"meter_id": number, **DAY})).content.startswith(b"\xef")


@pytest.mark.parametrize(
    "params",
    [
        {"format": "xlsx"},
        {"interval": "2h"},
        {"columns": "password"},
        {"interval": "raw", "columns": "import_kwh"},
        {"interval": "1h", "columns": "breaker_state"},
        {"columns": ","},
        {"bom": "perhaps"},
        {"page": "2"},
        {"tz": "Nowhere"},
    ],
)
async def test_what_is_not_to_be_asked_is_400(depot: Depot, params: dict[str, str]) -> None:
    answer = await depot.call("GET", f"{ANALYTICS}/export", params={"meter_id": await meter(depot), **params})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_may_export(depot: Depot, stranger: Depot) -> None:
    number = await meter(depot)
    url, params = f"{ANALYTICS}/export", {"meter_id": number}
    assert (await depot.call("GET", url, key=None, params=params)).status_code == 401
    assert (await depot.call("GET", url, key=await depot.key("energy:read"), params=params)).status_code == 403
    assert (await stranger.call("GET", url, params=params)).status_code == 404
    assert (await depot.call("GET", url, key=await depot.key("export:read"), params=params)).status_code == 200


async def test_a_large_export_is_made_and_fetched_by_a_link(
    depot: Depot, stranger: Depot, exports: Exports, ordered: list[tuple[str, str, object]]
) -> None:
    number = await meter(depot)
    await send(depot, number, {start() + i * MINUTE: {"total_power": float(i)} for i in range(101)})
    asked = {"meter_id": number, "interval": "raw", "columns": "total_power", **DAY}
    answer = await depot.call("GET", f"{ANALYTICS}/export", params=asked)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["status"], told["url"]) == ("waiting", None)
    assert ordered == [(WORKFLOW, told["id"], told["id"])]
    where = answer.headers["location"]
    assert (await depot.call("GET", where)).json() == told
    assert (await stranger.call("GET", where)).status_code == 404

    async def step(_name: str, function: Any, *args: Any, **_retried: Any) -> None:
        await function(*args)

    await exports.workflow(step, told["id"])
    done = (await depot.call("GET", where)).json()
    assert (done["status"], done["rows"]) == ("done", 101)
    file = await depot.call("GET", done["url"], key=None)
    assert file.status_code == 200
    assert len(file.content) == done["bytes"]
    assert len(file.text.splitlines()) == 102
    for wrong in (
        done["url"][:-1] + ("0" if done["url"][-1] != "0" else "1"),
        done["url"].replace("expires=", "expires=9"),
        where + "/file",
    ):
        refused = await depot.call("GET", wrong, key=None)
        assert refused.status_code == 404
        assert refused.headers["content-type"] == "application/problem+json"
    depot.clock.advance(3600)
    assert (await depot.call("GET", done["url"], key=None)).status_code == 404
    again = (await depot.call("GET", where)).json()
    assert (await depot.call("GET", again["url"], key=None)).status_code == 200
    depot.clock.advance(24 * 3600)
    await exports.prune()
    assert (await depot.call("GET", where)).status_code == 404
    assert (await depot.call("GET", again["url"], key=None)).status_code == 404


async def test_an_export_of_what_is_gone_fails(depot: Depot, exports: Exports) -> None:
    number = await meter(depot)
    await send(depot, number, {start() + i * MINUTE: {"total_power": float(i)} for i in range(101)})
    asked = {"meter_id": number, "interval": "raw", "columns": "total_power", **DAY}
    where = (await depot.call("GET", f"{ANALYTICS}/export", params=asked)).headers["location"]
    for _ in range(3):
        assert (await depot.call("GET", f"{ANALYTICS}/export", params=asked)).status_code == 202
    assert (await depot.call("GET", f"{ANALYTICS}/export", params=asked)).status_code == 409
    await depot.platform.metering.meters.remove(depot.tenant, number)
    await exports.make(where.rpartition("/")[2])
    told = (await depot.call("GET", where)).json()
    assert (told["status"], told["url"]) == ("failed", None)
