"""What stands around every answer of this contract: the id of a request, what a browser of another origin needs, the size of a
body, and an end for what nobody foresaw.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattline.contracts.joulepoint.problem import (
    REQUEST_ID,
    REQUEST_ID_HEADER,
    answer,
    log_unknown,
    request_id,
    too_large,
)
from wattline.contracts.joulepoint.rates import RATE
from wattline.contracts.joulepoint.slashes import without_slash

MAX_AGE_SECONDS = 600
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EXPOSED = (
    "Content-Disposition", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "WWW-Authenticate",
    REQUEST_ID_HEADER,
)  # fmt: skip
LONGEST_LENGTH = 18
"""Digits of a Content-Length that are read; one with more is too large as it is."""
BODILESS = ("GET", "HEAD", "OPTIONS")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Around:
    """Wraps what answers this contract's paths. No cookie is ever asked for, so every one of `origins` (`*`: any) may read what
    it has a token for. A body has at most `most_bytes`, on the paths of `larger` (without a slash at their end) as many as it
    says. The `X-Request-Id` of a caller is kept where it is a plain word, and made up otherwise.
    """

    def __init__(
        self, app: ASGIApp, origins: Collection[str], most_bytes: int, larger: Mapping[str, int] | None = None
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
        without_slash(scope)
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        if _REQUEST_ID.fullmatch(given):
            scope[REQUEST_ID] = given.decode()
        sent = _Sent(scope, send)
        most = self._larger.get(scope["path"], self._most_bytes)
        try:
            if scope["method"] in BODILESS:
                await self._app(scope, receive, sent)
            elif _declared(scope["headers"]) > most:
                await answer(too_large(most), scope)(scope, receive, sent)
            else:
                await self._app(scope, _Counted(receive, most), sent)
        except Exception as error:
            # What was answered in full was logged with its answer. What broke off is not finished: the server then closes the
            # connection, so that nobody takes a part for the whole. Going on to raise would log the words of the error.
            if not sent.started:
                await answer(error, scope)(scope, receive, sent)
            elif not sent.finished:
                log_unknown(error)


def _declared(headers: Sequence[tuple[bytes, bytes]]) -> int:
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(length[:LONGEST_LENGTH]) if length.isdigit() else 0


class _Sent:
    """Passes an answer on with what every answer tells, and knows how far it has come."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.started = self.finished = False

    async def __call__(self, message: Message) -> None:
        if not self.started:
            self.started = True
            headers = MutableHeaders(scope=message)
            headers.setdefault(REQUEST_ID_HEADER, request_id(self._scope))
            for name, value in self._scope.get(RATE, {}).items():
                headers.setdefault(name, value)
        self.finished = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)


class _Counted:
    """Takes a body's pieces as long as they are not too many: one that comes in chunks declares no length."""

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive = receive
        self._most = self._left = most_bytes

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise too_large(self._most)
        return message
