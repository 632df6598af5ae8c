"""Bodies to start from, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

TELEMETRY: dict[str, Any] = {
    "substation_id": "SUB001",
    "feeder_id": "FDR002",
    "device_id": "SUB001-FDR002",
    "site_name": "Portland North",
    "latitude": 45.5231,
    "longitude": -122.6765,
    "voltage_kv": 229.8,
    "current_a": 1187.4,
    "power_mw": 274.2,
    "frequency_hz": 60.002,
    "status_code": "NORMAL",
}
BATCH: dict[str, Any] = {"records": [TELEMETRY, {**TELEMETRY, "feeder_id": "FDR003", "device_id": "SUB001-FDR003"}]}
EVENT: dict[str, Any] = {
    "device_id": "SUB001-FDR002",
    "feeder_id": "FDR002",
    "severity": "ALARM",
    "event_type": "FEEDER_TRIP",
    "old_state": "CLOSED",
    "new_state": "OPEN",
    "message": "Overcurrent protection opened the breaker",
}
OUTAGE: dict[str, Any] = {
    "outage_id": "OUT-SUB001-FDR002-1749650000",
    "feeder_id": "FDR002",
    "region": "SUB001",
    "customers_out": 847,
    "mw_interrupted": 12.4,
    "status": "ACTIVE",
    "cause": "STORM",
}
SCORE: dict[str, Any] = {
    "substation_id": "SUB001",
    "model_version": "ours-1",
    "anomaly_score": 0.2341,
    "is_anomaly": False,
    "z_score": 0.585,
    "baseline_mean": 60.001,
    "baseline_std": 0.0017,
    "latest_value": 60.002,
}
