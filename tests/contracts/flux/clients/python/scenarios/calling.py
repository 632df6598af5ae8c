"""Functions, in every way that `supabase` calls them."""

from __future__ import annotations

from typing import Any

from postgrest.types import CountMethod
from project import Project, refused


def _quarter(project: Project) -> dict[str, Any]:
    """A counter that gains 0.5 kWh each minute for a quarter of an hour."""
    project.client().table("mg_meter_readings").insert(
        [
            {
                "device_id": project.device,
                "time": f"2024-05-01T00:{minute:02}:00Z",
                "power_total_active": minute,
                "energy_imported_active": 100 + minute / 2,
            }
            for minute in range(16)
        ]
    ).execute()
    return {"start_time": "2024-05-01T00:00:00Z", "end_time": "2024-05-01T00:15:00Z", "device_ids": [project.device]}


def posted_and_gotten(project: Project) -> None:
    asked, client = _quarter(project), project.client()
    rows = client.rpc("get_meter_readings_5m", asked).execute().data
    assert [row["energy_imported_active_delta"] for row in rows] == [2.5, 2.5, 2.5, 0]
    assert [row["power_total_active_avg"] for row in rows] == [2, 7, 12, 15]
    assert client.rpc("get_meter_readings_5m", asked, get=True).execute().data == rows


def headed(project: Project) -> None:
    asked = _quarter(project)
    found = project.client().rpc("get_meter_readings_5m", asked, count=CountMethod.exact, head=True).execute()
    assert (found.count, found.data) == (4, [])


def with_filters(project: Project) -> None:
    asked = _quarter(project)
    found = project.client().rpc("get_meter_readings_5m", asked).select("power_total_active_avg")
    rows = found.gt("power_total_active_avg", 2).order("time_b", desc=True).limit(2).execute().data
    assert rows == [{"power_total_active_avg": 15}, {"power_total_active_avg": 12}]


def market_data_batch(project: Project) -> None:
    service = project.service
    (made,) = service.table("market_data_types").insert({"name": project.site}).execute().data
    one = {"time": "2024-05-01T00:00:00Z", "type": made["id"], "value": 5}
    for value in (5, 5, 6):
        service.rpc("insert_market_data_batch", {"data": [{**one, "value": value}]}).execute()
    rows = service.table("market_data").select("value").eq("type", made["id"]).order("created_at").execute().data
    assert [row["value"] for row in rows] == [5, 6]


def unknown(project: Project) -> None:
    with refused("PGRST202"):
        project.client().rpc("get_meter_readings_5min", {}).execute()
