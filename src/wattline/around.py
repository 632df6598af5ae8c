"""What stands around every answer of a contract: what a browser of another origin needs, the size of a body, and an end for
what nobody foresaw. A contract says how it speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_AGE_SECONDS = 600
LONGEST_LENGTH = 18
"""Digits of a Content-Length that are read; one with more is too large as it is."""
BODILESS = ("GET", "HEAD", "OPTIONS")


def _nothing(_scope: Scope) -> None:
    return None


def _no_headers(_scope: Scope) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Manners:
    """How a contract answers. `methods` and `exposed` (headers) are what a browser of another origin may use and read.

    `too_large` makes the failure of a body above so many bytes, `answer` the answer to any failure, `unfinished` logs one after
    an answer has begun. `arriving` sees every request first; `headers` are what every answer has unless it says otherwise.
    """

    methods: Sequence[str]
    exposed: Sequence[str]
    too_large: Callable[[int], Exception]
    answer: Callable[[Exception, Scope], Response]
    unfinished: Callable[[Exception], None]
    arriving: Callable[[Scope], None] = _nothing
    headers: Callable[[Scope], Mapping[str, str]] = _no_headers


class Around:
    """Wraps what answers a contract's paths. No cookie is ever asked for, so every one of `origins` (`*`: any) may read what
    it has a key for. A body has at most `most_bytes`, on the paths of `larger` as many as it says.
    """

    def __init__(
        self,
        app: ASGIApp,
        manners: Manners,
        origins: Collection[str],
        most_bytes: int,
        larger: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._manners = manners
        self._most_bytes = most_bytes
        self._larger = larger or {}
        self._cors = CORSMiddleware(
            self._answered,
            allow_origins=list(origins),
            allow_methods=manners.methods,
            allow_headers=("*",),
            expose_headers=manners.exposed,
            max_age=MAX_AGE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._cors(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        manners = self._manners
        manners.arriving(scope)
        sent = _Sent(scope, send, manners.headers)
        most = self._larger.get(scope["path"], self._most_bytes)
        try:
            if scope["method"] in BODILESS:
                await self._app(scope, receive, sent)
            elif _declared(scope["headers"]) > most:
                await manners.answer(manners.too_large(most), scope)(scope, receive, sent)
            else:
                await self._app(scope, _Counted(receive, most, manners.too_large), sent)
        except Exception as error:
            # What was answered in full was logged with its answer. What broke off is not finished: the server then closes the
            # connection, so that nobody takes a part for the whole. Going on to raise would log the words of the error.
            if not sent.started:
                await manners.answer(error, scope)(scope, receive, sent)
            elif not sent.finished:
                manners.unfinished(error)


def _declared(headers: Sequence[tuple[bytes, bytes]]) -> int:
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(length[:LONGEST_LENGTH]) if length.isdigit() else 0


class _Sent:
    """Passes an answer on with what every answer tells, and knows how far it has come."""

    def __init__(self, scope: Scope, send: Send, headers: Callable[[Scope], Mapping[str, str]]) -> None:
        self._scope = scope
        self._send = send
        self._headers = headers
        self.started = self.finished = False

    async def __call__(self, message: Message) -> None:
        if not self.started:
            self.started = True
            further = self._headers(self._scope)
            if further:
                held = MutableHeaders(scope=message)
                for name, value in further.items():
                    held.setdefault(name, value)
        self.finished = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)


class _Counted:
    """Takes a body's pieces as long as they are not too many: one that comes in chunks declares no length."""

    def __init__(self, receive: Receive, most_bytes: int, too_large: Callable[[int], Exception]) -> None:
        self._receive = receive
        self._most = self._left = most_bytes
        self._too_large = too_large

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._too_large(self._most)
        return message
