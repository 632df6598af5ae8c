"""WS /ws/events, and what all feeds share: who is let in, and how a connection ends."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.contracts.mcs.halls import PATIENCE, Hall, Listening, building
from wattline.contracts.mcs.feeds import door
from wattline.contracts.mcs.feeds.events import Events
from wattline.contracts.mcs.feeds.tail import BLOCK, Logged, Tail
from wattline.model.place import Block

MODE = {"from": "REJECT", "to": "EXPORT", "trigger": "auto:temp_stabilised", "operator": None}
PATHS = ["/ws/telemetry/block-01", "/ws/alarms", "/ws/events/block-01"]


async def log(hall: Hall, count: int = 1, **parts: Any) -> None:
    """So many events, logged and told."""
    now = hall.clock.micros()
    usual = {"kind": "mode_change", "site": "baldwinsville", "subject": "block-01", "body": MODE, "time": now, "received": now}
    async with hall.platform.database.transaction() as connection:
        for _ in range(count):
            event = await hall.platform.events.append(connection, tenant=hall.tenant, **{**usual, **parts})
    hall.platform.bus.publish("event", event)


async def test_the_rest_object_of_every_event_of_the_block(hall: Hall) -> None:
    async with hall.listening("/ws/events/block-01") as feed:
        await log(hall)
        frame = await feed.next()
    assert list(frame)[:5] == ["id", "block_id", "event_type", "payload", "created_at"]
    block = hall.platform.registry.find_block(hall.tenant, "block-01")
    assert (frame["block_id"], frame["event_type"], frame["payload"]) == (block.id, "mode_change", MODE)
    assert frame["created_at"] == hall.iso()
    assert (await hall.get("/events"))["events"] == [frame]


async def test_alarms_are_events_too(hall: Hall) -> None:
    await hall.limit("CDU-01-T-RET")
    async with hall.listening("/ws/events/block-01") as feed:
        (change,) = await hall.judged("CDU-01-T-RET", 61.0)
        frame = await feed.next()
    assert (frame["id"], frame["event_type"]) == (change.sequence, "alarm_raised")
    assert frame["payload"]["alarm_id"] == change.alarm.id


async def test_only_events_of_the_named_block(hall: Hall) -> None:
    await hall.build("syracuse", "block-01")
    async with (
        hall.listening("/ws/events/syracuse/block-01") as there,
        hall.listening("/ws/events/baldwinsville/block-01") as here,
        hall.listening("/ws/events/block-99") as nowhere,
    ):
        await log(hall, site="syracuse", body={"n": 1})
        await log(hall, body={"n": 2})
        await log(hall, subject=None, body={"n": 3})
        await log(hall, site=None, subject=None, body={"n": 4})
        await log(hall, site="syracuse", body={"n": 5})
        assert [frame["payload"]["n"] for frame in await there.take(2)] == [1, 5]
        assert (await here.next())["payload"]["n"] == 2
        for feed in (here, nowhere):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(feed.socket.recv(), 0.05)


async def test_what_nobody_told_is_seen_at_the_next_tick(hall: Hall) -> None:
    async with hall.listening("/ws/events/block-01") as feed:
        now = hall.clock.micros()
        async with hall.platform.database.transaction() as connection:
            await hall.platform.events.append(
                connection,
                tenant=hall.tenant,
                kind="mode_change",
                site="baldwinsville",
                subject="block-01",
                time=now,
                received=now,
            )
        assert (await feed.next())["event_type"] == "mode_change"


async def test_a_client_goes_on_where_its_connection_broke(hall: Hall) -> None:
    async with hall.listening("/ws/events/block-01") as feed:
        await log(hall, 3)
        seen = [frame["id"] for frame in await feed.take(3)]
        feed.socket.transport.abort()
    await log(hall, 2 * BLOCK + 5)
    async with hall.listening("/ws/events/block-01", last_event_id=seen[-1]) as feed:
        await log(hall)
        seen += [frame["id"] for frame in await feed.take(2 * BLOCK + 6)]
    assert seen == list(range(1, 2 * BLOCK + 10))


async def test_a_block_that_is_registered_while_the_log_is_read_keeps_its_first_event(hall: Hall) -> None:
    known: list[Block] = []

    class Slow(Tail):
        async def after(self, position: int) -> tuple[list[Logged], int]:
            if not known:
                await hall.build("syracuse", "block-07")
                known.append(hall.platform.registry.find_block(hall.tenant, "syracuse/block-07"))
                await log(hall, site="syracuse", subject="block-07")
            self.last = await hall.platform.events.last_sequence(hall.tenant)
            return await super().after(position)

    slow = Slow(hall.platform.events, hall.tenant, 0)
    slow.floor = 2**40
    client = Events(hall.platform.registry, asyncio.Event(), slow, 0, lambda: known[0] if known else None)
    assert [json.loads(message["text"])["block_slug"] for message in await client.take()] == ["block-07"]


async def test_a_reader_that_does_not_read_loses_nothing(hall: Hall) -> None:
    url = f"{hall.url.replace('http', 'ws')}/api/v1/ws/events/block-01"
    async with websockets.connect(url, additional_headers={"X-API-Key": hall.secret}, max_queue=1) as socket:
        await log(hall, 700, body={"text": "x" * 4000})
        await log(hall)
        feed = Listening(socket)
        assert [frame["id"] for frame in await feed.take(701)] == list(range(1, 702))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("way", ["header", "bearer", "api_key", "token", "subprotocol", "bearer subprotocol"])
async def test_every_way_to_bring_a_key(hall: Hall, path: str, way: str) -> None:
    url = f"{hall.url.replace('http', 'ws')}/api/v1{path}"
    options: dict[str, Any] = {
        "header": {"additional_headers": {"X-API-Key": hall.secret}},
        "bearer": {"additional_headers": {"Authorization": f"Bearer {hall.secret}"}},
        "subprotocol": {"subprotocols": ["api_key", hall.secret]},
        "bearer subprotocol": {"subprotocols": ["bearer", hall.secret]},
    }.get(way, {})
    query = f"?{way}={hall.secret}" if way in ("api_key", "token") else ""
    async with websockets.connect(url + query, **options) as socket:
        assert socket.subprotocol == (options["subprotocols"][0] if "subprotocols" in options else None)


async def refused(url: str, **options: Any) -> tuple[int, Any]:
    """The status and body of a handshake that fails."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with websockets.connect(url, **options):
            pass
    return caught.value.response.status_code, json.loads(caught.value.response.body or b"null")


