"""Frames that are made once, and clients that ask for compression or bring another server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import websockets
from websockets.frames import Frame, Opcode

from tests.contracts.mcs.halls import Hall, Listening
from wattline.contracts.mcs.feeds import wire
from wattline.contracts.mcs.feeds.socket import text_message

LENGTHS = [0, 1, 125, 126, 127, 65535, 65536, 100_000]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_frame_is_what_a_library_makes_of_the_text(length: int) -> None:
    text = "°" + "x" * length
    assert wire.frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_frames_arrive_compressed_or_not(hall: Hall, compression: str | None) -> None:
    url = f"{hall.url.replace('http', 'ws')}/api/v1/ws/telemetry/block-01"
    headers = {"X-API-Key": hall.secret}
    async with websockets.connect(url, additional_headers=headers, compression=compression) as socket:
        rows = [hall.row(hall.points["CDU-01-T-SUP"], float(number), seconds=number / 100) for number in range(1000)]
        await hall.platform.ingest.submit(rows)
        assert [frame["value"] for frame in await Listening(socket).take(1000)] == [float(number) for number in range(1000)]


async def test_pings_are_answered_between_frames(hall: Hall) -> None:
    async with hall.listening("/ws/telemetry/block-01") as feed:
        for number in range(20):
            await hall.read("CDU-01-T-SUP", float(number), seconds=number)
            await asyncio.wait_for(await feed.socket.ping(), 10)
        assert len(await feed.take(20)) == 20


async def test_another_server_gets_one_message_for_each_frame() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None:
        sent.append(message["text"])

    await wire.deliver(receive, send)([text_message(1), text_message("two")])
    assert sent == ["1", '"two"']


async def test_a_client_that_went_away_ends_its_feed(hall: Hall) -> None:
    async with hall.listening("/ws/telemetry/block-01") as gone, hall.listening("/ws/telemetry/block-01") as kept:
        gone.socket.transport.abort()
        for number in range(20):
            await hall.read("CDU-01-T-SUP", float(number), seconds=number)
        assert len(await kept.take(20)) == 20
