"""Messages as the published devices encode them, byte by byte."""

from __future__ import annotations

import struct

import pytest

from wattline.contracts.household.wire import device, replies, requests
from wattline.contracts.household.wire.requests import Reading

TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ1234"
T = "0a1e4142434445464748494a4b4c4d4e4f505152535455565758595a31323334"
COARSE = struct.unpack("<f", struct.pack("<f", 1234.5))[0]

TOKEN_REQUESTS = [
    ("0a1141413a42423a43433a44443a45453a303110011800", ("AA:BB:CC:DD:EE:01", 1, False)),
    ("0a1141413a42423a43433a44443a45453a303110011801", ("AA:BB:CC:DD:EE:01", 1, True)),
    ("0a1141413a42423a43433a44443a45453a3032", ("AA:BB:CC:DD:EE:02", None, False)),
]
READINGS = [
    ("10011d00509a44", Reading(TOKEN, 1, COARSE, single=True)),
    ("100119adfa5c6d454a9340219a99999999997540290000000000802840", Reading(TOKEN, 1, 1234.5678, 345.6, 12.25)),
    ("100119adfa5c6d454a93403080c2fd92a432", Reading(TOKEN, 1, 1234.5678, timestamp=1727690400000)),
    ("100119adfa5c6d454a9340308080e9eebda8fffc17", Reading(TOKEN, 1, 1234.5678, timestamp=1727690400000000000)),
    ("19cc5d4bc8073d8b3f", Reading(TOKEN, None, 0.0133)),
]


@pytest.mark.parametrize(("sent", "found"), TOKEN_REQUESTS)
def test_requests_for_a_token(sent: str, found: tuple[str, int | None, bool]) -> None:
    read = requests.token_request(bytes.fromhex(sent))
    assert (read.client_id, read.kind, read.need_script, read.secret) == (*found, None)


def test_a_device_writes_these_requests() -> None:
    assert device.token_request("AA:BB:CC:DD:EE:01", 1, False).hex() == TOKEN_REQUESTS[0][0]
    assert device.token_request("AA:BB:CC:DD:EE:01", 1, True).hex() == TOKEN_REQUESTS[1][0]
    assert device.token_request("AA:BB:CC:DD:EE:02").hex() == TOKEN_REQUESTS[2][0]
    assert device.script_accepted(TOKEN).hex() == T


@pytest.mark.parametrize(("rest", "found"), READINGS)
def test_readings_in_both_layouts(rest: str, found: Reading) -> None:
    sent = bytes.fromhex(T + rest)
    assert requests.reading(sent) == found
    assert device.sensor_data(found) == sent


def test_an_accepted_script() -> None:
    assert requests.script_accepted(bytes.fromhex(T)) == requests.ScriptAccepted(TOKEN)


def test_replies() -> None:
    granted = T + "10901c18c801"
    assert replies.token_granted(TOKEN, 3600).hex() == granted
    assert replies.token_granted(TOKEN, 3600, rotations_per_kwh=75).hex() == granted + "304b"
    assert replies.token_refused(404, "Sensor not found").hex() == "189403221053656e736f72206e6f7420666f756e64"
    assert replies.outcome(200).hex() == "08c801"
    assert replies.outcome(400, "Value too high").hex() == "089003120e56616c756520746f6f2068696768"
    assert replies.outcome(401, "Token invalid").hex() == "089103120d546f6b656e20696e76616c6964"


def test_the_largest_grant_fits_a_device() -> None:
    script = "ü" * 332 + "x"
    assert len(script.encode()) == 665
    largest = replies.token_granted("A" * 44, 65535, script, 2**32 - 1, 75.0)
    assert len(largest) <= replies.LARGEST_TOKEN_RESPONSE
    assert device.token_reply(largest).script == script


@pytest.mark.parametrize("message", ["x" * 300, "ü" * 200, "x" + "€" * 100, "\ud800" * 300])
def test_a_long_message_is_cut_to_whole_characters(message: str) -> None:
    status = device.outcome(replies.outcome(400, message)).status_message
    assert status is not None
    assert 250 < len(status.encode()) <= replies.LONGEST_MESSAGE
    assert message.encode("utf-8", "replace").decode().startswith(status)
    assert device.token_reply(replies.token_refused(400, message)).status_message == status
