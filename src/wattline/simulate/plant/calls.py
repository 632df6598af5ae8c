"""The requests that show the MCS page on the demo's plant: every endpoint of its quick reference."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from wattline.model.clock import DAY, HOUR
from wattline.simulate.curl import Call
from wattline.simulate.plant.definition import BLOCK, SITE
from wattline.simulate.plant.messages import iso_millis

BASE = "/api/v1"
SHOWN = "CDU-01-T-RET"
"""The point whose history is shown and whose alarm is acknowledged: one that has alarms often."""
SHELVED = "UPS-01-BAT-SOC"
_COMPARED = ("ML-T-SUP", "ML-T-RET", "HOST-FLOW")


def mcs_calls(at: int, ids: Mapping[str, int]) -> list[Call]:
    """The page's endpoints in its own order, for the points with these sensor ids by tag; `at` (us) is now."""
    shown = ids[SHOWN]
    hour = {"start": iso_millis(at - HOUR), "end": iso_millis(at + HOUR)}
    day = {"start": iso_millis(at - DAY), "end": iso_millis(at + HOUR)}
    of_block = {"block_slug": BLOCK}
    compared = ",".join(str(ids[tag]) for tag in _COMPARED)

    def get(title: str, path: str, query: Mapping[str, str | int] | None = None) -> Call:
        asked = f"?{urlencode(query, safe=',:')}" if query else ""
        return Call(title, f"{BASE}{path}{asked}", contract="mcs")

    operator = {"operator": "demo.operator"}
    shelve = operator | {"reason": "Recharging after a sag of the feed", "duration_hours": 4}
    return [
        get("Sites", "/sites"),
        get("One site", f"/sites/{SITE}"),
        get("Blocks", "/blocks", {"site_slug": SITE}),
        get("One block", f"/blocks/{BLOCK}"),
        get("Equipment", f"/equipment/{BLOCK}"),
        get("Sensors with their limits", f"/sensors/{BLOCK}"),
        get(f"An hour of {SHOWN}", "/telemetry", {"sensor_id": shown, **hour}),
        get("The same in 5-minute steps", "/telemetry", {"sensor_id": shown, **hour, "agg": "5min"}),
        get("Newest value of every sensor", "/telemetry/latest", of_block),
        get("Several sensors together", "/telemetry/multi", {"sensor_ids": compared, **hour}),
        get("Alarms that are not cleared", "/alarms"),
        Call(
            f"Acknowledge the alarm of {SHOWN} (404 while it has none)",
            f"{BASE}/alarms/{shown}/acknowledge",
            operator,
            contract="mcs",
        ),
        Call(
            f"Shelve the alarm of {SHELVED} (404 while it has none)",
            f"{BASE}/alarms/{ids[SHELVED]}/shelve",
            shelve,
            contract="mcs",
        ),
        get("ISA-18.2 figures", "/alarms/stats"),
        get("The event log", "/events", {**of_block, "limit": 20}),
        get("Electrical energy in 5-minute intervals", "/billing/kwh", {**of_block, **hour}),
        get("Heat to the brewery in 5-minute intervals", "/billing/kwht", {**of_block, **hour}),
        get("Energy by day", "/billing/energy-daily", {**of_block, **day}),
        Call("Is the platform well? (no key)", "/health", authorised=False, contract="mcs"),
        get("Statistics", "/stats"),
    ]
