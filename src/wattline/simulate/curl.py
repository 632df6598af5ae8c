"""Ready-to-paste curl lines for every endpoint of the HOP page, with a working key."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattline.model.clock import HOUR, SECOND
from wattline.simulate import words
from wattline.simulate.credentials import Credentials
from wattline.simulate.plan import DEMO_PLAN

_READING = {"voltage_kv": 229.8, "current_a": 1187.4, "power_mw": 274.2, "frequency_hz": 60.002, "status_code": "NORMAL"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the page: what it shows, its path under /api, and its body if it is a POST."""

    title: str
    path: str
    body: Mapping[str, Any] | None = None
    authorised: bool = True


def hop_calls(at: int) -> list[Call]:
    """The page's endpoints in its own order; `at` (microseconds) makes the outage's identifier new."""
    station = DEMO_PLAN[0]
    feeder = station.feeders[1]
    device = station.device_id(feeder)
    place = {"latitude": station.latitude, "longitude": station.longitude}
    names = {"substation_id": station.key, "feeder_id": feeder.key, "device_id": device, "site_name": station.name}
    reading = names | place | _READING
    event = {"device_id": device, "feeder_id": feeder.key}
    trip = event | {"severity": "ALARM", "event_type": "FEEDER_TRIP", "old_state": "CLOSED", "new_state": "OPEN"}
    restore = event | {"severity": "INFO", "event_type": "FEEDER_RESTORE", "old_state": "OPEN", "new_state": "CLOSED"}
    outage = {"outage_id": f"OUT-{device}-DEMO-{at // SECOND}", "feeder_id": feeder.key}
    lost = {"region": station.key, "customers_out": feeder.customers, "mw_interrupted": 12.4, "cause": "STORM"}
    active = outage | lost | {"status": "ACTIVE", "etr_time": words.iso_utc(at // SECOND * SECOND + HOUR)}
    return [
        Call("Is the server well? (no key)", "/health", authorised=False),
        Call("Write a reading", words.TELEMETRY, reading),
        Call("The same by its v4 name", "/scada/write", reading),
        Call("A feeder trips", words.EVENT, trip),
        Call("and is restored", words.EVENT, restore),
        Call("An outage begins", words.OUTAGE, active),
        Call("and ends", words.OUTAGE, outage | {"customers_out": 0, "status": "RESTORED"}),
        Call("Latest reading of each substation", "/query/telemetry/latest"),
        Call("Chart of one substation", f"/query/telemetry/timeseries?substation_id={station.key}&minutes=5"),
        Call("Latest anomaly scores", "/query/ml/latest"),
        Call("Score history", "/query/ml/trend?minutes=60"),
        Call("Events", "/query/events?minutes=60"),
        Call("Active outages", "/query/outages/active"),
        Call("Frequency of every substation", "/query/frequency/thresholds?minutes=5"),
        Call("Substations", "/query/substations"),
    ]


def curl_line(call: Call, credentials: Credentials, certificate: Path | None = None) -> str:
    """The shell command that makes a call; `certificate` is what to trust where the server uses TLS."""
    parts = ["curl", "-sS"]
    if certificate is not None:
        parts += ["--cacert", str(certificate)]
    if call.authorised:
        parts += ["-H", f"X-API-Key: {credentials.hop_api_key}"]
    if call.body is not None:
        parts += ["-H", "Content-Type: application/json", "-d", json.dumps(call.body)]
    parts.append(f"{credentials.base_url}/api{call.path}")
    return shlex.join(parts)


def page(calls: list[Call], credentials: Credentials, certificate: Path | None = None) -> str:
    """All lines with their titles as shell comments: the whole text can be pasted as it is."""
    return "\n".join(f"# {call.title}\n{curl_line(call, credentials, certificate)}" for call in calls)
