"""What a graph is made of: the newest value of each field, breakers as protection tells of them, any moment that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import APIRouter

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.topology.test_topology import EDGES, NODES, depot_site, graph, made, metered, read
from wattline.contracts.joulepoint import pq_routes, topology_graph, topology_resources
from wattline.contracts.joulepoint.device_door import Senders
from wattline.contracts.joulepoint.gate import Gate
from wattline.contracts.joulepoint.rates import Rates
from wattline.identity.limits import RateLimiter
from wattline.model.clock import DAY, SECOND, from_micros
from wattline.model.errors import Faulty
from wattline.platform import Platform
from wattline.topology.sites import TURN

PROTECTION = "/api/energy/protection/events"


@pytest.fixture
def routers(platform: Platform, gate: Gate) -> list[APIRouter]:
    rates = Rates(RateLimiter(platform.clock), "device", 0, 50)
    senders = Senders(platform.metering.keys, gate, rates, platform.signature_failures, platform.clock, platform.metrics)
    return [
        topology_graph.build(platform.topology, platform.registry, platform.clock, gate),
        *topology_resources.build(platform.topology, platform.metering, platform.resources, gate),
        *pq_routes.build(platform, pq_routes.doors(platform, senders), gate),
    ]


def told(micros: int) -> str:
    return from_micros(micros).isoformat().replace("+00:00", "Z")


async def test_power_and_energy_in_messages_of_their_own(depot: Depot) -> None:
    meter = await metered(depot, "split")
    node = await made(depot, NODES, kind="load", meter_id=meter, nominal_voltage=230)
    await graph(depot)
    await read(depot, meter, total_power=4200, current_a=7)
    depot.clock.advance(3)
    await read(depot, meter, total_energy=100)
    depot.clock.advance(2)
    await read(depot, meter, voltage_a=231)
    live = (await graph(depot))["by_id"][node]["live"]
    assert (live["power_w"], live["voltage_v"], live["current_a"]) == (4200.0, 231.0, 7.0)
    assert (live["age_s"], live["stale"], live["basis"]) == (5.0, False, "measured")
    # Power grows stale by itself, however fresh all else is; the current that was told with it stays with it.
    depot.clock.advance(180)
    await read(depot, meter, voltage_a=232)
    live = (await graph(depot))["by_id"][node]["live"]
    assert (live["power_w"], live["age_s"], live["stale"]) == (4200.0, 185.0, True)
    assert (live["voltage_v"], live["current_a"]) == (232.0, 7.0)
    # A current that is older than what counts is not shown beside a fresh power.
    await read(depot, meter, total_power=4300)
    live = (await graph(depot))["by_id"][node]["live"]
    assert (live["power_w"], live["current_a"], live["stale"]) == (4300.0, None, False)


async def test_what_memory_lacks_is_looked_up(depot: Depot) -> None:
    """A site that is drawn after its meter told power, and then energy alone."""
    meter = await metered(depot, "split")
    await read(depot, meter, total_power=4200)
    depot.clock.advance(3)
    await read(depot, meter, total_energy=100)
    node = await made(depot, NODES, kind="load", meter_id=meter)
    live = (await graph(depot))["by_id"][node]["live"]
    assert (live["power_w"], live["age_s"], live["stale"]) == (4200.0, 3.0, False)


async def test_a_protection_event_opens_the_breaker_in_the_graph(depot: Depot) -> None:
    ids = await depot_site(depot)
    feeder = await metered(depot, "feeder")
    breaker = await made(depot, NODES, kind="breaker", meter_id=feeder, breaker_id="Q1")
    load = await made(depot, NODES, kind="load")
    cable = await made(depot, EDGES, source=ids["bus"], target=breaker)
    await made(depot, EDGES, source=breaker, target=load)
    await read(depot, feeder, total_power=1000)
    start = depot.clock.micros()

    async def states() -> tuple[str, float | None]:
        found = (await graph(depot))["by_id"]
        return found[breaker]["live"]["state"], found[cable]["live"]["power_w"]

    assert await states() == ("closed", 1000.0)
    depot.clock.advance(10)
    trip = {"meter_id": feeder, "kind": "trip_overcurrent", "breaker_id": "Q1", "timestamp": told(depot.clock.micros())}
    answer = await depot.call("POST", PROTECTION, json=trip)
    assert answer.status_code == 201, answer.text
    assert await states() == ("tripped", 0.0)
    depot.clock.advance(10)
    for state in ("open", "closed"):
        depot.clock.advance(10)
        body = {"kind": "breaker_state", "state": state, "timestamp": told(depot.clock.micros())}
        assert (await depot.call("POST", PROTECTION, json={**trip, **body})).status_code == 201
        # An alarm says nothing of the breaker.
        alarm = {"kind": "earth_leakage_alarm", "leakage_ma": 31, "timestamp": told(depot.clock.micros() + 1)}
        assert (await depot.call("POST", PROTECTION, json={**trip, **alarm})).status_code == 201
    assert await states() == ("closed", 1000.0)
    for seconds, state, power in ((9, "closed", 1000.0), (11, "tripped", 0.0), (31, "open", 0.0)):
        then = (await graph(depot, at=told(start + seconds * SECOND)))["by_id"]
        assert (then[breaker]["live"]["state"], then[cable]["live"]["power_w"]) == (state, power)
        assert then[breaker]["state"] == "closed"


async def test_a_moment_finds_the_newest_reading_before_it_of_any_age(depot: Depot) -> None:
    ids = await depot_site(depot)
    for name, power in (("grid meter", 5000), ("evse meter", 6900), ("pv meter", -2000)):
        await read(depot, ids[name], total_power=power, voltage_a=229)
    first = depot.clock.micros()
    depot.clock.advance(40 * 86400)
    await read(depot, ids["evse meter"], total_power=100)
    await read(depot, ids["pv meter"], voltage_a=231)
    now = (await graph(depot, at=told(depot.clock.micros())))["by_id"]
    assert (now[ids["evse"]]["live"]["power_w"], now[ids["evse"]]["live"]["voltage_v"]) == (100.0, None)
    plant = now[ids["pv"]]["live"]
    assert (plant["power_w"], plant["stale"], plant["age_s"]) == (-2000.0, True, 40 * 86400.0)
    assert plant["voltage_v"] == 231.0
    assert now[ids["grid"]]["live"]["power_w"] == 5000.0
    assert now[ids["grid"]]["live"]["voltage_v"] == 229.0
    week = (await graph(depot, at=told(first + 7 * DAY)))["by_id"]
    assert (week[ids["evse"]]["live"]["power_w"], week[ids["evse"]]["live"]["age_s"]) == (6900.0, 7 * 86400.0)
    before = (await graph(depot, at=told(first)))["by_id"]
    assert before[ids["evse"]]["live"]["stale"] is False


@asynccontextmanager
async def turns() -> AsyncIterator[list[None]]:
    """An item for each turn that the event loop gave to others."""
    found: list[None] = []

    async def count() -> None:
        while True:
            found.append(None)
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    yield found
    counting.cancel()


async def test_others_get_their_turn_while_a_site_is_made(depot: Depot) -> None:
    size = 8 * TURN
    topology = depot.platform.topology
    nodes = await topology.nodes.create_all(depot.tenant, [{"kind": "bus"} for _ in range(size)])
    async with turns() as given:
        frame, other = await asyncio.gather(*(topology.seen(depot.tenant, "main") for _ in range(2)))
    assert len(frame.states) == size
    assert len(given) >= size / TURN
    # Whoever waited for it got the same.
    assert other.drawing is frame.drawing
    await topology.nodes.patch(depot.tenant, nodes[3].id, {"name": "other"})
    again = await topology.seen(depot.tenant, "main")
    assert again.drawing.node_heads[2] is frame.drawing.node_heads[2]
    assert b'"other"' in again.encoded()
    assert topology.look(depot.tenant, "main").drawing is again.drawing


async def test_others_get_their_turn_while_many_documents_are_read(depot: Depot) -> None:
    size = 4 * TURN
    async with turns() as given:
        with pytest.raises(Faulty) as refused:
            await depot.platform.topology.nodes.create_all(depot.tenant, [*({"kind": "bus"} for _ in range(size)), {}])
    assert [fault.pointer for fault in refused.value.faults] == [f"/{size}/kind"]
    assert len(given) >= size / TURN
