"""GET /asyncapi.json describes the feeds as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from tests.contracts.mcs.halls import Hall

WS = {"/ws/telemetry/{block_slug}", "/ws/alarms", "/ws/events/{block_slug}"}
MQTT = {
    "microlink/{site}/{block}/{subsystem}/{tag}",
    "microlink/{site}/{block}/mode/state",
    "microlink/{site}/{block}/alarms/{priority}",
    "microlink/{site}/{block}/edge/heartbeat",
    "microlink/{site}/{block}/command/{target}",
    "microlink/{site}/{block}/command/response",
}


async def document(hall: Hall) -> dict[str, Any]:
    """The document, asked for without a key."""
    async with httpx.AsyncClient() as anybody:
        answer = await anybody.get(f"{hall.url}/api/v1/asyncapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def references(value: object) -> Iterator[str]:
    """Every `$ref` below a value."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


async def test_every_feed_and_topic_is_described(hall: Hall) -> None:
    found = await document(hall)
    assert found["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in found["channels"].values()} == WS | MQTT
    assert found["servers"]["websocket"] | {"host": ""} == {"host": "", "pathname": "/api/v1", "protocol": "ws"}
    assert hall.url.endswith(found["servers"]["websocket"]["host"])


async def test_every_reference_leads_somewhere(hall: Hall) -> None:
    found = await document(hall)
    paths = set(references(found))
    assert len(paths) > 20
    for path in paths:
        place: Any = found
        for part in path.removeprefix("#/").split("/"):
            assert part in place, path
            place = place[part]


async def test_frames_have_the_keys_that_the_document_names(hall: Hall) -> None:
    schemas = (await document(hall))["components"]["schemas"]
    await hall.limit("CDU-01-T-RET")
    async with (
        hall.listening("/ws/telemetry/block-01") as readings,
        hall.listening("/ws/alarms") as alarms,
        hall.listening("/ws/events/block-01") as events,
    ):
        await hall.judged("CDU-01-T-RET", 61.0)
        reading, alarm, event = await readings.next(), await alarms.next(), await events.next()
    for frame, name in ((reading, "ReadingFrame"), (alarm, "AlarmFrame"), (alarm["alarm"], "LiveAlarm"), (event, "EventRow")):
        assert list(frame) == list(schemas[name]["properties"]) == schemas[name]["required"]


async def test_the_parameters_of_the_feeds(hall: Hall) -> None:
    channels = (await document(hall))["channels"]
    asked = {name: set(channels[name]["bindings"]["ws"]["query"]["properties"]) for name in ("telemetry", "alarms", "events")}
    assert asked["telemetry"] >= {"subsystem", "api_key", "token"}
    assert asked["alarms"] >= {"block_slug", "min_priority", "last_event_id"}
    assert asked["events"] >= {"last_event_id"}
