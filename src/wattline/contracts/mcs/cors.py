"""What stands around every answer of this contract: what a browser of another origin needs, limits that were counted, size."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattline.contracts.mcs.errors import answer
from wattline.contracts.mcs.gate import RATE

MAX_AGE_SECONDS = 600
EXPOSED = ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining")
TOO_LARGE = "The body is too large"


class Around:
    """Wraps what answers this contract's paths. No cookie is ever asked for, so every one of `origins` (`*`: any) may read what
    it has a key for.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str], most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._cors = CORSMiddleware(
            self._answered,
            allow_origins=list(origins),
            allow_methods=("GET", "POST"),
            allow_headers=("*",),
            expose_headers=EXPOSED,
            max_age=MAX_AGE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._cors(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def limited(message: Message) -> None:
            if message["type"] == "http.response.start" and RATE in scope:
                limit, remaining = scope[RATE]
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-RateLimit-Limit", str(limit))
                headers.setdefault("X-RateLimit-Remaining", str(remaining))
            await send(message)

        if scope["method"] == "GET":
            await self._app(scope, receive, limited)
            return
        if _declared(scope["headers"]) > self._most_bytes:
            await answer(HTTPException(413, TOO_LARGE))(scope, receive, limited)
            return
        await self._app(scope, _Counted(receive, self._most_bytes), limited)


def _declared(headers: Sequence[tuple[bytes, bytes]]) -> int:
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0


class _Counted:
    """Takes a body's pieces as long as they are not too many: one that comes in chunks declares no length."""

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive = receive
        self._left = most_bytes

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, TOO_LARGE)
        return message
