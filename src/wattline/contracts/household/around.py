"""What stands around every answer of this contract: what a browser of another origin needs, the size of a body, and an end for
what nobody foresaw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattline.contracts.household.errors import TooLarge, answer, log_unknown

MAX_AGE_SECONDS = 600
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EXPOSED = ("Content-Disposition", "Retry-After")
LONGEST_LENGTH = 18
"""Digits of a Content-Length that are read; one with more is too large as it is."""
BODILESS = ("GET", "HEAD", "OPTIONS")


class Around:
    """Wraps what answers this contract's paths. No cookie is ever asked for, so every one of `origins` (`*`: any) may read what
    it has a key for. A body has at most `most_bytes`, on the paths of `larger` as many as it says.
    """

    def __init__(
        self,
        app: ASGIApp,
        origins: Collection[str],
        most_bytes: int,
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._larger = larger or {}
        self._cors = CORSMiddleware(
            self._answered,
            allow_origins=list(origins),
            allow_methods=METHODS,
            allow_headers=("*",),
            expose_headers=EXPOSED,
            max_age=MAX_AGE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._cors(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = _Sent(send)
        most = self._larger.get(scope["path"], self._most_bytes)
        try:
            if scope["method"] in BODILESS:
                await self._app(scope, receive, sent)
            elif _declared(scope["headers"]) > most:
                await answer(TooLarge())(scope, receive, sent)
            else:
                await self._app(scope, _Counted(receive, most), sent)
        except Exception as error:
            # What was answered in full was logged with its answer. What broke off is not finished: the server then closes the
            # connection, so that nobody takes a part for the whole. Going on to raise would log the words of the error.
            if not sent.started:
                await answer(error)(scope, receive, sent)
            elif not sent.finished:
                log_unknown(error)


def _declared(headers: Sequence[tuple[bytes, bytes]]) -> int:
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(length[:LONGEST_LENGTH]) if length.isdigit() else 0


class _Sent:
    """Passes an answer on, and knows how far it has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = self.finished = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        self.finished = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)


class _Counted:
    """Takes a body's pieces as long as they are not too many: one that comes in chunks declares no length."""

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive = receive
        self._left = most_bytes

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise TooLarge()
        return message
