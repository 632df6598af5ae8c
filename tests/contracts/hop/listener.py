"""A client of the live stream that speaks ASGI, so that a test sees each piece as it is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.types import ASGIApp, Message

PATIENCE = 10.0


class Seen(NamedTuple):
    """One event as a client of Server-Sent Events sees it."""

    id: int
    kind: str
    data: Any


class Listener:
    """One open stream."""

    def __init__(self, app: ASGIApp, secret: str, query: list[tuple[str, str]], headers: Mapping[str, str]) -> None:
        sent = {"x-api-key": secret, **headers}
        self._scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/api/stream",
            "raw_path": b"/api/stream",
            "query_string": urlencode(query).encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("test", 80),
        }
        self._app = app
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._asked = False
        self._rest = ""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.last_id: int | None = None
        self.task: asyncio.Task[None] | None = None

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def open(self) -> None:
        """Ask for the stream and wait for the head of its answer and the first block."""
        self.task = asyncio.create_task(self._app(self._scope, self._receive, self._messages.put))
        head = await asyncio.wait_for(self._messages.get(), PATIENCE)
        self.status = head["status"]
        self.headers = {name.decode(): value.decode() for name, value in head["headers"]}

    async def block(self) -> str | None:
        """The next block of lines, None at the end of the stream."""
        while "\n\n" not in self._rest:
            message = await asyncio.wait_for(self._messages.get(), PATIENCE)
            self._rest += message.get("body", b"").decode()
            if not message.get("more_body", False):
                return None
        block, _, self._rest = self._rest.partition("\n\n")
        return block

    async def next(self) -> Seen | None:
        """The next event; comments and blocks without data are passed over."""
        while (block := await self.block()) is not None:
            fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            if "id" in fields:
                self.last_id = int(fields["id"])
            if "data" in fields:
                return Seen(int(fields["id"]), fields["event"], json.loads(fields["data"]))
        return None

    async def take(self, count: int) -> list[Seen]:
        """The next so many events."""
        found = []
        for _ in range(count):
            seen = await self.next()
            assert seen is not None, "the stream ended"
            found.append(seen)
        return found

    async def close(self) -> None:
        """Hang up, and see that the server takes note."""
        self._gone.set()
        assert self.task is not None
        await asyncio.wait_for(asyncio.gather(self.task, return_exceptions=True), PATIENCE)


@asynccontextmanager
async def listening(
    app: ASGIApp, secret: str, *query: tuple[str, str], headers: Mapping[str, str] | None = None
) -> AsyncIterator[Listener]:
    """An open stream, past its first block."""
    listener = Listener(app, secret, list(query), headers or {})
    await listener.open()
    try:
        yield listener
    finally:
        await listener.close()
