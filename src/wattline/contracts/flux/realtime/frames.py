"""Messages of Phoenix channels as text: serializer 1.0.0 (objects) and 2.0.0 (arrays)."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from wattline.sockets import frame

Version: TypeAlias = Literal[1, 2]
Ref: TypeAlias = str | int | None
EMPTY = msgspec.Raw(b"{}")
VERSIONS: dict[str, Version] = {"1.0.0": 1, "2.0.0": 2}


class Malformed(Exception):
    """What came is no message."""


class Message(NamedTuple):
    """What a client says. The payload is JSON that has not been looked into."""

    join_ref: Ref
    ref: Ref
    topic: str
    event: str
    payload: msgspec.Raw

    def read(self) -> Any:
        """The payload's value. Raises `Malformed`."""
        try:
            return msgspec.json.decode(self.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed from None


class _Object(msgspec.Struct):
    topic: str
    event: str
    payload: msgspec.Raw = EMPTY
    ref: Ref = None
    join_ref: Ref = None


_OBJECT = msgspec.json.Decoder(_Object)
_ARRAY = msgspec.json.Decoder(tuple[Ref, Ref, str, str, msgspec.Raw])
_encode = msgspec.json.encode


def decode(version: Version, text: str) -> Message:
    """A text frame of a client. Raises `Malformed`."""
    try:
        if version == 2:
            return Message(*_ARRAY.decode(text))
        found = _OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Malformed from None
    return Message(found.join_ref, found.ref, found.topic, found.event, found.payload)


class Around(NamedTuple):
    """The text before and after a payload."""

    before: bytes
    after: bytes

    def frame(self, payload: bytes) -> bytes:
        """The whole as a WebSocket frame."""
        return frame(b"%b%b%b" % (self.before, payload, self.after))


def around(version: Version, topic: str, event: str, join_ref: Ref = None, ref: Ref = None) -> Around:
    """What stands around the payload of a message. Serializer 1.0.0 has no join_ref, and the ref always, be it null."""
    named = _encode(topic), _encode(event)
    if version == 2:
        return Around(b"[%b,%b,%b,%b," % (_encode(join_ref), _encode(ref), *named), b"]")
    return Around(b'{"topic":%b,"event":%b,"payload":' % named, b',"ref":%b}' % _encode(ref))


def message(version: Version, topic: str, event: str, payload: object, join_ref: Ref = None, ref: Ref = None) -> bytes:
    """A message of the server as a WebSocket frame."""
    return around(version, topic, event, join_ref, ref).frame(_encode(payload))
