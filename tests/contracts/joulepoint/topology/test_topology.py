"""Nodes, edges and the graph of a site, as a caller sees them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from wattline.contracts.joulepoint import topology_graph, topology_resources
from wattline.contracts.joulepoint.gate import Gate
from wattline.metering.fields import COLUMN, WIDTH
from wattline.model.clock import SECOND, from_micros
from wattline.model.record import Row
from wattline.platform import Platform

NODES, EDGES, GRAPH = "/api/energy/topology/nodes", "/api/energy/topology/edges", "/api/energy/topology/nodes/graph"


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    return [
        topology_graph.build(platform.topology, platform.registry, platform.clock, gate),
        *topology_resources.build(platform.topology, platform.metering, platform.resources, gate),
    ]


async def made(depot: Depot, path: str, **body: Any) -> int:
    answer = await depot.call("POST", f"{path}/", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{path}/{answer.json()['id']}"
    return int(answer.json()["id"])


async def metered(depot: Depot, name: str) -> int:
    return (await depot.platform.metering.meters.create(depot.tenant, {"name": name})).id


async def read(depot: Depot, meter: int, time: int | None = None, **fields: float) -> None:
    """Take in a reading of a meter, now unless a time is said."""
    stream = await depot.platform.metering.stream(depot.platform.metering.meters.get(depot.tenant, meter))
    values: list[float | None] = [None] * WIDTH
    for name, value in fields.items():
        values[COLUMN[name]] = value
    now = depot.clock.micros()
    await depot.platform.ingest.submit([Row(stream.id, now if time is None else time, now, tuple(values))])


async def depot_site(depot: Depot) -> dict[str, int]:
    """A grid, a bus, a metered charger and a solar plant; cables of 0.05 ohm."""
    ids = {}
    for kind in ("grid", "evse", "pv"):
        ids[f"{kind} meter"] = await metered(depot, kind)
        ids[kind] = await made(depot, NODES, kind=kind, meter_id=ids[f"{kind} meter"], nominal_voltage=230)
    ids["bus"] = await made(depot, NODES, kind="bus", nominal_voltage=230, name="B1", position={"x": 1, "y": 2})
    cable = {"length_m": 100, "r_ohm_per_km": 0.5, "rating_a": 50}
    ids["supply"] = await made(depot, EDGES, source=ids["grid"], target=ids["bus"], **cable)
    ids["evse cable"] = await made(depot, EDGES, source=ids["bus"], target=ids["evse"], **cable)
    ids["pv cable"] = await made(depot, EDGES, source=ids["bus"], target=ids["pv"], **cable)
    return ids


async def graph(depot: Depot, **params: str) -> dict[str, Any]:
    answer = await depot.call("GET", f"{GRAPH}/", params=params)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    found["by_id"] = {each["id"]: each for each in (*found["nodes"], *found["edges"])}
    return dict(found)


def codes(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {each["pointer"]: each["code"] for each in answer.json()["errors"]}


async def test_flow_losses_and_balance(depot: Depot) -> None:
    ids = await depot_site(depot)
    await read(depot, ids["grid meter"], total_power=5000)
    await read(depot, ids["evse meter"], total_power=6900, current_a=10, current_b=10, current_c=10, voltage_a=229)
    await read(depot, ids["pv meter"], total_power=-2000)
    found = await graph(depot)
    live = found["by_id"]
    charger = live[ids["evse cable"]]["live"]
    assert charger == {
        "power_w": 6900.0,
        "direction": "forward",
        "current_a": 10.0,
        "loading_pct": 20.0,
        "loss_w": 15.0,
        "loss_method": "i2r",
    }
    assert live[ids["pv cable"]]["live"]["direction"] == "reverse"
    plant = 3 * (2000 / 690) ** 2 * 0.05
    bus = 6900 + 15 - 2000 + plant
    assert live[ids["bus"]]["live"]["power_w"] == pytest.approx(bus, abs=0.001)
    assert live[ids["bus"]]["live"]["basis"] == "derived"
    assert live[ids["bus"]]["live"]["age_s"] is None
    supply = 3 * (bus / 690) ** 2 * 0.05
    totals = found["totals"]
    assert totals["import_w"] == 5000
    assert totals["load_w"] == 6900
    assert totals["generation_w"] == 2000
    assert totals["loss_w"] == pytest.approx(15 + plant + supply, abs=0.002)
    assert totals["unaccounted_w"] == pytest.approx(5000 - bus - supply, abs=0.002)
    assert live[ids["evse"]]["live"] | {"age_s": 0} == {
        "power_w": 6900.0,
        "voltage_v": 229.0,
        "current_a": 10.0,
        "age_s": 0,
        "stale": False,
        "basis": "measured",
        "state": "in_service",
    }


async def test_what_is_not_known_is_null(depot: Depot) -> None:
    ids = await depot_site(depot)
    await read(depot, ids["evse meter"], total_power=6900)
    found = await graph(depot)
    assert found["by_id"][ids["supply"]]["live"] == {
        "power_w": None,
        "direction": None,
        "current_a": None,
        "loading_pct": None,
        "loss_w": None,
        "loss_method": "none",
    }
    assert found["by_id"][ids["pv"]]["live"]["power_w"] is None
    assert found["by_id"][ids["pv"]]["live"]["stale"] is True
    assert {found["totals"][name] for name in ("import_w", "load_w", "generation_w", "unaccounted_w")} == {None}


async def test_a_stale_reading_is_shown_and_not_counted(depot: Depot) -> None:
    ids = await depot_site(depot)
    for name, power in (("grid meter", 5000), ("evse meter", 6900), ("pv meter", -2000)):
        await read(depot, ids[name], total_power=power)
    depot.clock.advance(181)
    await read(depot, ids["evse meter"], total_power=7000)
    found = await graph(depot)
    plant = found["by_id"][ids["pv"]]["live"]
    assert (plant["power_w"], plant["stale"], plant["age_s"]) == (-2000.0, True, 181.0)
    assert found["by_id"][ids["pv cable"]]["live"]["power_w"] is None
    assert found["by_id"][ids["evse cable"]]["live"]["power_w"] == 7000.0


async def test_as_of_an_earlier_moment(depot: Depot) -> None:
    ids = await depot_site(depot)
    for name, power in (("grid meter", 5000), ("evse meter", 6900), ("pv meter", -2000)):
        await read(depot, ids[name], total_power=power)
    then = depot.clock.micros() + 10 * SECOND
    depot.clock.advance(60)
    await read(depot, ids["evse meter"], total_power=100)
    answer = await depot.call("PATCH", f"{NODES}/{ids['bus']}", json={"name": "B2"})
    assert answer.status_code == 200
    extra = await made(depot, NODES, kind="bus")
    moment = from_micros(then).isoformat().replace("+00:00", "Z")
    before, now = await graph(depot, at=moment), await graph(depot)
    assert before["by_id"][ids["evse"]]["live"]["power_w"] == 6900.0
    assert before["by_id"][ids["evse"]]["live"]["age_s"] == 10.0
    assert before["by_id"][ids["bus"]]["name"] == "B1"
    assert extra not in before["by_id"]
    assert now["by_id"][ids["evse"]]["live"]["power_w"] == 100.0
    assert now["by_id"][ids["bus"]]["name"] == "B2"
    assert before["totals"]["load_w"] == 6900.0
    assert (await graph(depot, at=moment, live="false"))["by_id"][ids["bus"]]["name"] == "B1"
    assert (await graph(depot, at="2026-01-01T00:00:00Z"))["nodes"] == []
    late = await depot.call("GET", GRAPH, params={"at": datetime(2100, 1, 1, tzinfo=UTC).isoformat()})
    assert late.status_code == 400


async def test_etag_changes_with_what_is_told(depot: Depot) -> None:
    ids = await depot_site(depot)
    await read(depot, ids["evse meter"], total_power=6900)
    first = await depot.call("GET", GRAPH)
    again = await depot.call("GET", GRAPH, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    depot.clock.advance(1)
    await read(depot, ids["evse meter"], total_power=6901)
    other = await depot.call("GET", GRAPH, headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    documents = await depot.call("GET", GRAPH, params={"live": "false"})
    assert all("live" not in each for each in documents.json()["nodes"])
    tag = {"If-None-Match": documents.headers["ETag"]}
    assert (await depot.call("GET", GRAPH, params={"live": "false"}, headers=tag)).status_code == 304
    await depot.call("PATCH", f"{NODES}/{ids['bus']}", json={"state": "out_of_service"})
    assert (await depot.call("GET", GRAPH, params={"live": "false"}, headers=tag)).status_code == 200


async def test_loops_need_an_open_breaker_or_a_word(depot: Depot) -> None:
    grid, left, right = [await made(depot, NODES, kind=kind) for kind in ("grid", "bus", "bus")]
    tie = await made(depot, NODES, kind="breaker", state="open", external_id="tie")
    for source, target in ((grid, left), (grid, right), (left, tie), (tie, right)):
        await made(depot, EDGES, source=source, target=target)
    answer = await depot.call("POST", EDGES, json={"source": left, "target": right})
    assert codes(answer) == {"/target": "loop"}
    assert codes(await depot.call("PATCH", f"{NODES}/{tie}", json={"state": "closed"})) == {"/state": "loop"}
    await made(depot, EDGES, source=left, target=right, meshed=True)
    assert codes(await depot.call("POST", EDGES, json={"source": left, "target": left})) == {"/target": "loop"}


async def test_protection_tells_of_a_breaker(depot: Depot) -> None:
    ids = await depot_site(depot)
    await read(depot, ids["evse meter"], total_power=6900)
    meter = await metered(depot, "feeder")
    breaker = await made(depot, NODES, kind="breaker", meter_id=meter)
    load = await made(depot, NODES, kind="load")
    cable = await made(depot, EDGES, source=ids["bus"], target=breaker)
    await made(depot, EDGES, source=breaker, target=load)
    assert (await graph(depot))["by_id"][cable]["live"]["power_w"] is None

    class Told:
        meter: int
        breaker, state = "main", "tripped"

    told = Told()
    told.meter = meter
    topology = type(depot.platform.topology)(
        depot.platform.resources, depot.platform.metering, depot.platform.series, depot.clock, lambda _tenant: [told]
    )
    # A topology that came later has not heard of what was there before.
    for kind, take in (("node", topology._held._take_node), ("edge", topology._held._take_edge)):
        for each in depot.platform.resources.all(depot.tenant, kind):
            take(each)
    frame = topology.look(depot.tenant, "main")
    places = {node.id: index for index, node in enumerate(frame.drawing.nodes)}
    edges = {edge.id: index for index, edge in enumerate(frame.drawing.edges)}
    assert frame.states[places[breaker]] == "tripped"
    assert frame.edge[edges[cable], 0] == 0.0
    assert frame.node[places[load], 0] == 0.0


async def test_many_at_once_all_or_none(depot: Depot) -> None:
    answer = await depot.call("POST", f"{NODES}/", json=[{"kind": "bus", "external_id": f"b{n}"} for n in range(300)])
    assert answer.status_code == 201
    ids = [each["id"] for each in answer.json()["results"]]
    assert answer.json()["count"] == len(set(ids)) == 300
    edges = [{"source": ids[0], "target": each} for each in ids[1:]]
    wrong = [*edges, {"source": ids[1], "target": ids[2]}, {"source": ids[3]}]
    assert codes(await depot.call("POST", EDGES, json=wrong)) == {"/300/target": "required"}
    wrong[-1]["target"] = 10**9
    assert codes(await depot.call("POST", EDGES, json=wrong)) == {"/300/target": "unknown_reference"}
    assert codes(await depot.call("POST", EDGES, json=wrong[:-1])) == {"/299/target": "loop"}
    assert (await depot.call("GET", EDGES)).json()["count"] == 0
    assert (await depot.call("POST", EDGES, json=edges)).status_code == 201
    assert (await depot.call("GET", EDGES)).json()["count"] == 299
    taken = await depot.call("POST", NODES, json=[{"kind": "bus", "external_id": "new"}, {"kind": "bus", "external_id": "b7"}])
    assert taken.status_code == 409
    assert (await depot.call("GET", NODES, params={"external_id": "new"})).json()["count"] == 0
    assert codes(await depot.call("POST", NODES, json=[])) == {"": "out_of_range"}


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({}, {"/kind": "required"}),
        ({"kind": "windmill", "colour": "red"}, {"/kind": "bad_choice", "/colour": "unknown"}),
        ({"kind": "bus", "rating_va": 0, "nominal_voltage": "230"}, {"/rating_va": "out_of_range", "/nominal_voltage": "type"}),
        ({"kind": "bus", "position": {"x": 1e9, "w": 0}}, {
            "/position/x": "out_of_range", "/position/y": "required", "/position/w": "unknown"}),
        ({"kind": "bus", "state": "open"}, {"/state": "bad_choice"}),
        ({"kind": "bus", "breaker_id": "Q1"}, {"/breaker_id": "not_allowed"}),
        ({"kind": "load", "meter_id": 10**12}, {"/meter_id": "unknown_reference"}),
        ({"kind": "load", "meter_id": "5"}, {"/meter_id": "type"}),
    ],
)  # fmt: skip
async def test_faults_of_nodes_are_told_all_at_once(depot: Depot, body: dict[str, Any], faults: dict[str, str]) -> None:
    assert codes(await depot.call("POST", NODES, json=body)) == faults


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"source": None}, {"/source": "required"}),
        ({"target": 10**12}, {"/target": "unknown_reference"}),
        ({"kind": "rope", "phases": 2, "meshed": "yes"}, {"/kind": "bad_choice", "/phases": "bad_choice", "/meshed": "type"}),
        ({"length_m": -1, "r_ohm_per_km": -1, "rating_a": 0}, {
            "/length_m": "out_of_range", "/r_ohm_per_km": "out_of_range", "/rating_a": "out_of_range"}),
        ({"site_id": "elsewhere"}, {"/site_id": "other_site"}),
    ],
)  # fmt: skip
async def test_faults_of_edges(depot: Depot, change: dict[str, Any], faults: dict[str, str]) -> None:
    ids = [await made(depot, NODES, kind=kind) for kind in ("grid", "bus")]
    assert codes(await depot.call("POST", EDGES, json={"source": ids[0], "target": ids[1], **change})) == faults


async def test_what_is_in_use_stays(depot: Depot) -> None:
    ids = await depot_site(depot)
    assert (await depot.call("DELETE", f"{NODES}/{ids['bus']}")).status_code == 409
    again = await depot.call("POST", NODES, json={"kind": "pv", "meter_id": ids["pv meter"]})
    assert again.status_code == 409
    moved = await depot.call("PATCH", f"{NODES}/{ids['bus']}", json={"site_id": "other"})
    assert codes(moved) == {"/site_id": "immutable"}
    assert (await depot.call("DELETE", f"{EDGES}/{ids['pv cable']}")).status_code == 204
    assert (await depot.call("DELETE", f"{NODES}/{ids['pv']}")).status_code == 204
    assert (await depot.call("GET", f"{NODES}/{ids['pv']}")).status_code == 404
    stays = await depot.call("PUT", f"{EDGES}/{ids['supply']}", json={"source": ids["grid"], "target": ids["pv"]})
    assert codes(stays) == {"/target": "unknown_reference"}


async def test_tenants_and_sites_are_apart(depot: Depot, stranger: Depot) -> None:
    ids = await depot_site(depot)
    for name, path in (("bus", NODES), ("supply", EDGES)):
        for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
            answer = await stranger.call(method, f"{path}/{ids[name]}", json=body)
            assert answer.status_code == 404
    mine = await made(stranger, NODES, kind="bus")
    crossing = await stranger.call("POST", EDGES, json={"source": mine, "target": ids["bus"]})
    assert codes(crossing) == {"/target": "unknown_reference"}
    theirs = await stranger.call("POST", NODES, json={"kind": "pv", "meter_id": ids["pv meter"]})
    assert codes(theirs) == {"/meter_id": "unknown_reference"}
    north = await made(depot, NODES, kind="bus", site_id="north")
    limited = await depot.key("topology:read", "topology:write", sites=["north"])
    assert [each["id"] for each in (await depot.call("GET", NODES, key=limited)).json()["results"]] == [north]
    assert (await depot.call("GET", f"{NODES}/{ids['bus']}", key=limited)).status_code == 404
    assert (await depot.call("GET", GRAPH, key=limited)).status_code == 404
    shown = await depot.call("GET", GRAPH, key=limited, params={"site_id": "north"})
    assert [each["id"] for each in shown.json()["nodes"]] == [north]
    assert codes(await depot.call("POST", NODES, key=limited, json=[{"kind": "bus"}])) == {"/0/site_id": "unknown_reference"}
    joined = await depot.call("POST", EDGES, key=limited, json={"source": north, "target": ids["bus"]})
    assert codes(joined) == {"/target": "unknown_reference"}
    assert (await depot.call("GET", GRAPH, params={"site_id": "south"})).status_code == 404
    assert (await depot.call("GET", GRAPH, params={"colour": "red"})).status_code == 400
    reader = await depot.key("topology:read")
    assert (await depot.call("POST", NODES, key=reader, json={"kind": "bus"})).status_code == 403
    energy = await depot.key("energy:read")
    assert (await depot.call("GET", GRAPH, key=energy)).status_code == 403


async def test_a_virtual_meter_adds_up_and_a_look_tells_what_changed(depot: Depot) -> None:
    parts = [await metered(depot, name) for name in ("a", "b")]
    terms = [{"meter_id": parts[0]}, {"meter_id": parts[1], "sign": -1}]
    formula = {"name": "sum", "kind": "virtual", "formula": terms}
    virtual = (await depot.platform.metering.meters.create(depot.tenant, formula)).id
    node = await made(depot, NODES, kind="load", meter_id=virtual)
    topology = depot.platform.topology
    await read(depot, parts[0], power_a=100, power_b=200, power_c=400)
    first = topology.look(depot.tenant, "main")
    assert first.since(None)["whole"] is True  # type: ignore[index]
    assert (await graph(depot))["by_id"][node]["live"]["power_w"] is None
    await read(depot, parts[1], total_power=50)
    second = topology.look(depot.tenant, "main")
    told = second.since(first)
    assert told is not None
    assert [(each["id"], each["live"]["power_w"]) for each in msgspec.json.decode(told["nodes"])] == [(node, 650.0)]
    depot.clock.advance(5)
    assert topology.look(depot.tenant, "main").since(second) is None
    await asyncio.gather(*(made(depot, NODES, kind="bus") for _ in range(3)))
    assert topology.look(depot.tenant, "main").since(second)["whole"] is True  # type: ignore[index]
