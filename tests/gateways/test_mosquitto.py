"""Messages from a real Mosquitto: acknowledged when they are durable, and again until they are."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.gateways.device import CONNACK, SUBACK, Device, packet, publish_packet
from tests.gateways.inbox import Inbox, KeyRing, Letters, until
from tests.gateways.mosquitto import PASSWORD, USER, Mosquitto, mosquitto
from wattline.gateways.model import MqttOptions
from wattline.gateways.service import MqttGateway
from wattline.model.clock import ManualClock
from wattline.model.errors import QueueFull, Unavailable

TOPIC = "microlink/site/block-01/electrical/P"
OPTIONS = MqttOptions(
    client_id="platform", retry_seconds=0.02, retry_longest=0.1, reconnect_seconds=0.05, reconnect_longest=0.2
)


@asynccontextmanager
async def gateway(
    options: MqttOptions, clock: ManualClock, inbox: Inbox, letters: Letters | None = None, pattern: str = "microlink/#"
) -> AsyncIterator[MqttGateway]:
    """A gateway that is connected when the block begins, if its broker is there."""
    made = MqttGateway(options, KeyRing(), letters or Letters(), clock)  # type: ignore[arg-type]
    made.subscribe(pattern, inbox.handle)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "mosquitto"
    path.mkdir()
    return path


async def test_a_message_is_acknowledged_only_after_its_commit(directory: Path, clock: ManualClock) -> None:
    """The broker sends a second message only when the first is acknowledged, as it is told to have one under way at most."""
    inbox = Inbox()
    inbox.gate.clear()
    with mosquitto(directory, "max_inflight_messages 1\n") as broker:
        async with gateway(replace(OPTIONS, url=broker.url), clock, inbox) as made:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            for number in (1, 2):
                await device.publish(TOPIC, b"%d" % number, packet_id=number)
                await device.acknowledged(number)
            await inbox.until(lambda: len(inbox.calls) == 1)
            # Whatever the broker was going to send has come when it has answered a ping that went out later.
            await device.ping()
            await made.publish("other/topic", b"", tenant="default")
            assert (made.health.received, made.health.acknowledged) == (1, 0)
            inbox.gate.set()
            await inbox.has(2)
            await until(lambda: made.health.acknowledged == 2)
            assert inbox.payloads() == [b"1", b"2"]
            await device.close()


async def test_what_was_not_acknowledged_comes_again(directory: Path, clock: ManualClock) -> None:
    """The process that dies before its commit gets the message again; the one that committed does not."""
    with mosquitto(directory) as broker:
        options = replace(OPTIONS, url=broker.url, retry_seconds=5.0)
        failing = Inbox()
        failing.fail = lambda _: Unavailable("no commit")
        async with gateway(options, clock, failing) as made:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            await device.publish(TOPIC, b"once")
            await device.acknowledged(1)
            await failing.until(lambda: len(failing.calls) == 1)
        assert (made.health.acknowledged, made.health.connected) == (0, False)
        inbox = Inbox()
        async with gateway(options, clock, inbox) as made:
            await inbox.has(1)
            await until(lambda: made.health.acknowledged == 1)
        async with gateway(options, clock, inbox) as made:
            await until(lambda: made.health.connected)
            await device.publish(TOPIC, b"next", packet_id=2)
            await inbox.has(2)
        assert inbox.payloads() == [b"once", b"next"]
        await device.close()


async def test_what_comes_while_we_are_away_waits_at_the_broker(directory: Path, clock: ManualClock) -> None:
    with mosquitto(directory) as broker:
        options = replace(OPTIONS, url=broker.url)
        async with gateway(options, clock, Inbox()) as made:
            await until(lambda: made.health.connected)
        device = await Device.connected(broker.port)
        for number in range(1, 201):
            await device.publish(TOPIC, b"%d" % number, packet_id=number)
            await device.acknowledged(number)
        inbox = Inbox()
        async with gateway(options, clock, inbox):
            await inbox.has(200)
        assert inbox.payloads() == [b"%d" % number for number in range(1, 201)]
        await device.close()


async def test_a_broker_that_restarts_is_found_again_and_nothing_is_lost(directory: Path, clock: ManualClock) -> None:
    inbox = Inbox()
    inbox.gate.clear()
    with mosquitto(directory) as broker:
        async with gateway(replace(OPTIONS, url=broker.url), clock, inbox) as made:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            await device.publish(TOPIC, b"before")
            await device.acknowledged(1)
            await inbox.until(lambda: len(inbox.calls) == 1)
            broker.stop()
            await until(lambda: not made.health.connected)
            device.vanish()
            assert made.health.error is not None
            with pytest.raises(Unavailable, match="no connection"):
                await made.publish(TOPIC, b"", tenant="default")
            # The commit ends now; its acknowledgement must not reach the next connection, where the number may mean another.
            inbox.gate.set()
            await inbox.has(1)
            broker.start()
            await until(lambda: made.health.connected)
            await inbox.has(2)
            device = await Device.connected(broker.port)
            await device.publish(TOPIC, b"after")
            await inbox.has(3)
            assert inbox.payloads() == [b"before", b"before", b"after"]
            assert made.health.error is None
            await device.close()


async def test_a_broker_that_is_not_there_yet_does_not_hold_up_the_start(directory: Path, clock: ManualClock) -> None:
    broker = Mosquitto(directory)
    inbox = Inbox()
    async with gateway(replace(OPTIONS, url=broker.url), clock, inbox) as made:
        await until(lambda: made.health.error is not None)
        assert not made.health.connected
        with broker:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            await device.publish(TOPIC, b"late", qos=0)
            await inbox.has(1)
            await device.close()


async def test_a_full_journal_makes_messages_wait_and_then_takes_them(directory: Path, clock: ManualClock) -> None:
    inbox = Inbox()
    inbox.fail = lambda _: QueueFull("the journal is full") if len(inbox.calls) < 4 else None
    with mosquitto(directory) as broker:
        async with gateway(replace(OPTIONS, url=broker.url), clock, inbox) as made:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            await device.publish(TOPIC, b"a")
            await inbox.until(lambda: len(inbox.calls) == 2)
            assert made.health.held_up == "the journal is full"
            await inbox.has(1)
            await until(lambda: made.health.acknowledged == 1)
            assert (made.health.retried, made.health.held_up) == (3, None)
            await device.close()


async def test_a_message_that_breaks_its_handler_is_put_aside_alone(directory: Path, clock: ManualClock) -> None:
    inbox, letters = Inbox(), Letters()
    inbox.gate.clear()
    inbox.fail = lambda messages: ValueError("a fault") if any(m.payload == b"3" for m in messages) else None
    with mosquitto(directory) as broker:
        async with gateway(replace(OPTIONS, url=broker.url), clock, inbox, letters) as made:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            for number in range(6):
                await device.publish(TOPIC, b"%d" % number, packet_id=number + 1)
                await device.acknowledged(number + 1)
            inbox.gate.set()
            await until(lambda: made.health.acknowledged == 6)
            await device.close()
    assert sorted(inbox.payloads()) == [b"0", b"1", b"2", b"4", b"5"]
    assert [(letter[0], letter[2], letter[3]) for letter in letters.found] == [("default", b"3", "INTERNAL_ERROR")]
    assert made.health.poisoned == 1


async def test_memory_is_bounded_while_a_handler_hangs(directory: Path, clock: ManualClock) -> None:
    """QoS 0 knows no acknowledgement, so the only way to hold up a sender is to leave its messages in the network."""
    inbox = Inbox()
    inbox.gate.clear()
    payload = b"x" * 2000
    with mosquitto(directory) as broker:
        async with gateway(replace(OPTIONS, url=broker.url, most_pending=100), clock, inbox) as made:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            for _ in range(2000):
                await device.publish(TOPIC, payload, qos=0)
            await device.ping()
            await until(lambda: made.health.pending >= 100)
            await device.ping()
            assert made.health.pending == 100
            inbox.gate.set()
            await inbox.has(1000)
            assert made.health.connected
            await device.close()


async def test_messages_that_come_together_are_handled_together(directory: Path, clock: ManualClock) -> None:
    inbox = Inbox()
    inbox.gate.clear()
    with mosquitto(directory, "max_inflight_messages 0\n") as broker:
        async with gateway(replace(OPTIONS, url=broker.url), clock, inbox) as made:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            for number in range(1, 301):
                await device.publish(TOPIC, b"%d" % number, packet_id=number)
            await until(lambda: made.health.received == 300)
            inbox.gate.set()
            await inbox.has(300)
            assert len(inbox.calls) <= 3
            assert inbox.payloads() == [b"%d" % number for number in range(1, 301)]
            await device.close()


async def test_retained_messages_say_so(directory: Path, clock: ManualClock) -> None:
    inbox = Inbox()
    with mosquitto(directory) as broker:
        device = await Device.connected(broker.port)
        await device.publish(TOPIC, b"kept", retain=True)
        await device.acknowledged(1)
        async with gateway(replace(OPTIONS, url=broker.url), clock, inbox):
            await inbox.has(1)
            await device.publish(TOPIC, b"live", packet_id=2)
            await inbox.has(2)
        await device.close()
    assert [(m.payload, m.retained, m.tenant, m.qos) for m in inbox.taken] == [
        (b"kept", True, "default", 1),
        (b"live", False, "default", 1),
    ]


async def test_commands_go_out_and_are_confirmed(directory: Path, clock: ManualClock) -> None:
    with mosquitto(directory) as broker:
        async with gateway(replace(OPTIONS, url=broker.url, tenant="owner"), clock, Inbox()) as made:
            await until(lambda: made.health.connected)
            device = await Device.connected(broker.port)
            assert await device.subscribe("microlink/+/+/command/#") == 1
            await made.publish("microlink/site/block-01/command/plc", b"{}", tenant="owner")
            got = await device.message()
            assert (got.topic, got.payload, got.qos) == ("microlink/site/block-01/command/plc", b"{}", 1)
            with pytest.raises(Unavailable, match="another tenant"):
                await made.publish("microlink/site/block-01/command/plc", b"{}", tenant="other")
            await device.close()


async def test_a_command_that_was_not_confirmed_is_not_sent_later(directory: Path, clock: ManualClock) -> None:
    """Whoever sent it was told that it failed; a valve that moves a minute afterwards would be nobody's intention."""
    inbox = Inbox()
    with mosquitto(directory) as broker:
        async with gateway(replace(OPTIONS, url=broker.url, publish_seconds=0.1), clock, inbox) as made:
            await until(lambda: made.health.connected)
            broker.hang()
            with pytest.raises(Unavailable, match="in time"):
                await made.publish(TOPIC, b"given up", tenant="default")
            broker.crash()
            await until(lambda: not made.health.connected)
            broker.start()
            await until(lambda: made.health.connected)
            await made.publish(TOPIC, b"next", tenant="default")
            await inbox.until(lambda: b"next" in inbox.payloads())
            assert inbox.payloads() == [b"next"]


