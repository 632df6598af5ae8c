"""GET /api/events: nothing lost, nothing twice, and nobody's but the caller's own."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import jsonschema_rs
import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.live.meters import log, meter, read
from wattline.contracts.joulepoint import events
from wattline.contracts.joulepoint.gate import Gate
from wattline.metering.occurrences.model import Position
from wattline.metering.occurrences.service import Occurrences
from wattline.metering.occurrences.types import TYPES
from wattline.model.clock import DAY, from_micros
from wattline.platform import Platform


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    log = Occurrences(platform.registry, platform.pipeline.received, platform.events, platform.clock)
    return [events.build(log, gate)]


async def ask(depot: Depot, **parameters: Any) -> dict[str, Any]:
    answer = await depot.call("GET", "/api/events", params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def every(depot: Depot, after: str | None = None, limit: int = 2, **parameters: Any) -> list[dict[str, Any]]:
    """All entries, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = await ask(depot, limit=limit, **({} if after is None else {"after": after}), **parameters)
        assert len(page["results"]) <= limit
        found += page["results"]
        after = page["cursor"]
        if not page["more"]:
            assert (await ask(depot, after=after, limit=limit, **parameters))["results"] == []
            return found


async def test_readings_and_logged_events_are_one_log_with_envelopes_of_their_schemas(depot: Depot) -> None:
    number = await meter(depot)
    await read(depot, number, total_power=5200.0)
    depot.clock.advance(1)
    await log(depot, "pq.event", number, phase="start", id=1, type="sag", start="2026-06-11T14:32:00Z")
    depot.clock.advance(1)
    await read(depot, number, voltage_a=230.1)
    found = await every(depot)
    assert [(entry["type"], entry["tenant"]) for entry in found] == [
        ("data.ingested", depot.tenant),
        ("pq.event", depot.tenant),
        ("data.ingested", depot.tenant),
    ]
    assert found[0]["data"] == {
        "meter_id": number,
        "timestamp": found[0]["timestamp"],
        "total_power": 5200.0,
        "status": "stored",
    }
    assert found[1]["data"]["phase"] == "start"
    for entry in found:
        assert entry["causation_id"] is None
        shape = await depot.call("GET", f"/api/events/schemas/{entry['type']}")
        assert shape.headers["content-type"] == "application/schema+json"
        jsonschema_rs.Draft202012Validator(shape.json()).validate(entry)
    assert len({entry["id"] for entry in found}) == 3
    # From the place after each entry the rest comes.
    for position, entry in enumerate(found):
        assert await every(depot, entry["cursor"]) == found[position + 1 :]


async def test_a_replaced_reading_is_an_entry_of_its_own_for_who_saw_the_first(depot: Depot) -> None:
    number = await meter(depot)
    await read(depot, number, total_power=1.0)
    first = await ask(depot)
    await read(depot, number, total_power=1.0)
    assert (await ask(depot, after=first["cursor"]))["results"] == []
    await read(depot, number, total_power=2.0)
    (entry,) = (await ask(depot, after=first["cursor"]))["results"]
    assert (entry["data"]["status"], entry["data"]["revision"], entry["data"]["total_power"]) == ("replaced", 2, 2.0)
    assert entry["id"] != first["results"][0]["id"]
    assert await every(depot) == [entry]


async def test_who_reads_beside_writers_gets_all_once_in_a_stable_order(depot: Depot) -> None:
    chance, numbers = random.Random(11), [await meter(depot) for _ in range(3)]
    start = (await ask(depot, after="latest"))["cursor"]
    seen: list[dict[str, Any]] = []
    working = True

    async def write(number: int) -> None:
        for n in range(12):
            late = chance.choice((0, 0, 40 * DAY / 1e6))
            await read(depot, number, n - late, total_power=float(n))
            if chance.random() < 0.4:
                await log(depot, "protection.event", number, id=n)
            depot.clock.advance(chance.choice((0, 0.01)))

    async def follow() -> None:
        after = start
        while working or (await ask(depot, after=after))["results"]:
            page = await ask(depot, after=after, limit=chance.randint(1, 7))
            seen.extend(page["results"])
            after = page["cursor"]
            await asyncio.sleep(0)

    async def move() -> None:
        while working:
            await depot.platform.pipeline.writer.flush()
            for _ in range(chance.randint(0, 20)):
                await asyncio.sleep(0)

    others = [asyncio.create_task(follow()), asyncio.create_task(move())]
    await asyncio.gather(*map(write, numbers))
    depot.clock.advance(1)
    working = False
    await asyncio.gather(*others)
    whole = await every(depot, start, limit=9)
    assert len({entry["id"] for entry in seen}) == len(seen) == len(whole)
    assert sum(entry["type"] == "data.ingested" for entry in whole) == 36
    for of in ("data.ingested", "protection.event"):
        assert [e["id"] for e in seen if e["type"] == of] == [e["id"] for e in whole if e["type"] == of]
    assert {entry["id"] for entry in seen} == {entry["id"] for entry in whole}
    assert [entry["id"] for entry in await every(depot, start, limit=5)] == [entry["id"] for entry in whole]


