"""Subscribers of /ws/energy/live in a process of their own, with as little work for each frame as Python allows.

Run as `python -m bench.joulepoint_listeners PORT TOKEN CLIENTS METER...`. Client n follows one meter, the n-th in turn. Says
`ready` when all are subscribed; then reads from standard input how many frames each meter has, waits, and prints what came as
JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from datetime import datetime
from functools import partial
from typing import cast

import uvloop

PATIENCE = 30.0
MEASURED = 10
"""One client of so many takes note of when each frame came."""
_STAMP = b'"t":"'


class Client(asyncio.Protocol):
    """Counts the frames of its channel; a measuring one keeps the arrival and the text of each."""

    def __init__(self, token: str, meter: int, measuring: bool) -> None:
        self._request = (
            "GET /ws/energy/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Protocol: bearer, {token}\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
        self.meter = meter
        self._measuring = measuring
        self._begin = b'{"ch":"meter:%d"' % meter
        self._rest = b""
        self._open = False
        self.ready = asyncio.get_running_loop().create_future()
        self.frames = 0
        self.awaited: int | None = None
        self.complete = asyncio.Event()
        self.seen: list[tuple[float, bytes]] = []
        self.lost_connection = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost_connection = True

    def _say(self, first: int, payload: bytes) -> None:
        """A frame. A mask of zeros leaves the payload as it is."""
        self._transport.write(bytes((first, 0x80 | len(payload), 0, 0, 0, 0)) + payload)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        data = self._rest + data if self._rest else data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.ready.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self._open = True
            self._say(0x81, b'{"op":"subscribe","channels":["meter:%d"],"snapshot":false}' % self.meter)
        at, end = 0, len(data)
        while at + 4 <= end:
            length, header = data[at + 1], 2
            if length == 126:
                length, header = int.from_bytes(data[at + 2 : at + 4]), 4
            if at + header + length > end:
                break
            payload = data[at + header : at + header + length]
            if payload.startswith(self._begin):
                self.frames += 1
                if self._measuring:
                    self.seen.append((now, payload))
            elif payload.startswith(b'{"op":"ack"') and not self.ready.done():
                self.ready.set_result(None)
            elif data[at] == 0x89:
                self._say(0x8A, payload)
            at += header + length
        self._rest = data[at:]
        if self.awaited is not None and self.frames >= self.awaited:
            self.complete.set()

    async def has(self, frames: int, until: float) -> None:
        """Wait until it got so many frames, or the loop's time is up."""
        self.awaited = frames
        if self.frames < frames:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self.complete.wait()

    def latencies(self) -> list[float]:
        """Seconds from the time of each reading to its arrival."""
        found = []
        for now, text in self.seen:
            begin = text.index(_STAMP) + len(_STAMP)
            found.append(now - datetime.fromisoformat(text[begin : text.index(b'"', begin)].decode()).timestamp())
        return found


async def run(port: int, token: str, count: int, meters: list[int]) -> None:
    """Connect, wait for the word, report."""
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    for number in range(count):
        make = partial(Client, token, meters[number % len(meters)], number % MEASURED == 0)
        _, client = await loop.create_connection(make, "127.0.0.1", port)
        await asyncio.wait_for(client.ready, PATIENCE)
        clients.append(client)
    print("ready", flush=True)
    expected = {int(meter): frames for meter, frames in json.loads(await asyncio.to_thread(sys.stdin.readline)).items()}
    until = loop.time() + PATIENCE
    for client in clients:
        await client.has(expected[client.meter], until)
    report = {
        "missing": sum(abs(expected[client.meter] - client.frames) for client in clients),
        "frames": sum(client.frames for client in clients),
        "latencies": [seconds for client in clients for seconds in client.latencies()],
        "disconnected": sum(client.lost_connection for client in clients),
        "cpu_seconds": time.process_time(),
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), [int(text) for text in sys.argv[4:]]))
