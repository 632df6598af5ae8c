"""The door of the three routes of devices: method, size, body, in this order; then the work, and the answer in the form of the
question, JSON where its first byte is `{`.

Plain ASGI: a reading pays for nothing that it does not need.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from wattline.contracts.household.errors import told
from wattline.contracts.household.replies import Reply, refused
from wattline.contracts.household.wire.fields import Malformed
from wattline.households.meters.model import Refused
from wattline.metrics import Metrics
from wattline.model.errors import Invalid, WattlineError

MOST_BYTES = 4096
"""Of a body; the largest message of a device has some hundreds."""
REASONS = {400: "invalid", 401: "unauthenticated", 404: "not_found", 405: "method", 413: "too_large"}
REASONS |= {429: "too_many", 503: "unavailable", 507: "storage_full"}
_BRACE = 0x7B

Work = Callable[[bytes, bool, bytes | None], Awaitable[Reply]]
"""From the body, whether it is JSON, and the `Authorization` header, to the answer."""


class Rejected(WattlineError):
    """The request is refused by its form, before anything is read from its content."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Door:
    """Lets in a POST. With `token` the reply is a TokenResponse, whose fields have other numbers; with `bare` a token in
    `Authorization` will do for a body."""

    def __init__(self, work: Work, metrics: Metrics, *, token: bool = False, bare: bool = False) -> None:
        self._work = work
        self._metrics = metrics
        self._token = token
        self._bare = bare

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        as_json = False
        try:
            if scope["method"] != "POST":
                raise Rejected(405, "Method not allowed")
            key: bytes | None = None
            for name, value in scope["headers"]:
                if name == b"authorization":
                    key = value
                elif name == b"content-length" and (not value.isdigit() or int(value) > MOST_BYTES):
                    raise _too_large()
            message = await receive()
            body: bytes = message.get("body", b"")
            if message.get("more_body", False):
                body = await _rest(receive, body)
            if body:
                if len(body) > MOST_BYTES:
                    raise _too_large()
                as_json = body[0] == _BRACE
            elif message["type"] == "http.disconnect":
                return
            elif key is None or not self._bare:
                raise Invalid("No body")
            reply = await self._work(body, as_json, key)
        except Exception as error:  # every failure has its answer; what is unknown is logged there
            reply = self._failed(error, as_json)
        await send(reply.start if scope["http_version"] == "1.1" else reply.start_plain)
        await send(reply.content)

    def _failed(self, error: Exception, as_json: bool) -> Reply:
        if isinstance(error, Rejected):
            status, text, headers = error.status, str(error), {"Allow": "POST"} if error.status == 405 else {}
        elif isinstance(error, Malformed):
            status, text, headers = 400, "Invalid data", {}
        else:
            status, text, headers = told(error)
        reason = "refused" if isinstance(error, Refused) else REASONS.get(status, "failed")
        self._metrics.ingest_rejected.add(1, "household", reason)
        return refused(status, text, headers, as_json=as_json, token=self._token)


def _too_large() -> Rejected:
    return Rejected(413, f"The body may have at most {MOST_BYTES} bytes")


async def _rest(receive: Receive, begun: bytes) -> bytes:
    """The whole of a body that comes in pieces."""
    parts, size, more = [begun], len(begun), True
    while more:
        if size > MOST_BYTES:
            raise _too_large()
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected(400, "The caller hung up")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts)
