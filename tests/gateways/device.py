"""A device that speaks MQTT byte by byte, written from the standard, so that a test sees every packet and sends any."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Any, NamedTuple

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 8, 9, 10, 11, 12, 13, 14
PATIENCE = 10.0


def varint(number: int) -> bytes:
    out = b""
    while True:
        number, low = divmod(number, 128)
        out += bytes([low | (128 if number else 0)])
        if not number:
            return out


def field(data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return len(raw).to_bytes(2, "big") + raw


def packet(kind: int, body: bytes = b"", flags: int = 0) -> bytes:
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


def connect_packet(
    client_id: str = "device",
    *,
    clean: bool = True,
    password: str | None = None,
    username: str = "anyone",
    keep_alive: int = 60,
    level: int = 4,
    will: tuple[str, bytes] | None = None,
    will_retain: bool = False,
    expiry: int = 0,
) -> bytes:
    flags = (2 if clean else 0) | (0x04 if will else 0) | (0xC0 if password is not None else 0)
    flags |= 0x20 if will_retain else 0
    body = field("MQTT") + bytes([level, flags]) + keep_alive.to_bytes(2, "big")
    if level == 5:
        properties = b"\x11" + expiry.to_bytes(4, "big")
        body += varint(len(properties)) + properties
    body += field(client_id)
    if will:
        body += (b"\x00" if level == 5 else b"") + field(will[0]) + field(will[1])
    if password is not None:
        body += field(username) + field(password)
    return packet(CONNECT, body)


def publish_packet(
    topic: str,
    payload: bytes,
    qos: int = 1,
    packet_id: int = 1,
    *,
    retain: bool = False,
    duplicate: bool = False,
    level: int = 4,
    user: tuple[tuple[str, str], ...] = (),
) -> bytes:
    properties = b"".join(b"\x26" + field(name) + field(value) for name, value in user)
    middle = varint(len(properties)) + properties if level == 5 else b""
    body = field(topic) + (packet_id.to_bytes(2, "big") if qos else b"") + middle + payload
    return packet(PUBLISH, body, (8 if duplicate else 0) | qos << 1 | retain)


class Packet(NamedTuple):
    """What the broker sent."""

    kind: int
    flags: int
    body: bytes

    @property
    def packet_id(self) -> int:
        return int.from_bytes(self.body[:2], "big")


@dataclass(frozen=True)
class Got:
    """A PUBLISH from the broker."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    duplicate: bool
    packet_id: int


class Device:
    """One connection. Every wait has an end."""

    def __init__(self, level: int = 4) -> None:
        self.level = level
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)

    @classmethod
    async def connected(cls, port: int, client_id: str = "device", level: int = 4, **more: object) -> Device:
        """A device that the broker has accepted."""
        device = cls(level)
        await device.open(port)
        assert await device.connect(client_id, **more) == 0
        return device

    async def connect(self, client_id: str = "device", **more: object) -> int:
        """The code of CONNACK."""
        await self.send(connect_packet(client_id, level=self.level, **more))  # type: ignore[arg-type]
        answer = await self.receive()
        assert answer.kind == CONNACK
        self.session_present = bool(answer.body[0])
        return answer.body[1]

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self, patience: float = PATIENCE) -> Packet:
        """The next packet. Raises `TimeoutError`, or `IncompleteReadError` where the broker has closed."""
        async with asyncio.timeout(patience):
            first = (await self._reader.readexactly(1))[0]
            length, shift = 0, 0
            while True:
                byte = (await self._reader.readexactly(1))[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            return Packet(first >> 4, first & 15, await self._reader.readexactly(length))

    async def publish(self, topic: str, payload: bytes, qos: int = 1, packet_id: int = 1, **more: Any) -> None:
        await self.send(publish_packet(topic, payload, qos, packet_id, level=self.level, **more))

    async def acknowledged(self, packet_id: int, patience: float = PATIENCE) -> int:
        """Wait for the PUBACK of a publication; its reason code."""
        answer = await self.receive(patience)
        assert (answer.kind, answer.packet_id) == (PUBACK, packet_id)
        return answer.body[2] if len(answer.body) > 2 else 0

    async def subscribe(self, pattern: str, qos: int = 1) -> int:
        """What SUBACK says of the filter."""
        middle = b"\x00" if self.level == 5 else b""
        await self.send(packet(SUBSCRIBE, b"\x00\x07" + middle + field(pattern) + bytes([qos]), 2))
        answer = await self.receive()
        assert (answer.kind, answer.packet_id) == (SUBACK, 7)
        return answer.body[-1]

    async def message(self, *, acknowledge: bool = True, patience: float = PATIENCE) -> Got:
        """The next PUBLISH, acknowledged unless asked not to."""
        found = await self.receive(patience)
        assert found.kind == PUBLISH, found
        qos = found.flags >> 1 & 3
        size = int.from_bytes(found.body[:2], "big")
        rest = found.body[2 + size :]
        packet_id = 0
        if qos:
            packet_id, rest = int.from_bytes(rest[:2], "big"), rest[2:]
        if self.level == 5:
            rest = rest[1 + rest[0] :]
        if qos and acknowledge:
            await self.send(packet(PUBACK, packet_id.to_bytes(2, "big")))
        topic = found.body[2 : 2 + size].decode()
        return Got(topic, rest, qos, bool(found.flags & 1), bool(found.flags & 8), packet_id)

    async def ping(self) -> None:
        """Everything sent before has been handled when this returns."""
        await self.send(packet(PINGREQ))
        answer = await self.receive()
        assert answer.kind == PINGRESP, answer

    async def closed(self) -> bool:
        """Wait until the broker has closed; whether it did."""
        try:
            async with asyncio.timeout(PATIENCE):
                while await self._reader.read(65536):
                    pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        finally:
            self._writer.close()
        return True

    def vanish(self) -> None:
        """Break the connection without a word."""
        self._writer.transport.abort()

    async def close(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self.send(packet(DISCONNECT))
            self._writer.close()
            await self._writer.wait_closed()
