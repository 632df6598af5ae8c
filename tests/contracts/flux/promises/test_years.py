"""Times of readings: the years that the store holds are kept as sent, others are refused and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contracts.flux.door.project import BESS, Project, new_device
from tests.contracts.flux.promises.conftest import platform, tenant
from tests.stores import fresh_telemetry_url

WITHIN = ("1970-01-01T00:00:00+00:00", "1999-12-31T23:59:59.999999+00:00", "2112-09-17T23:53:47.370495+00:00")
OUTSIDE = ("-infinity", "1969-12-31T23:59:59.999999Z", "2112-09-17T23:53:47.370496Z", "9999-12-31", "infinity")
MADE = ("-infinity", "1900-01-01T00:00:00+00:00", "2150-06-01T00:00:00.5+00:00", "infinity")


async def test_the_first_and_the_last_moment_are_kept(project: Project) -> None:
    device = new_device()
    rows = [{"device_id": device, "time": time} for time in WITHIN]
    assert (await project.client().post(BESS, json=rows)).status_code == 201
    found = await project.get(f"{BESS}?device_id=eq.{device}&select=time")
    assert [row["time"] for row in found] == list(WITHIN)


@pytest.mark.parametrize("time", OUTSIDE)
async def test_others_are_refused_with_all_that_came_with_them(project: Project, time: str) -> None:
    device = new_device()
    one, other = {"device_id": device, "time": "2024-01-01T00:00:00Z"}, {"device_id": device, "time": time}
    answer = await project.client().post(BESS, json=[one, other])
    assert (answer.status_code, answer.json()["code"]) == (400, "22008")
    assert await project.get(f"{BESS}?device_id=eq.{device}") == []
    assert (await project.client().post(BESS, json=one)).status_code == 201
    moved = await project.client().patch(f"{BESS}?device_id=eq.{device}", json={"time": time})
    assert (moved.status_code, moved.json()["code"]) == (400, "22008")
    assert len(await project.get(f"{BESS}?device_id=eq.{device}")) == 1


async def test_when_a_row_was_made_may_be_any_time(tmp_path: Path) -> None:
    device, url = new_device(), fresh_telemetry_url()
    async with platform(tmp_path, telemetry_url=url) as at, tenant(at) as project:
        rows = [{"device_id": device, "time": f"2024-01-0{day}", "created_at": made} for day, made in enumerate(MADE, 1)]
        answer = await project.client().post(BESS, json=rows)
        assert answer.status_code == 201, answer.text
        assert await made_at(project, device) == list(MADE)
    async with platform(tmp_path, telemetry_url=url) as at, tenant(at, project.tenant) as again:
        assert await made_at(again, device) == list(MADE)


async def made_at(project: Project, device: str) -> list[str]:
    found = await project.get(f"{BESS}?device_id=eq.{device}&select=created_at&order=created_at")
    return [row["created_at"] for row in found]
