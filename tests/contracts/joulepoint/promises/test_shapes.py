"""What each answer holds: the names that the contract tells of, and no name short."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from tests.contracts.joulepoint.promises.conftest import ANALYTICS, BULK, ENERGY, READING, Yard

PROBLEM = {"type", "title", "status", "detail", "instance", "code", "request_id"}
KPI = {
    "period", "import_kwh", "export_kwh", "net_kwh", "peak_kw", "peak_at", "demand_interval_min", "avg_kw", "min_kw",
    "load_factor", "base_kw", "pf_avg", "self_consumption_pct", "self_sufficiency_pct", "cost", "co2_kg", "data",
}  # fmt: skip
FORECAST = {
    "meter_id", "model", "season_h", "issued_at", "as_of", "step", "unit", "points", "training", "backtest", "skill",
}  # fmt: skip


def lacks(document: dict[str, Any], names: Collection[str]) -> set[str]:
    """The names that a document does not have."""
    return set(names) - set(document)


async def week(yard: Yard) -> None:
    """Hourly readings of nine days."""
    await yard.ask("PATCH", f"{ENERGY}/meters/{yard.meter}", json={"interval_s": 3600})
    hours = range(9 * 24 + 1)
    rows = [{"total_energy": 1000.0 + hour, "timestamp": yard.at(hours=len(hours) - 1 - hour)} for hour in hours]
    assert (await yard.send({"readings": rows}, BULK)).json()["accepted"] == len(hours)


async def test_of_a_reading(yard: Yard) -> None:
    body = {"total_power": 3600.0, "timestamp": yard.at(minutes=1)}
    first = (await yard.send(body)).json()
    assert first == {"id": first["id"], "meter_id": yard.meter, "timestamp": body["timestamp"], "status": "stored"}
    assert (await yard.send(body)).json() == {**first, "status": "duplicate"}
    assert (await yard.send({**body, "total_power": 1})).json() == {**first, "status": "replaced", "revision": 2}


async def test_of_several_readings(yard: Yard) -> None:
    row = {"total_power": 1, "timestamp": yard.at(minutes=1)}
    told = (await yard.send({"readings": [row, row, {**row, "total_power": 2}, {"frequency": 101}]}, BULK)).json()
    (rejected,) = told.pop("rejected")
    assert told == {"accepted": 1, "duplicates": 1, "replaced": 1}
    assert rejected["index"] == 3
    (error,) = rejected["errors"]
    assert (error["pointer"], error["code"], lacks(error, ("pointer", "code", "detail"))) == (
        "/frequency",
        "out_of_range",
        set(),
    )


async def test_of_a_problem(yard: Yard) -> None:
    answer = await yard.send({"total_power": 2e9})
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert set(told) == PROBLEM | {"errors"}
    assert (told["status"], told["instance"], told["request_id"]) == (422, READING, answer.headers["x-request-id"])
    assert told["type"] == "urn:wattline:problem:invalid"
    answer = await yard.depot.call("GET", f"{ENERGY}/meters/999999999")
    assert (answer.status_code, set(answer.json())) == (404, PROBLEM)


@pytest.mark.parametrize(
    "path",
    [
        "meters", "groups", "accounts", "tariffs", "schedules", "constraints", "gateway-keys", "topology/nodes",
        "topology/edges", "pq/config", "pq/events", "protection/events", "protection/breakers",
    ],
)  # fmt: skip
async def test_of_a_list(shared: Yard, path: str) -> None:
    told = await shared.ask("GET", f"{ENERGY}/{path}", params={"limit": 500})
    assert set(told) == {"count", "next", "previous", "results"}
    assert told["count"] == len(told["results"])
    for limit in (0, 501):
        await shared.ask("GET", f"{ENERGY}/{path}", 400, params={"limit": limit})
    told = await shared.ask("GET", f"{ENERGY}/{path}", 400, params={"colour": "red"})
    assert [(each["parameter"], each["code"]) for each in told["errors"]] == [("colour", "unknown")]


async def test_of_the_live_trail(yard: Yard) -> None:
    told = await yard.ask("GET", f"{ANALYTICS}/live_trail", params={"meter_id": yard.meter})
    assert (told["points"], told["stale"], told["latest"]) == ([], True, None)
    await yard.send({"total_power": 5.0})
    told = await yard.ask("GET", f"{ANALYTICS}/live_trail", params={"meter_id": yard.meter})
    assert lacks(told, ("meter_id", "tz", "interval_s", "stale", "age_s", "latest", "points")) == set()
    assert (told["stale"], told["age_s"], told["latest"]["total_power"]) == (False, 0, 5.0)
    assert [set(point) for point in told["points"]] == [{"t", "total_power"}]


async def test_of_key_figures(yard: Yard) -> None:
    asked = {"meter_id": yard.meter, "from": yard.at(hours=4), "to": yard.at(), "compare": "previous"}
    await week(yard)
    told = await yard.ask("GET", f"{ANALYTICS}/kpi", params=asked)
    assert lacks(told, KPI | {"previous", "change_pct"}) == set()
    assert set(told["period"]) == {"from", "to"}
    assert lacks(told["data"], ("expected", "received", "completeness_pct", "estimated_kwh")) == set()
    assert (told["import_kwh"], told["load_factor"], told["pf_avg"]) == (pytest.approx(4), pytest.approx(1), None)
    assert lacks(told["previous"], KPI) == set()
    assert told["change_pct"]["import_kwh"] == pytest.approx(0, abs=1e-6)
    for compare, before in (("year_ago", dict), ("none", type(None))):
        told = await yard.ask("GET", f"{ANALYTICS}/kpi", params={**asked, "compare": compare})
        assert isinstance(told["previous"], before)


async def test_of_a_matrix(yard: Yard) -> None:
    await week(yard)
    asked = {"meter_id": yard.meter, "from": yard.at(days=7), "to": yard.at()}
    for value, unit in (("energy", "kWh"), ("avg_power", "kW"), ("peak", "kW")):
        for rows in ("date", "weekday"):
            for cols, width in (("hour", 24), ("halfhour", 48)):
                told = await yard.ask(
                    "GET", f"{ANALYTICS}/matrix", params={**asked, "value": value, "rows": rows, "cols": cols}
                )
                assert lacks(told, ("unit", "rows", "cols", "values", "min", "max", "total", "dst")) == set()
                assert (told["unit"], len(told["cols"]), len(told["values"])) == (unit, width, len(told["rows"]))
                assert {len(row) for row in told["values"]} == {width}
    told = await yard.ask("GET", f"{ANALYTICS}/matrix", params=asked)
    cells = [cell for row in told["values"] for cell in row if cell is not None]
    kpi = await yard.ask("GET", f"{ANALYTICS}/kpi", params=asked)
    assert sum(cells) == pytest.approx(kpi["import_kwh"], abs=1e-6)
    assert None in told["values"][0]


async def test_of_a_forecast(yard: Yard) -> None:
    await week(yard)
    for model in ("naive", "seasonal_naive", "seasonal_mean", "auto"):
        told = await yard.ask("GET", f"{ANALYTICS}/forecast", params={"meter_id": yard.meter, "model": model})
        assert lacks(told, FORECAST) == set()
        assert (told["model"], told["step"], told["unit"], len(told["points"])) == (model, "1h", "kW", 24)
        assert [set(point) for point in told["points"]] == [{"t", "value", "q"}] * 24
        assert set(told["points"][0]["q"]) == {"0.1", "0.5", "0.9"}
        assert lacks(told["training"], ("from", "to", "completeness_pct")) == set()
        assert lacks(told["backtest"], ("folds", "mase", "rmse_kw", "pinball", "coverage_80")) == set()
    for wrong in (
        {"horizon_h": 0},
        {"horizon_h": 169},
        {"step": "5m"},
        {"model": "oracle"},
        {"quantiles": "1.5"},
        {"target": "x"},
    ):
        await yard.ask("GET", f"{ANALYTICS}/forecast", 400, params={"meter_id": yard.meter, **wrong})


async def test_of_a_graph(yard: Yard) -> None:
    grid = await yard.made("topology/nodes", kind="grid", meter_id=yard.meter)
    load = await yard.made("topology/nodes", kind="load")
    await yard.made("topology/edges", source=grid, target=load)
    told = await yard.ask("GET", f"{ENERGY}/topology/nodes/graph")
    assert lacks(told, ("nodes", "edges", "totals", "as_of")) == set()
    assert set(told["totals"]) == {"import_w", "export_w", "load_w", "generation_w", "loss_w", "unaccounted_w"}
    for node in told["nodes"]:
        assert lacks(node, ("id", "kind", "name", "meter_id", "rating_va", "nominal_voltage", "position", "state")) == set()
        assert lacks(node["live"], ("power_w", "voltage_v", "current_a", "age_s", "stale")) == set()
    (edge,) = told["edges"]
    names = ("id", "source", "target", "kind", "length_m", "r_ohm_per_km", "x_ohm_per_km", "rating_a", "phases")
    assert lacks(edge, names) == set()
    live = ("power_w", "direction", "current_a", "loading_pct", "loss_w", "loss_method")
    assert lacks(edge["live"], live) == set()
    assert edge["live"]["power_w"] is None
    told = await yard.ask("GET", f"{ENERGY}/topology/nodes/graph", params={"live": "false"})
    assert all("live" not in each for each in [*told["nodes"], *told["edges"]])


async def test_of_an_event(yard: Yard) -> None:
    await yard.send({"total_power": 5.0, "timestamp": yard.at()})
    told = await yard.ask("GET", "/api/events", params={"type": "data.ingested", "meter_id": yard.meter})
    (event,) = told["results"]
    assert lacks(event, ("id", "type", "timestamp", "tenant", "data", "causation_id", "schema_version")) == set()
    assert (event["type"], event["tenant"], event["timestamp"]) == ("data.ingested", yard.depot.tenant, yard.at())
    assert (event["data"]["meter_id"], event["data"]["total_power"]) == (yard.meter, 5.0)


async def test_of_a_token_and_of_what_is_said_of_it(yard: Yard) -> None:
    client = await yard.ask("POST", "/api/integrations/credentials", 201, json={"name": "c", "scopes": ["energy:read"]})
    assert lacks(client, ("client_id", "client_secret", "scopes", "last_used_at")) == set()
    login = (client["client_id"], client["client_secret"])
    answer = await yard.depot.client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=login)
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    token = {"token": answer.json()["access_token"]}
    told = (await yard.depot.client.post("/oauth/introspect", data=token, auth=login)).json()
    assert (told["active"], told["scope"], told["client_id"]) == (True, "energy:read", client["client_id"])
    assert (await yard.depot.client.post("/oauth/revoke", data=token, auth=login)).status_code == 200
    told = (await yard.depot.client.post("/oauth/introspect", data=token, auth=login)).json()
    assert told == {"active": False}
    metadata = (await yard.depot.client.get("/.well-known/oauth-authorization-server")).json()
    endpoints = ("token_endpoint", "introspection_endpoint", "revocation_endpoint")
    assert lacks(metadata, ("issuer", *endpoints, "grant_types_supported", "scopes_supported")) == set()


async def test_of_a_forecast_of_a_meter_that_is_read_less_often_than_it_says(yard: Yard) -> None:
    """Registers an hour apart at a meter of minutes: what they count is known, how it came about is not."""
    hours = range(73)
    rows = [{"total_energy": 1000.0 + hour, "timestamp": yard.at(hours=72 - hour)} for hour in hours]
    assert (await yard.send(rows, BULK)).json()["accepted"] == len(hours)
    asked = {"meter_id": yard.meter, "from": yard.at(hours=10), "to": yard.at()}
    told = await yard.ask("GET", f"{ANALYTICS}/kpi", params=asked)
    assert (told["import_kwh"], told["data"]["estimated_kwh"]) == (pytest.approx(10), pytest.approx(10))
    told = await yard.ask("GET", f"{ANALYTICS}/forecast", 422, params={"meter_id": yard.meter})
    assert told["code"] == "insufficient_history"
    assert "interval_s" in told["detail"]


async def test_of_an_event_of_power_quality(yard: Yard) -> None:
    volts = [230.0] * 20 + [150.0] * 10 + [230.0] * 20
    series = {"start": yard.at(minutes=5), "step_s": 0.01, "channels": {"a": volts, "b": [230.0] * 50, "c": [230.0] * 50}}
    assert (await yard.send(series, f"{ENERGY}/pq/rms")).status_code == 200
    asked = {
        "meter_id": yard.meter,
        "type": "sag",
        "from": yard.at(hours=1),
        "to": yard.at(),
        "open": False,
        "min_duration_s": 0.05,
    }
    (event,) = (await yard.ask("GET", f"{ENERGY}/pq/events", params=asked))["results"]
    names = (
        "id", "meter_id", "type", "category", "phases", "start", "end", "duration_s", "residual_pu", "depth_pu", "max_pu",
        "value_pct", "threshold", "hysteresis_pct", "reference_v", "method", "resolution_s", "standard", "annotations",
    )  # fmt: skip
    assert lacks(event, names) == set()
    assert (event["type"], event["category"], event["phases"], event["duration_s"]) == ("sag", "instantaneous", ["a"], 0.1)
    assert event["residual_pu"] == pytest.approx(150 / 230, abs=0.002)
    for other in ({"open": True}, {"min_duration_s": 0.2}, {"type": "swell"}, {"to": yard.at(minutes=30)}, {"from": yard.at()}):
        assert (await yard.ask("GET", f"{ENERGY}/pq/events", params={**asked, **other}))["results"] == []
    assert await yard.ask("GET", f"{ENERGY}/pq/events/{event['id']}") == event
    logged = await yard.ask("GET", "/api/events", params={"type": "pq.event", "meter_id": yard.meter})
    assert [each["data"]["phase"] for each in logged["results"]] == ["start", "end"]


async def test_of_an_event_of_protection_and_of_a_breaker(yard: Yard) -> None:
    sent = {
        "kind": "trip_earth_leakage", "breaker_id": "Q3", "state": "tripped", "prev_state": "closed", "current_a": 12.5,
        "leakage_ma": 41.0, "threshold": 30.0, "cause": "insulation", "timestamp": yard.at(minutes=1),
        "source_event_id": "e-77",
    }  # fmt: skip
    path = f"{ENERGY}/protection/events"
    made = await yard.send(sent, path)
    again = await yard.send(sent, path)
    assert (made.status_code, again.status_code, again.json()) == (201, 200, made.json())
    event = await yard.ask("GET", f"{path}/{made.json()['id']}")
    assert {**event, "id": 0} == {"id": 0, "meter_id": yard.meter, **sent, "sequence_gap": False, "late": False}
    (breaker,) = (await yard.ask("GET", f"{ENERGY}/protection/breakers"))["results"]
    assert (breaker["breaker_id"], breaker["state"], breaker["age_s"]) == ("Q3", "tripped", 60)
    logged = await yard.ask("GET", "/api/events", params={"type": "protection.event"})
    assert [each["data"]["kind"] for each in logged["results"]] == ["trip_earth_leakage"]
