"""POST and GET /api/energy/pq/config."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.quality.conftest import CONFIG, Meter, meter_in

PUBLISHED = {
    "sag_v_threshold": 0.9,
    "swell_v_threshold": 1.1,
    "thd_pct_threshold": 5.0,
    "imbalance_pct_threshold": 2.0,
}


async def test_the_published_sample_is_made_then_replaced(depot: Depot, meter: Meter) -> None:
    first = await depot.call("POST", CONFIG, json={"meter_id": meter.id, **PUBLISHED})
    assert first.status_code == 201, first.text
    body = first.json()
    assert body["meter_id"] == meter.id
    assert {name: body[name] for name in PUBLISHED} == PUBLISHED
    assert (body["reference"], body["hysteresis_pct"], body["interruption_threshold"]) == ("fixed", 2.0, 0.1)
    assert (body["imbalance_method"], body["thd_window_s"], body["min_samples"]) == ("vuf", 600, 1)
    second = await depot.call("POST", f"{CONFIG}/", json={"meter_id": meter.id, "sag_v_threshold": 0.85})
    assert (second.status_code, second.json()["id"], second.json()["version"]) == (200, body["id"], 2)
    shown = await depot.call("GET", CONFIG, params={"meter_id": meter.id})
    assert shown.json()["sag_v_threshold"] == 0.85
    listed = await depot.call("GET", CONFIG)
    assert [each["meter_id"] for each in listed.json()["results"]] == [meter.id]


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ({"sag_v_threshold": 0.05}, {"/interruption_threshold", "/sag_v_threshold"}),
        ({"sag_v_threshold": 1.0}, {"/sag_v_threshold"}),
        ({"swell_v_threshold": 1.0}, {"/swell_v_threshold"}),
        ({"swell_v_threshold": 2.1}, {"/swell_v_threshold"}),
        ({"interruption_threshold": 0}, {"/interruption_threshold"}),
        ({"sag_v_threshold": 0.98}, {"/sag_v_threshold", "/hysteresis_pct"}),
        ({"swell_v_threshold": 1.02}, {"/swell_v_threshold", "/hysteresis_pct"}),
        ({"thd_pct_threshold": 0}, {"/thd_pct_threshold"}),
        ({"thd_pct_threshold": 100.1}, {"/thd_pct_threshold"}),
        ({"imbalance_pct_threshold": 0}, {"/imbalance_pct_threshold"}),
        ({"imbalance_pct_threshold": 101}, {"/imbalance_pct_threshold"}),
        ({"imbalance_method": "max"}, {"/imbalance_method"}),
        ({"reference": None}, {"/reference"}),
        ({"sag_v_threshold": "0.9"}, {"/sag_v_threshold"}),
        ({"sag_v_threshold": True}, {"/sag_v_threshold"}),
        ({"sag_v_threshold": None}, {"/sag_v_threshold"}),
        ({"min_samples": 1.5}, {"/min_samples"}),
        ({"rvc_threshold_pct": 0.9}, {"/rvc_threshold_pct"}),
        ({"rvc_threshold_pct": 6.1}, {"/rvc_threshold_pct"}),
        ({"rvc_threshold_pct": False}, {"/rvc_threshold_pct"}),
        ({"frequency_low": 50.5}, {"/frequency_low"}),
        ({"frequency_high": 50}, {"/frequency_high"}),
        ({"sag": 0.9, "thd_pct_threshold": -1}, {"/sag", "/thd_pct_threshold"}),
        ({"meter_id": "5"}, {"/meter_id"}),
        ({"meter_id": True, "thd_pct_threshold": -1}, {"/meter_id", "/thd_pct_threshold"}),
    ],
)
async def test_every_fault_is_named_at_once(depot: Depot, meter: Meter, given: dict[str, Any], pointers: set[str]) -> None:
    answer = await depot.call("POST", CONFIG, json={"meter_id": meter.id, **given})
    assert answer.status_code == 422, answer.text
    assert {error["pointer"] for error in answer.json()["errors"]} == pointers
    assert (await depot.call("GET", CONFIG, params={"meter_id": meter.id})).status_code == 404


async def test_limits_that_may_just_be_are_taken(depot: Depot, meter: Meter) -> None:
    body = {"sag_v_threshold": 0.97, "swell_v_threshold": 2, "thd_pct_threshold": 100, "imbalance_pct_threshold": 100}
    assert (await depot.call("POST", CONFIG, json={"meter_id": meter.id, **body})).status_code == 201


async def test_rapid_changes_are_looked_for_from_5_percent_on_unless_it_is_null(depot: Depot, meter: Meter) -> None:
    assert (await meter.config())["rvc_threshold_pct"] == 5
    assert (await meter.config(rvc_threshold_pct=3))["rvc_threshold_pct"] == 3
    assert (await meter.config(rvc_threshold_pct=None))["rvc_threshold_pct"] is None


async def test_a_basis_gives_the_limit_of_thd(depot: Depot) -> None:
    for volts, basis, limit in ((230, "ieee519", 8.0), (20_000, "ieee519", 5.0), (230, "en50160", 8.0)):
        meter = await meter_in(depot, nominal_voltage=volts)
        assert (await meter.config(thd_limit_basis=basis))["thd_pct_threshold"] == limit
    assert (await meter.config(thd_limit_basis="ieee519", thd_pct_threshold=3))["thd_pct_threshold"] == 3


async def test_a_meter_that_is_not_there_is_not_found(depot: Depot, stranger: Depot, meter: Meter) -> None:
    body = {"meter_id": meter.id, **PUBLISHED}
    assert (await stranger.call("POST", CONFIG, json=body)).status_code == 404
    assert (await depot.call("POST", CONFIG, json={"meter_id": 2**62})).status_code == 404
    await meter.config()
    assert (await stranger.call("GET", CONFIG, params={"meter_id": meter.id})).status_code == 404
    assert (await stranger.call("GET", CONFIG)).json()["results"] == []


async def test_it_needs_a_scope_and_the_site(depot: Depot, meter: Meter) -> None:
    body = {"meter_id": meter.id}
    assert (await depot.call("POST", CONFIG, json=body, key=None)).status_code == 401
    refused = await depot.call("POST", CONFIG, json=body, key=await depot.key("pq:read"))
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    assert "config:write" in refused.headers["WWW-Authenticate"]
    elsewhere = await depot.key("config:write", "pq:read", sites=["elsewhere"])
    assert (await depot.call("POST", CONFIG, json=body, key=elsewhere)).status_code == 404
    assert (await depot.call("POST", CONFIG, json=body, key=await depot.key("pq:write"))).status_code == 201
    assert (await depot.call("GET", CONFIG, params=body, key=elsewhere)).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"meter_id": NaN}', b"\xff"])
async def test_what_is_no_document_is_refused(depot: Depot, body: bytes) -> None:
    answer = await depot.call("POST", CONFIG, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
