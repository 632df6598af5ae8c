"""GET /api/energy/live: the channels as Server-Sent Events, and how a client goes on after a break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest
from starlette.types import Message

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.live.listener import PATIENCE
from tests.contracts.joulepoint.live.meters import log, meter, read
from wattline.contracts.joulepoint.live.server_sent import Streaming


class Event(NamedTuple):
    id: str
    kind: str
    data: Any


class Stream:
    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self, kind: str = "frame") -> Event:
        """The next event of a kind."""
        async with asyncio.timeout(PATIENCE):
            while True:
                fields: dict[str, str] = {}
                async for line in self._lines:
                    if not line:
                        break
                    name, _, value = line.partition(": ")
                    fields[name] = value
                if fields.get("event") == kind:
                    return Event(fields["id"], kind, json.loads(fields["data"]))


@asynccontextmanager
async def streaming(url: str, token: str, last: str | None = None, **query: Any) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {token}"} | ({} if last is None else {"Last-Event-ID": last})
    async with (
        httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client,
        client.stream("GET", "/api/energy/live", params=query, headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)


async def test_it_tells_what_the_socket_tells_and_goes_on_after_the_last_id(depot: Depot, url: str) -> None:
    number = await meter(depot)
    channels = f"meter:{number},events:pq.event,meter:999999999"
    async with streaming(url, depot.keys["all"], channels=channels, fields="total_power") as stream:
        status = (await stream.next("status")).data
        assert [each["channel"] for each in status["accepted"]] == [f"meter:{number}", "events:pq.event"]
        assert status["rejected"][0]["code"] == "unknown_channel"
        await read(depot, number, total_power=1.0, frequency=50.0)
        first = await stream.next()
        assert first.data["data"] == {"total_power": 1.0}
    for n in (2, 3):
        depot.clock.advance(1)
        await read(depot, number, total_power=float(n))
    await log(depot, "pq.event", number, phase="start")
    depot.clock.advance(1)
    async with streaming(url, depot.keys["all"], first.id, channels=channels) as stream:
        found = [await stream.next() for _ in range(3)]
        by_channel = [(event.data["ch"], event.data["data"]) for event in found]
        assert [data["total_power"] for channel, data in by_channel if channel == f"meter:{number}"] == [2.0, 3.0]
        assert [data["data"]["phase"] for channel, data in by_channel if channel == "events:pq.event"] == ["start"]
    async with streaming(url, depot.keys["all"], found[-1].id, channels=channels) as stream:
        await read(depot, number, total_power=4.0)
        assert (await stream.next()).data["data"]["total_power"] == 4.0


async def test_it_ends_with_its_token(depot: Depot, url: str) -> None:
    record, secret = await depot.platform.identity.create(depot.tenant, "brief", ["energy:read"], None)
    number = await meter(depot)
    async with streaming(url, secret, channels=f"meter:{number}") as stream:
        await stream.next("status")
        await depot.platform.identity.revoke(record.id)
        depot.clock.advance(5)
        async with asyncio.timeout(PATIENCE):
            async for _ in stream._lines:
                pass


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ({}, {}, 400),
        ({"channels": "nonsense"}, {}, 400),
        ({"channels": ","}, {}, 400),
        ({"channels": "meter:999999999"}, {}, 404),
        ({"channels": "events:*", "fields": "nonsense"}, {}, 400),
        ({"channels": "events:*", "max_hz": "NaN"}, {}, 400),
        ({"channels": "events:*", "token": "x"}, {}, 400),
        ({"channels": "events:*"}, {"Last-Event-ID": "x"}, 400),
        ({"channels": "events:*"}, {"Last-Event-ID": "1.x"}, 400),
    ],
)
async def test_what_is_not_understood_is_a_problem(
    depot: Depot, url: str, query: dict[str, str], headers: dict[str, str], status: int
) -> None:
    held = {"Authorization": f"Bearer {depot.keys['all']}", **headers}
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/api/energy/live", params=query, headers=held)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text


async def test_scopes(depot: Depot, url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        for scope, channel in (("ml:read", "events:*"), ("pq:read", "events:data.ingested"), ("energy:read", "topology:main")):
            held = {"Authorization": f"Bearer {await depot.key(scope)}"}
            answer = await client.get("/api/energy/live", params={"channels": channel}, headers=held)
            assert answer.status_code == 403, (scope, answer.text)
        assert (await client.get("/api/energy/live", params={"channels": "events:*"})).status_code == 401


async def test_the_stream_is_described(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        shown = (await client.get("/api/energy/asyncapi.json")).json()
    assert shown["asyncapi"] == "3.0.0"
    assert shown["channels"]["live"]["address"] == "/ws/energy/live"

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    for reference in references(shown):
        place = shown
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


@pytest.mark.parametrize("spec", ["2.3", "2.4"])
async def test_a_reader_that_stands_still_is_let_go(spec: str) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        while True:
            yield b": still here\n\n"

    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    left = asyncio.Event()
    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": spec}}
    async with asyncio.timeout(PATIENCE):
        await Streaming(pieces(), left.set, stalled=0.05)(scope, receive, send)
    assert sent == ["http.response.start", "http.response.body"]
    assert left.is_set()
