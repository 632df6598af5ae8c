"""Subscribers of /ws/energy/live in a process of their own (`bench.listener`).

Run as `python -m bench.joulepoint_listeners PORT TOKEN CLIENTS METER...`. Client n follows one meter, the n-th in turn.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

import uvloop

from bench.listener import MEASURED, Listener, attend


class Client(Listener):
    """Subscribes to a meter, without its present value."""

    stamp = b'"t":"'

    def __init__(self, token: str, meter: str, *, measuring: bool) -> None:
        super().__init__(meter, "/ws/energy/live", f"Sec-WebSocket-Protocol: bearer, {token}", measuring=measuring)
        self._begin = b'{"ch":"meter:%b"' % meter.encode()

    def opened(self) -> None:
        self.say(b'{"op":"subscribe","channels":["meter:%b"],"snapshot":false}' % self.follows.encode())

    def wants(self, text: bytes) -> bool:
        if text.startswith(self._begin):
            return True
        if text.startswith(b'{"op":"ack"'):
            self.ready.set_result(None)
        return False


async def run(port: int, token: str, count: int, meters: Sequence[str]) -> None:
    """Subscribe, wait for the word, report."""
    makers = (partial(Client, token, meters[n % len(meters)], measuring=n % MEASURED == 0) for n in range(count))
    await attend(port, makers)


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
