"""What the settings change: aggregates, bounds of an answer, roll-backs, the policy."""

from __future__ import annotations

import httpx

from tests.contracts.flux.door.project import BESS, MARKET, METER, REGISTRY, Project, new_device
from tests.contracts.flux.promises.conftest import Opening

MERGE = {"Prefer": "resolution=merge-duplicates"}
KEYS = f"{BESS}?on_conflict=device_id,time"


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def rows(project: Project, count: int) -> str:
    device = new_device()
    body = [{"device_id": device, "time": f"2024-01-01T12:{at:02}:00Z", "soe": at} for at in range(count)]
    assert (await project.client().post(BESS, json=body)).status_code == 201
    return device


async def test_aggregates(opening: Opening) -> None:
    async with opening(flux_aggregates=True) as project:
        device = await rows(project, 5)
        found = await project.get(f"{BESS}?select=device_id,soe.avg(),most:soe.max()::text,count()")
        assert found == [{"device_id": device, "avg": 2, "most": "4", "count": 5}]
        for asked in ("count(),mg_device_registry(name)", "...mg_device_registry(count())"):
            answer = await project.client().get(f"{BESS}?select={asked}")
            assert told(answer) == (400, "PGRST127")


async def test_an_answer_that_would_be_too_long_is_refused_and_never_cut(opening: Opening) -> None:
    async with opening(flux_answer_rows=4, flux_held_rows=6) as project:
        device = await rows(project, 4)
        client = project.client()
        more = [{"device_id": device, "time": f"2024-01-02T12:0{at}:00Z", "soe": 4} for at in range(5)]
        assert told(await client.post(BESS, json=more)) == (413, "PT413")
        assert (await client.post(BESS, json=more[:1])).status_code == 201
        assert told(await client.get(BESS)) == (413, "PT413")
        assert len(await project.get(f"{BESS}?limit=4&offset=1")) == 4
        assert told(await client.patch(BESS, json={"soe": 9})) == (413, "PT413")
        assert told(await client.delete(BESS)) == (413, "PT413")
        assert len(await project.get(f"{BESS}?limit=4&soe=lt.9")) == 4
        assert (await client.delete(f"{BESS}?soe=lt.4")).status_code == 204
        assert [row["soe"] for row in await project.get(BESS)] == [4]


async def test_a_greatest_number_of_rows_cuts_as_it_does_in_postgrest(opening: Opening) -> None:
    async with opening(flux_max_rows=3) as project:
        await rows(project, 5)
        assert len(await project.get(BESS)) == 3
        assert len(await project.get(f"{BESS}?limit=4")) == 3
        answer = await project.client().get(BESS, headers={"Prefer": "count=exact"})
        assert (answer.status_code, answer.headers["content-range"]) == (206, "0-2/5")


async def test_a_roll_back(opening: Opening, project: Project) -> None:
    say = {"Prefer": "tx=rollback, return=representation"}
    body = {"device_id": new_device(), "time": "2024-01-01", "soe": 1}
    async with opening(flux_rollback=True) as allowed:
        for at, kept, applied in (
            (allowed, 0, "return=representation, tx=rollback"),
            (project, 1, "return=representation"),
        ):
            answer = await at.client().post(BESS, json=body, headers=say)
            assert (answer.status_code, len(answer.json())) == (201, 1)
            assert answer.headers["preference-applied"] == applied
            assert len(await at.get(f"{BESS}?device_id=eq.{body['device_id']}")) == kept


async def test_the_policy_of_the_page(project: Project) -> None:
    body = {"device_id": await rows(project, 1), "time": "2024-01-01T12:00:00Z", "soe": 1}
    for role, status in (("anon", 401), ("authenticated", 403)):
        client = project.client(role)
        assert len((await client.get(BESS)).json()) == 1
        assert (await client.post(METER, json={"device_id": new_device(), "time": "2024-01-01"})).status_code == 201
        assert (await client.post(REGISTRY, json={"name": role, "type": "meter", "site": "S"})).status_code == 201
        assert (await client.post(MARKET, json={"time": "2024-01-01", "type": 1})).status_code == 201
        for refused in (
            await client.post("/rest/v1/market_data_types", json={"name": role}),
            await client.post(KEYS, json=body, headers=MERGE),
            await client.patch(BESS, json={"soe": 2}),
            await client.delete(BESS),
        ):
            assert told(refused) == (status, "42501")
            assert refused.json()["message"].startswith("permission denied for table ")
            assert refused.headers.get("www-authenticate") == ("Bearer" if role == "anon" else None)
    assert [row["soe"] for row in await project.get(BESS)] == [0]


async def test_the_open_policy(opening: Opening) -> None:
    async with opening(flux_policy="open") as project:
        body = {"device_id": await rows(project, 1), "time": "2024-01-01T12:00:00Z", "soe": 7}
        assert (await project.client("anon").post(KEYS, json=body, headers=MERGE)).status_code == 200
        assert (await project.client("anon").patch(f"{BESS}?soe=eq.7", json={"soe": 8})).status_code == 204
        assert told(await project.client("anon").delete(BESS)) == (401, "42501")
        assert [row["soe"] for row in await project.get(BESS)] == [8]


async def test_the_strict_policy(opening: Opening) -> None:
    async with opening(flux_policy="strict") as project:
        device = await rows(project, 1)
        body = {"device_id": device, "time": "2024-01-02"}
        for role, seen, status in (("anon", 0, 401), ("authenticated", 1, 403)):
            client = project.client(role)
            found = await client.get(BESS)
            assert (found.status_code, len(found.json())) == (200, seen)
            refused = await client.post(BESS, json=body)
            assert told(refused) == (status, "42501")
            message = 'new row violates row-level security policy for table "mg_bess_readings"'
            assert refused.json()["message"] == message
            assert (await client.patch(BESS, json={"soe": 2})).status_code == 204
            assert (await client.delete(BESS)).status_code == 204
        assert [row["soe"] for row in await project.get(BESS)] == [0]
        assert (await project.client().delete(BESS)).status_code == 204
        assert await project.get(BESS) == []
