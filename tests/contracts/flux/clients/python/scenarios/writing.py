"""What a program can write with `supabase`: all of a request or nothing of it."""

from __future__ import annotations

from typing import Any

from postgrest.types import CountMethod
from project import Project, refused


def _row(device: str, minute: int, soe: float, **more: Any) -> dict[str, Any]:
    return {"device_id": device, "time": f"2024-04-01T12:0{minute}:00Z", "soe": soe, **more}


def _soes(project: Project) -> list[float]:
    asked = project.client().table("mg_bess_readings").select("soe").eq("device_id", project.device).order("time")
    return [found["soe"] for found in asked.execute().data]


def insert_array(project: Project) -> None:
    bess = project.client().table("mg_bess_readings")
    made = bess.insert([_row(project.device, 0, 1), _row(project.device, 1, 2, target_power=5)]).execute().data
    assert [(found["soe"], found["target_power"]) for found in made] == [(1, None), (2, 5)]
    assert bess.insert([], returning="minimal").execute().data == []
    counted = bess.insert([_row(project.device, 2, 3), _row(project.device, 3, 4)], count=CountMethod.exact).execute()
    assert counted.count == 2


def missing_is_default(project: Project) -> None:
    registry = project.service.table("mg_device_registry")
    entries = [{"name": name, "type": "bess", "site": project.site} for name in "ab"]
    made = registry.insert([entries[0], {**entries[1], "active": False}], default_to_null=False).execute().data
    assert [found["active"] for found in made] == [True, False]


def bad_apple(project: Project) -> None:
    bess = project.client().table("mg_bess_readings")
    bess.insert(_row(project.device, 2, 2)).execute()
    with refused("23505"):
        bess.insert([_row(project.device, minute, 9) for minute in (1, 2, 3)]).execute()
    assert _soes(project) == [2]


def upsert_merges(project: Project) -> None:
    bess = project.service.table("mg_bess_readings")
    bess.insert(_row(project.device, 0, 1, target_power=9)).execute()
    both = bess.upsert([_row(project.device, 0, 5), _row(project.device, 1, 6)], on_conflict="device_id,time").execute().data
    assert [(found["soe"], found["target_power"]) for found in both] == [(5, 9), (6, None)]
    with refused("42P10"):
        bess.upsert(_row(project.device, 0, 1), on_conflict="soe").execute()
    assert _soes(project) == [5, 6]


def upsert_ignores(project: Project) -> None:
    bess = project.service.table("mg_bess_readings")
    bess.insert(_row(project.device, 0, 1)).execute()
    rows = [_row(project.device, 0, 5), _row(project.device, 1, 6)]
    made = bess.upsert(rows, on_conflict="device_id,time", ignore_duplicates=True).execute().data
    assert [found["soe"] for found in made] == [6]
    assert _soes(project) == [1, 6]


def upsert_by_primary_key(project: Project) -> None:
    registry = project.service.table("mg_device_registry")
    entry = {"id": project.device, "name": "old", "type": "bess", "site": project.site}
    for name in ("old", "new"):
        assert registry.upsert({**entry, "name": name}).execute().data[0]["name"] == name
    assert registry.select("name").eq("id", project.device).execute().data == [{"name": "new"}]


def update(project: Project) -> None:
    bess = project.service.table("mg_bess_readings")
    bess.insert([_row(project.device, minute, minute) for minute in range(3)]).execute()
    changed = bess.update({"soe": 50}, count=CountMethod.exact).eq("device_id", project.device).gt("soe", 1).execute()
    assert (changed.count, [found["soe"] for found in changed.data]) == (1, [50])
    assert bess.update({"soe": 0}).eq("device_id", project.other).execute().data == []
    assert _soes(project) == [0, 1, 50]


def delete(project: Project) -> None:
    bess = project.service.table("mg_bess_readings")
    bess.insert([_row(project.device, minute, minute) for minute in range(3)]).execute()
    gone = bess.delete(count=CountMethod.exact).eq("device_id", project.device).lt("soe", 2).execute()
    assert (gone.count, sorted(found["soe"] for found in gone.data)) == (2, [0, 1])
    assert bess.delete(returning="minimal").eq("device_id", project.device).execute().data == []
    assert _soes(project) == []


def max_affected(project: Project) -> None:
    bess = project.service.table("mg_bess_readings")
    bess.insert([_row(project.device, minute, minute) for minute in range(2)]).execute()
    with refused("PGRST124"):
        bess.delete().eq("device_id", project.device).max_affected(1).execute()
    assert _soes(project) == [0, 1]
    assert len(bess.delete().eq("device_id", project.device).max_affected(2).execute().data) == 2


def market_data_has_versions(project: Project) -> None:
    market = project.client().table("market_data")
    one = {"time": "2024-04-01T12:00:00Z", "type": 3, "value": 42.5, "metadata": {"site": project.site}}
    for _ in range(2):
        market.insert(one).execute()
    assert len(market.select("value").eq("metadata->>site", project.site).execute().data) == 2
