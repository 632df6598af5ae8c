"""Who sees what: utilities apart from each other, and keys of some substations only."""

from __future__ import annotations

from typing import Any

import httpx

from tests.contracts.hop.utility import EVENT, OUTAGE, REQUIRED, RESTORE, Utility

QUERIES = (
    "/query/telemetry/latest",
    "/query/telemetry/latest?by=feeder",
    "/query/telemetry/timeseries?substation_id=SUB001",
    "/query/telemetry/timeseries?substation_id=SUB001&resolution=raw",
    "/query/ml/latest",
    "/query/ml/trend",
    "/query/events",
    "/query/outages/active",
    "/query/outages/active?compat=literal",
    "/query/frequency/thresholds",
    "/query/substations",
    "/query/alerts",
)
SCORE = {"model_version": "robust-2", "anomaly_score": 0.1, "is_anomaly": False, "z_score": 0.0, "baseline_mean": 60}


async def everything(hop: Utility, substation: str) -> None:
    """One of each for a substation, with names that every substation uses."""
    await hop.telemetry(-1, substation_id=substation, device_id=f"{substation}-FDR002")
    score = {**SCORE, "substation_id": substation, "baseline_std": 0.01, "latest_value": 60}
    await hop.send("/ingest/scores", score)
    await hop.event(-1, device_id=f"{substation}-FDR002", feeder_id="FDR002")
    await hop.outage(-1, outage_id=f"OUT-{substation}", region=substation)


async def seen(client: httpx.AsyncClient) -> dict[str, Any]:
    """What a client is answered to every query."""
    found = {}
    for path in QUERIES:
        answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        found[path] = answer.json()
    return found


async def test_two_utilities_with_the_same_names_never_see_each_other(hop: Utility, other: Utility) -> None:
    await everything(hop, "SUB001")
    assert await seen(other.client) == {path: [] for path in QUERIES}
    mine = await seen(hop.client)
    assert all(len(rows) == 1 for rows in mine.values()), mine
    await other.telemetry(-2, voltage_kv=1.0)
    await other.outage(-2, outage_id="OUT-SUB001", status="RESTORED", customers_out=0)
    await other.event(-1, event_type="FEEDER_RESTORE")
    assert await seen(hop.client) == mine


async def test_a_key_of_some_substations_sees_only_them(hop: Utility) -> None:
    await everything(hop, "SUB001")
    await everything(hop, "SUB002")
    await hop.event(-1, device_id="unknown")
    await hop.outage(-1, outage_id="OUT-unknown", region="North", feeder_id="F9")
    async with hop.limited({"SUB001"}) as client:
        found = await seen(client)
    for path, rows in found.items():
        assert len(rows) == 1, path
        assert rows[0].get("substation_id", "SUB001") == "SUB001", path


async def test_the_series_of_another_substation_of_the_utility_is_403_and_of_a_foreign_one_empty(
    hop: Utility, other: Utility
) -> None:
    await hop.telemetry(substation_id="MINE")
    await hop.telemetry(substation_id="NOT-MINE")
    await other.telemetry(substation_id="FOREIGN")
    async with hop.limited({"MINE", "FOREIGN"}) as client:
        statuses = {}
        for name in ("MINE", "NOT-MINE", "FOREIGN", "NOWHERE"):
            answer = await client.get("/query/telemetry/timeseries", params={"substation_id": name})
            statuses[name] = (answer.status_code, len(answer.json()) if answer.status_code == 200 else None)
    assert statuses == {"MINE": (200, 1), "NOT-MINE": (403, None), "FOREIGN": (200, 0), "NOWHERE": (200, 0)}