@pytest.mark.parametrize("path", PATHS)
async def test_no_key_and_a_wrong_key_are_refused_before_the_handshake(
    hall: Hall, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"{hall.url.replace('http', 'ws')}/api/v1{path}"
    told = (401, {"detail": "Missing or invalid API key"})
    assert await refused(url) == told
    assert await refused(f"{url}?api_key=nonsense") == told
    assert await refused(url, subprotocols=["api_key", "nonsense"]) == told
    status, body = await refused(url, additional_headers={"X-API-Key": await hall.key(["telemetry:write"])})
    assert (status, "query:read" in body["detail"]) == (403, True)
    # Else whoever has no key could fill the log.
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_slug_of_several_sites_is_refused_with_a_hint(hall: Hall) -> None:
    await hall.build("syracuse", "block-01")
    for path in (*PATHS[::2], "/ws/alarms?block_slug=block-01"):
        url = f"{hall.url.replace('http', 'ws')}/api/v1{path}"
        status, body = await refused(url, additional_headers={"X-API-Key": hall.secret})
        assert (status, "baldwinsville/block-01" in body["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/ws/alarms", "last_event_id=-1"),
        ("/ws/alarms", "last_event_id=x"),
        ("/ws/alarms", "last_event_id=9223372036854775808"),
        ("/ws/events/block-01", "last_event_id=1.5"),
        ("/ws/events/block-01", "heartbeat=0"),
        ("/ws/alarms", "heartbeat=nan"),
        ("/ws/telemetry/block-01", "heartbeat=1e99"),
        ("/ws/telemetry/block-01", "snapshot=perhaps"),
        ("/ws/telemetry/block-01", "late=perhaps"),
        ("/ws/alarms", "ids=perhaps"),
    ],
)
async def test_what_was_added_to_the_page_is_checked(hall: Hall, path: str, query: str) -> None:
    url = f"{hall.url.replace('http', 'ws')}/api/v1{path}?{query}"
    status, body = await refused(url, additional_headers={"X-API-Key": hall.secret})
    assert status == 422
    assert body["detail"][0]["loc"] == ["query", query.partition("=")[0]]


async def test_a_key_may_hold_so_many_sockets_open(tmp_path: Path) -> None:
    async with building(tmp_path / "few", mcs_sockets_per_key=2) as made, Hall(made).open() as few:
        url = f"{few.url.replace('http', 'ws')}/api/v1/ws/alarms"
        async with few.listening(PATHS[0]):
            async with few.listening(PATHS[1]):
                status, body = await refused(url, additional_headers={"X-API-Key": few.secret})
                assert (status, body["detail"]) == (429, "Too many WebSocket connections")
            async with few.listening("/ws/alarms") as feed:
                await feed.socket.ping()


async def test_a_key_that_ends_ends_the_connection(hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "RECHECK_SECONDS", 0.05)
    async with building(tmp_path / "revoked") as made, Hall(made).open() as other:
        secret = await other.key()
        async with other.listening("/ws/events/block-01", secret=secret) as feed, other.listening("/ws/alarms") as kept:
            await made.platform.identity.revoke(other.keys[secret], other.tenant)
            assert await feed.closed() == 4401
            await asyncio.wait_for(await kept.socket.ping(), PATIENCE)


async def test_a_server_that_stops_says_so(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(building(tmp_path / "stopped"))
        other = await stack.enter_async_context(Hall(made).open())
        feeds = [await stack.enter_async_context(other.listening(path)) for path in PATHS]
        made.platform.begin_stop()
        assert [await feed.closed() for feed in feeds] == [1012, 1012, 1012]
