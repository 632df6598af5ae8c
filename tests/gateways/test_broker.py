"""The embedded broker, byte by byte and with the clients that people use."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gateways import device as wire
from tests.gateways.device import Device
from tests.gateways.embedded import BOTH, OPTIONS, TOPIC, Running, running
from tests.gateways.inbox import Inbox, KeyRing, Letters, until
from wattline.gateways.service import MqttGateway
from wattline.model.clock import ManualClock
from wattline.model.errors import Invalid, Unavailable
from wattline.model.principal import Principal


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


async def test_an_exactly_once_publication_is_confirmed_only_when_durable_also_the_second_time(
    broker: Running,
) -> None:
    """Its device would forget it, and a crash before the commit would lose it."""
    broker.inbox.gate.clear()
    device = await broker.device(clean=False)
    await device.publish(TOPIC, b"1", qos=2, packet_id=5)
    await broker.inbox.until(lambda: len(broker.inbox.calls) == 1)
    device.vanish()
    await until(lambda: broker.gateway.health.clients == 0)
    device = await broker.device(clean=False)
    assert device.session_present
    await device.publish(TOPIC, b"1", qos=2, packet_id=5, duplicate=True)
    await device.ping()
    broker.inbox.gate.set()
    assert (await device.receive()).kind == wire.PUBREC
    assert broker.inbox.payloads() == [b"1", b"1"]
    await device.close()


async def test_a_number_whose_publication_was_refused_may_be_used_again(broker: Running) -> None:
    """MQTT 5, section 4.3.3: after a PUBREC that refuses there is no PUBREL, and the packet identifier is free."""
    device = await broker.device("north-one", level=5)
    await device.publish("microlink/two/block-01/electrical/P", b"1", qos=2, packet_id=7)
    assert (await device.receive()).body == b"\x00\x07\x87"
    await device.publish(TOPIC, b"2", qos=2, packet_id=7)
    assert (await device.receive()).body == b"\x00\x07"
    assert broker.inbox.payloads() == [b"2"]
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
