"""The published page, line by line in its own words: each path with the slash at its end and without."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import uuid

import pytest

from tests.contracts.joulepoint.promises.conftest import ANALYTICS, BULK, ENERGY, READING, SLASHES, Yard

BODY = b'{"total_power":3600.0,"total_energy":1500.0,"voltage_a":230.1,"timestamp":"2025-10-16T10:00:00Z"}'
THRESHOLDS = {"sag_v_threshold": 0.9, "swell_v_threshold": 1.1, "thd_pct_threshold": 5.0, "imbalance_pct_threshold": 2.0}
PUBLISHED = (
    f"{ENERGY}/meters",
    f"{ENERGY}/tariffs",
    f"{ENERGY}/schedules",
    f"{ENERGY}/constraints",
    f"{ENERGY}/pq/events",
    f"{ENERGY}/protection/events",
    f"{ENERGY}/topology/nodes/graph",
)


@SLASHES
@pytest.mark.parametrize("path", PUBLISHED)
async def test_what_is_got_is_there(shared: Yard, path: str, slash: str) -> None:
    answer = await shared.depot.call("GET", f"{path}{slash}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.history == []


@SLASHES
async def test_a_reading_as_the_page_sends_it(yard: Yard, slash: str) -> None:
    headers = {
        "X-Device-Key": yard.key,
        "X-Signature": hmac.new(yard.secret.encode(), BODY, hashlib.sha256).hexdigest(),
        "Content-Type": "application/json",
    }
    answer = await yard.depot.client.post(f"{READING}{slash}", content=BODY, headers=headers)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told == {"id": told["id"], "meter_id": yard.meter, "timestamp": "2025-10-16T10:00:00Z", "status": "stored"}


async def test_a_key_is_a_uuid(shared: Yard) -> None:
    assert str(uuid.UUID(shared.key)) == shared.key


async def test_a_signature_is_optional_but_what_is_given_is_that_of_an_hmac(yard: Yard) -> None:
    headers = {"X-Device-Key": yard.key, "Content-Type": "application/json"}
    answer = await yard.depot.client.post(READING, content=BODY, headers=headers)
    assert answer.status_code == 201, answer.text
    plain = {
        hashlib.sha256(BODY + yard.secret.encode()).hexdigest(),
        hashlib.sha256(yard.secret.encode() + BODY).hexdigest(),
        hashlib.sha256(BODY).hexdigest(),
    }
    for text in plain:
        answer = await yard.depot.client.post(READING, content=BODY, headers={**headers, "X-Signature": text})
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_wrong")


@SLASHES
async def test_several_readings(yard: Yard, slash: str) -> None:
    rows = [{"total_power": 1.0, "timestamp": yard.at(minutes=minutes)} for minutes in (2, 1)]
    answer = await yard.send({"readings": rows}, BULK + slash)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "duplicates": 0, "replaced": 0, "rejected": []})


@SLASHES
@pytest.mark.parametrize("of", ["meter_id", "group_id", "account_id"])
async def test_analytics_of_meters_groups_and_accounts(yard: Yard, of: str, slash: str) -> None:
    await yard.ask("PATCH", f"{ENERGY}/meters/{yard.meter}", json={"interval_s": 3600})
    group = await yard.made("groups", meter_ids=[yard.meter])
    account = await yard.made("accounts", currency="EUR", meters=[{"meter_id": yard.meter}])
    number = {"meter_id": yard.meter, "group_id": group, "account_id": account}[of]
    hours = range(51)
    rows = [{"total_energy": 1000 + hour, "total_power": 1000.0, "timestamp": yard.at(hours=50 - hour)} for hour in hours]
    assert (await yard.send(rows, BULK)).json()["accepted"] == len(hours)
    asked = {of: number, "from": yard.at(hours=10), "to": yard.at()}
    assert (await yard.ask("GET", f"{ANALYTICS}/kpi{slash}", params=asked))["import_kwh"] == pytest.approx(10)
    assert (await yard.ask("GET", f"{ANALYTICS}/matrix{slash}", params=asked))["total"] == pytest.approx(10)
    trail = await yard.ask("GET", f"{ANALYTICS}/live_trail{slash}", params={of: number})
    assert [(point["t"], point["total_power"]) for point in trail["points"]] == [(yard.at().replace("Z", "+00:00"), 1000.0)]
    file = await yard.depot.call("GET", f"{ANALYTICS}/export{slash}", params={**asked, "interval": "1h"})
    assert (file.status_code, file.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    lines = csv.DictReader(io.StringIO(file.text))
    assert sum(float(line["import_kwh"] or 0) for line in lines) == pytest.approx(10)
    naive = await yard.ask("GET", f"{ANALYTICS}/forecast{slash}", params={of: number, "model": "naive"})
    assert [point["value"] for point in naive["points"]] == pytest.approx([1.0] * 24)


@SLASHES
async def test_forecasts_of_demand_and_of_renewable_generation(yard: Yard, slash: str) -> None:
    roof = await yard.made("meters", kind="generation", interval_s=3600)
    rows = [{"meter_id": roof, "energy_export": float(hour), "timestamp": yard.at(hours=60 - hour)} for hour in range(61)]
    answer = await yard.depot.call("POST", BULK, json=rows)
    assert answer.json()["accepted"] == 61, answer.text
    asked = {"meter_id": roof, "model": "naive", "target": "generation"}
    found = await yard.ask("GET", f"{ANALYTICS}/forecast{slash}", params=asked)
    assert (found["target"], found["points"][0]["value"]) == ("generation", pytest.approx(1.0))
    found = await yard.ask("GET", f"{ANALYTICS}/forecast{slash}", params={**asked, "target": "demand"})
    assert (found["target"], found["points"][0]["value"]) == ("demand", pytest.approx(-1.0))


@SLASHES
async def test_thresholds_as_the_page_has_them(yard: Yard, slash: str) -> None:
    sample = {"meter_id": yard.meter, **THRESHOLDS}
    for status in (201, 200):
        found = await yard.ask("POST", f"{ENERGY}/pq/config{slash}", status, json=sample)
        assert {name: found[name] for name in sample} == sample


@SLASHES
async def test_trips_earth_leakage_and_breaker_state(yard: Yard, slash: str) -> None:
    sent = (
        {"kind": "trip_overcurrent", "state": "tripped", "timestamp": yard.at(minutes=3)},
        {"kind": "earth_leakage_alarm", "leakage_ma": 34.0, "timestamp": yard.at(minutes=2)},
        {"kind": "breaker_state", "state": "open", "prev_state": "tripped", "timestamp": yard.at(minutes=1)},
    )
    for body in sent:
        answer = await yard.send(body, f"{ENERGY}/protection/events{slash}")
        assert answer.status_code == 201, answer.text
    listed = await yard.ask("GET", f"{ENERGY}/protection/events{slash}", params={"meter_id": yard.meter})
    assert [row["kind"] for row in reversed(listed["results"])] == [body["kind"] for body in sent]


@SLASHES
async def test_nodes_and_edges_with_live_power_and_losses(yard: Yard, slash: str) -> None:
    grid = await yard.made("topology/nodes", kind="grid", position={"x": 0, "y": 0, "z": 3}, meter_id=yard.meter)
    behind = await yard.made("meters")
    load = await yard.made("topology/nodes", kind="load", position={"x": 10, "y": 0, "z": 0}, meter_id=behind)
    edge = await yard.made("topology/edges", source=grid, target=load, length_m=100, r_ohm_per_km=0.2, rating_a=63)
    rows = [{"meter_id": n, "total_power": w, "timestamp": yard.at(seconds=1)} for n, w in ((yard.meter, 5100), (behind, 5000))]
    assert (await yard.depot.call("POST", BULK, json=rows)).json()["accepted"] == 2
    graph = await yard.ask("GET", f"{ENERGY}/topology/nodes/graph{slash}", params={"live": "true"})
    assert {node["id"]: node["live"]["power_w"] for node in graph["nodes"]} == {grid: 5100, load: 5000}
    (found,) = graph["edges"]
    assert (found["id"], found["live"]["loss_w"], found["live"]["loss_method"]) == (edge, 100, "measured")
    assert graph["nodes"][0]["position"] == {"x": 0, "y": 0, "z": 3}


@SLASHES
async def test_a_bearer_token_by_oauth2_with_the_scopes_of_its_credential(yard: Yard, slash: str) -> None:
    body = {"name": "dashboard", "scopes": ["energy:read"]}
    made = await yard.ask("POST", f"/api/integrations/credentials{slash}", 201, json=body)
    form = {"grant_type": "client_credentials"}
    answer = await yard.depot.client.post(f"/oauth/token{slash}", data=form, auth=(made["client_id"], made["client_secret"]))
    token = answer.json()["access_token"]
    assert {**answer.json(), "access_token": ""} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "energy:read",
    }
    await yard.ask("GET", f"{ENERGY}/meters{slash}", key=token)
    answer = await yard.depot.call("GET", f"{ENERGY}/pq/events{slash}", key=token)
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="pq:read"'
