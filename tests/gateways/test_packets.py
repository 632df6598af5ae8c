"""The codec: whatever comes is a packet or `Malformed`, and what a client may say is read as it was said."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gateways.device import connect_packet, publish_packet
from wattline.gateways.broker import packets
from wattline.gateways.broker.connection import _framed
from wattline.gateways.broker.packets import V3, V5, Malformed, Publish, Will

LEVELS = st.sampled_from([V3, V5])
TOPIC = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=40)


@given(st.binary(max_size=200), st.integers(0, 15), LEVELS)
def test_no_bytes_break_the_reader(body: bytes, flags: int, level: int) -> None:
    with suppress(Malformed):
        packets.read_connect(body)
    with suppress(Malformed):
        packets.read_connect(b"\x00\x04MQTT" + bytes([level]) + body)
    with suppress(Malformed):
        packets.read_publish(flags, body, level)
    with suppress(Malformed):
        packets.read_subscribe(body, level)
    with suppress(Malformed):
        packets.read_unsubscribe(body, level)
    with suppress(Malformed):
        packets.read_acknowledgement(body)
    with suppress(Malformed):
        _framed(body, 0)


@given(TOPIC, st.binary(max_size=300), st.integers(0, 2), st.integers(1, 65535), st.booleans(), st.booleans(), LEVELS)
def test_publish(topic: str, payload: bytes, qos: int, number: int, retain: bool, duplicate: bool, level: int) -> None:
    data = publish_packet(topic, payload, qos, number, retain=retain, duplicate=duplicate, level=level)
    framed = _framed(b"xyz" + data + b"rest", 3)
    assert framed is not None
    first, body, end = framed
    assert end == 3 + len(data)
    assert packets.read_publish(first & 15, body, level) == Publish(
        topic, payload, qos, retain, duplicate, number if qos else 0
    )
    ours = packets.publish(level, topic, payload, qos, retain, number if qos else 0, duplicate)
    assert ours == data


def test_connect() -> None:
    data = connect_packet("me", clean=False, password="secret", keep_alive=30, will=("w/t", b"gone"), level=4)
    read = packets.read_connect(data[2:])
    assert (read.level, read.client_id, read.clean, read.keep_alive) == (4, "me", False, 30)
    assert (read.username, read.password, read.expiry) == ("anyone", b"secret", None)
    assert read.will == Will("w/t", b"gone", 0, False)
    assert packets.read_connect(connect_packet("me", level=5, expiry=90)[2:]).expiry == 90
    assert packets.read_connect(connect_packet("me", level=5, expiry=2**32 - 1)[2:]).expiry is None
    assert packets.read_connect(connect_packet("me", clean=True)[2:]).expiry == 0


def test_no_part_of_a_packet_is_a_packet() -> None:
    data = publish_packet("a/b", b"x" * 300)
    assert [_framed(data[:size], 0) for size in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize("length", [0, 127, 128, 16_383, 16_384, 60_000])
def test_lengths(length: int) -> None:
    framed = _framed(packets.publish(V3, "t", b"x" * length, 0, False), 0)
    assert framed is not None
    assert len(framed[1]) == length + 3
