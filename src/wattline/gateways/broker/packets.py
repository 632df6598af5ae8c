"""MQTT packets, as bytes: OASIS MQTT 3.1.1 and 5.0. Only what a server reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import pack, unpack_from
from typing import Any, NamedTuple

V3, V5 = 4, 5
"""Protocol levels, as CONNECT names them."""
MOST_HEADER = 4096
"""Bytes that a packet may have beside its payload: topic, properties."""


class Kind(IntEnum):
    """Control packet types, section 2.2.1."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Reason(IntEnum):
    """Reason codes of MQTT 5, section 2.4, as far as they are used."""

    SUCCESS = 0
    NO_SUBSCRIPTION = 0x11
    UNSPECIFIED = 0x80
    MALFORMED = 0x81
    PROTOCOL_ERROR = 0x82
    BAD_VERSION = 0x84
    BAD_CLIENT_ID = 0x85
    BAD_CREDENTIALS = 0x86
    NOT_AUTHORISED = 0x87
    UNAVAILABLE = 0x88
    BAD_AUTH_METHOD = 0x8C
    SHUTTING_DOWN = 0x8B
    KEEP_ALIVE = 0x8D
    TAKEN_OVER = 0x8E
    BAD_FILTER = 0x8F
    BAD_TOPIC = 0x90
    TOO_LARGE = 0x95
    QUOTA = 0x97


# What CONNACK of 3.1.1 can say, table 3.1.
RETURN_CODES = {
    Reason.SUCCESS: 0,
    Reason.BAD_VERSION: 1,
    Reason.BAD_CLIENT_ID: 2,
    Reason.UNAVAILABLE: 3,
    Reason.QUOTA: 3,
    Reason.BAD_CREDENTIALS: 4,
    Reason.NOT_AUTHORISED: 5,
}


class Malformed(Exception):
    """Not a packet of this protocol; the connection cannot go on."""

    def __init__(self, text: str, reason: Reason = Reason.MALFORMED) -> None:
        super().__init__(text)
        self.reason = reason


class Will(NamedTuple):
    """What is published for a client whose connection breaks."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(frozen=True, slots=True)
class Connect:
    """A CONNECT packet. `expiry` is how many seconds the session shall outlive the connection, None for ever; `at_once` is how
    many messages the client takes without having acknowledged the first.
    """

    level: int
    client_id: str
    clean: bool
    keep_alive: int
    username: str | None
    password: bytes | None
    will: Will | None
    expiry: int | None
    at_once: int = 0xFFFF


class Publish(NamedTuple):
    """A PUBLISH packet; `packet_id` is 0 for QoS 0, `user` are the user properties of MQTT 5 in order."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    duplicate: bool
    packet_id: int
    user: tuple[tuple[str, str], ...] = ()


class Reader:
    """Fields one after the other; `Malformed` where the packet is too short."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        """Nothing is left."""
        return self._at >= len(self._data)

    def take(self, size: int) -> bytes:
        """So many bytes."""
        end = self._at + size
        if end > len(self._data):
            raise Malformed("a packet is shorter than it says")
        part, self._at = self._data[self._at : end], end
        return part

    def byte(self) -> int:
        return self.take(1)[0]

    def short(self) -> int:
        high, low = self.take(2)
        return high << 8 | low

    def long(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def binary(self) -> bytes:
        return self.take(self.short())

    def text(self) -> str:
        """A UTF-8 string without U+0000, section 1.5.3."""
        try:
            text = self.binary().decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("a text is not UTF-8") from None
        if "\x00" in text:
            raise Malformed("a text holds U+0000")
        return text

    def varint(self) -> int:
        """A variable byte integer, section 2.2.3."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Malformed("a variable byte integer has more than four bytes")

    def rest(self) -> bytes:
        """Everything that is left."""
        part, self._at = self._data[self._at :], len(self._data)
        return part

    def properties(self) -> dict[int, Any]:
        """The properties of MQTT 5, section 2.2.2, by identifier; of one that repeats, the last, but all user properties."""
        own = Reader(self.take(self.varint()))
        found: dict[int, Any] = {}
        while not own.done:
            identifier = own.varint()
            read = _PROPERTIES.get(identifier)
            if read is None:
                raise Malformed(f"there is no property {identifier}")
            value = read(own)
            if identifier == USER_PROPERTY:
                found.setdefault(identifier, []).append(value)
            else:
                found[identifier] = value
        return found


