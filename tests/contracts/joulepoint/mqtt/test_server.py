"""A real server: a client of OAuth sets a meter up, its device sends over MQTT, and what was acknowledged outlives a kill."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
from typer.testing import CliRunner

from tests.gateways.device import Device
from tests.gateways.mosquitto import free_port
from tests.server_process import ServerProcess
from wattline.cli.program import program


def send(port: int, key: str, secret: str, where: str, payload: bytes) -> None:
    """Connect as a device, send, and wait for the acknowledgement."""

    async def device() -> None:
        made = await Device.connected(port, username=key, password=secret)
        await made.publish(where, payload)
        assert await made.acknowledged(1) == 0
        made.vanish()

    asyncio.run(device())


def test_an_acknowledged_reading_outlives_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    made = CliRunner().invoke(program, ["joulepoint", "client", "create", "--name", "depot", "--data", str(data)])
    client_id, secret = made.stdout.split()
    port = free_port()
    with ServerProcess(data, environment={"WATTLINE_MQTT_PORT": str(port)}) as server:
        grant = {"grant_type": "client_credentials", "scope": "config:write energy:read"}
        token = httpx.post(f"{server.url}/oauth/token", data=grant, auth=(client_id, secret)).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        body = {"name": "Main", "nominal_voltage": 230, "phases": 3}
        meter = httpx.post(f"{server.url}/api/energy/meters/", json=body, headers=bearer).json()
        key = httpx.post(f"{server.url}/api/energy/meters/{meter['id']}/keys", json={}, headers=bearer).json()

        now = datetime.now(UTC).isoformat()
        payload = json.dumps({"total_power": 3600.0, "timestamp": now}).encode()
        send(port, key["key"], key["secret"], f"jp/v1/default/{meter['id']}/energy", payload)
        server.kill()

        server.start()
        device = {"X-Device-Key": key["key"], "Content-Type": "application/json"}
        again = httpx.post(f"{server.url}/api/energy/energy-data/", content=payload, headers=device)
        assert (again.status_code, again.json()["status"]) == (200, "duplicate")
        # A token is as durable as a reading.
        assert httpx.get(f"{server.url}/api/energy/meters", headers=bearer).json()["count"] == 1
