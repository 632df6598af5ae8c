"""POST /ingest/telemetry/batch: many readings in one body."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.contracts.hop.utility import REQUIRED, Utility

PATH = "/ingest/telemetry/batch"
BAD = {**REQUIRED, "voltage_kv": "high"}


def ndjson(records: list[Any]) -> dict[str, Any]:
    """The options of a request that carries records one a line."""
    return {
        "content": "".join(json.dumps(each) + "\n" for each in records).encode(),
        "headers": {"Content-Type": "application/x-ndjson"},
    }


def feeders(hop: Utility) -> set[str]:
    """Which feeders were written."""
    return {s.device.attributes["feeder_id"] for s in hop.platform.registry.streams(hop.tenant, "hop.telemetry") if s.latest}


async def test_a_batch_is_written_whole(hop: Utility) -> None:
    records = [{**REQUIRED, "feeder_id": f"F{i % 3}", "timestamp": hop.iso(-i)} for i in range(30)]
    answer = await hop.post(PATH, {"records": records})
    assert (answer.status_code, answer.json()) == (200, {"status": "telemetry written", "accepted": 30, "rejected": []})
    rows = await hop.get("/query/telemetry/timeseries", substation_id="SUB001")
    assert len(rows) == 30


async def test_a_batch_may_be_one_record_a_line(hop: Utility) -> None:
    records = [{**REQUIRED, "feeder_id": f"F{i}"} for i in range(5)]
    options = ndjson(records)
    options["content"] = b"\r\n" + options["content"].replace(b"\n", b"\r\n\n")
    answer = await hop.client.post(PATH, **options)
    assert answer.json() == {"status": "telemetry written", "accepted": 5, "rejected": []}


@pytest.mark.parametrize("lines", [False, True])
async def test_the_refused_are_named_and_the_others_written(hop: Utility, lines: bool) -> None:
    records = [{**REQUIRED, "feeder_id": "A"}, BAD, {**REQUIRED, "feeder_id": "B", "surplus": 1}, {}, 5]
    options = ndjson(records) if lines else {"json": {"records": records}}
    answer = (await hop.client.post(PATH, **options)).json()
    assert (answer["status"], answer["accepted"]) == ("telemetry written", 2)
    assert [each["index"] for each in answer["rejected"]] == [1, 3, 4]
    assert all(set(each) == {"index", "detail"} for each in answer["rejected"])
    alone = await hop.post("/ingest/telemetry", BAD)
    assert answer["rejected"][0]["detail"] == alone.json()["detail"]
    assert feeders(hop) == {"A", "B"}


async def test_a_broken_line_is_one_refused_record(hop: Utility) -> None:
    content = json.dumps(REQUIRED).encode() + b"\n{broken\n\xff\n" + json.dumps(REQUIRED).encode()
    answer = await hop.client.post(PATH, content=content, headers={"Content-Type": "application/x-ndjson"})
    assert answer.json()["accepted"] == 2
    assert [(each["index"], each["detail"][0]["type"]) for each in answer.json()["rejected"]] == [
        (1, "json_invalid"),
        (2, "json_invalid"),
    ]


async def test_nothing_good_in_a_batch_is_nothing_accepted(hop: Utility) -> None:
    answer = await hop.post(PATH, {"records": [BAD, BAD]})
    assert (answer.status_code, answer.json()["accepted"], len(answer.json()["rejected"])) == (200, 0, 2)


async def test_an_atomic_batch_is_written_whole_or_not_at_all(hop: Utility) -> None:
    records = [{**REQUIRED, "feeder_id": "A"}, BAD, {**REQUIRED, "feeder_id": "B", "power_mw": None}]
    answer = await hop.post(f"{PATH}?atomic=true", {"records": records})
    assert answer.status_code == 422
    assert [each["loc"] for each in answer.json()["detail"]] == [
        ["body", "records", 1, "voltage_kv"],
        ["body", "records", 2, "power_mw"],
    ]
    assert feeders(hop) == set()
    answer = await hop.post(f"{PATH}?atomic=true", {"records": records[:1]})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)


async def test_atomic_is_a_boolean(hop: Utility) -> None:
    answer = await hop.post(f"{PATH}?atomic=perhaps", {"records": [REQUIRED]})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "atomic"])


@pytest.mark.parametrize(("count", "status"), [(0, 422), (1, 200), (5_000, 200), (5_001, 422)])
@pytest.mark.parametrize("lines", [False, True])
async def test_a_batch_has_1_to_5000_records(hop: Utility, count: int, status: int, lines: bool) -> None:
    records = [REQUIRED] * count
    answer = await hop.client.post(PATH, **(ndjson(records) if lines else {"json": {"records": records}}))
    assert answer.status_code == status
    if status == 422:
        assert "1 to 5000" in answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize("body", [{}, {"records": None}, {"records": {}}, {"record": []}, [], None])
async def test_what_is_no_batch_is_422(hop: Utility, body: Any) -> None:
    answer = await hop.post(PATH, body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


async def test_a_batch_may_be_larger_than_a_record_but_not_endless(hop: Utility) -> None:
    records = [{**REQUIRED, "status_code": "x" * 128}] * 2_000
    assert (await hop.post(PATH, {"records": records})).status_code == 200
    huge = b'{"records":[' + b" " * 17_000_000 + b"]}"
    headers = {"Content-Type": "application/json"}
    assert (await hop.client.post(PATH, content=huge, headers=headers)).status_code == 413
    packed = gzip.compress(huge)
    assert (await hop.client.post(PATH, content=packed, headers={**headers, "Content-Encoding": "gzip"})).status_code == 413


async def test_repetitions_inside_a_batch_are_one_reading_and_the_last_counts(hop: Utility) -> None:
    records = [{**REQUIRED, "timestamp": hop.iso(-1), "voltage_kv": value} for value in (1, 2, 2, 3)]
    assert (await hop.post(PATH, {"records": records})).json()["accepted"] == 4
    (row,) = await hop.get("/query/telemetry/timeseries", substation_id="SUB001")
    assert row["voltage_kv"] == 3


async def test_unknown_fields_of_a_batch_are_counted(hop: Utility) -> None:
    before = hop.platform.metrics.unknown_fields.values.get(("hop",), 0)
    await hop.send(PATH, {"records": [REQUIRED, {**REQUIRED, "a": 1, "b": 2}, {**REQUIRED, "a": 1}]})
    assert hop.platform.metrics.unknown_fields.values[("hop",)] - before == 3