async def test_credentials_come_from_the_url_and_are_in_no_log(
    directory: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox()
    with Mosquitto(directory, secured=True) as broker:
        wrong = replace(OPTIONS, url=f"mqtt://{USER}:nope@127.0.0.1:{broker.port}")
        async with gateway(wrong, clock, inbox) as made:
            await until(lambda: made.health.error is not None)
            assert "refuses us" in str(made.health.error)
            assert not made.health.connected
        right = replace(OPTIONS, url=f"mqtt://{USER}:a%20pass%3Aword%401@127.0.0.1:{broker.port}")
        async with gateway(right, clock, inbox) as made:
            await until(lambda: made.health.connected)
    assert "nope" not in caplog.text
    assert PASSWORD not in caplog.text
    assert "nope" not in made.health.broker


# paho leaves a socket whose handshake failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_tls_is_verified(directory: Path, clock: ManualClock, certificate: tuple[Path, Path]) -> None:
    inbox = Inbox()
    with Mosquitto(directory, tls=certificate) as broker:
        url = f"mqtts://127.0.0.1:{broker.port}"
        async with gateway(replace(OPTIONS, url=url), clock, inbox) as made:
            await until(lambda: made.health.error is not None)
            assert "certificate" in str(made.health.error).lower()
        async with gateway(replace(OPTIONS, url=url, ca_file=certificate[0]), clock, inbox) as made:
            await until(lambda: made.health.connected)
            for number in range(50):
                await made.publish(f"{TOPIC}-{number}", b"y" * 3000, tenant="default")
            await inbox.has(50)
            assert made.health.acknowledged == 50


async def test_what_was_decrypted_before_a_pause_is_read_after_it(clock: ManualClock, certificate: tuple[Path, Path]) -> None:
    """Many messages in one TLS record, as some brokers send them (not Mosquitto, so this one stands in for such): the socket
    does not become readable for what the TLS layer has taken from it.
    """
    inbox = Inbox()
    inbox.gate.clear()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"platform")
        writer.write(packet(CONNACK, b"\x00\x00"))
        subscribe = await reader.readuntil(b"microlink/#\x01")
        writer.write(packet(SUBACK, subscribe[2:4] + b"\x01"))
        writer.write(b"".join(publish_packet(TOPIC, b"%d" % number, 0) for number in range(200)))
        await reader.read()
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as server:
        url = f"mqtts://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        options = replace(OPTIONS, url=url, ca_file=certificate[0], most_pending=2)
        async with gateway(options, clock, inbox) as made:
            await until(lambda: made.health.pending == 2)
            inbox.gate.set()
            await inbox.has(200)
