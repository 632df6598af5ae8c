"""A client of /ws/energy/live."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from wattline.contracts.joulepoint.live.visitors import Patience

PATIENCE = 10.0
QUICK = Patience(hello=0.5, ping=0.5, recheck=0.1, stalled=60.0, tick=0.1)


class Listener:
    """An open connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **command: Any) -> None:
        """Send a command."""
        await self.socket.send(json.dumps(command))

    async def any(self) -> Any:
        """The next message, whatever it is."""
        return json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))

    async def told(self, op: str) -> Any:
        """The next message of this kind, all before it passed over."""
        async with asyncio.timeout(PATIENCE):
            while (found := await self.any()).get("op") != op:
                pass
        return found

    async def frame(self, channel: str | None = None) -> Any:
        """The next frame of a channel, or of any."""
        async with asyncio.timeout(PATIENCE):
            while "ch" not in (found := await self.any()) or (channel is not None and found["ch"] != channel):
                pass
        return found

    async def frames(self, count: int) -> list[Any]:
        """The next so many frames."""
        return [await self.frame() for _ in range(count)]

    async def quiet(self, seconds: float = 0.3) -> bool:
        """Whether no frame comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.frame()
        except TimeoutError:
            return True
        return False

    async def subscribe(self, *channels: str, **terms: Any) -> Any:
        """Subscribe, and the answer."""
        await self.say(op="subscribe", channels=list(channels), **terms)
        return await self.told("ack")

    async def closed(self) -> int:
        """The code that the server closes with."""
        with contextlib.suppress(websockets.ConnectionClosed):
            async with asyncio.timeout(PATIENCE):
                async for _ in self.socket:
                    pass
        assert self.socket.close_code is not None
        return self.socket.close_code


@asynccontextmanager
async def listening(url: str, token: str | None, **options: Any) -> AsyncIterator[Listener]:
    """A connection with its token as a subprotocol."""
    offered = None if token is None else [Subprotocol("bearer"), Subprotocol(token)]
    address = url.replace("http", "ws") + options.pop("path", "/ws/energy/live")
    async with websockets.connect(address, subprotocols=offered, max_queue=None, **options) as socket:
        yield Listener(socket)
