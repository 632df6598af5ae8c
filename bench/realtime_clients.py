"""Subscribers of row changes in a process of their own.

Run as `python -m bench.realtime_clients PORT KEY CLIENTS UUID...`: each client follows the inserts of one device, in turn. Says
`ready` when all are subscribed; then reads from standard input how many changes each device had, as a JSON object, waits for
them, and prints what came as JSON. The time of a row is when it was sent.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime
from functools import partial

import uvloop

from bench.feed_clients import PATIENCE, Client

TABLE = "mg_meter_readings"
_TIME = b'"time":"'


class Subscriber(Client):
    """Joins a channel once it is connected; counts changes alone."""

    def __init__(self, request: bytes, device: str) -> None:
        super().__init__(request, measuring=True)
        self.device = device
        self.subscribed = asyncio.get_running_loop().create_future()

    def join(self) -> None:
        """Ask for the inserts of the device."""
        wanted = {"event": "INSERT", "schema": "flux", "table": TABLE, "filter": f"device_id=eq.{self.device}"}
        text = json.dumps(["1", "1", "realtime:bench", "phx_join", {"config": {"postgres_changes": [wanted]}}]).encode()
        assert self._transport is not None
        # Between 126 and 65,535 bytes; a mask of zeros leaves the text as it is.
        self._transport.write(bytes((0x81, 0x80 | 126)) + len(text).to_bytes(2) + bytes(4) + text)

    def data_received(self, data: bytes) -> None:
        before = len(self.seen)
        super().data_received(data)
        fresh = self.seen[before:]
        del self.seen[before:]
        self.seen += [(now, text) for now, text in fresh if b'"postgres_changes",{' in text]
        self.frames = len(self.seen)
        if not self.subscribed.done() and any(b"Subscribed to PostgreSQL" in text for _, text in fresh):
            self.subscribed.set_result(None)
        if self.awaited is not None and self.frames >= self.awaited:
            self.complete.set()

    def latencies(self) -> list[float]:
        """Seconds from the time of each row to its arrival."""
        found = []
        for now, text in self.seen:
            begin = text.rindex(_TIME) + len(_TIME)
            found.append(now - datetime.fromisoformat(text[begin : text.index(b'"', begin)].decode()).timestamp())
        return found


async def run(port: int, key: str, count: int, devices: list[str]) -> None:
    """Subscribe, wait for the word, report."""
    loop = asyncio.get_running_loop()
    request = (
        f"GET /realtime/v1/websocket?apikey={key}&vsn=2.0.0 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    clients = []
    for number in range(count):
        make = partial(Subscriber, request, devices[number % len(devices)])
        _, client = await loop.create_connection(make, "127.0.0.1", port)
        await asyncio.wait_for(client.ready, PATIENCE)
        client.join()
        await asyncio.wait_for(client.subscribed, PATIENCE)
        clients.append(client)
    print("ready", flush=True)
    expected = json.loads(await asyncio.to_thread(sys.stdin.readline))
    until = loop.time() + PATIENCE
    for client in clients:
        await client.has(expected[client.device], until)
    missing = sum(abs(expected[client.device] - client.frames) for client in clients)
    latencies = [seconds for client in clients for seconds in client.latencies()]
    dropped = sum(client.lost_connection for client in clients)
    report = {"missing": missing, "latencies": latencies, "disconnected": dropped, "cpu_seconds": time.process_time()}
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
