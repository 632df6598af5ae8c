"""Ready-to-paste curl lines for every endpoint of a contract's page, with a working key."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from wattline.model.clock import HOUR, SECOND
from wattline.simulate import words
from wattline.simulate.credentials import Credentials
from wattline.simulate.plan import DEMO_PLAN

_READING = {"voltage_kv": 229.8, "current_a": 1187.4, "power_mw": 274.2, "frequency_hz": 60.002, "status_code": "NORMAL"}


Contract = Literal["hop", "mcs", "flux", "household", "joulepoint"]
KEPT = "TOKEN"
"""The shell variable of a token that a call keeps for those after it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a page: what it shows, its path, its body if it is a POST, and headers beside the key.

    `form` and `client` (id and secret) make it a form of a client of OAuth 2.0. `keeps`: the token in its answer is kept in the
    shell; `uses`: it goes out with the kept one. `seconds`: its answer has no end, and is shown for so long.
    """

    title: str
    path: str
    body: Mapping[str, Any] | Sequence[Any] | None = None
    authorised: bool = True
    contract: Contract = "hop"
    headers: Mapping[str, str] = field(default_factory=dict)
    keeps: bool = False
    uses: bool = False
    form: str | None = None
    client: tuple[str, str] | None = None
    seconds: int | None = None


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
        Call("Is the server well? (no key)", "/api/health", authorised=False),
        Call("Write a reading", f"/api{words.TELEMETRY}", reading),
        Call("The same by its v4 name", "/api/scada/write", reading),
        Call("A feeder trips", f"/api{words.EVENT}", trip),
        Call("and is restored", f"/api{words.EVENT}", restore),
        Call("An outage begins", f"/api{words.OUTAGE}", active),
        Call("and ends", f"/api{words.OUTAGE}", outage | {"customers_out": 0, "status": "RESTORED"}),
        Call("Latest reading of each substation", "/api/query/telemetry/latest"),
        Call("Chart of one substation", f"/api/query/telemetry/timeseries?substation_id={station.key}&minutes=5"),
        Call("Latest anomaly scores", "/api/query/ml/latest"),
        Call("Score history", "/api/query/ml/trend?minutes=60"),
        Call("Events", "/api/query/events?minutes=60"),
        Call("Active outages", "/api/query/outages/active"),
        Call("Frequency of every substation", "/api/query/frequency/thresholds?minutes=5"),
        Call("Substations", "/api/query/substations"),
    ]


def _key(contract: Contract, credentials: Credentials) -> str:
    """The header that carries the contract's key."""
    if contract == "flux" and credentials.flux is not None:
        return f"apikey: {credentials.flux.anon_key}"
    return f"X-API-Key: {credentials.hop_api_key if contract == 'hop' else credentials.mcs_api_key}"


def curl_line(call: Call, credentials: Credentials, certificate: Path | None = None) -> str:
    """The shell command that makes a call; `certificate` is what to trust where the server uses TLS."""
    # A time that is over is no error to be told.
    parts = ["curl", "-sS"] if call.seconds is None else ["curl", "-sN", "-m", str(call.seconds)]
    if certificate is not None:
        parts += ["--cacert", str(certificate)]
    if call.authorised:
        parts += ["-H", _key(call.contract, credentials)]
    for name, value in call.headers.items():
        parts += ["-H", f"{name}: {value}"]
    if call.client is not None:
        parts += ["-u", ":".join(call.client)]
    if call.form is not None:
        parts += ["-d", call.form]
    if call.body is not None:
        parts += ["-H", "Content-Type: application/json", "-d", json.dumps(call.body)]
    line = shlex.join(parts) + (f' -H "Authorization: Bearer ${KEPT}"' if call.uses else "")
    line += f" {shlex.quote(credentials.base_url + call.path)}"
    if not call.keeps:
        return line
    return f"""{KEPT}=$({line} | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')"""


def page(title: str, calls: Sequence[Call], credentials: Credentials, certificate: Path | None = None) -> str:
    """All lines of a contract with their titles as shell comments: the whole text can be pasted as it is."""
    return f"# == {title} ==\n" + "\n".join(f"# {call.title}\n{curl_line(call, credentials, certificate)}" for call in calls)
