"""Two tenants in one server: nothing of one is there for the other, whatever it asks with whatever it holds."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import httpx
import jwt
import pytest

from tests.contracts.flux.clients.project import SECRET, Project
from tests.contracts.flux.hostile.world import DEVICES

TABLES = ("mg_device_registry", "mg_bess_readings", "mg_meter_readings", "market_data", "mg_bess_readings_5m")
SPAN = {"start_time": "2023-12-31T00:00:00Z", "end_time": "2024-01-03T00:00:00Z"}


def asking(project: Project, key: str, token: str | None = None) -> httpx.Client:
    headers = {"apikey": key} if token is None else {"apikey": key, "Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{project.url}/rest/v1", headers=headers, timeout=30)


def everything(http: httpx.Client) -> dict[str, Any]:
    """All that a caller is shown."""
    shown = {table: http.get(f"/{table}").raise_for_status().json() for table in TABLES}
    shown["embeds"] = http.get("/mg_device_registry", params={"select": "*,mg_bess_readings(*)"}).raise_for_status().json()
    for call in ({**SPAN, "device_ids": None}, {**SPAN, "device_ids": DEVICES}):
        shown[f"rpc {call['device_ids']}"] = http.post("/rpc/get_meter_readings_5m", json=call).raise_for_status().json()
    return shown


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_another_tenant_sees_nothing(victim: Project, other: dict[str, str], role: str) -> None:
    with asking(victim, victim.keys[role]) as http:
        assert all(everything(http).values())
    with asking(victim, other[role]) as http:
        assert not any(everything(http).values())
        types = http.get("/market_data_types", params={"select": "name,market_data(*)"}).json()
        assert not any(each["market_data"] for each in types)
        names = ",".join(DEVICES)
        for table in ("mg_bess_readings", "mg_meter_readings"):
            assert http.get(f"/{table}", params={"device_id": f"in.({names})"}).json() == []


def test_another_tenant_changes_nothing(victim: Project, other: dict[str, str]) -> None:
    with asking(victim, victim.service) as mine:
        before = everything(mine)
        ids = [row["id"] for row in before["market_data"][:3]]
        with asking(victim, other["service_role"]) as http:
            for table, change in (
                ("mg_bess_readings", {"soe": 1}),
                ("market_data", {"value": 1}),
                ("mg_device_registry", {"name": "x"}),
            ):
                assert http.patch(f"/{table}", json=change, headers={"Prefer": "return=representation"}).json() == []
                assert http.delete(f"/{table}", headers={"Prefer": "return=representation"}).json() == []
            # The same keys are free in another tenant, and are others than those here.
            row = {"id": ids[0], "time": "2024-01-01", "type": 1, "value": -1}
            assert http.post("/market_data", json=row).status_code == 201
            device = {"id": DEVICES[0], "name": "theirs", "type": "bess", "site": "S"}
            upsert = {"Prefer": "resolution=merge-duplicates"}
            assert http.post("/mg_device_registry", json=device, headers=upsert).status_code in (201, 409, 400)
            reading = {"device_id": DEVICES[0], "time": "2024-01-01T00:00:00Z", "soe": 99}
            assert http.post(
                "/mg_bess_readings", json=reading, headers=upsert, params={"on_conflict": "device_id,time"}
            ).status_code in (
                201,
                409,
                400,
            )
            for table in ("market_data", "mg_device_registry", "mg_bess_readings"):
                http.delete(f"/{table}").raise_for_status()
        assert everything(mine) == before


def unsigned(**claims: Any) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def tokens(other: dict[str, str]) -> dict[str, str]:
    """Tokens that must not be taken, each beside a good key of anon."""
    good = {"role": "service_role", "exp": 4_000_000_000}
    head, body, signature = jwt.encode(good, SECRET, "HS256").split(".")
    return {
        "none": unsigned(**good),
        "other secret": jwt.encode(good, "x" * 40, "HS256"),
        "other algorithm": jwt.encode(good, SECRET, "HS384"),
        "expired": jwt.encode({**good, "exp": 1_700_000_000}, SECRET, "HS256"),
        "not yet": jwt.encode({**good, "nbf": 4_000_000_000}, SECRET, "HS256"),
        "expiry in words": jwt.encode({**good, "exp": "never"}, SECRET, "HS256"),
        "expiry too great": f"{head}.{base64.urlsafe_b64encode(b'{}').decode()}.{signature}",
        "role a list": jwt.encode({**good, "role": ["service_role"]}, SECRET, "HS256"),
        "role an object": jwt.encode({**good, "role": {"a": 1}}, SECRET, "HS256"),
        "role a number": jwt.encode({**good, "role": 7}, SECRET, "HS256"),
        "role unknown": jwt.encode({**good, "role": "postgres"}, SECRET, "HS256"),
        "cut": f"{head}.{body}",
        "too many parts": f"{head}.{body}.{signature}.{signature}",
        "huge": jwt.encode({**good, "x": "y" * 40_000}, "x" * 40, "HS256"),
        "no base64": "%.%.%",
        "deep": f"{head}.{base64.urlsafe_b64encode(b'[' * 20_000).decode()}.{signature}",
        "key of another tenant": other["service_role"],
    }


def test_no_forged_token_is_taken(victim: Project, other: dict[str, str]) -> None:
    for name, token in tokens(other).items():
        for key in (victim.anon, victim.service):
            with asking(victim, key, token) as http:
                answer = http.get("/market_data", params={"limit": 1})
            assert answer.status_code == 401, (name, answer.text)
            assert set(answer.json()) == {"code", "details", "hint", "message"}, name
    for key in (unsigned(role="service_role"), "", "x" * 50_000, jwt.encode({"role": "anon", "exp": 4e9}, SECRET, "HS256")):
        with asking(victim, key) as http:
            answer = http.get("/market_data", params={"limit": 1})
        assert answer.status_code == 401, answer.text


def test_a_token_of_one_tenant_is_nothing_beside_the_key_of_another(victim: Project, other: dict[str, str]) -> None:
    mine, theirs = victim.service, other["service_role"]
    for key, token in ((mine, theirs), (theirs, mine)):
        with asking(victim, key, token) as http:
            assert http.get("/market_data").status_code == 401
    with asking(victim, theirs, victim.token("service_role")) as http:
        answer = http.get("/market_data")
        # A token signed with the server's own secret holds in whichever tenant it is shown, and shows that tenant alone.
        assert answer.status_code == 401 or answer.json() == []


def test_what_the_other_tenant_writes_is_its_own(victim: Project, other: dict[str, str]) -> None:
    site = uuid.uuid4().hex
    with asking(victim, other["service_role"]) as http, asking(victim, victim.service) as mine:
        row = {"name": "x", "type": "bess", "site": site}
        assert http.post("/mg_device_registry", json=row).status_code == 201
        assert len(http.get("/mg_device_registry", params={"site": f"eq.{site}"}).json()) == 1
        assert mine.get("/mg_device_registry", params={"site": f"eq.{site}"}).json() == []
        http.delete("/mg_device_registry", params={"site": f"eq.{site}"}).raise_for_status()
