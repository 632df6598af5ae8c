"""Errors as a program of Python sees them: always with code, details, hint and message."""

from __future__ import annotations

from typing import Any

import httpx
from postgrest import SyncPostgrestClient
from project import Project, refused


def _bess(project: Project) -> Any:
    return project.client().table("mg_bess_readings")


def literals_and_names(project: Project) -> None:
    bess = _bess(project)
    with refused("22P02") as errors:
        bess.select("*").eq("device_id", "meter-uuid").execute()
    assert errors[0].message == 'invalid input syntax for type uuid: "meter-uuid"'
    with refused("42703"):
        bess.select("*").gt("power", 0).execute()
    with refused("PGRST205") as errors:
        project.client().table("mg_bess_reading").select("*").execute()
    assert errors[0].hint == "Perhaps you meant the table 'flux.mg_bess_readings'"
    with refused("PGRST204"):
        bess.insert({"foo": 1}).execute()
    with refused("PGRST100"):
        bess.select("*").or_("").execute()
    with refused("23502"):
        bess.insert({"device_id": project.device}).execute()
    with refused("PGRST107"):
        bess.select("*").explain().execute()


def rights(project: Project) -> None:
    with refused("42501"):
        _bess(project).update({"soe": 1}).eq("device_id", project.device).execute()
    with refused("42501"):
        _bess(project).delete().eq("device_id", project.device).execute()


def gateway(project: Project) -> None:
    """A wrong key: the client can read the body, and so tells the message and not that it could not."""
    client = SyncPostgrestClient(f"{project.url}/rest/v1", headers={"apikey": "nonsense"}, http_client=httpx.Client())
    with refused() as errors:
        client.table("mg_bess_readings").select("*").execute()
    assert errors[0].message
    assert errors[0].message != "JSON could not be generated"
    assert errors[0].code
