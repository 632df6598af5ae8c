"""Subscribers of row changes in a process of their own (`bench.listener`).

Run as `python -m bench.realtime_clients PORT KEY CLIENTS UUID...`: each client follows the inserts of one device, in turn. The
time of a row is when it was sent.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import partial

import uvloop

from bench.listener import Listener, attend

TABLE = "mg_meter_readings"


class Subscriber(Listener):
    """Joins a channel once it is connected; counts changes alone."""

    stamp = b'"time":"'

    def opened(self) -> None:
        wanted = {"event": "INSERT", "schema": "flux", "table": TABLE, "filter": f"device_id=eq.{self.follows}"}
        joining = ["1", "1", "realtime:bench", "phx_join", {"config": {"postgres_changes": [wanted]}}]
        self.say(json.dumps(joining).encode())

    def wants(self, text: bytes) -> bool:
        if b'"postgres_changes",{' in text:
            return True
        if b"Subscribed to PostgreSQL" in text:
            self.ready.set_result(None)
        return False


async def run(port: int, key: str, count: int, devices: Sequence[str]) -> None:
    """Subscribe, wait for the word, report."""
    path = f"/realtime/v1/websocket?apikey={key}&vsn=2.0.0"
    await attend(port, (partial(Subscriber, devices[n % len(devices)], path, measuring=True) for n in range(count)))


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
