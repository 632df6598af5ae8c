"""What a client may not do, and what becomes of those that are slow, idle or gone."""

from __future__ import annotations

import asyncio
import socket as sockets
from contextlib import AsyncExitStack

import websockets

from wattline.contracts.flux.realtime.limits import Limits

from .service import BESS, TOPIC, Place, Service, bess, device

A = device(1)


async def test_an_idle_client_is_closed(at: Place) -> None:
    async with Service.open(at, Limits(idle_seconds=0.2)) as service, service.client() as idle, service.client() as alive:
        closing = asyncio.create_task(idle.closed())
        while not closing.done():
            await alive.say("phoenix", "heartbeat", {})
            await alive.event("phx_reply")
        assert await closing == 1000
        await alive.say("phoenix", "heartbeat", {})
        await alive.event("phx_reply")


async def test_channels_of_a_connection(at: Place) -> None:
    async with Service.open(at, Limits(channels=2)) as service, service.client() as client:
        for topic in ("realtime:1", "realtime:2", "realtime:2"):
            await client.say(topic, "phx_join", {})
        heard = [await client.hear() for _ in range(4)]
        assert [each[3] for each in heard] == ["phx_reply", "phx_reply", "phx_close", "phx_reply"]
        answer = await client.join(topic="realtime:3")
        assert answer == {"status": "error", "response": {"reason": "ChannelRateLimitReached: Too many channels"}}


async def test_sizes(at: Place) -> None:
    limits = Limits(all_bindings=3, join_bytes=1000, topic_bytes=20, presence_bytes=100)
    async with Service.open(at, limits) as service, service.client() as client:
        await client.join(bess(), bess(), topic="realtime:1")
        await client.event("system")
        reason = "ChannelRateLimitReached: Too many postgres_changes"
        assert (await client.join(bess(), bess(), topic="realtime:2"))["response"] == {"reason": reason}
        answer = await client.join(topic="realtime:2", more="x" * 1000)
        assert answer["response"] == {"reason": "InvalidJoinPayload: the payload is longer than 1000 bytes"}
        answer = await client.join(topic="realtime:" + "ü" * 6)
        assert answer["response"] == {"reason": "InvalidJoinPayload: the topic is longer than 20 bytes"}
        for size, status in ((10, "ok"), (100, "error")):
            await client.say("realtime:1", "presence", {"event": "track", "payload": {"x": "x" * size}})
            while (found := await client.hear())[3] != "phx_reply":
                pass
            assert found[4]["status"] == status


async def test_joins_in_a_second(at: Place) -> None:
    async with Service.open(at, Limits(joins=2)) as service, service.client() as client:
        for topic in ("realtime:1", "realtime:2"):
            assert (await client.join(topic=topic))["status"] == "ok"
        answer = await client.join(topic="realtime:3")
        reason = "ClientJoinRateLimitReached: Too many joins per second"
        assert answer == {"status": "error", "response": {"reason": reason}}
        assert await client.closed() == 1013
        service.clock.advance(1)
        async with service.client() as again:
            assert (await again.join())["status"] == "ok"


async def test_messages_in_a_second(at: Place) -> None:
    async with Service.open(at, Limits(messages=3)) as service, service.client() as client:
        await client.join(broadcast={"self": True})
        for _ in range(4):
            await client.say(TOPIC, "broadcast", {"type": "broadcast", "event": "e", "payload": {}})
        assert [(await client.hear())[3] for _ in range(3)] == ["broadcast"] * 3
        assert await client.event("system") == {
            "channel": "bess-realtime",
            "extension": "system",
            "message": "Too many messages per second",
            "status": "error",
        }
        assert (await client.hear())[3] == "phx_close"


async def test_a_message_that_is_too_long(at: Place) -> None:
    async with Service.open(at, Limits(message_bytes=1000)) as service, service.client() as client:
        await client.say(TOPIC, "x", {"x": "x" * 1000})
        assert await client.closed() == 1009


async def test_a_client_that_does_not_read_is_closed_and_keeps_nobody(at: Place) -> None:
    limits = Limits(waiting_bytes=400_000, farewell_seconds=0.1)
    async with Service.open(at, limits) as service, AsyncExitStack() as stack:
        # A small window, and a client library that takes one message and then no more.
        small = sockets.socket()
        small.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        small.connect(("127.0.0.1", int(service.url.rsplit(":", 1)[1])))
        stuck = await stack.enter_async_context(service.client(sock=small, max_queue=1))
        reading = await stack.enter_async_context(service.client())
        await stuck.subscribe(bess())
        await reading.subscribe(bess())
        count = 0
        for _ in range(80):
            await service.insert(A, *map(float, range(100)), minute=count)
            count += 100
            await reading.changes(100)
        assert await stuck.closed() in (1006, 1013)
        await service.insert(A, 1.0, minute=count)
        await reading.changes(1)


async def test_a_burst_is_not_too_much_for_a_client_that_reads(at: Place) -> None:
    limits = Limits(waiting_bytes=400_000)
    async with Service.open(at, limits) as service, service.client() as client:
        await client.subscribe(bess())
        rows = service.table(BESS, *(service.bess(A, minute, float(minute)) for minute in range(6000)))
        committing = asyncio.create_task(service.commit(BESS, inserted=rows))
        found = await client.changes(6000)
        assert [each["record"]["soe"] for each in found] == [float(number) for number in range(6000)]
        await committing


async def test_a_past_that_is_longer_than_what_may_wait(at: Place) -> None:
    async with Service.open(at, Limits(waiting_bytes=400_000)) as service, service.client() as client:
        rows = [service.table(BESS, *(service.bess(A, part * 1000 + n, float(n)) for n in range(1000))) for part in range(4)]
        for part in rows:
            await service.commit(BESS, inserted=part)
        await client.join(bess(), since=0)
        assert len(await client.changes(4000)) == 4000
        assert (await client.event("system"))["status"] == "ok"


async def test_clients_that_vanish(service: Service) -> None:
    async with service.client() as kept:
        await kept.subscribe(bess())
        for _ in range(5):
            try:
                async with service.client() as gone:
                    await gone.subscribe(bess())
                    gone.socket.transport.abort()
                    await service.insert(A, 1.0, minute=service.clock.micros() % 1_000_000)
            except websockets.ConnectionClosed:
                pass
            await kept.changes(1)
