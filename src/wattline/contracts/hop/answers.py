"""Writing answers as JSON: whole ones at once, long ones in pieces that are made as they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
import numpy as np
from fastapi import Response
from fastapi.responses import StreamingResponse

from wattline.ingest.series import RowSet
from wattline.registry.stream import Stream

PIECE = 10_000
"""Rows that are made in one go, in a thread: about 10 ms."""

Make = Callable[[RowSet, slice], Sequence[msgspec.Struct]]


def whole(rows: object, headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """An answer that is at hand."""
    return Response(msgspec.json.encode(rows), status, dict(headers or {}), "application/json")


async def streamed(
    parts: AsyncIterator[RowSet], make: Make, headers: Mapping[str, str] | None = None, *, streams: Sequence[Stream] = ()
) -> Response:
    """A JSON array of any length in bounded memory. What fails before the first row is still an error answer.

    Rows of one instant come in the order of `streams`, or of their ids where it is not given.
    """
    pieces = _pieces(_ordered(parts, streams) if streams else parts, make)
    first = await anext(pieces, None)
    return StreamingResponse(_array(first, pieces), headers=dict(headers or {}), media_type="application/json")


async def _ordered(parts: AsyncIterator[RowSet], streams: Sequence[Stream]) -> AsyncIterator[RowSet]:
    ids = np.array([stream.id for stream in streams], np.int64)
    by_id = np.argsort(ids)
    async for part in parts:
        rank = by_id[np.searchsorted(ids[by_id], part.stream)]
        order = np.lexsort((rank, part.time))
        yield RowSet(part.stream[order], part.time[order], {name: column[order] for name, column in part.columns.items()})


async def _pieces(parts: AsyncIterator[RowSet], make: Make) -> AsyncIterator[bytes]:
    async for part in parts:
        for start in range(0, len(part), PIECE):
            piece = await asyncio.to_thread(_encoded, part, slice(start, start + PIECE), make)
            if piece:
                yield piece


def _encoded(part: RowSet, which: slice, make: Make) -> bytes:
    """Some rows without the array's brackets."""
    return msgspec.json.encode(make(part, which))[1:-1]


async def _array(first: bytes | None, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b"["
    if first is not None:
        yield first
        async for piece in pieces:
            yield b","
            yield piece
    yield b"]"
