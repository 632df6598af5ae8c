"""What Google's protobuf writes we read, and what we write it reads, whatever the values."""

from __future__ import annotations

import math

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from wattline.contracts.household.wire import device, replies, requests
from wattline.contracts.household.wire.fields import Malformed

from .oracle import message, parsed

texts = st.text(max_size=300)
numbers = st.floats(allow_nan=False)
singles = st.floats(allow_nan=False, width=32)
kinds = st.integers(-(2**31), 2**31 - 1) | st.integers(0, 3)
stamps = st.integers(0, 2**64 - 1)


def _same(left: float, right: float) -> bool:
    return left == right and math.copysign(1, left) == math.copysign(1, right)


@given(texts, kinds, numbers, st.none() | numbers, st.none() | numbers, st.none() | stamps)
def test_a_reading_of_the_second_layout(
    token: str, kind: int, value: float, current: float | None, out: float | None, stamp: int | None
) -> None:
    sent = message(
        "SensorDataRequestV2",
        access_token=token,
        type=kind,
        value=value,
        value_current=current,
        value_out=out,
        timestamp=stamp,
    )
    found = requests.reading(sent.SerializeToString())
    assert (found.access_token, found.kind or 0, found.value_current, found.value_out) == (token, kind, current, out)
    assert _same(found.value, value)
    assert (found.timestamp, found.single) == (stamp or 0, False)
    # Our devices write neither a value nor a timestamp of zero, which mean the same as none.
    for field, zero in (("value", value == 0), ("timestamp", stamp == 0)):
        if zero:
            sent.ClearField(field)
    assert device.sensor_data(found) == sent.SerializeToString()


@given(texts, st.integers(0, 3), singles)
def test_a_reading_of_the_first_layout(token: str, kind: int, value: float) -> None:
    sent = message("SensorDataRequest", access_token=token, type=kind, value=value).SerializeToString()
    found = requests.reading(sent)
    assert (found.access_token, found.kind or 0) == (token, kind)
    assert _same(found.value, value)
    # A value of zero is not on the wire, so nothing tells its layout.
    assert found.single == (not _same(value, 0.0))


@given(texts, numbers, st.none() | numbers, st.none() | numbers, st.none() | texts)
def test_a_reading_of_release_two(
    token: str, value: float, current: float | None, out: float | None, stamp: str | None
) -> None:
    sent = message("EnergyDataRequest", access_token=token, value=value, value_current=current, value_out=out, timestamp=stamp)
    found = requests.reading(sent.SerializeToString())
    assert (found.access_token, found.kind, found.value_current, found.value_out) == (token, None, current, out)
    assert _same(found.value, value)
    assert found.timestamp == (0 if stamp is None else stamp)
    gas = message("GasDataRequest", access_token=token, value=value, value_current=current).SerializeToString()
    if value:
        assert requests.reading(gas) == requests.Reading(token, None, value, current)


@given(texts, kinds, st.none() | st.booleans(), st.none() | texts)
def test_a_request_for_a_token(client: str, kind: int, need: bool | None, secret: str | None) -> None:
    sent = message("SecretTokenRequest", client_id=client, type=kind, need_script=need, secret=secret).SerializeToString()
    found = requests.token_request(sent)
    assert (found.client_id, found.kind or 0, found.need_script, found.secret) == (client, kind, bool(need), secret)
    if client and kind >= 0:
        assert device.token_request(client, kind, need, secret) == sent


@given(
    texts,
    st.integers(0, 2**32 - 1),
    st.none() | texts,
    st.none() | st.integers(0, 2**32 - 1),
    st.none() | st.floats(allow_nan=False),
)
def test_a_grant(token: str, expires: int, script: str | None, rotations: int | None, gas: float | None) -> None:
    written = replies.token_granted(token, expires, script, rotations, gas)
    wanted = message(
        "TokenResponse",
        access_token=token,
        expires_in=expires,
        status=200,
        script=script,
        analog_rotation_per_kwh=rotations,
        gas_rotation_per_kwh=gas,
    )
    assert parsed("TokenResponse", written) == wanted
    assert written == wanted.SerializeToString()
    read = device.token_reply(written)
    assert (read.access_token, read.expires_in, read.status, read.script) == (token, expires, 200, script)
    assert (read.rotations_per_kwh, read.gas_rotations_per_kwh) == (rotations, gas)


@given(st.integers(100, 599), st.none() | st.text(max_size=60))
def test_an_outcome(status: int, text: str | None) -> None:
    written = replies.outcome(status, text)
    assert written == message("SensorDataResponse", status=status, status_message=text).SerializeToString()
    assert device.outcome(written) == device.Outcome(status, text)
    refused = replies.token_refused(status, text or "")
    assert parsed("TokenResponse", refused) == message("TokenResponse", status=status, status_message=text or "")


@given(texts, numbers, stamps, texts, numbers, singles)
def test_fields_that_are_not_known_are_skipped(
    token: str, value: float, number: int, text: str, eight: float, four: float
) -> None:
    sent = message("Later", access_token=token, value=value, number=number, text=text, eight=eight, four=four)
    found = requests.reading(sent.SerializeToString())
    assert (found.access_token, found.value) == (token, value)


@given(st.binary(max_size=80))
def test_what_we_read_google_reads_the_same(data: bytes) -> None:
    """On any bytes: we may refuse more (a known field of another wire type, a group), and never read anything else."""
    try:
        found = requests.token_request(data)
    except Malformed:
        return
    other = parsed("SecretTokenRequest", data)
    assert (found.client_id, found.kind or 0, found.need_script) == (other.client_id, other.type, other.need_script)
    assert (found.secret or "") == other.secret


@given(st.data())
def test_a_message_cut_short_is_refused_as_google_refuses_it(data: st.DataObject) -> None:
    sent = message(
        "SensorDataRequestV2", access_token="A" * 30, type=1, value=1234.5, value_current=3.0, timestamp=1727690400000
    ).SerializeToString()
    cut = sent[: data.draw(st.integers(0, len(sent)))]
    try:
        other = parsed("SensorDataRequestV2", cut)
    except DecodeError:
        with pytest.raises(Malformed):
            requests.reading(cut)
    else:
        found = requests.reading(cut)
        assert (found.access_token, found.value, found.timestamp) == (other.access_token, other.value, other.timestamp)
