"""Every example of the published page, as a program writes it with `supabase`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from project import Project, refused


def _reading(device: str, time: str = "2024-01-01T12:00:00.000Z") -> dict[str, Any]:
    return {
        "device_id": device,
        "time": time,
        "soe": 65.5,
        "target_power": -25.0,
        "available_inverter_blocks": 4,
        "command_source": 1,
    }


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def insert_bess_reading(project: Project) -> None:
    bess = project.client().table("mg_bess_readings")
    (made,) = bess.insert(_reading(project.device)).execute().data
    assert list(made) == [
        "time",
        "device_id",
        "id",
        "created_at",
        "soe",
        "target_power",
        "available_inverter_blocks",
        "command_source",
        "real_power_mode",
    ]
    assert _instant(made["time"]) == datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert (made["device_id"], made["soe"], made["target_power"], made["real_power_mode"]) == (project.device, 65.5, -25, None)
    assert bess.select("*").eq("device_id", project.device).execute().data == [made]


def insert_without_an_answer(project: Project) -> None:
    bess = project.client().table("mg_bess_readings")
    assert bess.insert(_reading(project.device), returning="minimal").execute().data == []
    assert len(bess.select("*").eq("device_id", project.device).execute().data) == 1


def duplicate_bess_reading(project: Project) -> None:
    bess = project.client().table("mg_bess_readings")
    bess.insert(_reading(project.device)).execute()
    with refused("23505") as errors:
        bess.insert(_reading(project.device)).execute()
    assert errors[0].message == 'duplicate key value violates unique constraint "mg_bess_readings_deviceid_time_idx"'
    assert errors[0].details == f'Key (device_id, "time")=({project.device}, 2024-01-01 12:00:00+00) already exists.'
    assert errors[0].hint is None


def get_bess_telemetry(project: Project) -> None:
    bess = project.client().table("mg_bess_readings")
    times = ["2023-12-31T23:59:59Z", "2024-01-01T00:00:00Z", "2024-01-01T23:59:59Z", "2024-01-02T00:00:00Z"]
    bess.insert([_reading(project.device, time) for time in times]).execute()
    asked = bess.select("time,device_id,soe,target_power").eq("device_id", project.device).gte("time", "2024-01-01T00:00:00Z")
    rows = asked.lt("time", "2024-01-02T00:00:00Z").lt("soe", 70).order("time", desc=True).limit(100).execute().data
    assert [_instant(row["time"]) for row in rows] == [_instant(times[2]), _instant(times[1])]
    assert list(rows[0]) == ["time", "device_id", "soe", "target_power"]


def meter_readings(project: Project) -> None:
    meters = project.client().table("mg_meter_readings")
    first, second = (
        {"device_id": project.device, "time": f"2024-01-01T12:0{minute}:00Z", "power_total_active": power}
        for minute, power in enumerate((125.5, 128.3))
    )
    first |= {"voltage_line_average": 415.2, "current_phase_average": 180.5}
    second |= {"voltage_line_average": 414.8, "current_phase_average": 182.1}
    assert meters.insert([first, second], returning="minimal").execute().data == []
    asked = meters.select("time,power_total_active,energy_imported_active").eq("device_id", project.device)
    rows = asked.gte("time", "2024-01-01T00:00:00Z").gt("power_total_active", 100).order("time").execute().data
    assert [(row["power_total_active"], row["energy_imported_active"]) for row in rows] == [(125.5, None), (128.3, None)]
    assert len(meters.select("*").eq("device_id", project.device).limit(1).execute().data[0]) == 29


def market_signals(project: Project) -> None:
    market = project.client().table("market_data")
    metadata = {"confidence": 0.85, "settlement_period": 24, "site": project.site}
    time = datetime.now(UTC).isoformat()
    market.insert({"time": time, "type": 2, "value": -150.5, "metadata": metadata}).execute()
    (row,) = market.select("*").eq("type", 2).order("time", desc=True).limit(1).execute().data
    assert list(row) == ["id", "time", "type", "value", "metadata", "created_at"]
    assert (_instant(row["time"]), row["value"], row["metadata"]) == (_instant(time), -150.5, metadata)


def device_registry(project: Project) -> None:
    registry = project.client().table("mg_device_registry")
    metadata = {"manufacturer": "PowerPack", "model": "PP-500", "capacity_kwh": 500, "max_power_kw": 100}
    entry = {"name": "WLCE-BESS-02", "type": "bess", "site": project.site, "metadata": metadata}
    (made,) = registry.insert(entry).execute().data
    assert made["active"] is True
    assert registry.select("*").eq("site", project.site).eq("active", True).execute().data == [made]
    assert registry.select("name").eq("site", project.site).eq("type", "bess").execute().data == [{"name": "WLCE-BESS-02"}]


def intervals(project: Project) -> None:
    client = project.client()
    start = datetime(2024, 1, 1, tzinfo=UTC)
    client.table("mg_meter_readings").insert(
        [
            {
                "device_id": project.device,
                "time": (start + timedelta(minutes=minute)).isoformat(),
                "power_total_active": 125.5,
                "energy_imported_active": 1000 + 2 * minute,
                "energy_exported_active": 7,
            }
            for minute in range(61)
        ]
    ).execute()
    asked = {"start_time": "2024-01-01T00:00:00Z", "end_time": "2024-01-02T00:00:00Z", "device_ids": [project.device]}
    fives = client.rpc("get_meter_readings_5m", asked).execute().data
    assert len(fives) == 13
    assert len(fives[0]) == 35
    assert (fives[0]["power_total_active_avg"], fives[0]["energy_imported_active_delta"]) == (125.5, 10)
    halves = client.rpc("get_meter_readings_30m", {**asked, "device_ids": None}).eq("device_id", project.device).execute().data
    assert [row["energy_imported_active_delta"] for row in halves] == [60, 60, 0]
    assert [row["energy_exported_active_delta"] for row in halves] == [0, 0, 0]


def pagination(project: Project) -> None:
    bess = project.client().table("mg_bess_readings")
    times = [f"2024-01-01T12:0{minute}:00+00:00" for minute in range(5)]
    bess.insert([_reading(project.device, time) for time in times]).execute()
    asked = bess.select("time").eq("device_id", project.device).order("time", desc=True).limit(2)
    first = [row["time"] for row in asked.execute().data]
    newer = bess.select("time").eq("device_id", project.device).order("time", desc=True).limit(2).lt("time", first[-1])
    assert first + [row["time"] for row in newer.execute().data] == times[:0:-1]
    pages = [bess.select("id").eq("device_id", project.device).range(at, at + 1).execute().data for at in (0, 2, 4)]
    assert len({row["id"] for page in pages for row in page}) == 5
