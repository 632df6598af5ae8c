"""Rows of every relation."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from tests.contracts.flux.clients.project import Project

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
DEVICES = [str(uuid.UUID(int=number)) for number in range(1, 6)]


def moment(place: int, seconds: int = 30) -> str:
    """A time, so many steps behind the first."""
    return (FIRST + timedelta(seconds=seconds * place)).isoformat()


def fill(project: Project, key: str, rows: int = 200) -> None:
    """Write devices, readings and market data with a key of service_role."""
    metadata = {"a": [1, {"b": "x"}], "c": None}
    bodies: dict[str, list[dict[str, object]]] = {
        "mg_device_registry": [
            {"id": device, "name": f"dev {device[-2:]} aaa", "type": "bess", "site": "S", "metadata": metadata}
            for device in DEVICES
        ],
        "mg_bess_readings": [
            {"time": moment(at), "device_id": device, "soe": (None, 50.5, "NaN", "Infinity")[at % 4], "command_source": at % 5}
            for at in range(rows)
            for device in DEVICES
        ],
        "mg_meter_readings": [
            {"time": moment(at), "device_id": device, "frequency": 50, "energy_imported_active": at}
            for at in range(rows)
            for device in DEVICES
        ],
        "market_data": [
            {"time": moment(at, 1800), "type": at % 4 + 1, "value": at / 7, "metadata": metadata} for at in range(rows)
        ],
    }
    with project.http(key, Prefer="return=minimal") as http:
        for table, body in bodies.items():
            answer = http.post(f"/{table}", json=body)
            assert answer.status_code == 201, answer.text
