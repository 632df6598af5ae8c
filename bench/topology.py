"""The graph of a site with 10,000 nodes, nine tenths of them metered: how long a caller waits for it, and others meanwhile.

Run as a program with a data directory and the number of nodes, it makes that site there.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.client import Connection
from bench.figure import Figure, percentile
from bench.process import Server, free_port
from bench.product import HEALTH_PATH, PROGRAM
from bench.runner import ROOT, Context

NODES = 10_000
FAN = 10
"""Each bus feeds as many nodes; the last ones are loads, which are metered."""
GRAPH_PATH = "/api/energy/topology/nodes/graph?site_id=main&live=true"
NODES_PATH = "/api/energy/topology/nodes"
SMALL_PATH = f"{NODES_PATH}?limit=1"
BULK_PATH = "/api/energy/energy-data/bulk"
SCOPES = ("energy:write", "topology:read", "topology:write")
POWER_W = 1000.0
SETTLING_SECONDS = 3.0
"""Until the readings of all meters are in the store, and judged: that is not what is measured here."""
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


class Caller:
    """One connection to the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def post(self, rows: Sequence[dict[str, Any]]) -> None:
        """Send readings."""
        status, body = await self._connection.post(BULK_PATH, json.dumps(rows).encode())
        if status != 200:
            raise RuntimeError(f"readings were answered with {status}: {body[:500]!r}")

    async def timed(self, path: str) -> tuple[float, bytes]:
        """Seconds until an answer was there, and its body."""
        sent = time.perf_counter()
        status, body = await self._connection.get(path)
        taken = time.perf_counter() - sent
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}: {body[:500]!r}")
        return taken, body

    async def patch(self, path: str, change: dict[str, Any]) -> None:
        """Change a document."""
        status, body = await self._connection.call("PATCH", path, json.dumps(change).encode())
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}: {body[:500]!r}")


async def _others(caller: Caller, waits: list[float]) -> None:
    """Ask for next to nothing again and again: how long that takes is how long the server was held up."""
    while True:
        waits.append((await caller.timed(SMALL_PATH))[0])
        await asyncio.sleep(0.002)


async def _measured(port: int, key: str, meters: Sequence[int], times: int) -> Taken:
    """The graph again and again with a reading between, after changes of one node, and at an earlier moment."""
    connections = [await Connection.open(port, f"Bearer {key}", "Authorization") for _ in range(2)]
    caller, other = map(Caller, connections)
    begun = datetime.now(UTC)
    now = begun.isoformat()
    for first in range(0, len(meters), 5000):
        await caller.post(
            [
                {"meter_id": meter, "timestamp": now, "total_power": POWER_W, "voltage_a": 230.0, "current_a": 4.4}
                for meter in meters[first : first + 5000]
            ]
        )
    await asyncio.sleep(SETTLING_SECONDS)
    taken = Taken()
    watching = asyncio.create_task(_others(other, taken.others))
    taken.first.append((await caller.timed(GRAPH_PATH))[0])
    for turn in range(max(times // 6, 2)):
        number = json.loads((await caller.timed(SMALL_PATH))[1])["results"][0]["id"]
        await caller.patch(f"{NODES_PATH}/{number}", {"name": str(time.time())})
        taken.changed.append((await caller.timed(GRAPH_PATH))[0])
        # Sometimes when nothing had been told since, sometimes now, with what is on its way to the store.
        moment = quote((begun + timedelta(seconds=1) if turn % 2 else datetime.now(UTC)).isoformat())
        taken.back.append((await caller.timed(f"{GRAPH_PATH}&at={moment}"))[0])
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    for turn in range(times):
        await caller.post([{"meter_id": meters[turn % len(meters)], "total_power": POWER_W, "current_a": 4.4 + turn}])
        seconds, taken.body = await caller.timed(GRAPH_PATH)
        taken.live.append(seconds)
    for connection in connections:
        connection.close()
    return taken


@dataclass
class Taken:
    """Seconds that answers took, by kind, and the last body."""

    first: list[float] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    body: bytes = b""


def graph(context: Context) -> Sequence[Figure]:
    """The whole graph with power, losses and totals, changed between any two requests; made anew; at an earlier moment."""
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
    taken = asyncio.run(_measured(port, key, meters, context.scaled(60, 12)))
    found = json.loads(taken.body)
    load = found["totals"]["load_w"]
    if len(found["nodes"]) != count or load != POWER_W * len(meters) or abs(found["totals"]["unaccounted_w"]) > 0.01:
        raise RuntimeError(f"the graph is not whole: {len(found['nodes'])} nodes, {found['totals']}")
    size = f"{count:,} nodes"
    detail = {"nodes": count, "edges": len(found["edges"]), "meters": len(meters), "body_bytes": len(taken.body)}
    return [
        _figure(f"live graph of {size}", taken.live, detail, target=150),
        _figure(f"the same after a node of {size} was changed", taken.changed, {"first_ms": 1000 * taken.first[0]}),
        _figure(f"graph of {size} at an earlier moment", taken.back, {}, target=300),
        _figure(f"another request while a graph of {size} is made", taken.others, {"longest_ms": 1000 * max(taken.others)}),
    ]


def _figure(name: str, taken: Sequence[float], detail: dict[str, Any], *, target: float | None = None) -> Figure:
    p50, p99 = percentile(taken, 50), percentile(taken, 99)
    return Figure(name, p50, "ms", "less", target=target, p50=p50, p99=p99, detail=detail)


if __name__ == "__main__":
    asyncio.run(make_site(Path(sys.argv[1]), int(sys.argv[2])))
