"""Who is let in to the WebSocket, and with which codes it ends."""

from __future__ import annotations

import json

import httpx
import pytest
import websockets

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.live.listener import listening
from tests.contracts.joulepoint.live.meters import meter, read
from wattline.contracts.joulepoint.live import door, visitors
from wattline.contracts.joulepoint.live.conversation import MOST_NAMED


async def test_a_token_may_be_a_subprotocol_a_header_or_the_first_message(depot: Depot, url: str) -> None:
    token = depot.keys["all"]
    async with listening(url, token) as listener:
        assert listener.socket.subprotocol == "bearer"
        assert (await listener.any())["op"] == "hello"
    async with listening(url, None, additional_headers={"Authorization": f"Bearer {token}"}) as listener:
        assert (await listener.any())["op"] == "hello"
    async with listening(url, None, path="/ws/energy/live/") as listener:
        await listener.say(op="auth", token=token)
        assert (await listener.any())["op"] == "hello"


@pytest.mark.parametrize("query", ["token={}", "access_token={}", "x=1"])
async def test_a_token_in_the_url_is_refused_before_the_handshake(depot: Depot, url: str, query: str) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with listening(url, depot.keys["all"], path=f"/ws/energy/live?{query.format(depot.keys['all'])}"):
            pass
    assert refused.value.response.status_code == 400
    assert depot.keys["all"].encode() not in (refused.value.response.body or b"")


async def test_who_opens_it_like_a_page_is_told_what_it_is(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/ws/energy/live")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "upgrade_required"


async def test_without_a_good_token_it_is_closed_with_4401(depot: Depot, url: str) -> None:
    async with listening(url, "wl_nonsense") as listener:
        assert await listener.closed() == 4401
    for said in (
        '{"op": "auth", "token": "nonsense"}',
        r'{"op": "auth", "token": "\ud800"}',
        '{"op": "subscribe"}',
        "[",
        '{"op":"auth","token":5}',
    ):
        async with listening(url, None) as listener:
            await listener.socket.send(said)
            assert await listener.closed() == 4401


async def test_without_any_scope_of_it_it_is_closed_with_4403(depot: Depot, url: str) -> None:
    async with listening(url, await depot.key("ml:read")) as listener:
        assert await listener.closed() == 4403


async def test_who_says_nothing_at_first_is_closed_with_4408(url: str) -> None:
    async with listening(url, None) as listener:
        assert await listener.closed() == 4408


async def test_a_token_that_is_revoked_ends_the_connection(depot: Depot, url: str) -> None:
    record, secret = await depot.platform.identity.create(depot.tenant, "brief", ["energy:read"], None)
    number = await meter(depot)
    async with listening(url, secret) as listener:
        await listener.subscribe(f"meter:{number}")
        await read(depot, number)
        assert (await listener.frame())["ch"] == f"meter:{number}"
        await depot.platform.identity.revoke(record.id)
        depot.clock.advance(5)
        assert await listener.closed() == 4401


async def test_too_many_connections_and_too_many_commands_are_closed_with_4429(
    depot: Depot, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors, "MOST_PER_CREDENTIAL", 1)
    async with listening(url, depot.keys["all"]) as first:
        await first.any()
        async with listening(url, depot.keys["all"]) as second:
            assert await second.closed() == 4429
        monkeypatch.setattr(door, "COMMANDS_PER_SECOND", 0.0)
        for _ in range(door.COMMANDS_AT_ONCE + 1):
            await first.say(op="ping")
        assert await first.closed() == 4429


async def test_ping_is_answered_and_the_server_pings(depot: Depot, url: str) -> None:
    async with listening(url, depot.keys["all"]) as listener:
        await listener.say(op="ping", id=7)
        assert (await listener.told("pong"))["id"] == 7
        assert "t" in await listener.told("ping")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{", "malformed_json"),
        ("[]", "malformed_json"),
        ("[" * 10_000, "malformed_json"),
        ('{"op": "dance"}', "unknown_op"),
        ('{"op": ["subscribe"]}', "unknown_op"),
        (r'{"op": "ping", "id": "\ud800"}', "malformed_json"),
        (r'{"op": "subscribe", "channels": ["events:\ud800"]}', "malformed_json"),
        (r'{"op": "subscribe", "channels": ["topology:\ud800"]}', "malformed_json"),
        (json.dumps({"op": "subscribe", "channels": ["meter:1"] * (MOST_NAMED + 1)}), "bad_channels"),
        ('{"op": "subscribe"}', "bad_channels"),
        ('{"op": "subscribe", "channels": []}', "bad_channels"),
        ('{"op": "subscribe", "channels": [5]}', "bad_channels"),
        ('{"op": "subscribe", "channels": ["meter:1"], "fields": "x"}', "bad_fields"),
        ('{"op": "subscribe", "channels": ["meter:1"], "fields": ["x"]}', "unknown_field"),
        ('{"op": "subscribe", "channels": ["meter:1"], "max_hz": 0}', "bad_max_hz"),
        ('{"op": "subscribe", "channels": ["meter:1"], "max_hz": 1e9}', "bad_max_hz"),
        ('{"op": "subscribe", "channels": ["meter:1"], "max_hz": NaN}', "malformed_json"),
        ('{"op": "subscribe", "channels": ["meter:1"], "max_hz": true}', "bad_max_hz"),
        ('{"op": "unsubscribe", "channels": "meter:1"}', "bad_channels"),
        ('{"op": "ack", "cursor": 5}', "bad_cursor"),
    ],
)
async def test_what_is_not_understood_is_told_and_nothing_ends(depot: Depot, url: str, said: str, code: str) -> None:
    async with listening(url, depot.keys["all"]) as listener:
        await listener.socket.send(said)
        assert (await listener.told("error"))["code"] == code
        await listener.socket.send(json.dumps({"op": "ping"}))
        await listener.told("pong")


@pytest.mark.parametrize("resume", ["x", -1, 1.5, True, {}, 2**70, None])
async def test_a_place_that_is_none_is_refused(depot: Depot, url: str, resume: object) -> None:
    number = await meter(depot)
    names = [f"meter:{number}", "events:*"]
    async with listening(url, depot.keys["all"]) as listener:
        ack = await listener.subscribe(*names, resume=dict.fromkeys(names, resume))
        wanted = [] if resume is None else ["bad_resume", "bad_resume"]
        assert [each["code"] for each in ack["rejected"]] == wanted
