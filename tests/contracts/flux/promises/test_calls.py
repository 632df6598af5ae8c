"""What the functions are called with, and which intervals they give."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.flux.door.project import MARKET, METER, Project, new_device

FIVE, HALF = "/rest/v1/rpc/get_meter_readings_5m", "/rest/v1/rpc/get_meter_readings_30m"
BATCH = "/rest/v1/rpc/insert_market_data_batch"
START = "2024-01-03T10:00:00Z"


@pytest.fixture
async def device(project: Project) -> str:
    """A meter with 91 readings, one a minute from ten o'clock; its counter gains 0.5 a minute from 100."""
    name = new_device()
    rows = [
        {
            "device_id": name,
            "time": f"2024-01-03T{10 + minute // 60}:{minute % 60:02}:00Z",
            "power_total_active": minute,
            "energy_imported_active": 100 + minute / 2,
            "energy_exported_active": 7,
        }
        for minute in range(91)
    ]
    assert (await project.client().post(METER, json=rows)).status_code == 201
    return name


async def called(project: Project, path: str, given: object) -> Any:
    answer = await project.client("anon").post(path, json=given)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_both_ends_are_within(project: Project, device: str) -> None:
    found = await called(project, HALF, {"start_time": START, "end_time": "2024-01-03T11:00:00Z"})
    assert [row["time_b"][11:16] for row in found] == ["10:00", "10:30", "11:00"]
    found = await called(project, HALF, {"start_time": "2024-01-03T10:00:00.000001Z", "end_time": "2024-01-03T10:59:59Z"})
    assert [row["time_b"][11:16] for row in found] == ["10:30"]


async def test_neighbours_outside_the_range_do_not_exist(project: Project, device: str) -> None:
    alone = await called(project, HALF, {"start_time": "2024-01-03T10:30:00Z", "end_time": "2024-01-03T10:30:00Z"})
    among = await called(project, HALF, {})
    assert [row["energy_imported_active_delta"] for row in alone] == [14.5]
    assert [row["energy_imported_active_delta"] for row in among] == [15, 15, 15, 0]
    assert [row["energy_exported_active_delta"] for row in among] == [0, 0, 0, 0]
    assert [row["energy_imported_reactive_delta"] for row in among] == [None] * 4
    assert [row["power_total_active_avg"] for row in among] == [14.5, 44.5, 74.5, 90]
    assert [row["energy_imported_active_min"] for row in among] == [100, 115, 130, 145]


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({}, 4),
        ({"start_time": START}, 4),
        ({"end_time": "2024-01-03T10:10:00Z"}, 1),
        ({"device_ids": None}, 4),
        ({"device_ids": []}, 0),
        ({"device_ids": [None]}, 0),
        ({"start_time": None}, 0),
        ({"end_time": None}, 0),
        ({"start_time": "2024-01-03T12:00:00Z", "end_time": START}, 0),
        ({"start_time": "-infinity", "end_time": "infinity"}, 4),
        ([{"start_time": "2024-01-03T11:00:00Z"}], 2),
    ],
)
async def test_arguments(project: Project, device: str, given: object, rows: int) -> None:
    assert len(await called(project, HALF, given)) == rows


async def test_devices_are_named_once_or_twice(project: Project, device: str) -> None:
    assert len(await called(project, HALF, {"device_ids": [device, device.upper(), new_device()]})) == 4
    assert await called(project, HALF, {"device_ids": [new_device()]}) == []


async def test_a_call_without_a_body_has_no_arguments(project: Project, device: str) -> None:
    answer = await project.client("anon").post(HALF)
    assert len(answer.json()) == 4


async def test_get_is_as_good_as_post(project: Project, device: str) -> None:
    asked = f"{FIVE}?start_time={START}&device_ids={{{device}}}"
    found = await project.get(asked)
    assert found == await called(project, FIVE, {"start_time": START, "device_ids": [device]})
    assert len(await project.get(f"{asked}&power_total_active_avg=gt.30")) < len(found) == 19
    head = await project.client().head(asked, headers={"Prefer": "count=exact"})
    assert (head.headers["content-range"], head.content) == ("0-18/19", b"")


async def test_rows_are_filtered_shown_and_counted_like_those_of_a_table(project: Project, device: str) -> None:
    shown = "?select=time_b,power_total_active_avg&power_total_active_avg=lt.80&order=time_b.desc&limit=2"
    answer = await project.client().post(HALF + shown, json={}, headers={"Prefer": "count=exact"})
    assert (answer.status_code, answer.headers["content-range"]) == (206, "0-1/3")
    assert [row["power_total_active_avg"] for row in answer.json()] == [74.5, 44.5]
    csv = {"Accept": "text/csv"}
    answer = await project.client().post(f"{HALF}?select=time_b,energy_imported_active_delta&limit=1", json={}, headers=csv)
    assert answer.text == 'time_b,energy_imported_active_delta\n"2024-01-03 10:00:00+00",15'


async def test_intervals_come_by_device_then_time(project: Project, device: str) -> None:
    other = new_device()
    await project.client().post(METER, json={"device_id": other, "time": START})
    found = await called(project, HALF, {})
    assert [row["device_id"] for row in found] == sorted([device] * 4 + [other])


async def test_what_is_written_changed_or_deleted_shows_at_once(project: Project, device: str) -> None:
    one = f"{METER}?device_id=eq.{device}"
    assert (await called(project, HALF, {}))[0]["power_total_active_avg"] == 14.5
    await project.client().patch(f"{one}&time=lt.2024-01-03T10:30:00Z", json={"power_total_active": 2})
    assert (await called(project, HALF, {}))[0]["power_total_active_avg"] == 2
    late = {"device_id": device, "time": "2024-01-03T10:00:30Z", "power_total_active": 33}
    await project.client().post(METER, json=late)
    assert (await called(project, HALF, {}))[0]["power_total_active_avg"] == 3
    rollup = "/rest/v1/mg_meter_readings_30m_intermediate?select=power_total_active_avg&order=time_b&limit=1"
    assert await project.get(rollup) == [{"power_total_active_avg": 3}]
    await project.client().delete(f"{one}&time=lt.2024-01-03T10:30:00Z")
    assert [row["time_b"][11:16] for row in await called(project, HALF, {})] == ["10:30", "11:00", "11:30"]


async def test_a_batch_of_market_data_adds_what_is_new(project: Project) -> None:
    one = {"time": "2024-01-01T00:00:00Z", "type": 1, "value": 2}
    batch = [one, {**one, "value": 2.0000001}, {**one, "value": None}, {**one, "value": 3}]
    for _ in range(2):
        answer = await project.client("anon").post(BATCH, json={"data": batch})
        assert (answer.status_code, answer.content) == (204, b"")
    assert [row["value"] for row in await project.get(f"{MARKET}?select=value&order=value")] == [2, 2, 3, 3]
    answer = await project.client().post(BATCH, json={"data": [{**one, "value": 9}, {"time": START, "value": 1}]})
    assert (answer.status_code, answer.json()["code"]) == (400, "23502")
    assert len(await project.get(MARKET)) == 4


async def test_params_single_object_means_nothing(project: Project, device: str) -> None:
    answer = await project.client().post(HALF, json={"start_time": START}, headers={"Prefer": "params=single-object"})
    assert len(answer.json()) == 4
