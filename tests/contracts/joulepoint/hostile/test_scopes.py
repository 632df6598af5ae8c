"""Every operation asks who it is, and for its scope, before it looks at anything else."""

from __future__ import annotations

import re

from .estate import ENERGY, Estate
from .published import Operation

FOR_ANYBODY = {"/oauth/token", "/oauth/introspect", "/oauth/revoke", f"{ENERGY}/asyncapi.json"}
BY_LINK = f"{ENERGY}/analytics/exports/{{number}}/file"
FOR_EVERY_TOKEN = {"/api/events/schemas", "/api/events/schemas/{name}"}
DEVICES = {
    f"{ENERGY}/energy-data", f"{ENERGY}/energy-data/bulk", f"{ENERGY}/pq/rms", f"{ENERGY}/pq/waveform", f"{ENERGY}/pq/events",
    f"{ENERGY}/protection/events",
}  # fmt: skip
GARBAGE = {"content": b'{"password": "x', "headers": {"Content-Type": "application/json"}}


def path_of(operation: Operation) -> str:
    """A path of things that were never there."""
    return re.sub(r"\{\w+\}", "999999999", operation.path)


async def test_without_a_token_nothing_is_looked_at(estate: Estate, operations: list[Operation]) -> None:
    assert {o.path for o in operations if not o.is_secured} == {*FOR_ANYBODY, BY_LINK}
    for operation in operations:
        if not operation.is_secured:
            continue
        for key in (None, "", "jp_nonsense", "wl_nonsense", "é" * 40, "x" * 20_000):
            headers = {"Content-Type": "application/json"}
            if key is not None:
                headers["Authorization"] = f"Bearer {key}".encode().decode("latin-1")
            raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            answer = await estate.depot.client.request(
                operation.method, path_of(operation), content=b"{", headers=raw, params={"no": "such"}
            )
            assert answer.status_code == 401, (operation, answer.text)
            challenge = answer.headers["www-authenticate"]
            assert challenge.startswith(("Bearer", "DeviceKey")), challenge
            assert answer.json()["code"] in ("invalid_token", "invalid_key")
            assert not key or key not in answer.text


async def test_without_the_scope_nothing_is_looked_at_and_the_scope_is_named(
    estate: Estate, operations: list[Operation]
) -> None:
    before = await estate.seen()
    other = await estate.depot.key("ml:read")
    named: dict[str, str] = {}
    for operation in operations:
        if not operation.is_secured or operation.path in FOR_EVERY_TOKEN:
            continue
        query = {"channels": "meter:1"} if "channels" in operation.query else {}
        answer = await estate.depot.call(operation.method, path_of(operation), key=other, params=query, **GARBAGE)
        assert answer.status_code == 403, (operation, answer.text)
        if "channels" not in operation.query:
            assert answer.json()["code"] == "insufficient_scope"
            challenge = answer.headers["www-authenticate"]
            (scope,) = re.findall(r'error="insufficient_scope", scope="([a-z:]+)"', challenge)
            assert scope in answer.json()["detail"]
            key = named.setdefault(scope, await estate.depot.key(scope))
            answer = await estate.depot.call(operation.method, path_of(operation), key=key, **GARBAGE)
            assert answer.status_code in (200, 400, 404, 415, 422), (operation, scope, answer.text)
    writes = {"energy:write", "config:write", "pq:write", "topology:write"}
    assert set(named) == {*writes, "energy:read", "pq:read", "topology:read", "export:read", "admin"}
    assert await estate.seen() == before


async def test_a_key_of_a_device_opens_nothing_but_its_doors(estate: Estate, operations: list[Operation]) -> None:
    before = await estate.seen()
    for operation in operations:
        if not operation.is_secured:
            continue
        path, device = path_of(operation), {"X-Device-Key": estate.device["key"]}
        if operation.path not in DEVICES or operation.method != "POST":
            answer = await estate.depot.client.request(operation.method, path, headers=device)
            assert answer.status_code == 401, (operation, answer.text)
        for secret in (estate.device["key"], estate.device["secret"]):
            answer = await estate.depot.call(operation.method, path, key=secret)
            assert answer.status_code == 401, (operation, answer.text)
    # Its own meter alone.
    for path, body in (
        (f"{ENERGY}/energy-data", {"total_power": 1.0}),
        (f"{ENERGY}/pq/rms", {"start": estate.at(10**6), "channels": {"a": [230.0]}}),
        (f"{ENERGY}/pq/events", {"type": "sag", "start": estate.at(5)}),
        (f"{ENERGY}/protection/events", {"kind": "arc_fault"}),
    ):
        answers = [
            await estate.send(path, {**body, "meter_id": number}) for number in (estate.things["other meter"], 2**31 - 1)
        ]
        # Which meters there are is not told either.
        assert {answer.status_code for answer in answers} == {403}, answers[0].text
    assert await estate.seen() == before
