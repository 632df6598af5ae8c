"""The door of every POST: method, key, scope, size, media type, in this order, before a byte of the body is looked at.

Plain ASGI, so that a reading pays for nothing it does not need.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from wattline.contracts.hop.errors import REASONS, Answer, Rejected, answer
from wattline.contracts.hop.gate import Gate
from wattline.metrics import Metrics
from wattline.model.principal import Principal

JSON = "application/json"
LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Body:
    """What came in: the bytes, unpacked, their media type, and the query string as sent."""

    content: bytes
    media: str
    query: bytes


class Door:
    """Lets in a POST and hands its body to `work`, which gives the answer. Every failure leaves in the contract's shape."""

    def __init__(
        self,
        gate: Gate,
        metrics: Metrics,
        work: Callable[[Principal, Body], Awaitable[Answer]],
        *,
        access: str,
        most_bytes: int,
        media: tuple[str, ...] = (JSON,),
    ) -> None:
        self._gate = gate
        self._metrics = metrics
        self._work = work
        self._scope = access
        self._most = most_bytes
        self._media = media

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found = await self._answer(scope, receive)
        except Exception as error:  # every failure has its answer; what is unknown is logged there
            found = answer(error)
            self._metrics.ingest_rejected.add(1, "hop", REASONS.get(found.status, "failed"))
        await send(found.start)
        await send(found.content)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            raise Rejected(405, "Method Not Allowed", {"Allow": "POST"})
        headers = dict(scope["headers"])
        secret = headers.get(b"x-api-key")
        text = secret.decode("latin-1") if secret is not None else None
        principal = self._gate.cached(text) if text is not None else None
        if principal is None:
            principal = await self._gate.authenticate(text)
        if self._scope not in principal.scopes:
            principal.require(self._scope)
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._most:
            raise _too_large(self._most)
        kind = headers.get(b"content-type", b"")
        media = JSON if kind == b"application/json" else _media_type(kind, self._media)
        encoding = headers.get(b"content-encoding", b"identity").strip().lower()
        if encoding not in (b"identity", b"gzip", b""):
            raise Rejected(415, "Content-Encoding must be gzip or none", {"Accept-Encoding": "gzip, identity"})
        content = await _read(receive, self._most)
        if encoding == b"gzip":
            content = unpack(content, self._most)
        return await self._work(principal, Body(content, media, scope["query_string"]))


def _too_large(most: int) -> Rejected:
    return Rejected(413, f"The body may have at most {most} bytes")


def _media_type(header: bytes, accepted: tuple[str, ...]) -> str:
    """The media type of a Content-Type header. None at all is JSON: simple middleware sends none, and nothing else is meant."""
    text = header.decode("latin-1").lower()
    kind, _, parameters = text.partition(";")
    kind = kind.strip() or JSON
    if kind.startswith("application/") and kind.endswith("+json"):
        kind = JSON
    if kind not in accepted:
        raise Rejected(415, f"Content-Type must be {' or '.join(accepted)}")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8", "us-ascii"):
            raise Rejected(415, "JSON is UTF-8; no other charset is taken")
    return kind


async def _read(receive: Receive, most: int) -> bytes:
    message = await receive()
    content: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if message["type"] == "http.disconnect":
            raise Rejected(400, "The caller hung up")
        if len(content) > most:
            raise _too_large(most)
        return content
    parts, size = [content], len(content)
    while message.get("more_body", False):
        if size > most:
            raise _too_large(most)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected(400, "The caller hung up")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > most:
        raise _too_large(most)
    return b"".join(parts)


def unpack(packed: bytes, most: int) -> bytes:
    """Gunzip without ever holding more than `most` bytes and one: 413 beyond it, 415 for what is no whole gzip member."""
    machine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = machine.decompress(packed, most + 1)
    except zlib.error:
        raise Rejected(415, "The body is not valid gzip") from None
    if len(content) > most:
        raise _too_large(most)
    if not machine.eof or machine.unused_data:
        raise Rejected(415, "The body is not one whole gzip member")
    return content
