"""POST /api/energy/energy-data/bulk, played."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import BULK, Meter, meter_in

NDJSON = {"Content-Type": "application/x-ndjson"}


def rows(meter: Meter, count: int, **more: Any) -> list[dict[str, Any]]:
    """Readings of the last seconds, oldest first."""
    return [
        {"total_power": float(n), "voltage_a": 230.0, "timestamp": meter.at(seconds=count - n), **more} for n in range(count)
    ]


def counts(accepted: int = 0, duplicates: int = 0, replaced: int = 0) -> dict[str, Any]:
    return {"accepted": accepted, "duplicates": duplicates, "replaced": replaced, "rejected": []}


def lines(readings: list[Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in readings)


@pytest.mark.parametrize("path", [BULK, f"{BULK}/"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", ["object", "array", "lines"])
async def test_readings_in_every_form(meter: Meter, path: str, form: str, packed: bool) -> None:
    sent = rows(meter, 20)
    content = {"object": json.dumps({"readings": sent}).encode(), "array": json.dumps(sent).encode(), "lines": lines(sent)}[
        form
    ]
    headers = dict(NDJSON) if form == "lines" else {}
    if packed:
        content, headers["Content-Encoding"] = gzip.compress(content), "gzip"
    assert await meter.told(content, 200, path, headers=headers) == counts(accepted=20)
    assert await meter.told(content, 200, path, headers=headers) == counts(duplicates=20)
    assert [row["total_power"] for _, row in sorted((await meter.stored()).items())] == [float(n) for n in range(20)]


async def test_each_reading_stands_for_itself(meter: Meter) -> None:
    sent: list[Any] = rows(meter, 6, vendor=1)
    sent[1]["frequency"] = 1000
    sent[2] = 7
    sent[3]["timestamp"] = meter.at(days=451)
    sent[4] |= {"meter_id": meter.id + 1, "seq": -1}
    told = await meter.told({"readings": sent}, 200, BULK)
    assert told["accepted"] == 2
    assert told["ignored"] == ["vendor"]
    assert [(each["index"], [(e["pointer"], e["code"]) for e in each["errors"]]) for each in told["rejected"]] == [
        (1, [("/frequency", "out_of_range")]),
        (2, [("", "type")]),
        (3, [("/timestamp", "too_old")]),
        (4, [("/meter_id", "not_allowed"), ("/seq", "out_of_range")]),
    ]
    assert len(await meter.stored()) == 2


async def test_a_bad_line_is_refused_with_its_index(meter: Meter) -> None:
    good = [json.dumps(each) for each in rows(meter, 3)]
    content = "\n".join([good[0], "", "{", '{"total_power":NaN}', " ", good[1], "\r", '{"a":1} x', good[2]]).encode()
    told = await meter.told(content + b"\n\xff\n", 200, BULK, headers=NDJSON)
    assert told["accepted"] == 3
    assert [(each["index"], each["errors"][0]["code"]) for each in told["rejected"]] == [
        (1, "malformed_json"),
        (2, "not_finite"),
        (4, "malformed_json"),
        (6, "malformed_json"),
    ]


@pytest.mark.parametrize("headers", [{}, NDJSON])
async def test_all_or_none(meter: Meter, headers: dict[str, str]) -> None:
    sent = rows(meter, 3)
    sent[1]["frequency"] = 1000
    sent[2]["seq"] = "x"
    content = lines(sent) if headers else json.dumps({"readings": sent}).encode()
    told = await meter.told(content, 422, f"{BULK}?atomic=true", headers=headers)
    before = "" if headers else "/readings"
    assert [(each["pointer"], each["code"]) for each in told["errors"]] == [
        (f"{before}/1/frequency", "out_of_range"),
        (f"{before}/2/seq", "type"),
    ]
    assert await meter.stored() == {}
    assert await meter.told(rows(meter, 3), 200, f"{BULK}/?atomic=true") == counts(accepted=3)
    assert (await meter.told(content, 200, f"{BULK}?atomic=false", headers=headers))["duplicates"] == 1


async def test_the_same_time_twice_in_one_body(meter: Meter) -> None:
    time = meter.at(minutes=1)
    sent = [{"total_power": power, "timestamp": time} for power in (1.0, 1.0, 2.0)] + [{"total_energy": 5, "timestamp": time}]
    assert await meter.told(sent, 200, BULK) == counts(1, 1, 2)
    (row,) = (await meter.stored()).values()
    assert row == {"total_power": 2.0, "total_energy": 5.0}


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b"[]", "", "empty"),
        (b'{"readings":[]}', "/readings", "empty"),
        (b"{}", "/readings", "required"),
        (b'{"readings":null}', "/readings", "type"),
        (b'{"readings":[{"total_power":1}],"more":1}', "/more", "unknown"),
        (b'{"readings":[{"total_power":1}],"readings":[{"total_power":2}]}', "/readings", "repeated"),
        (b'{"readings":[{"total_power":1}],"re\\u0061dings":[{"total_power":2}]}', "/readings", "repeated"),
        (b'{"total_power":1}', "/total_power", "unknown"),
        (b"1", "", "type"),
        (b"[" + b"1," * 10_000 + b"1]", "", "too_many"),
    ],
)
async def test_a_body_that_holds_no_readings(meter: Meter, body: bytes, pointer: str, code: str) -> None:
    told = await meter.told(body, 422, BULK)
    assert (told["errors"][0]["pointer"], told["errors"][0]["code"]) == (pointer, code)
    assert await meter.stored() == {}


async def test_no_line_at_all(meter: Meter) -> None:
    assert (await meter.told(b"\n \n", 422, BULK, headers=NDJSON))["errors"][0]["code"] == "empty"


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        (b"[{]", 400, {}),
        (b'[{"total_power":1}', 400, {}),
        (b"[" * 90_000, 400, {}),
        (b'{"readings":' * 90_000, 400, {}),
        (b'{"readings":' * 300_000, 422, {}),
        (b"[" + b"{}," * 1_000_000 + b"{}]", 422, {}),
        (b"[" + b"{}," * 90_000 + b"{}]", 422, {}),
        (b"[" + b"{}," * 90_000 + b"NaN]", 422, {}),
        (b"[" + b"1," * 2_000_000 + b"1]", 422, {}),
        (b"{}\n" * 1_000_000, 422, NDJSON),
        (b"\n" * 5_000_000, 422, NDJSON),
        (b"\xff", 400, {}),
        (b'[{"total_power":1}]', 415, {"Content-Type": "text/csv"}),
        (gzip.compress(b" " * (6 << 20), mtime=0), 413, {"Content-Encoding": "gzip"}),
        (b" " * (5 << 20) + b"[]", 413, {}),
    ],
)
async def test_a_body_that_cannot_be_read(meter: Meter, body: bytes, status: int, headers: dict[str, str]) -> None:
    answer = await meter.post(body, BULK, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["atomic=maybe", "atomic=true&atomic=true", "other=1", "atomic=%ff"])
async def test_parameters_are_checked(meter: Meter, query: str) -> None:
    answer = await meter.post(rows(meter, 1), f"{BULK}?{query}")
    assert answer.status_code == 400
    assert await meter.stored() == {}


async def test_ten_thousand_readings_are_taken(meter: Meter) -> None:
    meter.depot.clock.advance(10_001)
    assert await meter.told({"readings": rows(meter, 10_000)}, 200, BULK) == counts(accepted=10_000)


async def test_a_gateway_sends_for_many_meters(meter: Meter, stranger: Depot) -> None:
    foreign, second = await meter_in(stranger), await meter_in(meter.depot)
    gateway = await meter.depot.platform.metering.keys.create_gateway(meter.depot.tenant, None)
    sent = [{"total_power": 1, "meter_id": each} for each in (meter.id, second.id, foreign.id, 2**31 - 1)]
    answer = await meter.depot.client.post(BULK, json=[*sent, {"total_power": 1}], headers={"X-Device-Key": gateway.text})
    told = answer.json()
    assert told["accepted"] == 2
    assert [(each["index"], each["errors"][0]["code"]) for each in told["rejected"]] == [
        (2, "unknown_meter"),
        (3, "unknown_meter"),
        (4, "required"),
    ]
    assert await foreign.stored() == {}


async def test_one_reading_of_a_meter_may_be_of_now(meter: Meter) -> None:
    told = await meter.told([{"total_power": 1}, {"total_power": 2}], 200, BULK)
    assert told["accepted"] == 1
    assert [(each["index"], each["errors"][0]["code"]) for each in told["rejected"]] == [(1, "required")]


async def test_an_answer_tells_of_every_reading_and_not_of_every_fault(meter: Meter) -> None:
    bad = {"total_power": "x", **{f"voltage_{phase}": -1 for phase in "abc"}, "seq": "x", "frequency": -1}
    told = await meter.told([bad] * 3_000, 200, BULK)
    assert [each["index"] for each in told["rejected"]] == list(range(3_000))
    assert [len(told["rejected"][index]["errors"]) for index in (0, 2_999)] == [6, 2]
    assert told["rejected"][2_999]["errors"][1]["detail"] == "and 5 more faults"
