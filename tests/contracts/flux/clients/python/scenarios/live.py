"""Channels with the Python client, which speaks the older form of the protocol."""

from __future__ import annotations

import asyncio
from typing import Any

from project import Inbox, Project
from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates

Change = dict[str, Any]


def _row(device: str, minute: int, soe: float) -> dict[str, Any]:
    return {"device_id": device, "time": f"2024-06-01T12:0{minute}:00Z", "soe": soe}


async def _subscribed(client: Any, name: str, **binding: Any) -> tuple[AsyncRealtimeChannel, Inbox[Change]]:
    """A channel that is live, and what comes of its changes."""
    inbox: Inbox[Change] = Inbox()
    systems: Inbox[Any] = Inbox()
    states: list[tuple[RealtimeSubscribeStates, Exception | None]] = []
    channel: AsyncRealtimeChannel = client.channel(name)
    wanted = {"event": "INSERT", "schema": "flux", "table": "mg_bess_readings", **binding}
    channel.on_postgres_changes(callback=lambda payload: inbox.put_nowait(payload["data"]), **wanted)
    channel.on_system(systems.put_nowait)
    await channel.subscribe(lambda state, error: states.append((state, error)))
    assert states == [(RealtimeSubscribeStates.SUBSCRIBED, None)]
    assert (await systems.take()).status == "ok"
    return channel, inbox


async def inserts_of_one_device(project: Project) -> None:
    async with project.live() as client:
        _, inbox = await _subscribed(client, "bess-realtime", filter=f"device_id=eq.{project.device}")
        bess = client.table("mg_bess_readings")
        await bess.insert(_row(project.other, 0, 1)).execute()
        rows = [_row(project.device, 1, 2.25), _row(project.other, 1, 3), _row(project.device, 2, 4)]
        made = (await bess.insert(rows).execute()).data
        for wanted in (made[0], made[2]):
            change = await inbox.take()
            assert (change["type"], change["schema"], change["table"]) == ("INSERT", "flux", "mg_bess_readings")
            assert change["errors"] is None
            assert change["record"] == wanted
            types = {column["name"]: column["type"] for column in change["columns"]}
            assert types["time"] == "timestamptz"
            assert (types["device_id"], types["soe"], types["command_source"]) == ("uuid", "float4", "int2")


async def updates_and_deletes(project: Project) -> None:
    async with project.live(project.serviceKey) as client:
        _, inbox = await _subscribed(client, "all", event="*", filter=f"device_id=eq.{project.device}")
        bess = client.table("mg_bess_readings")
        await bess.insert(_row(project.device, 0, 1)).execute()
        (changed,) = (await bess.update({"soe": 2}).eq("device_id", project.device).execute()).data
        await bess.delete().eq("device_id", project.device).execute()
        inserted, updated, deleted = [await inbox.take() for _ in range(3)]
        assert (inserted["type"], inserted["record"]["soe"]) == ("INSERT", 1)
        assert (updated["type"], updated["record"]) == ("UPDATE", changed)
        assert deleted["type"] == "DELETE"
        assert deleted["old_record"]["device_id"] == project.device


async def two_channels(project: Project) -> None:
    async with project.live() as client:
        first, mine = await _subscribed(client, "first", filter=f"device_id=eq.{project.device}")
        _, yours = await _subscribed(client, "second", filter=f"device_id=eq.{project.other}")
        bess = client.table("mg_bess_readings")
        await bess.insert([_row(project.device, 0, 1), _row(project.other, 0, 2)]).execute()
        assert ((await mine.take())["record"]["soe"], (await yours.take())["record"]["soe"]) == (1, 2)
        await client.remove_channel(first)
        await bess.insert([_row(project.device, 1, 3), _row(project.other, 1, 4)]).execute()
        assert (await yours.take())["record"]["soe"] == 4
        assert mine.empty()


async def chosen_columns(project: Project) -> None:
    async with project.live() as client:
        chosen = ["device_id", "soe"]
        _, inbox = await _subscribed(client, "chosen", filter=f"device_id=eq.{project.device}", select=chosen)
        await client.table("mg_bess_readings").insert(_row(project.device, 0, 1)).execute()
        assert (await inbox.take())["record"] == {"device_id": project.device, "soe": 1}


async def tokens_are_refreshed(project: Project) -> None:
    async with project.live() as client:
        _, inbox = await _subscribed(client, "refreshed", filter=f"device_id=eq.{project.device}")
        await client.realtime.set_auth(project.userToken)
        await client.table("mg_bess_readings").insert(_row(project.device, 0, 1)).execute()
        assert (await inbox.take())["record"]["soe"] == 1


async def broadcast_between_two_clients(project: Project) -> None:
    async with project.live() as mine, project.live(project.serviceKey) as yours:
        name, heard = f"room {project.device}", Inbox[Any]()
        sender, receiver = mine.channel(name), yours.channel(name)
        receiver.on_broadcast("hello", heard.put_nowait)
        await asyncio.gather(sender.subscribe(), receiver.subscribe())
        await sender.send_broadcast("other", {})
        await sender.send_broadcast("hello", {"number": 1})
        got = await heard.take()
        assert (got["event"], got["payload"]) == ("hello", {"number": 1})
        await sender.http_send("hello", {"number": 2})
        assert (await heard.take())["payload"] == {"number": 2}
        assert heard.empty()


async def client_of_changes_alone(project: Project) -> None:
    """`realtime` without the rest; also its heartbeat is answered."""
    client = AsyncRealtimeClient(f"{project.url}/realtime/v1", project.anonKey)
    try:
        _, inbox = await _subscribed(client, "alone", filter=f"device_id=eq.{project.device}")
        project.client().table("mg_bess_readings").insert(_row(project.device, 0, 1)).execute()
        assert (await inbox.take())["record"]["soe"] == 1
    finally:
        await client.remove_all_channels()
        await client.close()
