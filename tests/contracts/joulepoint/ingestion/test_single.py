"""POST /api/energy/energy-data, played."""

from __future__ import annotations

import pytest

from tests.contracts.joulepoint.ingestion.conftest import PATH, Meter


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
async def test_a_reading_is_stored_and_again_a_duplicate(meter: Meter, path: str) -> None:
    body = {"total_power": 3600.0, "total_energy": 1500.0, "voltage_a": 230.1, "timestamp": meter.at(minutes=1)}
    first = await meter.told(body, 201, path)
    assert first == {"id": first["id"], "meter_id": meter.id, "timestamp": body["timestamp"], "status": "stored"}
    assert len(first["id"]) == 26
    again = await meter.told(body, 200, path)
    assert again == {**first, "status": "duplicate"}
    (row,) = (await meter.stored()).values()
    assert row == {"total_power": 3600.0, "total_energy": 1500.0, "voltage_a": 230.1}
