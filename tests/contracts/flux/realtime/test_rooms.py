"""What clients say to each other: broadcasts, as text and as bytes, over HTTP too, and who is present."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from .service import TOPIC, Client, Place, Service

SAID: dict[str, Any] = {"type": "broadcast", "event": "shout", "payload": {"a": [1, 2.5, None]}}


async def test_a_broadcast_reaches_the_others(service: Service) -> None:
    async with service.client() as one, service.client(version="1.0.0") as two, service.client() as apart:
        await one.join()
        await two.join(broadcast={"self": True, "ack": True})
        await apart.join(topic="realtime:elsewhere")
        await one.say(TOPIC, "broadcast", SAID)
        assert await two.event("broadcast") == SAID
        ref = await two.say(TOPIC, "broadcast", SAID)
        assert await one.event("broadcast") == SAID
        assert await two.event("broadcast") == SAID
        assert (await two.hear())[1:] == [ref, TOPIC, "phx_reply", {"status": "ok", "response": {}}]
        await one.silent()
        await apart.silent()


async def test_a_broadcast_is_passed_on_as_it_was_said(service: Service) -> None:
    async with service.client() as one, service.client() as two:
        await one.join()
        await two.join()
        payload = '{"type":"broadcast", "event":"e","payload":{"n":1.0,"big":123456789012345678901234567890,"ü":"\\u00fc"}}'
        await one.socket.send(f'["1","2","{TOPIC}","broadcast",{payload}]')
        assert await two.raw() == f'[null,null,"{TOPIC}","broadcast",{payload}]'


def push(join_ref: str, ref: str, event: str, payload: bytes, encoding: int, metadata: bytes = b"") -> bytes:
    strings = [join_ref.encode(), ref.encode(), TOPIC.encode(), event.encode(), metadata]
    return bytes((3, *map(len, strings), encoding)) + b"".join(strings) + payload


async def test_broadcasts_as_bytes(service: Service) -> None:
    async with service.client() as one, service.client() as two, service.client(version="1.0.0") as old:
        await one.join(broadcast={"ack": True, "self": False})
        await two.join()
        await old.join()
        await one.socket.send(push("1", "7", "shout", b'{"a":1}', 1, b'{"m":2}'))
        assert await one.raw() == f'["1","7","{TOPIC}","phx_reply",{{"status":"ok","response":{{}}}}]'
        header = bytes((4, len(TOPIC), 5, 7, 1))
        assert await two.raw() == header + TOPIC.encode() + b"shout" + b'{"m":2}' + b'{"a":1}'
        assert await old.event("broadcast") == {"event": "shout", "payload": {"a": 1}, "type": "broadcast"}
        await one.socket.send(push("1", "8", "raw", bytes(range(256)), 0))
        assert await two.raw() == bytes((4, len(TOPIC), 3, 0, 0)) + TOPIC.encode() + b"raw" + bytes(range(256))
        await one.raw()
        for bad in (push("1", "9", "e", b"{", 1), push("1", "9", "e", b"", 2), push("2", "9", "e", b"{}", 1)):
            await one.socket.send(bad)
        await old.silent()
        await two.silent()


async def test_tenants_and_private_topics_are_apart(at: Place, service: Service) -> None:
    user, anon = await service.key("authenticated"), await service.key()
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(Service.open(at))
        clients = (service.client(user), service.client(user), service.client(anon), other.client())
        one, two, three, stranger = [await stack.enter_async_context(client) for client in clients]
        await one.join(private=True)
        await two.join(private=True)
        reason = "Unauthorized: You do not have permissions to read from this Channel topic: bess-realtime"
        assert await three.join(private=True) == {"status": "error", "response": {"reason": reason}}
        await three.join()
        await stranger.join()
        await one.say(TOPIC, "broadcast", SAID)
        assert await two.event("broadcast") == SAID
        await three.silent()
        await stranger.silent()


async def metas(client: Client, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Who came and who went, without the numbers of their presences."""
    found = await client.event("presence_diff")
    return _bare(found["joins"]), _bare(found["leaves"])


