"""The published devices at a real server, which is killed in between: what was answered with success is there, once."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.server_process import ServerProcess
from wattline.model.clock import to_micros

from .readers import Analog, Digital, Pi
from .served import SCRIPT

DIGITAL, ANALOG, PI = "AA:BB:CC:DD:EE:01", "AA:BB:CC:DD:EE:02", "AA:BB:CC:DD:EE:03"
HOMES = {
    DIGITAL: {"type": "digital_electricity", "script": SCRIPT, "secret": None},
    ANALOG: {"type": "analog_electricity", "script": "75", "secret": None},
    PI: {"type": "digital_electricity", "script": None, "secret": None},
}


class Office:
    """Whoever manages the sensors."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False)

    def call(self, method: str, path: str, **body: Any) -> Any:
        answer = self._client.request(method, f"/api/v1/household{path}", json=body or None)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def furnish(self) -> None:
        """A household for each of the three."""
        for number, (mac, fields) in enumerate(HOMES.items()):
            self.call("POST", "/users", id=f"home{number}", name="Weber")
            self.call("POST", "/sensors", sensor_id=mac, **fields)
            self.call("POST", f"/sensors/{mac}/assign", user_id=f"home{number}")

    def sensor(self, mac: str) -> Any:
        """It in full."""
        return self.call("GET", f"/sensors/{mac}")

    def rows(self, token: str) -> list[str]:
        """What the household itself exports."""
        answer = self._client.get("/csv_energy", headers={"Authorization": f"Bearer {token}"})
        return answer.text.strip().splitlines()

    def close(self) -> None:
        self._client.close()


def port_of(server: ServerProcess) -> int:
    """Where it listens."""
    port = urlsplit(server.url).port
    assert port is not None
    return port


async def test_three_devices_and_a_kill(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", "--open") as server:
        office = Office(server.url)
        office.furnish()
        office.close()
        port = port_of(server)
        digital, analog, pi = Digital(port, DIGITAL), Analog(port, ANALOG), Pi(port, PI)

        assert await digital.ask() == 200
        assert digital.script == SCRIPT
        assert await digital.read(3120.5, 250.0) == 200
        assert await digital.read(9999.0) == 400
        await analog.ask()
        await analog.read(2)
        assert await pi.ask() == 200
        assert await pi.read(20000.125, 4.5) == 200
        await pi.hang_up()

        server.kill()
        begun = time.time_ns()
        pi.backlog = [(begun + step * 15 * 10**9, 20000.125 + step / 64, 4.5) for step in (1, 2, 3)]
        missed = list(pi.backlog)
        server.start()
        office = Office(server.url)
        digital.port = analog.port = pi.port = port_of(server)

        # Nobody asks for another token: those from before hold, and the Pi keeps its own for most of an hour, come what may.
        assert await pi.sync() == [200, 200, 200]
        pi.backlog = missed
        assert await pi.sync() == [200, 200, 200]
        await pi.hang_up()
        assert await digital.read(3120.5) == 200
        assert digital.sent == [200, 400, 200]
        await analog.read(0)

        found = {mac: office.sensor(mac) for mac in HOMES}
        token = office.call("POST", "/users/home2/tokens", valid_days=1)["token"]
        rows = office.rows(token)
        office.close()

    assert found[DIGITAL]["needs_script"] is False
    assert found[DIGITAL]["newest"]["value"] == 3120.5
    assert abs(found[ANALOG]["newest"]["total"] - 2 / 75) < 1e-9
    newest = found[PI]["newest"]
    assert newest["value"] == newest["total"] == missed[-1][1]
    assert to_micros(datetime.fromisoformat(newest["time"])) == missed[-1][0] // 1000
    assert len(rows) == 1 + 1 + len(missed)
    said = server.log.read_text()
    assert not [secret for secret in (digital.token, analog.token, pi.token, token, "sensor53") if secret in said]
