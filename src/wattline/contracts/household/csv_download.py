"""A file that is sent while it is made."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi.responses import StreamingResponse

from wattline.contracts.household.csv_text import MEDIA
from wattline.model.clock import SECOND, Clock
from wattline.model.errors import NotFound

Pieces = AsyncGenerator[bytes, None]


def documented(description: str) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a file."""
    return {200: {"content": {MEDIA: {"schema": {"type": "string"}}}, "description": description}}


async def download(text: Pieces, name: str, clock: Clock, nothing: str, language: str | None = None) -> StreamingResponse:
    """The answer that sends a file; a second language makes it say which one this is.

    Its first piece is made before the answer begins, so whatever fails until then is told by a status. A failure on the way
    breaks the answer off. Raises `NotFound` with `nothing` for a file without a piece.
    """
    first = await anext(text, None)
    if first is None:
        raise NotFound(nothing)
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    headers = {
        # Clients compare this exactly, so it has no parameters.
        "Content-Type": MEDIA,
        "Content-Disposition": f"attachment; filename={safe}_{clock.micros() // (SECOND // 1000)}.csv",
        "Cache-Control": "no-store",
    }
    if language is not None:
        headers |= {"Content-Language": language, "Vary": "Accept-Language"}
    return StreamingResponse(_whole(first, text), headers=headers)


async def _whole(first: bytes, text: Pieces) -> Pieces:
    yield first
    async with aclosing(text) as rest:
        async for piece in rest:
            yield piece
