"""Answers to devices, as protobuf or as JSON. The status in the body is always that of HTTP.

Devices read one chunk and few headers, so nothing is said that they have no use for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from starlette.types import Message

from wattline.contracts.household import device_json
from wattline.contracts.household.wire import replies as wire
from wattline.households.meters.model import Grant, Kind

PROTOBUF = b"application/x-protobuf"
JSON = b"application/json"
NEEDED = ("allow", "retry-after")
"""Headers of a failure that are passed on."""


class Reply:
    """A whole answer, ready to be sent any number of times: `start` and `content` are its two ASGI messages.

    It goes out in one chunk; `start_plain` is for callers of HTTP/1.0, who know no chunks.
    """

    __slots__ = ("content", "start", "start_plain")

    def __init__(self, status: int, body: bytes, media: bytes, headers: Mapping[str, str] | None = None) -> None:
        named = [(b"content-type", media)]
        further = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
        self.start = _start(status, [*named, (b"transfer-encoding", b"chunked"), *further])
        self.start_plain = _start(status, [*named, (b"content-length", b"%d" % len(body)), *further])
        self.content: Message = {"type": "http.response.body", "body": body}


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


STORED = Reply(200, wire.outcome(200), PROTOBUF)
STORED_JSON = Reply(200, msgspec.json.encode(device_json.Outcome(200)), JSON)


def refused(status: int, message: str, headers: Mapping[str, str], *, as_json: bool, token: bool) -> Reply:
    """A failure; `token` tells whether a token was asked for, whose reply has other field numbers."""
    kept = {name: value for name, value in headers.items() if name.lower() in NEEDED}
    if as_json:
        text = wire.cut(message)
        return Reply(status, msgspec.json.encode(device_json.Failure(status, text, text)), JSON, kept)
    return Reply(status, (wire.token_refused if token else wire.outcome)(status, message), PROTOBUF, kept)


def granted(grant: Grant, kind: int | None, *, as_json: bool) -> Reply:
    """A token. A gas meter gets its rotations in the field of its own too, which older devices pass over."""
    rotations = grant.rotations_per_kwh
    gas = None if rotations is None or kind != Kind.GAS else float(rotations)
    if not as_json:
        return Reply(200, wire.token_granted(grant.token, grant.expires_in, grant.script, rotations, gas), PROTOBUF)
    name = None if grant.script is None else script_id(grant.script)
    found = device_json.Granted(200, grant.token, grant.expires_in, grant.script, name, rotations, gas)
    return Reply(200, msgspec.json.encode(found), JSON)


def script_id(script: str) -> str:
    """The id of a script: the first 16 hexadecimal digits of the SHA-256 of its text, without white space around it."""
    return hashlib.sha256(script.strip().encode()).hexdigest()[:16]