def _pair(reader: Reader) -> tuple[str, str]:
    return reader.text(), reader.text()


SESSION_EXPIRY, AUTH_METHOD, RECEIVE_MAXIMUM, TOPIC_ALIAS, USER_PROPERTY = 0x11, 0x15, 0x21, 0x23, 0x26
NEVER_EXPIRES = 0xFFFFFFFF
_PROPERTIES = (
    dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), Reader.byte)
    | dict.fromkeys((0x13, 0x21, 0x22, 0x23), Reader.short)
    | dict.fromkeys((0x02, 0x11, 0x18, 0x27), Reader.long)
    | {0x0B: Reader.varint}
    | dict.fromkeys((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F), Reader.text)
    | dict.fromkeys((0x09, 0x16), Reader.binary)
    | {USER_PROPERTY: _pair}
)


def read_connect(body: bytes) -> Connect:
    """Section 3.1. Raises `Malformed`, with the reason that CONNACK shall tell where one can still be sent."""
    reader = Reader(body)
    name, level = reader.binary(), reader.byte()
    if name != b"MQTT" or level not in (V3, V5):
        raise Malformed("neither MQTT 3.1.1 nor 5", Reason.BAD_VERSION)
    flags, keep_alive = reader.byte(), reader.short()
    if flags & 0x01 or (flags & 0x18) == 0x18 or (not flags & 0x04 and flags & 0x38):
        raise Malformed("the connect flags contradict each other")
    if level == V3 and flags & 0x40 and not flags & 0x80:
        raise Malformed("a password without a user name")
    properties = reader.properties() if level == V5 else {}
    if AUTH_METHOD in properties:
        raise Malformed("no extended authentication", Reason.BAD_AUTH_METHOD)
    client_id = reader.text()
    clean = bool(flags & 0x02)
    if level == V3 and not client_id and not clean:
        raise Malformed("a session that is kept needs a client id", Reason.BAD_CLIENT_ID)
    will = None
    if flags & 0x04:
        if level == V5:
            reader.properties()
        will = Will(reader.text(), reader.binary(), flags >> 3 & 0x03, bool(flags & 0x20))
    username = reader.text() if flags & 0x80 else None
    password = reader.binary() if flags & 0x40 else None
    if not reader.done:
        raise Malformed("a CONNECT is longer than its fields")
    asked = properties.get(SESSION_EXPIRY, 0)
    at_once = int(str(properties.get(RECEIVE_MAXIMUM, 0xFFFF)))
    if at_once == 0:
        raise Malformed("a client must take one message at least", Reason.PROTOCOL_ERROR)
    expiry = (None if asked == NEVER_EXPIRES else int(str(asked))) if level == V5 else (0 if clean else None)
    return Connect(level, client_id, clean, keep_alive, username, password, will, expiry, at_once)


def read_publish(flags: int, body: bytes, level: int) -> Publish:
    """Section 3.3."""
    qos = flags >> 1 & 0x03
    if qos == 3:
        raise Malformed("there is no QoS 3")
    size = len(body)
    end = 2 + unpack_from(">H", body)[0] if size >= 2 else size + 1
    packet_id = 0
    start = end
    if qos:
        start = end + 2
        if start <= size:
            packet_id = unpack_from(">H", body, end)[0]
            if packet_id == 0:
                raise Malformed("a packet identifier must not be 0")
    if start > size:
        raise Malformed("a packet is shorter than it says")
    try:
        topic = body[2:end].decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a topic is not UTF-8") from None
    payload = body[start:]
    user: tuple[tuple[str, str], ...] = ()
    if level == V5:
        reader = Reader(payload)
        properties = reader.properties()
        if TOPIC_ALIAS in properties:
            raise Malformed("topic aliases were not offered", Reason.PROTOCOL_ERROR)
        user = tuple(properties.get(USER_PROPERTY, ()))
        payload = reader.rest()
    return Publish(topic, payload, qos, bool(flags & 0x01), bool(flags & 0x08), packet_id, user)


