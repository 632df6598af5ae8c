"""POST /token and /script_accepted."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.contracts.household.wire.oracle import message
from wattline.households.meters.model import Kind, TooMany

from .asking import ask, reading, token_of
from .served import SCRIPT, Served

STRANGER = "AA:BB:CC:DD:EE:99"
SCRIPT_ID = hashlib.sha256(SCRIPT.encode()).hexdigest()[:16]


def wanting(mac: str, **fields: object) -> bytes:
    data: bytes = message("SecretTokenRequest", client_id=mac, **fields).SerializeToString()
    return data


@pytest.mark.parametrize("path", ["/token", "/api/v1/token"])
async def test_a_token_and_the_script_with_it(served: Served, path: str) -> None:
    answer = await ask(served, path, wanting(served.digital.lower(), type=1, need_script=False))
    found = answer.found
    assert (answer.status, found.expires_in, found.script) == (200, 3600, SCRIPT)
    assert len(found.access_token) <= 44
    assert not found.HasField("status_message")
    assert not found.HasField("analog_rotation_per_kwh")


async def test_digits_are_rotations(served: Served) -> None:
    found = (await ask(served, "/token", wanting(served.analog))).found
    assert (found.analog_rotation_per_kwh, found.HasField("script"), found.HasField("gas_rotation_per_kwh")) == (
        75,
        False,
        False,
    )
    found = (await ask(served, "/token", wanting(served.gas, type=2))).found
    assert (found.analog_rotation_per_kwh, found.gas_rotation_per_kwh) == (100, 100.0)


@pytest.mark.parametrize("mac", [STRANGER, "nonsense", "AA:BB:CC:DD:EE:0" * 50, "' OR 1=1 --", "\x00"])
async def test_who_is_not_known_gets_no_token(served: Served, mac: str) -> None:
    for body in (wanting(mac, type=1), json.dumps({"sensor_id": mac}).encode(), b"\x10\x01", b"{}"):
        answer = await ask(served, "/token", body)
        assert (answer.status, answer.text) == (401, "Sensor not found")


async def test_a_sensor_with_a_secret(served: Served) -> None:
    guarded = await served.add(Kind.WATER, secret="open sesame")
    bad = [wanting(guarded), wanting(guarded, secret=""), wanting(guarded, secret="open")]
    bad += [json.dumps({"sensor_id": guarded, "secret": each}).encode() for each in (None, "open")]
    for body in bad:
        assert (await ask(served, "/token", body)).status == 401
    assert (await ask(served, "/token", wanting(guarded, secret="open sesame"))).status == 200
    good = {"sensor_id": guarded, "secret": "open sesame"}
    assert (await ask(served, "/token", json.dumps(good).encode())).status == 200


async def test_as_json(served: Served) -> None:
    """With the media type that the page names, and with none."""
    for headers in ({"Content-Type": "application/json"}, {}):
        body = json.dumps({"sensor_id": served.digital, "type": 1, "need_script": True}).encode()
        found = (await ask(served, "/token", body, headers)).found
        assert found.pop("access_token")
        assert found == {"status": 200, "expires_in": 3600, "script": SCRIPT, "script_id": SCRIPT_ID}
    found = (await ask(served, "/token", json.dumps({"client_id": served.analog}).encode())).found
    assert found["analog_rotation_per_kwh"] == 75


async def test_protobuf_under_the_media_type_of_json(served: Served) -> None:
    assert (await ask(served, "/token", wanting(served.digital), {"Content-Type": "application/json"})).status == 200


async def test_two_names_that_differ(served: Served) -> None:
    body = json.dumps({"client_id": served.analog, "sensor_id": served.digital}).encode()
    assert (await ask(served, "/token", body)).status == 400


@pytest.mark.parametrize("path", ["/token", "/script_accepted"])
@pytest.mark.parametrize("content", [b"", b"\x0a\x1eA", b"{]", b"[]"])
async def test_no_message(served: Served, path: str, content: bytes) -> None:
    answer = await ask(served, path, content)
    assert (answer.status, answer.text) == (400, "Invalid data" if content else "No body")


async def test_a_token_holds_an_hour_and_the_one_before_it_a_while(served: Served) -> None:
    async def status(token: str) -> int:
        return (await ask(served, "/sensor_input", reading(token, 5.0))).status

    first = await token_of(served, served.digital)
    second = await token_of(served, served.digital)
    assert (await status(first), await status(second)) == (200, 200)
    served.clock.advance(301)
    assert (await status(first), await status(second)) == (401, 200)
    served.clock.advance(3298)
    assert await status(second) == 200
    served.clock.advance(2)
    assert await status(second) == 401


async def test_too_many_are_told_when_to_come_again(served: Served) -> None:
    served.meters.trouble = TooMany("too many tokens", 9)
    answer = await ask(served, "/token", wanting(served.digital))
    assert (answer.status, answer.text, answer.headers["retry-after"]) == (429, "too many tokens", "9")


class TestAcceptance:
    """A script is handed out until the device says that it has it."""

    async def test_by_the_token_alone(self, served: Served) -> None:
        token = await token_of(served, served.digital)
        answer = await ask(served, "/script_accepted", message("ScriptAcceptedRequest", access_token=token).SerializeToString())
        assert (answer.status, answer.text) == (200, "")
        assert not (await ask(served, "/token", wanting(served.digital))).found.HasField("script")
        assert (await ask(served, "/token", wanting(served.digital, need_script=True))).found.script == SCRIPT

    async def test_by_the_header_with_an_empty_body(self, served: Served) -> None:
        token = await token_of(served, served.digital)
        headers = {"Authorization": f"Bearer {token}"}
        assert (await ask(served, "/script_accepted", b"", headers)).status == 200
        assert (await ask(served, "/script_accepted", b"", {"Authorization": "Bearer"})).status == 401

    @pytest.mark.parametrize("between", [":", "-", ""])
    async def test_with_ids_that_fit(self, served: Served, between: str) -> None:
        token = await token_of(served, served.digital)
        mac = served.digital.lower().replace(":", between)
        body = {"access_token": token, "sensor_id": mac, "script_id": SCRIPT_ID.upper()}
        assert (await ask(served, "/script_accepted", json.dumps(body).encode())).status == 200

    @pytest.mark.parametrize(
        ("fields", "text"),
        [
            ({"sensor_id": "AA:BB:CC:DD:FF:FF"}, "Sensor not found"),
            ({"sensor_id": STRANGER}, "Sensor not found"),
            ({"sensor_id": ""}, "Sensor not found"),
            ({"script_id": "0" * 16}, "Script not found"),
            ({"script_id": ""}, "Script not found"),
            ({"script_id": "é"}, "Script not found"),
        ],
    )
    async def test_with_ids_that_do_not_fit(self, served: Served, fields: dict[str, str], text: str) -> None:
        token = await token_of(served, served.digital)
        answer = await ask(served, "/script_accepted", json.dumps({"access_token": token} | fields).encode())
        assert (answer.status, answer.text) == (404, text)
        assert (await ask(served, "/token", wanting(served.digital))).found.HasField("script")

    async def test_a_meter_without_a_script(self, served: Served) -> None:
        token = await token_of(served, await served.add(Kind.WATER))
        answer = await ask(served, "/script_accepted", message("ScriptAcceptedRequest", access_token=token).SerializeToString())
        assert answer.status == 404

    async def test_a_bad_token(self, served: Served) -> None:
        for token in ("", "A" * 30):
            body = json.dumps({"access_token": token}).encode()
            assert (await ask(served, "/script_accepted", body)).status == 401
