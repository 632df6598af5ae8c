"""The client of tables alone, `postgrest`, in both its forms."""

from __future__ import annotations

from postgrest import AsyncPostgrestClient, SyncPostgrestClient
from project import Project


def _headers(project: Project) -> dict[str, str]:
    return {"apikey": project.anonKey, "Authorization": f"Bearer {project.anonKey}"}


def blocking(project: Project) -> None:
    with SyncPostgrestClient(f"{project.url}/rest/v1", schema="flux", headers=_headers(project)) as client:
        row = {"device_id": project.device, "time": "2024-01-01T12:00:00Z", "soe": 65.5}
        (made,) = client.from_("mg_bess_readings").insert(row).execute().data
        assert client.from_("mg_bess_readings").select("*").eq("device_id", project.device).execute().data == [made]
        client.auth(project.userToken)
        assert client.rpc("get_meter_readings_5m", {"device_ids": [project.device]}).execute().data == []


async def asynchronous(project: Project) -> None:
    async with AsyncPostgrestClient(f"{project.url}/rest/v1", headers=_headers(project)) as client:
        row = {"device_id": project.device, "time": "2024-01-01T12:00:00Z", "frequency": 50.01}
        (made,) = (await client.from_("mg_meter_readings").insert(row).execute()).data
        assert made["frequency"] == 50.01
        found = await client.from_("mg_meter_readings").select("frequency").eq("device_id", project.device).single().execute()
        assert found.data == {"frequency": 50.01}
