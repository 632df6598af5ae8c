"""The door of readings: method, size, key, signature, rate, in this order; then the body is unpacked and read.

Plain ASGI: a reading pays for nothing that it does not need. A device shows `X-Device-Key`, and signs if it must or likes to;
anybody else shows a token with the scope energy:write.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from wattline.contracts.joulepoint.around import keep_request_id
from wattline.contracts.joulepoint.device_answers import Answer
from wattline.contracts.joulepoint.gate import ENERGY_WRITE, Gate
from wattline.contracts.joulepoint.problem import REQUEST_ID, Problem, answer, too_large
from wattline.contracts.joulepoint.rates import RATE, Rates
from wattline.metering.keys import REFUSED, Keys
from wattline.metering.model import DeviceKey
from wattline.metering.readings.failures import SignatureFailures
from wattline.metering.readings.model import Sender
from wattline.metering.signature import is_signed
from wattline.metrics import Metrics
from wattline.model.clock import Clock

CONTRACT = "joulepoint"
JSON = "application/json"
CHALLENGE = "DeviceKey, Bearer"
LONGEST_KEY = 256
LONGEST_LENGTH = 18


class Sent(NamedTuple):
    """A request that was let in: who sent it, its body unpacked, the media type, the query as sent."""

    sender: Sender
    content: bytes
    media: str
    query: bytes


class Senders(NamedTuple):
    """What tells who may send, and how often: keys of devices, and the gate for everybody else."""

    keys: Keys
    gate: Gate
    rates: Rates
    failures: SignatureFailures
    clock: Clock
    metrics: Metrics


Work = Callable[[Sent], Awaitable[Answer]]


class Door:
    """Lets in a POST of at most `most_bytes`, as they come and unpacked, and hands it to `work`. A token needs the scope
    `granted`; a device needs none."""

    def __init__(
        self,
        senders: Senders,
        work: Work,
        *,
        most_bytes: int,
        media: tuple[str, ...] = (JSON,),
        granted: str = ENERGY_WRITE,
    ) -> None:
        self._senders = senders
        self._work = work
        self._most = most_bytes
        self._granted = granted
        self._media = media
        self._numbers = Random()  # noqa: S311 - the number of a request is no secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found = await self._answer(scope, receive)
        except Exception as error:  # every failure has its answer; what is unknown is logged there
            keep_request_id(scope)
            refused = answer(error, scope)
            self._senders.metrics.ingest_rejected.add(1, CONTRACT, str(refused.status_code))
            for name, value in scope.get(RATE, {}).items():
                refused.headers.setdefault(name, value)
            await refused(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(found.body)).encode()),
            (b"x-request-id", self._request_id(scope)),
        ]
        for name, value in scope.get(RATE, {}).items():
            headers.append((name.lower().encode(), value.encode()))
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": found.body})

    def _request_id(self, scope: Scope) -> bytes:
        keep_request_id(scope)
        given: str | None = scope.get(REQUEST_ID)
        # The generator of the system would let other threads have their turn first.
        return b"%016x" % self._numbers.getrandbits(64) if given is None else given.encode()

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            raise Problem(405, "method_not_allowed", "this path knows POST", headers={"Allow": "POST"})
        headers = _headers(scope)
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > LONGEST_LENGTH or int(declared) > self._most:
            raise too_large(self._most)
        shown = headers.get(b"x-device-key")
        if shown is None:
            authorization = headers.get(b"authorization")
            text = None if authorization is None else authorization.decode("latin-1")
            principal = await self._senders.gate.admit(scope, text, self._granted)
            sender = Sender.of_principal(principal)
            body = await _read(receive, self._most)
        else:
            key = self._senders.keys.known(shown.decode("latin-1")) if len(shown) <= LONGEST_KEY else None
            if key is None:
                raise unauthenticated("invalid_key", REFUSED)
            body = await _read(receive, self._most)
            signature = headers.get(b"x-signature")
            if signature is not None or key.require_signature:
                await self._check_signature(key, signature, body)
            self._senders.rates.count(key.id, scope)
            sender = Sender.of_key(key)
        media, encoding = headers.get(b"content-type", b""), headers.get(b"content-encoding")
        kind = JSON if media == b"application/json" else media_type(media, self._media)
        if encoding is not None:
            body = _unpacked(body, encoding.strip().lower(), self._most)
        return await self._work(Sent(sender, body, kind, scope["query_string"]))

    async def _check_signature(self, key: DeviceKey, given: bytes | None, body: bytes) -> None:
        if given is None:
            raise unauthenticated("signature_missing", "this key signs its bodies: X-Signature is missing")
        senders = self._senders
        if not is_signed(given.decode("latin-1").strip(), body, key.secrets(senders.clock.micros())):
            await senders.failures.note(key)
            raise unauthenticated("signature_wrong", "X-Signature is not the HMAC-SHA256 of the body as it came")


def unauthenticated(code: str, detail: str) -> Problem:
    """401 for a device."""
    return Problem(401, code, detail, headers={"WWW-Authenticate": CHALLENGE})


def _headers(scope: Scope) -> Mapping[bytes, bytes]:
    """The headers by their names in lower case. Raises `Problem` where one that says who asks comes twice."""
    given: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(given)
    if len(headers) < len(given):
        for name in (b"x-device-key", b"x-signature", b"authorization", b"content-length", b"content-encoding"):
            if sum(each == name for each, _ in given) > 1:
                raise Problem(400, "bad_request", f"the header {name.decode()} comes more than once")
    return headers


def media_type(header: bytes, accepted: tuple[str, ...]) -> str:
    """The media type of a Content-Type header; none at all is JSON, since nothing else is meant. Raises `Problem` 415."""
    text = header.decode("latin-1").lower()
    kind, _, parameters = text.partition(";")
    kind = kind.strip() or JSON
    if kind.startswith("application/") and kind.endswith("+json"):
        kind = JSON
    if kind not in accepted:
        raise Problem(415, "unsupported_media_type", f"a body here is {' or '.join(accepted)}")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip(' "') not in ("utf-8", "utf8", "us-ascii"):
            raise Problem(415, "unsupported_media_type", "JSON is UTF-8; no other charset is taken")
    return kind


async def _read(receive: Receive, most: int) -> bytes:
    message = await receive()
    content: bytes = message.get("body", b"")
    if message.get("more_body", False):
        parts, size = [content], len(content)
        while message.get("more_body", False):
            if size > most:
                raise too_large(most)
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        content = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise Problem(400, "bad_request", "the caller hung up")
    if len(content) > most:
        raise too_large(most)
    return content


def _unpacked(packed: bytes, encoding: bytes, most: int) -> bytes:
    """A body without its coding, of which no more than `most` bytes and one are ever held."""
    if encoding in (b"", b"identity"):
        return packed
    if encoding != b"gzip":
        raise Problem(
            415, "unsupported_media_type", "Content-Encoding is gzip or none", headers={"Accept-Encoding": "gzip, identity"}
        )
    machine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = machine.decompress(packed, most + 1)
    except zlib.error:
        raise Problem(400, "malformed_gzip", "the body is not gzip") from None
    if len(content) > most:
        raise too_large(most)
    if not machine.eof or machine.unused_data:
        raise Problem(400, "malformed_gzip", "the body is not one whole gzip member")
    return content
