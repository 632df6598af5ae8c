"""User broadcasts of serializer 2.0.0 as bytes: kind 3 from a client, kind 4 to it."""

from __future__ import annotations

from typing import NamedTuple

from wattline.contracts.flux.realtime.frames import Malformed
from wattline.sockets import BINARY, frame

PUSH, BROADCAST = 3, 4
RAW, JSON = 0, 1
HEADER = 7
"""Bytes before the strings of a push: the kind, five lengths, the encoding."""
LONGEST = 255


class Push(NamedTuple):
    """A broadcast that a client sends. `encoding` says what the payload is."""

    join_ref: str
    ref: str
    topic: str
    event: str
    metadata: bytes
    encoding: int
    payload: bytes


def decode(data: bytes) -> Push:
    """A binary frame of a client. Raises `Malformed`."""
    if len(data) < HEADER or data[0] != PUSH or data[6] not in (RAW, JSON):
        raise Malformed
    parts, at = [], HEADER
    for length in data[1:6]:
        parts.append(data[at : at + length])
        at += length
    if at > len(data):
        raise Malformed
    try:
        join_ref, ref, topic, event = (part.decode() for part in parts[:4])
    except UnicodeDecodeError:
        raise Malformed from None
    return Push(join_ref, ref, topic, event, parts[4], data[6], data[at:])


def broadcast(topic: str, push: Push) -> bytes | None:
    """The same for those who listen, as a WebSocket frame; None where the topic is longer than the format can say."""
    named, event = topic.encode(), push.event.encode()
    if len(named) > LONGEST:
        return None
    header = bytes((BROADCAST, len(named), len(event), len(push.metadata), push.encoding))
    return frame(b"".join((header, named, event, push.metadata, push.payload)), BINARY)
