"""The demo's depot in a server's books: meters, a group, an account, the site's graph, what counts as a disturbance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wattline.metering.keeping import Keeping
from wattline.platform import Platform
from wattline.simulate.depot.definition import (
    CHARGING,
    CHARGING_LIMIT,
    GRID,
    GUEST,
    METERS,
    NAME,
    NOMINAL_FREQUENCY,
    NOMINAL_VOLTAGE,
    OFFICES,
    SITE,
    SOLAR,
    SUPPLY_A,
    TARIFF,
    WORKSHOP,
    ZONE,
    DemoMeter,
)

MAIN_BUS = "demo-bus"
_FEEDERS = ((CHARGING, "evse", 90, 800), (WORKSHOP, "load", 60, 250), (OFFICES, "load", 45, 100), (SOLAR, "pv", 70, 200))
"""What hangs on the main bus: its meter, the kind of its node, the length (m) and the rating (A) of its cable."""


async def seed(platform: Platform, tenant: str) -> dict[str, int]:
    """Make what is not there; what somebody changed stays changed. The ids of the meters by external id."""
    await platform.registry.put_site(tenant, SITE, name=NAME, zone=ZONE)
    ids = {meter.key: await _meter(platform, tenant, meter) for meter in (*METERS, GUEST)}
    loads = [ids[meter.key] for meter in (CHARGING, WORKSHOP, OFFICES)]
    await _once(platform, tenant, "group", {"external_id": "demo-loads", "name": "What the depot uses", "meter_ids": loads})
    tariff = await _once(platform, tenant, "tariff", TARIFF)
    account: dict[str, Any] = {"external_id": "demo-account", "name": NAME, "currency": TARIFF["currency"]}
    account |= {"meters": [{"meter_id": ids[GRID.key]}], "tariffs": [{"tariff_id": tariff}]}
    await _once(platform, tenant, "account", account)
    if platform.quality.configs.watched(ids[GRID.key]) is None:
        await platform.quality.configs.put(tenant, {"meter_id": ids[GRID.key]})
    await _graph(platform, tenant, ids)
    return ids


async def _meter(platform: Platform, tenant: str, meter: DemoMeter) -> int:
    return await _once(
        platform,
        tenant,
        "meter",
        {
            "external_id": meter.key,
            "name": meter.name,
            "kind": meter.kind,
            "site": SITE,
            "phases": 3,
            "nominal_voltage": NOMINAL_VOLTAGE,
            "nominal_frequency": NOMINAL_FREQUENCY,
            "rated_current": meter.rated_a,
            "timezone": ZONE,
            "interval_s": 5,
        },
    )


async def _once(platform: Platform, tenant: str, kind: str, body: Mapping[str, Any]) -> int:
    """Make a resource unless there is one of that external id; its id."""
    keepers: dict[str, Keeping] = {
        "meter": platform.metering.meters,
        "group": platform.metering.groups,
        "account": platform.metering.accounts,
        "tariff": platform.tariffs,
        "schedule": platform.schedules,
        "constraint": platform.constraints,
        "node": platform.topology.nodes,
        "edge": platform.topology.edges,
    }
    keeper = keepers[kind]
    known = platform.resources.named(tenant, keeper.kind, body["external_id"])
    return known.id if known is not None else (await keeper.create(tenant, body)).id


async def _graph(platform: Platform, tenant: str, ids: Mapping[str, int]) -> None:
    async def node(key: str, name: str, kind: str, x: float, **more: Any) -> int:
        body = {"external_id": key, "name": name, "kind": kind, "site_id": SITE, "position": {"x": x, "y": 0, "z": 0}, **more}
        return await _once(platform, tenant, "node", body)

    async def edge(source: int, target: int, key: str, **more: Any) -> None:
        body = {"external_id": key, "site_id": SITE, "source": source, "target": target, "phases": 3, **more}
        await _once(platform, tenant, "edge", body)

    grid = await node("demo-node-grid", "Grid", "grid", 0, meter_id=ids[GRID.key], nominal_voltage=NOMINAL_VOLTAGE)
    transformer = await node("demo-node-transformer", "Transformer", "transformer", 10, rating_va=630_000)
    bus = await node(MAIN_BUS, "Main bus", "bus", 20, nominal_voltage=NOMINAL_VOLTAGE)
    await edge(grid, transformer, "demo-edge-supply", length_m=15, r_ohm_per_km=0.08, x_ohm_per_km=0.07, rating_a=1000)
    await edge(transformer, bus, "demo-edge-busbar", kind="busbar", length_m=5, r_ohm_per_km=0.03, rating_a=1000)
    for place, (meter, kind, length, rated) in enumerate(_FEEDERS):
        breaker_key = f"{meter.key}-breaker"
        breaker = await node(breaker_key, f"{meter.name}: breaker", "breaker", 30 + place, breaker_id=breaker_key)
        end = await node(f"{meter.key}-node", meter.name, kind, 40 + place, meter_id=ids[meter.key])
        await edge(bus, breaker, f"{meter.key}-edge-breaker", kind="busbar", length_m=2, r_ohm_per_km=0.03, rating_a=rated)
        await edge(breaker, end, f"{meter.key}-edge", length_m=length, r_ohm_per_km=0.03, x_ohm_per_km=0.07, rating_a=rated)
        if meter is CHARGING:
            limit = {"external_id": "demo-evenings", "name": "Less in the evening", "kind": "power_limit", "tz": ZONE}
            await _once(
                platform, tenant, "schedule", {**limit, "target": {"kind": "evse", "id": end}, "entries": [CHARGING_LIMIT]}
            )
    supply = {"external_id": "demo-supply", "name": "Supply", "node_id": bus, "max_current_a": SUPPLY_A}
    await _once(platform, tenant, "constraint", supply)
