"""The embedded broker, byte by byte and with the clients that people use."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.gateways import device as wire
from tests.gateways.device import Device, Got
from tests.gateways.inbox import Inbox, KeyRing, Letters
from tests.gateways.test_mosquitto import certificate as certificate  # noqa: PLC0414 - a fixture that both need
from tests.gateways.test_mosquitto import until
from wattline.gateways.model import MOST_PAYLOAD, MqttOptions
from wattline.gateways.service import MqttGateway
from wattline.model.clock import ManualClock
from wattline.model.errors import Invalid, Unavailable
from wattline.model.principal import Principal

WRITE = frozenset({"telemetry:write"})
BOTH = WRITE | {"query:read"}
NORTH = Principal("north", "k1", BOTH)
KEYS = {
    "north": NORTH,
    "north-writer": Principal("north", "k2", WRITE),
    "north-one": Principal("north", "k3", WRITE, frozenset({"one"})),
    "south": Principal("south", "k4", BOTH),
    "reader": Principal("north", "k5", frozenset({"query:read"})),
    "operator": Principal("north", "k6", BOTH | {"command:write"}),
}
TOPIC = "microlink/one/block-01/electrical/P"
OPTIONS = MqttOptions(port=0, retry_seconds=0.02, sweep_seconds=0.02)


class Running:
    """A gateway with its embedded broker, and what it was given."""

    def __init__(self, clock: ManualClock, options: MqttOptions) -> None:
        self.inbox, self.letters, self.keys = Inbox(), Letters(), KeyRing(**KEYS)
        self.gateway = MqttGateway(options, self.keys, self.letters, clock)  # type: ignore[arg-type]
        self.gateway.subscribe("microlink/#", self.inbox.handle)

    @property
    def port(self) -> int:
        assert self.gateway.port
        return self.gateway.port

    async def device(self, key: str = "north", client_id: str = "device", **more: Any) -> Device:
        return await Device.connected(self.port, client_id, password=key, **more)


@asynccontextmanager
async def running(clock: ManualClock, options: MqttOptions = OPTIONS) -> AsyncIterator[Running]:
    made = Running(clock, options)
    await made.gateway.start()
    try:
        yield made
    finally:
        await made.gateway.stop()


@pytest.fixture
async def broker(clock: ManualClock) -> AsyncIterator[Running]:
    async with running(clock) as made:
        yield made


@pytest.mark.parametrize("level", [4, 5])
async def test_a_publication_is_acknowledged_only_after_its_commit(broker: Running, level: int) -> None:
    broker.inbox.gate.clear()
    device = await broker.device(level=level)
    await device.publish(TOPIC, b"1", packet_id=9)
    await broker.inbox.until(lambda: len(broker.inbox.calls) == 1)
    # A ping is answered, and nothing before it.
    await device.ping()
    broker.inbox.gate.set()
    assert await device.acknowledged(9) == 0
    assert [(m.topic, m.payload, m.tenant) for m in broker.inbox.taken] == [(TOPIC, b"1", "north")]
    await device.close()


async def test_what_was_not_acknowledged_is_sent_again_and_taken_again(broker: Running) -> None:
    broker.inbox.gate.clear()
    device = await broker.device()
    await device.publish(TOPIC, b"1")
    await broker.inbox.until(lambda: len(broker.inbox.calls) == 1)
    device.vanish()
    broker.inbox.gate.set()
    device = await broker.device()
    await device.publish(TOPIC, b"1", duplicate=True)
    await device.acknowledged(1)
    assert broker.inbox.payloads() == [b"1", b"1"]
    await device.close()


async def test_a_handler_that_cannot_makes_the_device_wait(broker: Running) -> None:
    broker.inbox.fail = lambda _: Unavailable("no commit") if len(broker.inbox.calls) < 3 else None
    device = await broker.device()
    await device.publish(TOPIC, b"1")
    await device.acknowledged(1)
    assert len(broker.inbox.calls) == 3
    await device.close()


@pytest.mark.parametrize("level", [4, 5])
async def test_exactly_once_publications(broker: Running, level: int) -> None:
    device = await broker.device(level=level)
    await device.publish(TOPIC, b"1", qos=2, packet_id=5)
    assert (await device.receive())[:1] == (wire.PUBREC,)
    await device.publish(TOPIC, b"1", qos=2, packet_id=5, duplicate=True)
    assert (await device.receive()).kind == wire.PUBREC
    await device.send(wire.packet(wire.PUBREL, b"\x00\x05", 2))
    assert (await device.receive()).kind == wire.PUBCOMP
    assert broker.inbox.payloads() == [b"1"]
    await device.publish(TOPIC, b"2", qos=2, packet_id=5)
    assert (await device.receive()).kind == wire.PUBREC
    assert broker.inbox.payloads() == [b"1", b"2"]
    await device.close()


@pytest.mark.parametrize(("level", "code"), [(4, 4), (5, 0x86)])
async def test_only_a_good_key_gets_in(broker: Running, level: int, code: int) -> None:
    for password in (None, "", "wrong", "ключ"):
        device = Device(level)
        await device.open(broker.port)
        assert await device.connect(password=password) == code
        assert await device.closed()
    device = Device(level)
    await device.open(broker.port)
    assert await device.connect(password="reader") == (5 if level == 4 else 0x87)
    assert await device.closed()
    assert broker.gateway.health.refused == 5


async def test_nobody_needs_a_key_where_it_is_open(clock: ManualClock) -> None:
    async with running(clock, replace(OPTIONS, open=True, tenant="default")) as broker:
        device = await Device.connected(broker.port)
        await device.publish(TOPIC, b"1")
        await device.acknowledged(1)
        assert broker.inbox.taken[0].tenant == "default"
        assert await device.subscribe("microlink/#") == 1
        await device.close()


async def test_a_revoked_key_is_cut_off(broker: Running) -> None:
    device = await broker.device()
    await device.publish(TOPIC, b"1")
    await device.acknowledged(1)
    del broker.keys.keys["north"]
    assert await device.closed()


async def test_a_key_whose_sites_change_is_cut_off(broker: Running) -> None:
    device = await broker.device()
    await device.ping()
    broker.keys.keys["north"] = Principal("north", "k1", BOTH, frozenset({"two"}))
    assert await device.closed()


async def test_no_tenant_hears_another(broker: Running) -> None:
    north, south = await broker.device("north", "n"), await broker.device("south", "s")
    for listener in (north, south):
        assert await listener.subscribe("microlink/#") == 1
    await north.publish(TOPIC, b"of north", retain=True)
    assert (await north.message()).payload == b"of north"
    await north.acknowledged(1)
    await south.ping()
    late = await broker.device("south", "late")
    assert await late.subscribe("microlink/#") == 1
    await late.ping()
    await broker.gateway.publish(TOPIC, b"for south", tenant="south")
    assert (await south.message()).payload == b"for south"
    await north.ping()
    for listener in (north, south, late):
        await listener.close()


@pytest.mark.parametrize(
    ("key", "topic", "allowed"),
    [
        ("north-one", "microlink/one/block-01/electrical/P", True),
        ("north-one", "microlink/two/block-01/electrical/P", False),
        ("north-one", "microlink/one/block-01/command/response", True),
        ("north-one", "microlink/one/block-01/command/plc", False),
        ("north", "microlink/two/block-01/command/plc", False),
        ("operator", "microlink/two/block-01/command/plc", True),
        ("north", "elsewhere/one/block-01/electrical/P", False),
        ("north", "$SYS/broker/uptime", False),
        ("north", "microlink", False),
    ],
)
async def test_what_a_key_may_publish(broker: Running, key: str, topic: str, allowed: bool) -> None:
    """3.1.1 cannot refuse, so such a message is acknowledged and goes to the dead letters; MQTT 5 says 0x87."""
    for level in (4, 5):
        device = await broker.device(key, level=level)
        await device.publish(topic, b"1")
        assert await device.acknowledged(1) == (0 if allowed or level == 4 else 0x87)
        await device.close()
    assert len(broker.inbox.taken) == (2 if allowed else 0)
    letters = [(letter[0], letter[1], letter[3]) for letter in broker.letters.found]
    assert letters == ([] if allowed else [("north", topic, "TOPIC_ERROR")] * 2)


@pytest.mark.parametrize(
    ("key", "pattern", "allowed"),
    [
        ("north-one", "microlink/one/+/command/#", True),
        ("north-one", "microlink/one/block-01/command/plc", True),
        ("north-one", "microlink/+/+/command/#", False),
        ("north-one", "microlink/one/#", False),
        ("north-one", "microlink/one/+/+/command", False),
        ("north-one", "#", False),
        ("north-writer", "microlink/+/+/command/#", True),
        ("north-writer", "microlink/#", False),
        ("north", "microlink/#", True),
        ("north", "#", False),
        ("north", "+/one/#", False),
        ("north", "$SYS/#", False),
        ("north", "$share/group/microlink/#", False),
    ],
)
async def test_what_a_key_may_hear(broker: Running, key: str, pattern: str, allowed: bool) -> None:
    for level in (4, 5):
        device = await broker.device(key, level=level)
        assert await device.subscribe(pattern) == (1 if allowed else 0x80 if level == 4 else 0x87)
        await device.close()


async def test_an_absent_client_finds_its_commands(broker: Running) -> None:
    command = "microlink/one/block-01/command/plc"
    device = await broker.device("north-one", clean=False)
    assert not device.session_present
    assert await device.subscribe("microlink/one/+/command/#") == 1
    device.vanish()
    await until(lambda: broker.gateway.health.clients == 0)
    for number in range(3):
        await broker.gateway.publish(command, b"%d" % number, tenant="north")
    device = await broker.device("north-one", clean=False)
    assert device.session_present
    first = await device.message(acknowledge=False)
    assert [(await device.message()).payload for _ in range(2)] == [b"1", b"2"]
    assert (first.payload, first.duplicate) == (b"0", False)
    await device.ping()
    device.vanish()
    # What it did not acknowledge comes again, marked as such; a clean start forgets everything.
    device = await broker.device("north-one", clean=False)
    again = await device.message()
    assert (again.payload, again.duplicate, again.packet_id) == (b"0", True, first.packet_id)
    await device.close()
    device = await broker.device("north-one", clean=True)
    assert not device.session_present
    await broker.gateway.publish(command, b"3", tenant="north")
    await device.ping()
    await device.close()


async def test_a_client_id_is_taken_over_by_its_own_key_only(broker: Running) -> None:
    first = await broker.device("north", "same")
    other = await broker.device("operator", "same")
    await first.ping()
    second = await broker.device("north", "same")
    assert await first.closed()
    await second.ping()
    await other.ping()
    await second.close()
    await other.close()


async def test_a_slow_client_loses_messages_and_nobody_else_waits(broker: Running) -> None:
    slow, quick = await broker.device("north", "slow"), await broker.device("north", "quick")
    for listener in (slow, quick):
        assert await listener.subscribe("microlink/one/+/command/#", qos=1) == 1
    for number in range(1200):
        await broker.gateway.publish("microlink/one/b/command/x", b"%d" % number, tenant="north")
        assert (await quick.message()).payload == b"%d" % number
    # 32 are under way to the slow one and 1,000 wait.
    assert broker.gateway.health.dropped == 1200 - 32 - 1000
    for number in range(1032):
        assert (await slow.message()).payload == b"%d" % number
    await slow.close()
    await quick.close()


async def test_a_client_gets_no_more_at_once_than_it_takes(broker: Running) -> None:
    """Receive Maximum of MQTT 5, section 3.1.2.11.3."""
    device = Device(5)
    await device.open(broker.port)
    properties = b"\x21\x00\x02"
    body = wire.field("MQTT") + bytes([5, 0xC2, 0, 60]) + wire.varint(len(properties)) + properties
    await device.send(wire.packet(wire.CONNECT, body + wire.field("device") + wire.field("x") + wire.field("north")))
    assert (await device.receive()).body[1] == 0
    await device.subscribe("microlink/#")
    for number in range(5):
        await broker.gateway.publish(TOPIC, b"%d" % number, tenant="north")
    first, second = [await device.message(acknowledge=False) for _ in range(2)]
    await device.ping()
    for got in (first, second):
        await device.send(wire.packet(wire.PUBACK, got.packet_id.to_bytes(2, "big")))
    assert [(await device.message()).payload for _ in range(3)] == [b"2", b"3", b"4"]
    await device.close()


async def test_retained_messages(broker: Running) -> None:
    device = await broker.device()
    await device.publish(TOPIC, b"1", retain=True)
    await device.acknowledged(1)
    await device.publish(TOPIC, b"2", retain=True, packet_id=2)
    await device.acknowledged(2)
    listener = await broker.device(client_id="listener")
    assert await listener.subscribe("microlink/+/+/electrical/#", qos=0) == 0
    assert await listener.message() == Got(TOPIC, b"2", 0, retain=True, duplicate=False, packet_id=0)
    await device.publish(TOPIC, b"", retain=True, packet_id=3)
    await device.acknowledged(3)
    assert (await listener.message()).retain is False
    third = await broker.device(client_id="third")
    assert await third.subscribe("microlink/#") == 1
    await third.ping()
    for one in (device, listener, third):
        await one.close()


async def test_a_will_is_published_when_a_client_vanishes(broker: Running) -> None:
    for end, expected in (("vanish", [b"gone"]), ("close", [])):
        device = await broker.device(will=(TOPIC, b"gone"))
        broker.inbox.taken.clear()
        if end == "vanish":
            device.vanish()
            await broker.inbox.has(1)
        else:
            await device.close()
            await until(lambda: broker.gateway.health.clients == 0)
        assert broker.inbox.payloads() == expected


async def test_a_silent_client_is_dropped(broker: Running) -> None:
    device = await broker.device(keep_alive=1)
    assert await device.closed()


async def test_unsubscribing(broker: Running) -> None:
    for level in (4, 5):
        device = await broker.device(level=level)
        await device.subscribe("microlink/#")
        middle = b"\x00" if level == 5 else b""
        await device.send(wire.packet(wire.UNSUBSCRIBE, b"\x00\x03" + middle + wire.field("microlink/#") + wire.field("x"), 2))
        answer = await device.receive()
        assert (answer.kind, answer.body) == (wire.UNSUBACK, b"\x00\x03" + (b"\x00\x00\x11" if level == 5 else b""))
        await broker.gateway.publish(TOPIC, b"", tenant="north")
        await device.ping()
        await device.close()


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


async def test_a_topic_with_a_wildcard_is_refused(broker: Running) -> None:
    device = await broker.device(level=5)
    await device.publish("microlink/one/+/electrical/P", b"1")
    assert await device.acknowledged(1) == 0x90
    await device.close()


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


async def test_a_device_that_never_waits_fills_no_memory(broker: Running) -> None:
    broker.inbox.gate.clear()
    device = await broker.device()

    async def pour() -> None:
        for number in range(4000):
            await device.publish(TOPIC, b"x" * 5000, packet_id=number + 1)

    pouring = asyncio.create_task(pour())
    await until(lambda: broker.gateway.health.pending >= 1000)
    # More than the network holds: most of it is still with the device.
    assert not pouring.done()
    assert broker.gateway.health.pending < 1100
    broker.inbox.gate.set()
    for number in range(4000):
        await device.acknowledged(number + 1)
    await pouring
    assert len(broker.inbox.taken) == 4000
    await device.close()


async def test_tls(clock: ManualClock, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    async with running(clock, replace(OPTIONS, tls_cert=cert, tls_key=key)) as broker:
        device = Device()
        await device.open(broker.port, ssl.create_default_context(cafile=str(cert)))
        assert await device.connect(password="north") == 0
        await device.publish(TOPIC, b"x" * 60_000)
        await device.acknowledged(1)
        await device.close()
        plain = Device()
        await plain.open(broker.port)
        with contextlib.suppress(ConnectionError):
            await plain.send(wire.connect_packet(password="north"))
        assert await plain.closed()


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_public_address_is_not_listened_on_unprotected(clock: ManualClock, is_open: bool) -> None:
    options = replace(OPTIONS, host="0.0.0.0", open=is_open)
    made = MqttGateway(options, KeyRing(), Letters(), clock)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="loopback" if is_open else "tls_cert"):
        await made.start()
    await made.stop()


async def test_a_taken_port_is_said(broker: Running, clock: ManualClock) -> None:
    second = MqttGateway(replace(OPTIONS, port=broker.port), KeyRing(), Letters(), clock)  # type: ignore[arg-type]
    second.subscribe("microlink/#", broker.inbox.handle)
    with pytest.raises(Unavailable, match=f"port {broker.port} for MQTT"):
        await second.start()
    await second.stop()


async def test_paho_and_the_broker_understand_each_other(broker: Running, clock: ManualClock) -> None:
    """The client that most devices in Python use, through our own link to external brokers."""
    inbox = Inbox()
    options = replace(OPTIONS, url=f"mqtt://x:operator@127.0.0.1:{broker.port}", client_id="bridge", reconnect_seconds=0.05)
    other = MqttGateway(options, KeyRing(), Letters(), clock)  # type: ignore[arg-type]
    other.subscribe("microlink/#", inbox.handle)
    await other.start()
    await until(lambda: other.health.connected)
    device = await broker.device()
    for number in range(200):
        await device.publish(TOPIC, b"%d" % number, packet_id=number + 1)
        await device.acknowledged(number + 1)
    await inbox.has(200)
    assert inbox.payloads() == [b"%d" % number for number in range(200)]
    await other.publish("microlink/one/block-01/command/plc", b"{}", tenant="default")
    await broker.inbox.has(201)
    await device.close()
    await other.stop()


async def test_stopping_ends_every_connection(clock: ManualClock) -> None:
    async with running(clock) as broker:
        devices = [await broker.device(client_id=f"d{number}", level=5) for number in range(5)]
    for device in devices:
        answer = await device.receive()
        assert (answer.kind, answer.body[0]) == (wire.DISCONNECT, 0x8B)
        assert await device.closed()
    assert not broker.gateway.health.connected
