"""Long bodies of numbers, read in pieces: nobody else waits for the whole of them, and they hold nothing but numbers."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from wattline.contracts.joulepoint.bodies import CROWDED_BYTES, check_crowd, malformed
from wattline.model.errors import Fault, Faulty
from wattline.quality.intake import MOST_SAMPLES

MOST_CHANNELS = 3
MOST_NAMES = 500
"""Quotation marks, objects and lists of a long body: beside a few names there are numbers in it."""
PIECE = 64 * 1024
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


async def series_of(content: bytes) -> Any:
    """What the JSON of a series or a capture says. Raises `Problem` 400, and `Faulty` for more than a series can need."""
    try:
        if len(content) <= CROWDED_BYTES:
            return msgspec.json.decode(content)
        check_crowd(content, MOST_NAMES, MOST_CHANNELS * MOST_SAMPLES + MOST_NAMES)
        if content.count(b'"') > MOST_NAMES:
            raise Faulty([Fault("", "too_many", "there is more in this body than is ever needed")])
        return await asyncio.to_thread(_read, content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed() from None


def _read(content: bytes) -> Any:
    try:
        document: dict[str, Any] = {**_parts(content)}
        if "channels" in document:
            document["channels"] = {name: _values(bytes(part)) for name, part in _parts(document["channels"]).items()}
    except msgspec.ValidationError:
        # It has another form, which is for the caller to see.
        return msgspec.json.decode(content)
    return {name: msgspec.json.decode(part) if isinstance(part, msgspec.Raw) else part for name, part in document.items()}


def _values(text: bytes) -> Any:
    """A JSON value; a list of numbers piece by piece."""
    if not text.startswith(b"[") or text.find(b"[", 1) >= 0 or b"{" in text or b'"' in text:
        return msgspec.json.decode(text)
    found: list[Any] = []
    place, end = 1, len(text) - 1
    while place <= end:
        stop = text.find(b",", place + PIECE, end)
        stop = end if stop < 0 else stop
        part = msgspec.json.decode(b"[%b]" % text[place:stop])
        if not part and (place > 1 or text[place:stop].strip()):
            raise msgspec.DecodeError("a comma without a value")
        found += part
        place = stop + 1
    return found
