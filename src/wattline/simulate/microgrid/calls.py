"""The requests that show the Flux page on the demo's microgrids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from wattline.model.clock import DAY, HOUR, MINUTE
from wattline.simulate.curl import Call
from wattline.simulate.microgrid.controller import iso
from wattline.simulate.microgrid.definition import SITES

BASE = "/rest/v1"


def flux_calls(at: int) -> list[Call]:
    """The page's endpoints in its own order; `at` (us) is now."""
    site = SITES[0]
    meter = site.meters[0].uuid

    def get(title: str, table: str, query: Mapping[str, str | int]) -> Call:
        return Call(title, f"{BASE}/{table}?{urlencode(query, safe=',:().*')}", contract="flux")

    def post(title: str, path: str, body: Mapping[str, Any] | list[Any], prefer: str | None = None) -> Call:
        return Call(title, f"{BASE}/{path}", body, contract="flux", headers={} if prefer is None else {"Prefer": prefer})

    since, today = {"time": f"gte.{iso(at - HOUR)}"}, {"start_time": iso(at - DAY), "end_time": iso(at)}
    energy = "time,power_total_active,energy_imported_active"
    # A device that nobody simulates: its rows are those of these lines alone.
    own = f"00000000-0000-4000-8000-{at // MINUTE:012d}"
    battery = {"device_id": own, "time": iso(at), "soe": 65.5, "target_power": -25.0, "available_inverter_blocks": 4}
    meters = [
        {"device_id": own, "time": iso(at - MINUTE * ago), "power_total_active": 125.5 + ago, "voltage_line_average": 415.2}
        for ago in (1, 0)
    ]
    about = {"manufacturer": "PowerPack", "model": "PP-500", "capacity_kwh": 500, "max_power_kw": 100}
    price = [{"time": iso(at // HOUR * HOUR), "type": 2, "value": 84.5}]
    return [
        get(
            "A battery's newest readings",
            "mg_bess_readings",
            {"device_id": f"eq.{site.battery}", "order": "time.desc", "limit": 5},
        ),
        post("Insert a battery reading", "mg_bess_readings", battery, "return=representation"),
        get("A meter's last hour", "mg_meter_readings", {"device_id": f"eq.{meter}", **since, "select": energy}),
        post("Insert meter readings in bulk", "mg_meter_readings", meters, "return=minimal"),
        post("Publish a price, unless it is known", "rpc/insert_market_data_batch", {"data": price}),
        get("Newest wholesale price", "market_data", {"type": "eq.2", "order": "time.desc", "limit": 1}),
        get("Devices of a site", "mg_device_registry", {"site": f"eq.{site.key}", "active": "eq.true"}),
        post(
            "Register a device",
            "mg_device_registry",
            {"name": f"{site.key}-BESS-{at // MINUTE}", "type": "bess", "site": "DEMO", "metadata": about},
        ),
        post("5-minute aggregations", "rpc/get_meter_readings_5m", today | {"device_ids": [meter]}),
        post("30-minute settlement data", "rpc/get_meter_readings_30m", today | {"device_ids": None}),
        get("Or: nearly empty or nearly full", "mg_bess_readings", {"or": "(soe.lt.80,soe.gt.450)", "limit": 5}),
    ]
