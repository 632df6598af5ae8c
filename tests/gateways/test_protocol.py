"""Packets at the embedded broker that are in pieces, too large, or none at all."""

from __future__ import annotations

import pytest

from tests.gateways import device as wire
from tests.gateways.device import Device
from tests.gateways.embedded import TOPIC, Running
from tests.gateways.inbox import until
from wattline.gateways.model import MOST_PAYLOAD


async def test_the_largest_message_and_one_more_byte(broker: Running) -> None:
    device = await broker.device(level=5)
    await device.publish(TOPIC, b"x" * MOST_PAYLOAD)
    await device.acknowledged(1)
    await device.publish(TOPIC, b"x" * (MOST_PAYLOAD + 1))
    answer = await device.receive()
    assert (answer.kind, answer.body[0]) == (wire.DISCONNECT, 0x95)
    assert await device.closed()
    # A length that would fill the memory is refused before anything of it has come.
    device = await broker.device()
    await device.send(b"\x30" + wire.varint(200_000_000))
    assert await device.closed()
    assert len(broker.inbox.taken) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        wire.packet(wire.PINGREQ),
        wire.packet(wire.PUBLISH, wire.field(TOPIC) + b"x"),
        wire.packet(wire.CONNECT, b""),
        wire.packet(wire.CONNECT, wire.field("MQTT") + bytes([3, 2, 0, 60]) + wire.field("a")),
        wire.packet(wire.CONNECT, wire.field("MQIsdp") + bytes([3, 2, 0, 60]) + wire.field("a")),
        wire.packet(wire.CONNECT, wire.field("MQTT") + bytes([4, 3, 0, 60]) + wire.field("a")),
        wire.packet(wire.CONNECT, wire.field("MQTT") + bytes([4, 0, 0, 60]) + wire.field("")),
        b"\x10\xff\xff\xff\xff\x7f",
    ],
)
async def test_what_is_no_greeting_ends_the_connection(broker: Running, data: bytes) -> None:
    device = Device()
    await device.open(broker.port)
    await device.send(data)
    assert await device.closed()
    # The others go on.
    sound = await broker.device()
    await sound.ping()
    await sound.close()


@pytest.mark.parametrize(
    "data",
    [
        wire.connect_packet(password="north"),
        wire.packet(wire.PUBLISH, wire.field(TOPIC), 6),
        wire.packet(wire.PUBLISH, wire.field(TOPIC) + b"\x00\x00", 2),
        wire.packet(wire.PUBLISH, b"\x00", 0),
        wire.packet(wire.PUBLISH, b"\x00\x01\xff\x00\x01", 2),
        wire.packet(wire.SUBSCRIBE, b"\x00\x01", 2),
        wire.packet(wire.SUBSCRIBE, b"\x00\x01" + wire.field("a") + b"\x03", 2),
        wire.packet(wire.SUBSCRIBE, b"\x00\x01" + wire.field("a") + b"\x01", 0),
        wire.packet(wire.CONNACK, b"\x00\x00"),
        wire.packet(15, b""),
        b"\xc0\xff\xff\xff\xff\x01",
    ],
)
async def test_what_breaks_the_protocol_ends_the_connection(broker: Running, data: bytes) -> None:
    device = await broker.device()
    await device.send(data)
    assert await device.closed()
    await until(lambda: broker.gateway.health.clients == 0)


@pytest.mark.parametrize("topic", ["microlink/one/+/electrical/P", "", "microlink/" + "x" * 1100])
async def test_what_is_no_topic_is_refused_and_a_dead_letter(broker: Running, topic: str) -> None:
    for level in (4, 5):
        device = await broker.device(level=level)
        await device.publish(topic, b"1")
        assert await device.acknowledged(1) == (0x90 if level == 5 else 0)
        await device.close()
    assert broker.gateway.health.refused == 2
    assert [letter[:4] for letter in broker.letters.found] == [("north", topic, b"1", "TOPIC_ERROR")] * 2


async def test_packets_may_come_in_pieces_and_together(broker: Running) -> None:
    device = Device()
    await device.open(broker.port)
    parts = wire.connect_packet(password="north") + b"".join(
        wire.publish_packet(TOPIC, b"%d" % number, packet_id=number + 1) for number in range(50)
    )
    for start in range(0, len(parts), 7):
        await device.send(parts[start : start + 7])
    assert (await device.receive()).kind == wire.CONNACK
    for number in range(50):
        await device.acknowledged(number + 1)
    assert broker.inbox.payloads() == [b"%d" % number for number in range(50)]
    await device.close()
