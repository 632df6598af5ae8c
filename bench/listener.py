"""A WebSocket client for measurements, with as little work for each frame as Python allows, and the life of a process of many.

A process of clients says `ready` when all of them follow what they should; then reads from standard input how many frames each
must get, as a JSON object by what is followed, waits for them, and prints what came as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import cast

PATIENCE = 30.0
MEASURED = 10
"""One client of so many takes note of when each frame came."""
TEXT, PING, PONG = 0x81, 0x89, 0x8A


class Listener(asyncio.Protocol):
    """Counts the frames that it `wants`; a measuring one keeps the arrival and the text of each.

    `ready` is done once it follows what it should, which has the name `follows`. `stamp` is what stands before a frame's time.
    """

    stamp = b""

    def __init__(self, follows: str, path: str, *headers: str, measuring: bool) -> None:
        self.follows = follows
        head = [f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade", *headers]
        head += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
        self._request = "\r\n".join(head).encode()
        self._measuring = measuring
        self._rest = b""
        self._open = False
        self._awaited: int | None = None
        self._complete = asyncio.Event()
        self._seen: list[tuple[float, bytes]] = []
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.frames = 0
        self.lost_connection = False

    def opened(self) -> None:
        """The connection is there."""
        self.ready.set_result(None)

    def wants(self, text: bytes) -> bool:
        """Whether a frame counts."""
        return True

    def say(self, payload: bytes, first: int = TEXT) -> None:
        """Send a frame of less than 64 KiB. A mask of zeros leaves the payload as it is."""
        size = len(payload)
        length = bytes((0x80 | size,)) if size < 126 else bytes((0x80 | 126,)) + size.to_bytes(2)
        self._transport.write(bytes((first,)) + length + bytes(4) + payload)

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
            self.opened()
        at, end = 0, len(data)
        while at + 4 <= end:
            length, header = data[at + 1], 2
            if length == 126:
                length, header = int.from_bytes(data[at + 2 : at + 4]), 4
            if at + header + length > end:
                break
            payload = data[at + header : at + header + length]
            if data[at] == PING:
                self.say(payload, PONG)
            elif data[at] == TEXT and self.wants(payload):
                self.frames += 1
                if self._measuring:
                    self._seen.append((now, payload))
            at += header + length
        self._rest = data[at:]
        if self._awaited is not None and self.frames >= self._awaited:
            self._complete.set()

    async def has(self, frames: int, until: float) -> None:
        """Wait until it got so many frames, or the loop's time is up."""
        self._awaited = frames
        if self.frames < frames:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._complete.wait()

    def latencies(self) -> list[float]:
        """Seconds from the time of each frame to its arrival."""
        found = []
        for now, text in self._seen:
            begin = text.rindex(self.stamp) + len(self.stamp)
            found.append(now - datetime.fromisoformat(text[begin : text.index(b'"', begin)].decode()).timestamp())
        return found


async def attend(port: int, makers: Iterable[Callable[[], Listener]]) -> None:
    """Connect one after the other, wait for the word, report."""
    loop = asyncio.get_running_loop()
    listeners: list[Listener] = []
    for make in makers:
        _, listener = await loop.create_connection(make, "127.0.0.1", port)
        await asyncio.wait_for(listener.ready, PATIENCE)
        listeners.append(listener)
    print("ready", flush=True)
    expected = json.loads(await asyncio.to_thread(sys.stdin.readline))
    until = loop.time() + PATIENCE
    for listener in listeners:
        await listener.has(expected[listener.follows], until)
    report = {
        "missing": sum(abs(expected[listener.follows] - listener.frames) for listener in listeners),
        "frames": sum(listener.frames for listener in listeners),
        "latencies": [seconds for listener in listeners for seconds in listener.latencies()],
        "disconnected": sum(listener.lost_connection for listener in listeners),
        "cpu_seconds": time.process_time(),
    }
    print(json.dumps(report), flush=True)