def read_subscribe(body: bytes, level: int) -> tuple[int, list[tuple[str, int, int]]]:
    """Section 3.8: the packet identifier, and each filter with its QoS and retain handling."""
    reader = Reader(body)
    packet_id = _identifier(reader, level)
    wanted = []
    while not reader.done:
        pattern, options = reader.text(), reader.byte()
        if options & 0x03 == 3 or (level == V3 and options & 0xFC):
            raise Malformed("subscription options that do not exist")
        wanted.append((pattern, options & 0x03, options >> 4 & 0x03))
    if not wanted:
        raise Malformed("a SUBSCRIBE without a filter", Reason.PROTOCOL_ERROR)
    return packet_id, wanted


def read_unsubscribe(body: bytes, level: int) -> tuple[int, list[str]]:
    """Section 3.10."""
    reader = Reader(body)
    packet_id = _identifier(reader, level)
    patterns = []
    while not reader.done:
        patterns.append(reader.text())
    if not patterns:
        raise Malformed("an UNSUBSCRIBE without a filter", Reason.PROTOCOL_ERROR)
    return packet_id, patterns


def _identifier(reader: Reader, level: int) -> int:
    packet_id = reader.short()
    if packet_id == 0:
        raise Malformed("a packet identifier must not be 0")
    if level == V5:
        reader.properties()
    return packet_id


def read_acknowledgement(body: bytes) -> int:
    """The packet identifier of a PUBACK, PUBREC, PUBREL or PUBCOMP; what MQTT 5 adds is of no use here."""
    return Reader(body).short()


def _packet(kind: Kind, body: bytes, flags: int = 0) -> bytes:
    length, size = b"", len(body)
    while True:
        size, byte = divmod(size, 128)
        length += bytes((byte | 0x80 if size else byte,))
        if not size:
            return bytes((kind << 4 | flags,)) + length + body


def connack(level: int, reason: Reason, session_present: bool = False, assigned: str | None = None, most: int = 0) -> bytes:
    """Section 3.2; `assigned` is the client id that we chose, `most` the largest packet that we take."""
    if level != V5:
        return _packet(Kind.CONNACK, bytes((session_present, RETURN_CODES.get(reason, 3))))
    properties = b""
    if reason is Reason.SUCCESS:
        # Largest packet; no subscription identifiers, no shared subscriptions.
        properties = b"\x27" + most.to_bytes(4, "big") + b"\x29\x00\x2a\x00"
        if assigned is not None:
            properties += b"\x12" + _text(assigned)
    return _packet(Kind.CONNACK, bytes((session_present, reason, len(properties))) + properties)


def publish(
    level: int, topic: str, payload: bytes, qos: int, retain: bool, packet_id: int = 0, duplicate: bool = False
) -> bytes:
    """Section 3.3."""
    body = _text(topic) + (pack(">H", packet_id) if qos else b"") + (b"\x00" if level == V5 else b"") + payload
    return _packet(Kind.PUBLISH, body, duplicate << 3 | qos << 1 | retain)


def acknowledgement(kind: Kind, level: int, packet_id: int, reason: Reason = Reason.SUCCESS) -> bytes:
    """PUBACK, PUBREC, PUBREL or PUBCOMP, sections 3.4 to 3.7."""
    body = pack(">H", packet_id)
    if level == V5 and reason:
        body += bytes((reason,))
    return _packet(kind, body, 2 if kind is Kind.PUBREL else 0)


def suback(level: int, packet_id: int, reasons: list[int]) -> bytes:
    """Section 3.9; 3.1.1 knows one failure only."""
    if level != V5:
        reasons = [min(reason, 0x80) for reason in reasons]
    return _packet(Kind.SUBACK, pack(">H", packet_id) + (b"\x00" if level == V5 else b"") + bytes(reasons))


def unsuback(level: int, packet_id: int, reasons: list[Reason]) -> bytes:
    """Section 3.11."""
    return _packet(Kind.UNSUBACK, pack(">H", packet_id) + (b"\x00" + bytes(reasons) if level == V5 else b""))


def disconnect(level: int, reason: Reason) -> bytes:
    """Section 3.14; a server of 3.1.1 just closes."""
    return _packet(Kind.DISCONNECT, bytes((reason,))) if level == V5 else b""


PINGRESP = _packet(Kind.PINGRESP, b"")


def _text(text: str) -> bytes:
    data = text.encode()
    return pack(">H", len(data)) + data