def _bare(found: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [{name: value for name, value in meta.items() if not name.startswith("phx_ref")} for meta in each["metas"]]
        for key, each in found.items()
    }


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
async def test_presence(service: Service, version: str) -> None:
    def track(**payload: Any) -> dict[str, Any]:
        return {"type": "presence", "event": "track", "payload": payload}

    async with service.client() as one:
        await one.join(presence={"enabled": True, "key": "one"})
        assert await one.event("presence_state") == {}
        await one.say(TOPIC, "presence", track(mood="fine"))
        assert await metas(one, "presence_diff") == ({"one": [{"mood": "fine"}]}, {})
        assert (await one.event("phx_reply"))["status"] == "ok"
        async with service.client(version=version) as two, service.client() as plain:
            await plain.join()
            await two.join(presence={"enabled": True, "key": "two"})
            state = await two.event("presence_state")
            assert _bare(state) == {"one": [{"mood": "fine"}]}
            await two.say(TOPIC, "presence", track())
            assert await metas(one, "presence_diff") == await metas(two, "presence_diff") == ({"two": [{}]}, {})
            await two.event("phx_reply")
            await one.say(TOPIC, "presence", track(mood="better"))
            changed = await two.event("presence_diff")
            assert (_bare(changed["joins"]), _bare(changed["leaves"])) == (
                {"one": [{"mood": "better"}]},
                {"one": [{"mood": "fine"}]},
            )
            assert changed["joins"]["one"]["metas"][0]["phx_ref_prev"] == state["one"]["metas"][0]["phx_ref"]
            await one.event("presence_diff")
            await one.event("phx_reply")
            await one.say(TOPIC, "presence", {"type": "presence", "event": "untrack"})
            assert await metas(two, "presence_diff") == ({}, {"one": [{"mood": "better"}]})
            await one.event("presence_diff")
            await one.event("phx_reply")
            await plain.silent()
        assert await metas(one, "presence_diff") == ({}, {"two": [{}]})
        for odd in ({"event": "dance"}, {"event": "track", "payload": [1]}, [], 7):
            await one.say(TOPIC, "presence", odd)
            assert (await one.event("phx_reply"))["status"] == "error"


async def test_tracking_without_having_asked_for_presence(service: Service) -> None:
    async with service.client() as client:
        await client.join()
        await client.say(TOPIC, "presence", {"type": "presence", "event": "track", "payload": {"a": 1}})
        assert await client.event("presence_state") == {}
        diff = await client.event("presence_diff")
        [(key, found)] = diff["joins"].items()
        assert (len(key), found["metas"][0]["a"]) == (36, 1)


async def test_broadcasts_over_http(at: Place, service: Service) -> None:
    async with service.client() as client, httpx.AsyncClient(base_url=service.url) as http:
        await client.join()
        path, key = "/realtime/v1/api/broadcast", await service.key()

        async def send(body: Any, key: str = key) -> httpx.Response:
            return await http.post(path, json=body, headers={"apikey": key})

        message = {"topic": "bess-realtime", "event": "shout", "payload": {"a": 1}}
        answer = await send({"messages": [message, {**message, "topic": "nobody"}]})
        assert (answer.status_code, answer.content) == (202, b"")
        assert await client.event("broadcast") == {"event": "shout", "payload": {"a": 1}, "type": "broadcast"}
        for body in ({}, [], {"messages": {}}, {"messages": [{"topic": 1}]}, {"messages": [{**message, "payload": 1}]}):
            assert (await send(body)).status_code == 400
        assert (await send({"messages": [message] * 101})).status_code == 400
        assert (await send({"messages": [{**message, "private": True}]})).status_code == 401
        assert (await send({"messages": [{**message, "event": "x" * (1 << 20)}]})).status_code == 413
        assert (await http.post(path, content=b"{", headers={"apikey": key})).status_code == 400
        assert (await http.post(path, json={"messages": []})).status_code == 401
        async with Service.open(at) as other:
            await send({"messages": [message]}, await other.key())
        await client.silent()


async def test_one_broadcast_over_http(at: Place, service: Service) -> None:
    async with (
        service.client() as client,
        service.client(version="1.0.0") as old,
        httpx.AsyncClient(base_url=service.url) as http,
    ):
        await client.join()
        await old.join()
        headers, topic = {"apikey": await service.key()}, TOPIC.removeprefix("realtime:")
        path = f"/realtime/v1/api/broadcast/{topic}/events"

        async def send(event: str, payload: bytes, query: str = "", **more: str) -> int:
            return (await http.post(f"{path}/{event}{query}", content=payload, headers={**headers, **more})).status_code

        assert await send("shout", b'{"a":1}') == 202
        assert await client.raw() == bytes((4, len(TOPIC), 5, 0, 1)) + TOPIC.encode() + b'shout{"a":1}'
        assert await old.event("broadcast") == {"event": "shout", "payload": {"a": 1}, "type": "broadcast"}
        assert await send("raw%2Fa", b"\x00\xff", **{"Content-Type": "application/octet-stream"}) == 202
        assert await client.raw() == bytes((4, len(TOPIC), 5, 0, 0)) + TOPIC.encode() + b"raw/a\x00\xff"
        for payload in (b"", b"{", b"\xff"):
            assert await send("shout", payload) == 400
        assert await send("x" * 256, b"{}") == 400
        assert await send("shout", b"{}", "?private=true") == 401
        assert await send("shout", b'"%s"' % (b"x" * (1 << 20))) == 413
        assert (await http.post(f"{path}/shout", content=b"{}")).status_code == 401
        assert (await http.get(f"{path}/shout", headers=headers)).status_code == 405
        async with Service.open(at) as other:
            headers["apikey"] = await other.key()
            assert await send("shout", b"{}") == 202
        await client.silent()
        await old.silent()
