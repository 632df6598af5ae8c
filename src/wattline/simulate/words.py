"""The public HOP page's words for what a fleet has to say: the three ingest bodies and their times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wattline.model.clock import MINUTE, SECOND, from_micros
from wattline.simulate.grid import Sample
from wattline.simulate.plan import FeederPlan, SubstationPlan
from wattline.simulate.trips import Step

TELEMETRY = "/ingest/telemetry"
EVENT = "/ingest/event"
OUTAGE = "/ingest/outage"


@dataclass(frozen=True, slots=True)
class Message:
    """One POST: the path under the API's base, the body, and the lane whose order it keeps (the RTU it comes from)."""

    path: str
    body: dict[str, Any]
    lane: str


def iso_utc(at: int) -> str:
    """Microseconds since 1970 as ISO 8601 with Z; the fraction only where there is one."""
    moment = from_micros(at).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds" if at % SECOND == 0 else "microseconds") + "Z"


def telemetry(station: SubstationPlan, feeder: FeederPlan, sample: Sample, index: int) -> Message:
    """One polling cycle of one feeder, at the resolution its instruments have: 0.1 kV, 0.1 A, 0.1 MW, 1 mHz."""
    device = station.device_id(feeder)
    body = {
        "substation_id": station.key,
        "feeder_id": feeder.key,
        "device_id": device,
        "site_name": station.name,
        "latitude": station.latitude,
        "longitude": station.longitude,
        "voltage_kv": round(float(sample.voltage_kv[index]), 1),
        "current_a": round(float(sample.current_a[index]), 1),
        "power_mw": round(float(sample.power_mw[index]), 1),
        "frequency_hz": round(float(sample.frequency_hz[index]), 3),
        "status_code": "NORMAL" if sample.closed[index] else "OUTAGE",
        "timestamp": iso_utc(sample.at),
    }
    return Message(TELEMETRY, body, device)


def trip_event(station: SubstationPlan, feeder: FeederPlan, step: Step) -> Message:
    """The breaker's own report of a trip or of the restoration that ends it."""
    tripped = step.kind == "trip"
    device = station.device_id(feeder)
    minutes = (step.at - step.trip.start) / MINUTE
    body = {
        "device_id": device,
        "feeder_id": feeder.key,
        "severity": "ALARM" if tripped else "INFO",
        "event_type": "FEEDER_TRIP" if tripped else "FEEDER_RESTORE",
        "old_state": "CLOSED" if tripped else "OPEN",
        "new_state": "OPEN" if tripped else "CLOSED",
        "message": f"Overcurrent protection opened {feeder.key}" if tripped else f"{feeder.key} back after {minutes:.1f} min",
        "latitude": station.latitude,
        "longitude": station.longitude,
        "timestamp": iso_utc(step.at),
    }
    return Message(EVENT, body, device)


def tap_event(station: SubstationPlan, before: int, after: int, at: int) -> Message:
    """A regulator's tap change: an event of no consequence, as most are."""
    device = f"{station.key}-LTC"
    body = {
        "device_id": device,
        "severity": "INFO",
        "event_type": "TAP_CHANGE",
        "old_state": str(before),
        "new_state": str(after),
        "message": f"Tap changer of {station.name} moved to {after:+d}",
        "latitude": station.latitude,
        "longitude": station.longitude,
        "timestamp": iso_utc(at),
    }
    return Message(EVENT, body, device)


def outage_id(station: SubstationPlan, feeder: FeederPlan, start: int) -> str:
    """An identifier in the published form: OUT-SUB001-FDR002-1749650000."""
    return f"OUT-{station.device_id(feeder)}-{start // SECOND}"


def outage(station: SubstationPlan, feeder: FeederPlan, step: Step, lost_mw: float) -> Message:
    """The outage record of a trip's step: ACTIVE with everybody out, ACTIVE with part of them back, RESTORED."""
    body: dict[str, Any] = {
        "outage_id": outage_id(station, feeder, step.trip.start),
        "feeder_id": feeder.key,
        "region": station.key,
        "customers_out": {"trip": feeder.customers, "partial": feeder.customers * 2 // 5, "restore": 0}[step.kind],
        "status": "RESTORED" if step.kind == "restore" else "ACTIVE",
        "timestamp": iso_utc(step.at),
    }
    if step.kind != "restore":
        share = 1.0 if step.kind == "trip" else 0.4
        body |= {
            "mw_interrupted": round(lost_mw * share, 1),
            "cause": step.trip.cause,
            "etr_time": iso_utc(step.trip.end + 10 * MINUTE),
            "latitude": station.latitude,
            "longitude": station.longitude,
        }
    return Message(OUTAGE, body, station.device_id(feeder))