async def test_what_the_store_has_not_got_yet_is_read_without_waiting_for_it(depot: Depot) -> None:
    number = await meter(depot)
    await read(depot, number, total_power=1.0)
    writer = depot.platform.pipeline.writer
    await writer.flush()
    # Nobody who waited for the store would get on while the writer's turn is taken.
    async with asyncio.timeout(60), writer.lane:
        for second in range(1, 4):
            await read(depot, number, second, total_power=float(second))
        depot.clock.advance(5)
        found = await every(depot)
    assert [entry["data"]["total_power"] for entry in found] == [1.0, 1.0, 2.0, 3.0]
    await writer.flush()
    assert await every(depot) == found


async def test_type_and_meter_narrow_the_log(depot: Depot) -> None:
    one, two = await meter(depot), await meter(depot)
    for number in (one, two):
        await read(depot, number)
        depot.clock.advance(1)
        await log(depot, "pq.event", number, phase="end")
    await log(depot, "mode", None)
    by_meter = await every(depot, meter_id=two)
    assert [(entry["type"], entry["data"]["meter_id"]) for entry in by_meter] == [("data.ingested", two), ("pq.event", two)]
    assert {entry["type"] for entry in await every(depot, type="pq.event")} == {"pq.event"}
    assert len(await every(depot, type=["pq.event", "data.ingested"])) == 4
    # What belongs to another part of the platform is no type of this log.
    assert len(await every(depot)) == 4


async def test_each_type_asks_for_its_own_scope(depot: Depot) -> None:
    number = await meter(depot)
    await read(depot, number)
    for kind in ("pq.event", "protection.event", "security.signature_failed"):
        await log(depot, kind, number)
    readable = {"energy:read": {"data.ingested"}, "pq:read": {"pq.event", "protection.event"}}
    for scope, types in readable.items():
        key = await depot.key(scope)
        answer = await depot.call("GET", "/api/events", key=key)
        assert {entry["type"] for entry in answer.json()["results"]} == types
    refused = await depot.call("GET", "/api/events", key=await depot.key("pq:read"), params={"type": "data.ingested"})
    assert refused.status_code == 403
    assert 'scope="energy:read"' in refused.headers["www-authenticate"]
    assert (await depot.call("GET", "/api/events", key=await depot.key("ml:read"))).status_code == 403
    assert (await depot.call("GET", "/api/events", key=None)).status_code == 401


async def test_a_stranger_and_a_key_of_another_site_see_nothing(depot: Depot, stranger: Depot) -> None:
    here, there = await meter(depot, site="here"), await meter(depot, site="there")
    for number, site in ((here, "here"), (there, "there")):
        await read(depot, number)
        await log(depot, "pq.event", number, site)
    assert await every(stranger) == []
    assert (await stranger.call("GET", "/api/events", params={"meter_id": here})).status_code == 404
    limited = await depot.key("energy:read", "pq:read", sites=["here"])
    found = (await depot.call("GET", "/api/events", key=limited)).json()["results"]
    assert {entry["data"]["meter_id"] for entry in found} == {here}
    assert len(found) == 2
    assert (await depot.call("GET", "/api/events", key=limited, params={"meter_id": there})).status_code == 404


async def test_after_may_be_a_time_and_not_too_old(depot: Depot) -> None:
    number = await meter(depot)
    await read(depot, number, total_power=1.0)
    await log(depot, "pq.event", number)
    old = (await ask(depot))["cursor"]
    depot.clock.advance(60)
    moment = from_micros(depot.clock.micros()).isoformat()
    depot.clock.advance(60)
    await read(depot, number, total_power=2.0)
    await log(depot, "pq.event", number)
    assert len(await every(depot, moment)) == 2
    assert len(await every(depot)) == 4
    depot.clock.advance(31 * DAY / 1e6)
    for after in (old, moment):
        answer = await depot.call("GET", "/api/events", params={"after": after})
        assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired")
    assert await every(depot) == []
    # A consumer that keeps asking is up to date, however long nothing happens.
    later = (await ask(depot, after="latest"))["cursor"]
    depot.clock.advance(20 * DAY / 1e6)
    later = (await ask(depot, after=later))["cursor"]
    depot.clock.advance(20 * DAY / 1e6)
    assert (await ask(depot, after=later))["results"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"after": "rubbish"},
        {"after": ""},
        {"after": "2026-06-11T14:32:00"},
        {"after": Position(-5, 2).text()},
        {"after": Position(2**62, 0).text()},
        {"limit": 0},
        {"limit": 501},
        {"limit": "x"},
        {"type": "nonsense"},
        {"meter_id": "five"},
        {"since": "now"},
    ],
)
async def test_what_is_not_understood_is_refused(depot: Depot, query: dict[str, Any]) -> None:
    answer = await depot.call("GET", "/api/events", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), answer.text


async def test_a_cursor_of_a_log_that_has_come_further_is_refused(depot: Depot) -> None:
    ahead = Position(depot.clock.micros(), 10**9).text()
    assert (await depot.call("GET", "/api/events", params={"after": ahead})).status_code == 400


async def test_every_type_has_a_valid_schema(depot: Depot) -> None:
    listed = (await depot.call("GET", "/api/events/schemas/")).json()["results"]
    assert {row["type"] for row in listed} == set(TYPES)
    for row in listed:
        answer = await depot.call("GET", row["schema"])
        assert jsonschema_rs.meta.is_valid(answer.json())
        assert answer.json()["properties"]["type"] == {"const": row["type"]}
    assert (await depot.call("GET", "/api/events/schemas/nonsense")).status_code == 404
