"""What the embedded broker sends to its clients: live, retained, after an absence, and no faster than they take it."""

from __future__ import annotations

from tests.gateways import device as wire
from tests.gateways.device import Device, Got
from tests.gateways.embedded import TOPIC, Running
from tests.gateways.inbox import until


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
