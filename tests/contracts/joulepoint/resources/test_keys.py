"""Keys of devices and gateways over HTTP: shown once, rotated, revoked; nothing secret anywhere else."""

from __future__ import annotations

import logging
import uuid

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.resources.conftest import GATEWAYS, METERS, made
from wattline.metering.signature import is_signed, signature


async def test_a_key_is_shown_once_and_its_secret_signs(depot: Depot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="wattline")
    meter = await made(depot, METERS)
    answer = await depot.call("POST", f"{METERS}/{meter}/keys/", json={"name": "logger", "require_signature": True})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    key = answer.json()
    here = f"{METERS}/{meter}/keys/{key['id']}"
    assert answer.headers["location"] == here
    assert (key["meter_id"], key["name"], key["require_signature"]) == (meter, "logger", True)
    text, secret = key.pop("key"), key.pop("secret")
    assert str(uuid.UUID(text)) == text
    known = depot.platform.metering.keys.authenticate(text)
    assert known.tenant == depot.tenant
    assert is_signed(signature(secret, b"{}"), b"{}", known.secrets(depot.clock.micros()))

    listed = await depot.call("GET", f"{METERS}/{meter}/keys")
    assert listed.json() == {"count": 1, "next": None, "previous": None, "results": [key]}
    assert (await depot.call("GET", here)).json() == key
    for shown in (listed.text, (await depot.call("GET", f"{METERS}/{meter}")).text, caplog.text):
        assert text not in shown
        assert secret not in shown


async def test_a_rotation_leaves_the_former_secret_its_grace(depot: Depot) -> None:
    meter = await made(depot, METERS)
    key = (await depot.call("POST", f"{METERS}/{meter}/keys")).json()
    here = f"{METERS}/{meter}/keys/{key['id']}"
    rotated = await depot.call("POST", f"{here}/rotate", json={"grace_s": 600})
    assert rotated.status_code == 200
    assert rotated.headers["cache-control"] == "no-store"
    assert "key" not in rotated.json()
    assert rotated.json()["former_secret_until"] is not None
    keys, now = depot.platform.metering.keys, depot.clock.micros()
    assert keys.authenticate(key["key"]).secrets(now) == (rotated.json()["secret"], key["secret"])
    for wrong in ({"grace_s": -1}, {"grace_s": 1.5}, {"grace_s": 10**9}, {"grace": 5}):
        assert (await depot.call("POST", f"{here}/rotate", json=wrong)).status_code == 422
    assert (await depot.call("POST", f"{here}/rotate/")).status_code == 200


async def test_a_revoked_key_holds_no_more(depot: Depot) -> None:
    meter = await made(depot, METERS)
    keys = depot.platform.metering.keys
    first, second = [(await depot.call("POST", f"{METERS}/{meter}/keys")).json() for _ in range(2)]
    revoked = await depot.call("POST", f"{METERS}/{meter}/keys/{first['id']}/revoke")
    assert revoked.status_code == 200
    assert revoked.json()["revoked_at"] is not None
    assert (await depot.call("DELETE", f"{METERS}/{meter}/keys/{second['id']}")).status_code == 204
    assert keys.known(first["key"]) is None
    assert keys.known(second["key"]) is None
    assert (await depot.call("POST", f"{METERS}/{meter}/keys/{first['id']}/rotate")).status_code == 409
    pages = (await depot.call("GET", f"{METERS}/{meter}/keys", params={"limit": 1})).json()
    assert (pages["count"], [each["id"] for each in pages["results"]]) == (2, [first["id"]])
    following = (await depot.call("GET", pages["next"])).json()
    assert ([each["id"] for each in following["results"]], following["next"]) == ([second["id"]], None)


async def test_a_gateway_has_some_meters_or_all(depot: Depot) -> None:
    meter = await made(depot, METERS)
    some = (await depot.call("POST", f"{GATEWAYS}/", json={"meter_ids": [meter]})).json()
    every = (await depot.call("POST", GATEWAYS, json={"meter_ids": None, "name": "roof"})).json()
    assert (some["meter_ids"], every["meter_ids"], every["name"]) == ([meter], None, "roof")
    listed = (await depot.call("GET", GATEWAYS)).json()
    assert [each["id"] for each in listed["results"]] == [some["id"], every["id"]]
    assert not {"key", "secret"} & {name for each in listed["results"] for name in each}
    here = f"{GATEWAYS}/{every['id']}"
    rotated = (await depot.call("POST", f"{here}/rotate")).json()
    assert depot.platform.metering.keys.authenticate(every["key"]).secret == rotated["secret"]
    assert (await depot.call("POST", f"{here}/revoke")).json()["revoked_at"] is not None
    assert (await depot.call("DELETE", f"{GATEWAYS}/{some['id']}")).status_code == 204
    assert depot.platform.metering.keys.known(some["key"]) is None
    assert (await depot.call("GET", here)).json()["id"] == every["id"]


async def test_what_is_wrong_with_a_new_key_is_told(depot: Depot) -> None:
    meter = await made(depot, METERS)
    for path, body, pointer in (
        (f"{METERS}/{meter}/keys", {"name": 5}, "/name"),
        (f"{METERS}/{meter}/keys", {"require_signature": "no"}, "/require_signature"),
        (f"{METERS}/{meter}/keys", {"secret": "mine"}, "/secret"),
        (f"{METERS}/{meter}/keys", {"meter_ids": [meter]}, "/meter_ids"),
        (GATEWAYS, {"meter_ids": []}, "/meter_ids"),
        (GATEWAYS, {"meter_ids": meter}, "/meter_ids"),
        (GATEWAYS, {"meter_ids": [meter, meter]}, "/meter_ids/1"),
        (GATEWAYS, {"meter_ids": [0]}, "/meter_ids/0"),
    ):
        answer = await depot.call("POST", path, json=body)
        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    for path in (f"{METERS}/{meter}/keys/{2**63}", f"{METERS}/{meter}/keys/x", f"{METERS}/{2**80}/keys", f"{GATEWAYS}/{2**80}"):
        assert (await depot.call("GET", path)).status_code == 404, path
    virtual = await made(depot, METERS, kind="virtual", formula=[{"meter_id": meter}])
    assert (await depot.call("POST", f"{METERS}/{virtual}/keys")).status_code == 409
    assert (await depot.call("POST", GATEWAYS, content=b"{", headers={"Content-Type": "application/json"})).status_code == 400
