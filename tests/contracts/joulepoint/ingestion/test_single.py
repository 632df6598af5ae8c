"""POST /api/energy/energy-data, played."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.contracts.joulepoint.depot import Depot
from tests.contracts.joulepoint.ingestion.conftest import PATH, Meter, meter_in
from wattline.contracts.joulepoint.query import instant
from wattline.model.clock import HOUR, from_micros


def fault(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["pointer"], each["code"]) for each in answer["errors"]]


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
async def test_a_reading_is_stored_again_a_duplicate_and_replaced(meter: Meter, path: str) -> None:
    body = {"total_power": 3600.0, "total_energy": 1500.0, "voltage_a": 230.1, "timestamp": meter.at(minutes=1)}
    first = await meter.told(body, 201, path)
    assert first == {"id": first["id"], "meter_id": meter.id, "timestamp": body["timestamp"], "status": "stored"}
    assert len(first["id"]) == 26
    assert await meter.told(body, 200, path) == {**first, "status": "duplicate"}
    assert await meter.told({**body, "total_power": 1.0}, 200, path) == {**first, "status": "replaced", "revision": 2}
    (row,) = (await meter.stored()).values()
    assert row == {"total_power": 1.0, "total_energy": 1500.0, "voltage_a": 230.1}


async def test_the_answer_is_json_with_the_id_of_its_request(meter: Meter) -> None:
    answer = await meter.post({"total_power": 1})
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.headers["x-request-id"]) == 16
    for body in ({"total_power": 1}, {}):
        answer = await meter.post(body, headers={"X-Request-Id": "poll-7"})
        assert answer.headers["x-request-id"] == "poll-7"


async def test_without_a_time_it_is_now(meter: Meter) -> None:
    assert (await meter.told({"total_power": 1}, 201))["timestamp"] == meter.at()


async def test_the_time_is_told_in_utc(meter: Meter) -> None:
    told = await meter.told({"total_power": 1, "timestamp": "2026-06-11T16:31:00.25+02:00"}, 201)
    assert told["timestamp"] == "2026-06-11T14:31:00.250000Z"


async def test_a_time_without_an_offset_is_one_of_the_meters_zone(depot: Depot) -> None:
    meter = await meter_in(depot, timezone="Asia/Kolkata")
    local = from_micros(depot.clock.micros() + 11 * HOUR // 2 - HOUR).replace(tzinfo=None, microsecond=0)
    told = await meter.told({"total_power": 1, "timestamp": local.isoformat()}, 201)
    assert instant(told["timestamp"]) == (depot.clock.micros() - HOUR) // 10**6 * 10**6


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),
        ("2025-10-26T02:30:00", "2025-10-26T00:30:00Z"),
        ("2025-10-26T03:00:00", "2025-10-26T02:00:00Z"),
    ],
)
async def test_where_the_clocks_change_the_first_reading_of_them_counts(depot: Depot, local: str, utc: str) -> None:
    meter = await meter_in(depot, timezone="Europe/Berlin")
    assert (await meter.told({"total_power": 1, "timestamp": local}, 201))["timestamp"] == utc


async def test_a_strict_meter_wants_offsets_and_known_names_all_told_at_once(depot: Depot) -> None:
    meter = await meter_in(depot, reading="strict")
    told = await meter.told({"total_power": "x", "vendor": 1, "timestamp": "2026-06-11T14:00:00"}, 422)
    assert fault(told) == [("/total_power", "type"), ("/timestamp", "bad_timestamp"), ("/vendor", "unknown")]
    assert await meter.stored() == {}


async def test_a_lenient_meter_tells_what_it_ignored(meter: Meter) -> None:
    told = await meter.told({"total_power": 1, "vendor": {"a": [1, None]}, "power_b": None, "é": 1}, 201)
    assert told["ignored"] == ["vendor", "é"]
    assert [*(await meter.stored()).values()] == [{"total_power": 1.0}]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"total_power":1e999}', [("/total_power", "not_finite")]),
        (b'{"total_power":NaN}', [("/total_power", "not_finite")]),
        (b'{"total_power":-1e9,"voltage_a":1e6,"frequency":100.01}', [("/frequency", "out_of_range")]),
        (b'{"total_energy":1e12,"power_factor":-1.1}', [("/power_factor", "out_of_range")]),
        (b'{"total_power":1,"total_power":2}', [("/total_power", "repeated")]),
        (b'{"seq":1}', [("", "no_measurement")]),
        (b'{"total_power":1,"timestamp":"yesterday"}', [("/timestamp", "bad_timestamp")]),
        (b'{"total_power":1,"timestamp":"9999-12-31T23:59:59Z"}', [("/timestamp", "future")]),
        (b'{"total_power":1,"timestamp":"0001-01-01T00:00:00"}', [("/timestamp", "too_old")]),
        (b'{"total_power":1,"timestamp":"0001-01-01T00:00:00+14:00"}', [("/timestamp", "too_old")]),
        (b"[]", [("", "type")]),
    ],
)
async def test_what_cannot_be_stored_is_refused_in_the_contracts_shape(
    meter: Meter, body: bytes, found: list[tuple[str, str]]
) -> None:
    answer = await meter.post(body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid"
    assert fault(answer.json()) == found
    assert await meter.stored() == {}


@pytest.mark.parametrize(
    ("body", "status", "code", "headers"),
    [
        (b"", 400, "malformed_json", {}),
        (b"{", 400, "malformed_json", {}),
        (b"\xff", 400, "malformed_json", {}),
        (b"[" * 60_000, 400, "malformed_json", {}),
        (b'{"total_power":1}', 415, "unsupported_media_type", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b'{"total_power":1}', 415, "unsupported_media_type", {"Content-Type": "application/json; charset=utf-16"}),
        (b'{"total_power":1}', 415, "unsupported_media_type", {"Content-Encoding": "br"}),
        (b'{"total_power":1}', 400, "malformed_gzip", {"Content-Encoding": "gzip"}),
        (gzip.compress(b'{"total_power":1}', mtime=0)[:-4], 400, "malformed_gzip", {"Content-Encoding": "gzip"}),
        (gzip.compress(b"{}", mtime=0) * 2, 400, "malformed_gzip", {"Content-Encoding": "gzip"}),
        (gzip.compress(b" " * (1 << 27), mtime=0), 413, "too_large", {"Content-Encoding": "gzip"}),
        (b'{"total_power":1}' + b" " * (64 * 1024), 413, "too_large", {}),
    ],
)
async def test_a_body_that_is_no_reading(meter: Meter, body: bytes, status: int, code: str, headers: dict[str, str]) -> None:
    answer = await meter.post(body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert await meter.stored() == {}


async def test_a_body_may_be_packed_and_come_in_pieces(meter: Meter) -> None:
    content = json.dumps({"total_power": 1.5}).encode()
    answer = await meter.post(gzip.compress(content, mtime=0), headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 201

    async def pieces() -> Any:
        for at in range(len(content)):
            yield content[at : at + 1]

    answer = await meter.depot.client.post(PATH, content=pieces(), headers={"X-Device-Key": meter.key})
    assert answer.status_code == 201

    async def endless() -> Any:
        while True:
            yield b" " * 4096

    answer = await meter.depot.client.post(PATH, content=endless(), headers={"X-Device-Key": meter.key})
    assert answer.status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_known(meter: Meter, method: str) -> None:
    answer = await meter.depot.client.request(method, PATH, headers={"X-Device-Key": meter.key})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_a_parameter_that_is_not_known_is_refused(meter: Meter) -> None:
    answer = await meter.post({"total_power": 1}, f"{PATH}?atomic=true")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "atomic"
    assert await meter.stored() == {}


async def test_a_key_writes_for_its_own_meter_alone(meter: Meter, stranger: Depot) -> None:
    foreign, mine = await meter_in(stranger), await meter_in(meter.depot)
    for other in (foreign.id, mine.id, 2**31 - 1):
        told = await meter.told({"total_power": 1, "meter_id": other}, 403)
        assert fault(told) == [("/meter_id", "not_allowed")]
    assert (await meter.told({"total_power": 1, "meter_id": meter.id}, 201))["meter_id"] == meter.id
    assert await foreign.stored() == {}
    assert await mine.stored() == {}


async def test_two_keys_of_one_meter_send_the_same_reading(meter: Meter) -> None:
    second = await meter.depot.platform.metering.keys.create(meter.depot.tenant, meter.id)
    body = {"total_energy": 1500.0, "timestamp": meter.at()}
    first = await meter.told(body, 201)
    assert await meter.told(body, 200, headers={"X-Device-Key": second.text}, signed=False) == {**first, "status": "duplicate"}


async def test_a_gateway_says_which_meter_it_means(meter: Meter, stranger: Depot) -> None:
    foreign, second, third = await meter_in(stranger), await meter_in(meter.depot), await meter_in(meter.depot)
    keys = meter.depot.platform.metering.keys
    some = await keys.create_gateway(meter.depot.tenant, [meter.id, second.id])
    every = await keys.create_gateway(meter.depot.tenant, None)

    async def sent(key: str, body: dict[str, Any]) -> int:
        answer = await meter.depot.client.post(PATH, json=body, headers={"X-Device-Key": key})
        return answer.status_code

    for key, number, status in (
        (some.text, second.id, 201),
        (some.text, third.id, 403),
        (some.text, foreign.id, 403),
        (every.text, third.id, 201),
        (every.text, foreign.id, 404),
        (every.text, 2**31 - 1, 404),
    ):
        assert await sent(key, {"total_power": 1, "meter_id": number}) == status
    assert await sent(some.text, {"total_power": 1}) == 422
    assert await sent(every.text, {"total_power": 1}) == 422
    assert await foreign.stored() == {}


async def test_a_token_with_the_scope_will_do_for_a_key(meter: Meter, stranger: Depot) -> None:
    depot = meter.depot
    foreign = await meter_in(stranger)
    body = {"total_power": 1, "meter_id": meter.id}
    writer = await depot.key("energy:write")
    assert (await depot.call("POST", PATH, key=writer, json=body)).status_code == 201
    assert (await depot.call("POST", PATH, key=writer, json={"total_power": 1})).status_code == 422
    assert (await depot.call("POST", PATH, key=writer, json={**body, "meter_id": foreign.id})).status_code == 404
    assert (await depot.call("POST", PATH, key=await depot.key("energy:read", "admin"), json=body)).status_code == 403
    elsewhere = await depot.key("energy:write", sites=["north"])
    assert (await depot.call("POST", PATH, key=elsewhere, json=body)).status_code == 404
    assert (await depot.call("POST", PATH, key=None, json=body)).status_code == 401
    assert await foreign.stored() == {}


async def test_a_meter_that_is_computed_takes_no_readings(meter: Meter) -> None:
    virtual = await meter.depot.platform.metering.meters.create(
        meter.depot.tenant, {"name": "sum", "kind": "virtual", "formula": [{"meter_id": meter.id, "sign": 1}]}
    )
    answer = await meter.depot.call("POST", PATH, json={"total_power": 1, "meter_id": virtual.id})
    assert answer.status_code == 422
    assert fault(answer.json()) == [("/meter_id", "computed")]


async def test_readings_are_counted(meter: Meter) -> None:
    metrics = meter.depot.platform.metrics
    stored = metrics.ingest_rows.values.get(("joulepoint",), 0)
    refused = metrics.ingest_rejected.values.get(("joulepoint", "422"), 0)
    body = {"total_power": 1, "timestamp": meter.at()}
    await meter.told(body, 201)
    await meter.told(body, 200)
    await meter.told({}, 422)
    assert metrics.ingest_rows.values[("joulepoint",)] == stored + 1
    assert metrics.ingest_rejected.values[("joulepoint", "422")] == refused + 1
