"""The door of `/rest/v1`: who asks, for what, in which schema; then the part that answers, and the answer in its form.

Plain ASGI, so that a reading pays for nothing it does not need. Every failure leaves with a status and the four keys.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from wattline.contracts.flux.answers import Answer, failure
from wattline.contracts.flux.asked import Asked
from wattline.contracts.flux.caller import Caller
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.gate import profiles
from wattline.contracts.flux.gate.credentials import without_key
from wattline.contracts.flux.gate.gate import Gate
from wattline.contracts.flux.openapi import Root
from wattline.contracts.flux.resources import Resources
from wattline.contracts.flux.rpc.call import Calls

PREFIX = "/rest/v1"
METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
CALLS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
ROOT = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Place:
    """What a path means: a relation, a function, or with neither the root."""

    table: str | None = None
    function: str | None = None


def place(path: str) -> Place:
    """The place of a path. Raises `Refusal` PGRST125."""
    match path.removeprefix(PREFIX).removeprefix("/").split("/"):
        case [""]:
            return Place()
        case [table]:
            return Place(table=table)
        case ["rpc", function] if function:
            return Place(function=function)
        case _:
            raise Refusal(404, "PGRST125", "Invalid path specified in request URL")


class Door:
    """Answers every request below the prefix."""

    def __init__(self, gate: Gate, resources: Resources, calls: Calls, root: Root, *, most_bytes: int) -> None:
        self._gate = gate
        self._resources = resources
        self._calls = calls
        self._root = root
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Exception as error:  # every failure has its answer; what is unknown is logged there
            answer = failure(error)
        await answer.send(send, head=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        caller = await self._gate.admit(scope)
        where, method = place(scope["path"]), scope["method"]
        schema = profiles.schema(method, scope["headers"])
        _check_method(where, method)
        content = await _body(scope, receive, self._most) if method in ("POST", "PATCH", "PUT") else b""
        asked = _asked(scope, caller, method, schema, content)
        if where.table is not None:
            return await self._resources.answer(asked, where.table)
        if where.function is not None:
            return await self._calls.answer(asked, where.function)
        return self._root.answer(asked)


def _check_method(where: Place, method: str) -> None:
    if method not in METHODS:
        raise Refusal(405, "PGRST117", f"Unsupported HTTP method: {method}")
    if where.function is not None and method not in CALLS:
        raise Refusal(405, "PGRST101", f"Cannot use the {method} method on RPC")
    if where == Place() and method not in ROOT:
        raise Refusal(405, "PGRST117", f"Unsupported HTTP method: {method}")


def _asked(scope: Scope, caller: Caller, method: str, schema: str, content: bytes) -> Asked:
    headers: dict[str, str] = {}
    prefer: list[str] = []
    for name, value in scope["headers"]:
        if name == b"prefer":
            prefer.append(value.decode("latin-1"))
        else:
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    query = without_key(scope["query_string"]).decode("utf-8", "surrogateescape")
    return Asked(caller, method, schema, query, headers, tuple(prefer), content)


async def _body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The body, unpacked. Raises `Refusal` 413 and 415."""
    headers: Mapping[bytes, bytes] = dict(scope["headers"])
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"identity", b"gzip", b""):
        raise _unpackable("Content-Encoding must be gzip or none")
    content = await _read(receive, most)
    return _unpacked(content, most) if encoding == b"gzip" else content


async def _read(receive: Receive, most: int) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "PGRST102", "The caller hung up")
        part: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unpacked(packed: bytes, most: int) -> bytes:
    """Gunzip without ever holding more than `most` bytes and one."""
    machine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = machine.decompress(packed, most + 1)
    except zlib.error:
        raise _unpackable("The body is not valid gzip") from None
    if len(content) > most:
        raise _too_large(most)
    if not machine.eof or machine.unused_data:
        raise _unpackable("The body is not one whole gzip member")
    return content


def _too_large(most: int) -> Refusal:
    return Refusal(413, "PT413", f"The body may have at most {most} bytes")


def _unpackable(message: str) -> Refusal:
    return Refusal(415, "PT415", message, headers={"Accept-Encoding": "gzip, identity"})
