"""What a request shows of itself: its key, and the token that may come beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

PARAMETER = b"apikey"
REQUEST_HEADERS = (b"apikey",)
SOCKET_HEADERS = (b"x-api-key", b"apikey")


class Offer(NamedTuple):
    """`apikey` None: none, or an empty one. `bearer` None: none; empty where the word Bearer stands alone."""

    apikey: str | None
    bearer: str | None


def offered(scope: Scope, names: Iterable[bytes] = REQUEST_HEADERS) -> Offer:
    """What the headers hold, or for the key else the query string. An Authorization of another scheme than Bearer is none."""
    apikey = bearer = b""
    found = False
    for name, value in scope["headers"]:
        if name in names:
            apikey = apikey or value.strip()
        elif name == b"authorization" and not found:
            kind, _, rest = value.partition(b" ")
            if kind.lower() == b"bearer":
                bearer, found = rest.strip(), True
    if not apikey and b"=" in scope["query_string"]:
        apikey = next((value for name, value in _pairs(scope["query_string"]) if name == PARAMETER and value), b"")
    return Offer(apikey.decode("latin-1") or None, bearer.decode("latin-1") if found else None)


def without_key(query: bytes) -> bytes:
    """The query string without its keys, which are no filters."""
    if PARAMETER not in query and b"%" not in query:
        return query
    return b"&".join(part for part in query.split(b"&") if unquote_to_bytes(part.partition(b"=")[0]) != PARAMETER)


def _pairs(query: bytes) -> Iterable[tuple[bytes, bytes]]:
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        yield unquote_to_bytes(name), unquote_to_bytes(value.replace(b"+", b" ")).strip()
