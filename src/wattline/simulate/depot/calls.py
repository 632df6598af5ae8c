"""The requests that show the Joulepoint page: readings of your own meter, and what is known of the simulated depot."""

from __future__ import annotations

import hashlib
import hmac
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from wattline.model.clock import DAY, HOUR, MINUTE, SECOND
from wattline.simulate.credentials import DepotGateway, JoulepointAccess, MqttAccess
from wattline.simulate.curl import Call
from wattline.simulate.depot.definition import CHARGING, GRID, SITE
from wattline.simulate.depot.life import EPOCH
from wattline.simulate.words import iso_utc

ENERGY = "/api/energy"
METADATA = "/.well-known/oauth-authorization-server"
RESOURCES = ("groups", "accounts", "tariffs", "schedules", "constraints")


def joulepoint_calls(at: int, access: JoulepointAccess, depot: DepotGateway) -> list[Call]:
    """The page's endpoints in its own order; `at` (us) is now."""
    grid, charging = depot.meters[GRID.key], depot.meters[CHARGING.key]
    now = at // SECOND * SECOND

    def signed(title: str, path: str, body: Any) -> Call:
        """The signature is over the very bytes that the line sends."""
        text = json.dumps(body).encode()
        signature = hmac.new(access.device_secret.encode(), text, hashlib.sha256).hexdigest()
        headers = {"X-Device-Key": access.device_key, "X-Signature": signature}
        return Call(title, f"{ENERGY}{path}", body, authorised=False, contract="joulepoint", headers=headers)

    def call(title: str, path: str, **query: Any) -> Call:
        whole = f"{path}?{urlencode(query)}" if query else path
        return Call(title, whole, authorised=False, contract="joulepoint", uses=True)

    def reading(time: int) -> dict[str, Any]:
        energy = 1500 + round((time - EPOCH) / HOUR * 3.6, 4)
        return {"total_power": 3600.0, "total_energy": energy, "voltage_a": 230.1, "timestamp": iso_utc(time)}

    token = Call(
        "A token for a client with every scope",
        "/oauth/token",
        authorised=False,
        contract="joulepoint",
        form="grant_type=client_credentials",
        client=(access.client_id, access.client_secret),
        keeps=True,
    )
    analytics = f"{ENERGY}/analytics"
    day = {"from": iso_utc(now - DAY), "to": iso_utc(now)}
    thresholds = {"sag_v_threshold": 0.9, "swell_v_threshold": 1.1, "thd_pct_threshold": 5.0, "imbalance_pct_threshold": 2.0}
    trip = {"kind": "trip_overcurrent", "breaker_id": "demo-guest-breaker", "state": "tripped", "prev_state": "closed"}
    return [
        signed("A signed reading of your meter", "/energy-data/", reading(now)),
        signed(
            "Several at once", "/energy-data/bulk", {"readings": [reading(now - minutes * MINUTE) for minutes in (3, 2, 1)]}
        ),
        token,
        call("Every meter", f"{ENERGY}/meters/"),
        *(call(f"Every {name.removesuffix('s')}", f"{ENERGY}/{name}/") for name in RESOURCES),
        call("The last minutes of the grid connection", f"{analytics}/live_trail", meter_id=grid, minutes=15),
        call("Its figures since yesterday", f"{analytics}/kpi", meter_id=grid, **day),
        call("What the charging hall used, by day and hour", f"{analytics}/matrix", meter_id=charging, **day),
        call("The same as CSV", f"{analytics}/export", meter_id=charging, interval="15m", **day),
        call("Tomorrow", f"{analytics}/forecast", meter_id=grid, horizon_h=24, step="1h"),
        replace(call("What counts as a disturbance", f"{ENERGY}/pq/config"), body={"meter_id": access.meter_id, **thresholds}),
        call("Disturbances", f"{ENERGY}/pq/events"),
        call("How the week compares with EN 50160", f"{ENERGY}/pq/compliance", meter_id=grid, standard="en50160"),
        signed("A breaker trips", "/protection/events", {**trip, "current_a": 412.0, "timestamp": iso_utc(now)}),
        call("What breakers did", f"{ENERGY}/protection/events"),
        call("How breakers stand now", f"{ENERGY}/protection/breakers"),
        call("Every node of the site's graph", f"{ENERGY}/topology/nodes/", site_id=SITE),
        call("and every edge", f"{ENERGY}/topology/edges/", site_id=SITE),
        call("Where the power flows", f"{ENERGY}/topology/nodes/graph", site_id=SITE, live="true"),
        call("Everything that happened", "/api/events", limit=5),
        call("The forms of events", "/api/events/schemas"),
        replace(call("What happens in the next seconds", f"{ENERGY}/live", channels=f"meter:{grid},events:*"), seconds=10),
        call("The clients of this API", "/api/integrations/credentials"),
        Call("What the token server offers", METADATA, authorised=False, contract="joulepoint"),
    ]


def listening(base_url: str) -> str:
    """How a browser listens, as a comment."""
    return (
        f"# A browser listens at ws{base_url.removeprefix('http')}/ws/energy/live, with the subprotocols bearer and the token"
    )


def published(access: JoulepointAccess, mqtt: MqttAccess, certificate: Path | None = None) -> str:
    """The line that sends a reading of your meter to the embedded broker."""
    parts = ["mosquitto_pub", "-h", mqtt.host, "-p", str(mqtt.port), "-u", access.device_key, "-P", access.device_secret]
    if mqtt.tls and certificate is not None:
        parts += ["--cafile", str(certificate)]
    parts += ["-q", "1", "-t", access.mqtt_topic, "-m", json.dumps({"total_power": 3600.0, "voltage_a": 230.1})]
    return f"# A reading of your meter\n{shlex.join(parts)}"
