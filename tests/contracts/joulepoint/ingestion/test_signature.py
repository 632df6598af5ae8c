"""Keys and signatures: what is asked in which order, and what a wrong one leads to."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import BULK, PATH, Meter, meter_in
from wattline.metering.readings.failures import KIND
from wattline.metering.signature import signature

PAGE = b'{"total_power":3600.0,"total_energy":1500.0,"voltage_a":230.1,"timestamp":"2025-10-16T10:00:00Z"}'
BODY = b'{"total_power":1}'


@pytest.fixture
async def signing(depot: Depot) -> Meter:
    """A meter whose key must sign."""
    return await meter_in(depot, signed=True)


async def refused(meter: Meter, content: bytes, given: str | None, path: str = PATH) -> str:
    """The code of the 401 that a body with this signature gets."""
    answer = await meter.post(content, path, signed=False, headers={} if given is None else {"X-Signature": given})
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"] == "DeviceKey, Bearer"
    assert await meter.stored() == {}
    code: str = answer.json()["code"]
    return code


def test_the_signature_of_the_page() -> None:
    assert signature("topsecret", PAGE) == "05e66b21c3a8d715deeb4a15cd40330c04320c4ea3ee845ff4d2e5d0987c0ed1"


async def test_the_reading_of_the_page_is_taken_with_its_signature_alone(signing: Meter) -> None:
    assert await refused(signing, PAGE, hashlib.sha256(PAGE + signing.secret.encode()).hexdigest()) == "signature_wrong"
    assert await refused(signing, PAGE, signature("topsecret", PAGE)) == "signature_wrong"
    assert (await signing.post(PAGE)).status_code == 201


@pytest.mark.parametrize("path", [PATH, BULK])
async def test_a_key_that_must_sign_is_told_so(signing: Meter, path: str) -> None:
    assert await refused(signing, BODY, None, path) == "signature_missing"


async def test_a_signature_that_is_given_must_be_right(meter: Meter) -> None:
    for given in ("", "0" * 64, signature(meter.secret, BODY)[:-1], signature(meter.secret, BODY + b" "), "é" * 32):
        answer = await meter.post(BODY, signed=False, headers={"X-Signature": given.encode()})  # type: ignore[dict-item]
        assert answer.json()["code"] == "signature_wrong"
    assert (await meter.post(BODY, signed=False)).status_code == 201


@pytest.mark.parametrize("form", ["{}", "sha256={}", "SHA256={}"])
async def test_forms_of_a_signature(signing: Meter, form: str) -> None:
    for text in (signature(signing.secret, BODY), signature(signing.secret, BODY).upper()):
        answer = await signing.post(BODY, signed=False, headers={"x-sIGNATURE": form.format(text)})
        assert answer.status_code == 201


async def test_what_is_signed_is_the_body_as_it_came(signing: Meter) -> None:
    packed = gzip.compress(BODY)
    headers = {"Content-Encoding": "gzip"}
    wrong = await signing.post(packed, signed=False, headers={**headers, "X-Signature": signature(signing.secret, BODY)})
    assert wrong.status_code == 401
    assert (await signing.post(packed, headers=headers)).status_code == 201


async def test_the_key_is_asked_for_before_anything_is_read(signing: Meter) -> None:
    for key in ("", "nobody", "x" * 10_000, signing.key + "0"):
        answer = await signing.depot.client.post(
            PATH, content=b"{", headers={"X-Device-Key": key, "Content-Type": "text/plain", "X-Signature": "x"}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")
        assert signing.secret not in answer.text


async def test_the_signature_is_asked_for_before_the_body_is_read(signing: Meter) -> None:
    assert await refused(signing, b"{", "0" * 64) == "signature_wrong"
    answer = await signing.post(b"\x1f\x8b", signed=False, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})
    assert answer.json()["code"] == "signature_missing"


async def test_the_size_is_asked_for_before_the_key(signing: Meter) -> None:
    answer = await signing.depot.client.post(PATH, content=b" " * 70_000, headers={"X-Device-Key": "nobody"})
    assert answer.status_code == 413


async def test_a_header_that_says_who_asks_comes_once(meter: Meter) -> None:
    headers = [("X-Device-Key", meter.key), ("x-device-key", "another"), ("Content-Type", "application/json")]
    answer = await meter.depot.client.post(PATH, content=BODY, headers=headers)
    assert answer.status_code == 400
    assert await meter.stored() == {}


async def test_a_key_is_a_uuid_in_either_case(meter: Meter) -> None:
    answer = await meter.depot.client.post(PATH, content=BODY, headers={"x-DEVICE-key": meter.key.upper()})
    assert answer.status_code == 201


async def test_after_a_rotation_both_secrets_hold_for_a_while(signing: Meter) -> None:
    depot, keys = signing.depot, signing.depot.platform.metering.keys
    new = await keys.rotate(depot.tenant, signing.key_id, signing.id, grace=60_000_000)
    former = signing.secret
    for secret in (former, new.secret):
        signing.secret = secret
        assert (await signing.post(BODY)).status_code == 201
    depot.clock.advance(61)
    assert (await signing.post(BODY)).status_code == 201
    signing.secret = former
    assert (await signing.post(BODY)).status_code == 401


async def test_a_key_that_was_revoked_is_nobodys(signing: Meter) -> None:
    await signing.depot.platform.metering.keys.revoke(signing.depot.tenant, signing.key_id, signing.id)
    answer = await signing.post(BODY)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")


async def test_many_wrong_signatures_are_an_event(signing: Meter, stranger: Depot) -> None:
    for count in range(7):
        await refused(signing, BODY, f"{count:064x}")
    events, _ = await signing.depot.platform.events.after(signing.depot.tenant, 0, 100)
    (event,) = [event for event in events if event.kind == KIND]
    assert event.body == {"key_id": signing.key_id, "meter_id": signing.id, "failures": 5, "window_s": 60}
    assert signing.secret not in json.dumps(event.body)
    assert await signing.depot.platform.events.last_sequence(stranger.tenant) == 0


@pytest.mark.parametrize("rate", [(10, 3)])
async def test_a_key_may_ask_so_often(meter: Meter, rate: tuple[float, int]) -> None:
    depot = meter.depot
    depot.clock.advance(10)
    for left in (2, 1, 0):
        answer = await meter.post(BODY)
        assert answer.status_code == 201
        assert answer.headers["ratelimit-policy"] == '"device";q=3;w=1'
        assert answer.headers["ratelimit"].startswith(f'"device";r={left};')
    # A wrong signature takes nothing from the key's share, and a reading that cannot be read does.
    assert (await meter.post(BODY, signed=False, headers={"X-Signature": "0"})).status_code == 401
    answer = await meter.post(b"{")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    depot.clock.advance(1)
    assert (await meter.post(BODY)).status_code == 201
