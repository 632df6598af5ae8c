"""Clients of a live feed in a process of their own (`bench.listener`).

Run as `python -m bench.feed_clients PORT KEY PATH CLIENTS`; what they follow is the path.
"""

from __future__ import annotations

import sys
from functools import partial

import uvloop

from bench.listener import MEASURED, Listener, attend


class Client(Listener):
    """Follows a feed by connecting to it."""

    stamp = b'"timestamp":"'


async def run(port: int, key: str, path: str, count: int) -> None:
    """Connect, wait for the word, report."""
    header = f"X-API-Key: {key}"
    await attend(port, (partial(Client, path, path, header, measuring=n % MEASURED == 0) for n in range(count)))


if __name__ == "__main__":
    uvloop.run(run(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