async def test_a_key_of_some_substations_writes_telemetry_to_them_only(hop: Utility) -> None:
    await hop.telemetry(substation_id="SUB002")
    async with hop.limited({"SUB001"}) as client:
        assert (await client.post("/ingest/telemetry", json=REQUIRED)).status_code == 200
        for name in ("SUB002", "SUB003"):
            answer = await client.post("/ingest/telemetry", json={**REQUIRED, "substation_id": name})
            assert (answer.status_code, list(answer.json())) == (403, ["detail"])
        records = [REQUIRED, {**REQUIRED, "substation_id": "SUB002"}, {**REQUIRED, "substation_id": "SUB003"}]
        answer = await client.post("/ingest/telemetry/batch", json={"records": records})
        assert answer.json()["accepted"] == 1
        assert [(each["index"], type(each["detail"])) for each in answer.json()["rejected"]] == [(1, str), (2, str)]
        answer = await client.post("/ingest/telemetry/batch?atomic=true", json={"records": records[1:]})
        assert answer.status_code == 403
    assert hop.platform.registry.site(hop.tenant, "SUB003") is None
    assert len(await hop.get("/query/telemetry/timeseries", substation_id="SUB002")) == 1


async def test_a_key_of_some_substations_writes_their_events_only(hop: Utility) -> None:
    await hop.telemetry(substation_id="SUB001", device_id="A")
    await hop.telemetry(substation_id="SUB002", device_id="B")
    async with hop.limited({"SUB001"}) as client:
        statuses = [
            (await client.post("/ingest/event", json={**EVENT, "device_id": device})).status_code
            for device in ("A", "SUB001-FDR9", "B", "SUB002-FDR9", "unknown")
        ]
    assert statuses == [200, 200, 403, 403, 403]


async def test_a_key_of_some_substations_touches_no_outage_of_another(hop: Utility) -> None:
    await hop.telemetry(substation_id="SUB001", feeder_id="F1")
    await hop.telemetry(substation_id="SUB002", feeder_id="F2")
    await hop.outage(-100, outage_id="THEIRS", region="SUB002", feeder_id="F2")
    async with hop.limited({"SUB001"}) as client:
        for body in (
            {**RESTORE, "outage_id": "THEIRS", "feeder_id": "F1"},
            {**RESTORE, "outage_id": "THEIRS", "feeder_id": "F1", "region": "SUB001"},
            {**OUTAGE, "outage_id": "NEW", "region": "SUB002"},
            {**OUTAGE, "outage_id": "NEW", "region": "Nowhere", "feeder_id": "F9"},
        ):
            assert (await client.post("/ingest/outage", json=body)).status_code == 403, body
        mine = {**OUTAGE, "outage_id": "MINE", "region": "SUB001", "timestamp": hop.iso(-50)}
        assert (await client.post("/ingest/outage", json=mine)).status_code == 200
        restore = {**RESTORE, "outage_id": "MINE", "timestamp": hop.iso(-1)}
        assert (await client.post("/ingest/outage", json=restore)).status_code == 200
    assert [row["outage_id"] for row in await hop.get("/query/outages/active")] == ["THEIRS"]


async def test_a_key_of_some_substations_cannot_reopen_a_restored_outage_of_another(hop: Utility) -> None:
    await hop.telemetry(substation_id="SUB001", feeder_id="F1")
    await hop.telemetry(substation_id="SUB002", feeder_id="F2")
    await hop.outage(-100, outage_id="THEIRS", region="SUB002", feeder_id="F2")
    await hop.outage(-50, outage_id="THEIRS", region="SUB002", feeder_id="F2", status="RESTORED", customers_out=0)
    async with hop.limited({"SUB001"}) as client:
        body = {**OUTAGE, "outage_id": "THEIRS", "region": "SUB001", "feeder_id": "F1", "timestamp": hop.iso(-1)}
        assert (await client.post("/ingest/outage", json=body)).status_code == 403
    assert await hop.get("/query/outages/active") == []


async def test_a_revoked_key_is_401(hop: Utility) -> None:
    record, secret = await hop.platform.identity.create(hop.tenant, "brief", {"query:read"})
    async with hop.anonymous() as client:
        headers = {"X-API-Key": secret}
        assert (await client.get("/query/substations", headers=headers)).status_code == 200
        await hop.platform.identity.revoke(record.id)
        assert (await client.get("/query/substations", headers=headers)).status_code == 401
