"""Who is let in, and with which token a channel is joined."""

from __future__ import annotations

import asyncio

import pytest

from wattline.contracts.flux.realtime.limits import Limits

from .service import TOPIC, Place, Service, bess, device

A = device(1)
ENDED = {"channel": "bess-realtime", "extension": "system", "status": "error"}


async def test_refused_handshakes(service: Service) -> None:
    for query, status, message in (
        ("", 401, "API key is missing"),
        ("apikey=x&vsn=2.0.0", 401, "The token provided is not a valid JWT"),
        (f"apikey={await service.key()}x", 401, "Failed to validate JWT signature"),
        (f"apikey={await service.key()}&vsn=3.0.0", 400, "The serializer must be one of 1.0.0, 2.0.0"),
    ):
        answer = await service.refused(query)
        assert (answer.status_code, answer.json()) == (status, {"error": message})
        assert answer.headers["content-type"].startswith("application/json")


async def test_too_many_connections(at: Place) -> None:
    async with Service.open(at, Limits(sockets=2)) as service:
        key = await service.key()
        async with service.client(key), service.client(key) as second:
            answer = await service.refused(f"apikey={key}")
            assert (answer.status_code, answer.json()) == (429, {"error": "Too many connected users"})
            async with service.client(await service.key(tenant="others")):
                pass
            await second.socket.close()
            await second.socket.wait_closed()
            async with asyncio.timeout(10):
                while (await service.refused(f"apikey={key}")).status_code == 429:
                    pass


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
async def test_a_token_decides_the_role_of_a_channel(at: Place, version: str) -> None:
    async with Service.open(at, profile="strict") as service, service.client(version=version) as client:
        token = await service.token(role="authenticated")
        await client.subscribe(bess(), token=token)
        await service.insert(A, 1.0)
        assert len(await client.changes(1)) == 1


async def test_tokens_that_are_no_good(at: Place, service: Service) -> None:
    async with Service.open(at) as other, service.client() as client:
        for token, reason in (
            ("x", "MalformedJWT: The token provided is not a valid JWT"),
            (await other.token(role="authenticated"), "JwtSignatureError: Failed to validate JWT signature"),
            (await service.token(-100, role="authenticated"), "InvalidJWTToken: Token has expired"),
            (await service.token(-1, role="authenticated"), "InvalidJWTToken: Token has expired"),
        ):
            assert await client.join(bess(), token=token) == {"status": "error", "response": {"reason": reason}}
        await client.say(TOPIC, "broadcast", {})
        assert (await client.event("phx_reply"))["response"] == {"reason": "unmatched topic"}
        await client.subscribe(bess(), token="sb_publishable_x")


async def test_a_channel_ends_with_its_token(at: Place) -> None:
    async with Service.open(at, Limits(recheck_seconds=0.01)) as service, service.client() as client:
        await client.subscribe(bess(), token=await service.token(30, role="authenticated"))
        await client.subscribe(bess(), topic="realtime:kept")
        service.clock.advance(29)
        await service.insert(A, 1.0)
        assert {tuple((await client.hear())[2:4]) for _ in range(2)} == {
            (TOPIC, "postgres_changes"),
            ("realtime:kept", "postgres_changes"),
        }
        service.clock.advance(1)
        assert await client.event("system") == {**ENDED, "message": "Token has expired"}
        assert (await client.hear())[2:] == [TOPIC, "phx_close", {}]
        await service.insert(A, 2.0, minute=1)
        assert (await client.hear())[2:4] == ["realtime:kept", "postgres_changes"]
        await client.silent()


async def test_a_channel_ends_when_its_key_is_revoked(at: Place) -> None:
    async with Service.open(at, Limits(recheck_seconds=0.01)) as service:
        record, key = await service.platform.identity.create_role_key(service.tenant, "test", "anon")
        async with service.client(key) as opaque:
            await opaque.subscribe(bess())
            await service.platform.identity.revoke(record.id)
            assert (await opaque.event("system"))["status"] == "error"
            assert (await opaque.hear())[3] == "phx_close"


async def test_new_tokens(service: Service) -> None:
    async with service.client() as client:
        first, second = await service.token(600, role="authenticated"), await service.token(900, role="authenticated")
        await client.subscribe(bess(), token=first)
        for ignored in (None, first, "", "sb_secret_x", 7):
            await client.say(TOPIC, "access_token", {"access_token": ignored})
        await client.say(TOPIC, "access_token", {"access_token": second})
        assert (await client.event("system"))["status"] == "ok"
        await service.insert(A, 1.0)
        assert (await client.event("postgres_changes"))["ids"] == [1]
        await client.say(TOPIC, "access_token", {"access_token": await service.token(-60, role="authenticated")})
        assert await client.event("system") == {**ENDED, "message": "Token has expired"}
        assert (await client.hear())[3] == "phx_close"
        await client.silent()


async def test_a_new_token_without_the_grant(service: Service) -> None:
    async with service.client() as client:
        await client.subscribe(bess())
        await client.say(TOPIC, "access_token", {"access_token": await service.token(role="flux_scraper")})
        system = await client.event("system")
        assert (system["status"], system["extension"]) == ("error", "postgres_changes")
        await service.insert(A, 1.0)
        await client.silent()


async def test_a_compressed_connection_is_as_good(service: Service) -> None:
    async with service.client(compression="deflate") as client:
        await client.subscribe(bess())
        await service.insert(A, *map(float, range(300)))
        assert len(await client.changes(300)) == 300


async def test_the_server_stops(at: Place) -> None:
    async with Service.open(at) as service, service.client() as client:
        await client.subscribe(bess())
        at.platform.stopping.set()
        try:
            assert await client.closed() == 1012
        finally:
            at.platform.stopping.clear()
