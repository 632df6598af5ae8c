"""Clients of a live feed in a process of their own, with as little work for each frame as Python allows.

Run as `python -m bench.feed_clients PORT KEY PATH CLIENTS`. Says `ready` when all are connected; then reads from standard input
how many frames each must get, waits for them, and prints what came as JSON.
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

PATIENCE = 20.0
MEASURED = 10
"""One client of so many takes note of when each frame came."""
TEXT, PING, PONG = 0x81, 0x89, 0x8A
_STAMP = b'"timestamp":"'


class Client(asyncio.Protocol):
    """Counts text frames; a measuring one keeps the arrival and the text of each."""

    def __init__(self, request: bytes, measuring: bool) -> None:
        self._request = request
        self._measuring = measuring
        self._transport: asyncio.Transport | None = None
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
            self.ready.set_result(None)
        at, end = 0, len(data)
        while at + 4 <= end:
            length, header = data[at + 1], 2
            if length == 126:
                length, header = int.from_bytes(data[at + 2 : at + 4]), 4
            if at + header + length > end:
                break
            if data[at] == TEXT:
                self.frames += 1
                if self._measuring:
                    self.seen.append((now, data[at + header : at + header + length]))
            elif data[at] == PING:
                self._pong(data[at + header : at + header + length])
            at += header + length
        self._rest = data[at:]
        if self.awaited is not None and self.frames >= self.awaited:
            self.complete.set()

    def _pong(self, payload: bytes) -> None:
        """Say that we are still here. A mask of zeros leaves the payload as it is."""
        if self._transport is not None:
            self._transport.write(bytes((PONG, 0x80 | len(payload), 0, 0, 0, 0)) + payload)

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
            begin = text.rindex(_STAMP) + len(_STAMP)
            found.append(now - datetime.fromisoformat(text[begin : text.index(b'"', begin)].decode()).timestamp())
        return found


async def run(port: int, key: str, path: str, count: int) -> None:
    """Connect, wait for the word, report."""
    loop = asyncio.get_running_loop()
    request = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    clients = []
    for number in range(count):
        make = partial(Client, request, number % MEASURED == 0)
        _, client = await loop.create_connection(make, "127.0.0.1", port)
        await asyncio.wait_for(client.ready, PATIENCE)
        clients.append(client)
    print("ready", flush=True)
    expected = int(await asyncio.to_thread(sys.stdin.readline))
    until = loop.time() + PATIENCE
    for client in clients:
        await client.has(expected, until)
    latencies = [seconds for client in clients for seconds in client.latencies()]
    frames = [client.frames for client in clients]
    dropped = sum(client.lost_connection for client in clients)
    report = {"frames": frames, "latencies": latencies, "disconnected": dropped, "cpu_seconds": time.process_time()}
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
