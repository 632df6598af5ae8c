"""The live graph of a site with 10,000 nodes, nine tenths of them metered: how long a caller waits for it.

Run as a program with a data directory and the number of nodes, it makes that site there.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.client import Connection
from bench.figure import Figure, percentile
from bench.process import Server, free_port
from bench.product import HEALTH_PATH, PROGRAM
from bench.runner import ROOT, Context

NODES = 10_000
FAN = 10
"""Each bus feeds as many nodes; the last ones are loads, which are metered."""
GRAPH_PATH = "/api/energy/topology/nodes/graph?site_id=main&live=true"
BULK_PATH = "/api/energy/energy-data/bulk"
SCOPES = ("energy:write", "topology:read")
POWER_W = 1000.0
CABLE = {"length_m": 50, "r_ohm_per_km": 0.2, "rating_a": 100}


def site_of(count: int) -> tuple[list[dict[str, Any]], list[int]]:
    """The documents of nodes, and the place of the node that supplies each but the first."""
    parents = [(place - 1) // FAN for place in range(1, count)]
    inner = set(parents)
    kinds = ["grid", *("bus" if place in inner else "load" for place in range(1, count))]
    nodes = [{"kind": kind, "nominal_voltage": 230, "position": {"x": n % 100, "y": n // 100}} for n, kind in enumerate(kinds)]
    return nodes, parents


async def make_site(data: Path, count: int) -> None:
    """A site of the default tenant, with a meter at every load."""
    from wattline.metering.fields import LAYOUT
    from wattline.platform import Platform
    from wattline.registry.registration import Registration
    from wattline.settings import Settings

    settings = Settings(data=data)
    tenant = settings.default_tenant
    async with Platform.open(settings) as platform:
        meters = platform.metering.meters
        nodes, parents = site_of(count)
        loads = [node for node in nodes if node["kind"] == "load"]
        async with platform.resources.writing() as writer:
            bodies = [
                meters.checked(tenant, None, {"name": f"load {number}", "interval_s": 3600}) for number in range(len(loads))
            ]
            for node, meter in zip(loads, await writer.insert_all(tenant, "meter", bodies), strict=True):
                node["meter_id"] = meter.id
        wanted = [
            Registration(
                tenant, "main", f"meter-{node['meter_id']}", LAYOUT, {"tag": f"meter-{node['meter_id']}", "type": "meter"}
            )
            for node in loads
        ]
        await platform.registry.register_all(wanted)
        made = await platform.topology.nodes.create_all(tenant, nodes)
        edges = [{"source": made[above].id, "target": made[place].id, **CABLE} for place, above in enumerate(parents, 1)]
        await platform.topology.edges.create_all(tenant, edges)
        print(json.dumps([node["meter_id"] for node in loads]))


async def _measured(port: int, key: str, meters: Sequence[int], times: int) -> tuple[list[float], bytes]:
    """Seconds that each of `times` graphs took, a reading of one meter between them; the last body."""
    connection = await Connection.open(port, f"Bearer {key}", "Authorization")
    now = datetime.now(UTC).isoformat()
    for first in range(0, len(meters), 5000):
        rows = [
            {"meter_id": meter, "timestamp": now, "total_power": POWER_W, "voltage_a": 230.0, "current_a": 4.4}
            for meter in meters[first : first + 5000]
        ]
        status, body = await connection.post(BULK_PATH, json.dumps({"readings": rows}).encode())
        if status != 200:
            raise RuntimeError(f"readings were answered with {status}: {body[:500]!r}")
    taken = []
    for turn in range(times + 3):
        one = {"meter_id": meters[turn % len(meters)], "total_power": POWER_W, "current_a": 4.4 + turn}
        await connection.post(BULK_PATH, json.dumps([one]).encode())
        sent = time.perf_counter()
        status, body = await connection.get(GRAPH_PATH)
        taken.append(time.perf_counter() - sent)
        if status != 200:
            raise RuntimeError(f"the graph was answered with {status}: {body[:500]!r}")
    connection.close()
    return taken[3:], body


def graph(context: Context) -> Sequence[Figure]:
    """The whole graph with power, losses and totals, changed between any two requests."""
    data, count = context.place("topology"), context.scaled(NODES, 2000)
    command = [sys.executable, "-m", "bench.topology", str(data), str(count)]
    made = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    meters = json.loads(made.stdout.splitlines()[-1])
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    create = [PROGRAM, "key", "create", "--name", "bench", "--data", str(data), *scopes]
    key = subprocess.run(create, check=True, capture_output=True, text=True).stdout.strip()
    port = free_port()
    server = Server([PROGRAM, "serve", "--data", str(data), "--port", str(port)], port, HEALTH_PATH, data / "bench.log")
    context.keep.callback(server.stop)
    server.start()
    taken, body = asyncio.run(_measured(port, key, meters, context.scaled(60, 10)))
    found = json.loads(body)
    load = found["totals"]["load_w"]
    if len(found["nodes"]) != count or load != POWER_W * len(meters) or abs(found["totals"]["unaccounted_w"]) > 0.01:
        raise RuntimeError(f"the graph is not whole: {len(found['nodes'])} nodes, {found['totals']}")
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    detail = {"nodes": count, "edges": len(found["edges"]), "meters": len(meters), "body_bytes": len(body)}
    name = f"live graph of {count:,} nodes"
    return [Figure(name, p50, "ms", "less", target=150, p50=p50, p99=p99, detail=detail)]


if __name__ == "__main__":
    asyncio.run(make_site(Path(sys.argv[1]), int(sys.argv[2])))
