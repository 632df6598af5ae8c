"""Of several things that are wrong with a request the first is told, in PostgREST's order."""

from __future__ import annotations

from typing import Any

import httpx

from tests.contracts.flux.door.project import BESS, Project

STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("401", {"key": False}),
    ("PGRST125", {"path": f"{BESS}/more"}),
    ("PGRST106", {"headers": {"Content-Profile": "private"}}),
    ("PGRST100", {"query": {"select": "(", "soe": "0"}}),
    ("PGRST102", {"content": "{"}),
    ("PGRST122", {"headers": {"Prefer": "handling=strict, foo=bar"}}),
    ("PGRST205", {"path": "/rest/v1/nothing"}),
    ("PGRST204", {"content": '{"foo": 1}'}),
    ("PGRST107", {"headers": {"Accept": "application/geo+json", "Prefer": "return=representation"}}),
    ("22P02", {"content": '{"device_id": "x", "time": "2024-01-01"}'}),
)


async def test_the_first_fault_is_told(project: Project) -> None:
    """Each step's fault, together with those of all later steps that touch something else."""
    for place, (code, fault) in enumerate(STEPS):
        request: dict[str, Any] = {
            "key": True,
            "path": "/rest/v1/mg_bess_readings",
            "query": {},
            "headers": {},
            "content": "{}",
        }
        for _, later in reversed(STEPS[place + 1 :]):
            merged(request, later)
        merged(request, fault)
        assert (await sent(project, request)).json()["code"] == code, request


def merged(request: dict[str, Any], fault: dict[str, Any]) -> None:
    for name, value in fault.items():
        request[name] = {**request[name], **value} if isinstance(value, dict) else value


async def sent(project: Project, request: dict[str, Any]) -> httpx.Response:
    client = project.client("service_role" if request["key"] else None)
    return await client.post(request["path"], params=request["query"], headers=request["headers"], content=request["content"])
