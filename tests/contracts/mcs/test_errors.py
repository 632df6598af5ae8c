"""What every failure looks like, and which of several is told; nothing that a caller sends is a server error."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tests.contracts.mcs.halls import Hall
from wattline.contracts.mcs.errors import BadRequest, TooMany, Unprocessable, answer, fault
from wattline.model.errors import (
    Ambiguous,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    StorageFull,
    StoreLocked,
    Unauthenticated,
    Unavailable,
)

FAILURES: list[tuple[Exception, int, Any, dict[str, str]]] = [
    (Unauthenticated("x"), 401, "Missing or invalid API key", {"www-authenticate": "Bearer"}),
    (Forbidden("no scope"), 403, "no scope", {}),
    (NotFound("no such"), 404, "no such", {}),
    (BadRequest("end must be after start"), 400, "end must be after start", {}),
    (Invalid("no sense"), 400, "no sense", {}),
    (Ambiguous("which?", "block_slug"), 409, "which?", {}),
    (Conflict("not now"), 409, "not now", {}),
    (Unavailable("away", retry_after=7), 503, "away", {"retry-after": "7"}),
    (StorageFull("full"), 507, "full", {"retry-after": "30"}),
    (StoreLocked("locked"), 503, "locked", {"retry-after": "30"}),
    (HTTPException(405, "Method Not Allowed", {"Allow": "GET"}), 405, "Method Not Allowed", {"allow": "GET"}),
    (RuntimeError("the password is x"), 500, "Internal Server Error", {}),
    (
        Invalid("too long", "reason"),
        422,
        [{"type": "value_error", "loc": ["body", "reason"], "msg": "too long", "input": None}],
        {},
    ),
    (
        Unprocessable([fault("missing", ["query", "start"], "Field required")]),
        422,
        [{"type": "missing", "loc": ["query", "start"], "msg": "Field required", "input": None}],
        {},
    ),
    (
        RequestValidationError([{"type": "x", "loc": ("body", 1), "msg": "m", "input": float("nan"), "ctx": {"le": 1}}]),
        422,
        [{"type": "x", "loc": ["body", 1], "msg": "m", "input": None, "ctx": {"le": 1}}],
        {},
    ),
]


@pytest.mark.parametrize(("error", "status", "detail", "headers"), FAILURES)
def test_every_failure_has_its_status_and_detail(error: Exception, status: int, detail: Any, headers: dict[str, str]) -> None:
    found = answer(error, "body")
    sent = httpx.Response(found.status_code, content=found.body, headers=dict(found.headers))
    assert (sent.status_code, sent.json()) == (status, {"detail": detail})
    assert sent.headers["content-type"] == "application/json"
    assert headers.items() <= dict(sent.headers).items()


def test_too_many_says_when_to_come_again() -> None:
    found = answer(TooMany("slowly", 10, 42))
    assert found.status_code == 429
    assert httpx.Response(429, content=found.body).json() == {"detail": "slowly", "retry_after_seconds": 42}
    assert (found.headers["retry-after"], found.headers["x-ratelimit-limit"]) == ("42", "10")


@pytest.mark.parametrize("sent", ["\ud800", {"\udfff": 1}, [10**400], float("inf"), object(), b"\xff", True, -(2**70)])
def test_whatever_was_sent_can_be_shown(sent: object) -> None:
    error = RequestValidationError([{"type": "x", "loc": ("body", "\ud800"), "msg": "m", "input": sent}])
    assert answer(error).status_code == 422


async def test_an_unknown_path_is_404_and_a_wrong_method_405(hall: Hall) -> None:
    for path in ("/nothing", "/telemetry/nothing", "/alarms/history/more", "/"):
        found = await hall.http.get(path)
        assert (found.status_code, found.json()) == (404, {"detail": "Not Found"}), path
    for path in ("/sites", "/telemetry", "/telemetry/latest", "/telemetry/multi", "/blocks/x", "/health", "/stats"):
        found = await hall.http.delete(path)
        assert (found.status_code, found.json()) == (405, {"detail": "Method Not Allowed"}), path
        assert "GET" in found.headers["allow"]


RANGE = {"start": "2026-02-21T06:00:00Z", "end": "2026-02-21T07:00:00Z"}
FAULTS: list[tuple[str, dict[str, Any], list[tuple[str, list[str], Any]]]] = [
    ("/sites", {"limit": 1001}, [("less_than_equal", ["query", "limit"], "1001")]),
    ("/sites", {"limit": 0}, [("greater_than_equal", ["query", "limit"], "0")]),
    ("/blocks", {"offset": -1}, [("greater_than_equal", ["query", "offset"], "-1")]),
    ("/blocks", {"offset": "x"}, [("int_parsing", ["query", "offset"], "x")]),
    ("/sensors/b", {"subsystem": "bogus"}, [("literal_error", ["query", "subsystem"], "bogus")]),
    ("/telemetry/latest", {}, [("missing", ["query", "block_slug"], None)]),
    ("/telemetry/latest", {"block_slug": "b", "subsystem": ""}, [("literal_error", ["query", "subsystem"], "")]),
    ("/telemetry", {}, [("missing", ["query", "start"], None), ("missing", ["query", "sensor_id"], None)]),
    ("/telemetry", {"sensor_id": "CDU-01", **RANGE}, [("int_parsing", ["query", "sensor_id"], "CDU-01")]),
    ("/telemetry", {"sensor_id": 1, **RANGE, "agg": "2min"}, [("string_pattern_mismatch", ["query", "agg"], "2min")]),
    ("/telemetry", {"sensor_id": 1, "start": ""}, [("datetime_from_date_parsing", ["query", "start"], "")]),
    ("/telemetry/multi", {"start": "x"}, [
        ("datetime_from_date_parsing", ["query", "start"], "x"), ("missing", ["query", "sensor_ids"], None)
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "parameters", "faults"), FAULTS)
async def test_what_fails_validation_is_422_field_by_field(
    hall: Hall, path: str, parameters: dict[str, Any], faults: list[tuple[str, list[str], Any]]
) -> None:
    found = await hall.http.get(path, params=parameters)
    assert found.status_code == 422
    shown = [(each["type"], each["loc"], each["input"]) for each in found.json()["detail"]]
    assert shown == faults
    assert all(isinstance(each["msg"], str) for each in found.json()["detail"])


async def test_the_published_422(hall: Hall) -> None:
    found = await hall.http.get("/blocks", params={"limit": 1001})
    assert found.json() == {
        "detail": [
            {
                "type": "less_than_equal",
                "loc": ["query", "limit"],
                "msg": "Input should be less than or equal to 1000",
                "input": "1001",
                "ctx": {"le": 1000},
            }
        ]
    }


@pytest.mark.parametrize("path", ["/telemetry", "/telemetry/multi"])
async def test_a_range_has_an_order_and_a_length(hall: Hall, path: str) -> None:
    ids = {"sensor_id": 999_999_999, "sensor_ids": "999999999"}
    for start, end, detail in (
        (hall.iso(), hall.iso(), "end must be after start"),
        (hall.iso(1), hall.iso(), "end must be after start"),
        (hall.iso(3600), None, "end must be after start"),
        (hall.iso(-31_622_401), hall.iso(), "Time range cannot exceed 1 year"),
    ):
        window = {"start": start} if end is None else {"start": start, "end": end}
        found = await hall.http.get(path, params={**ids, **window})
        assert (found.status_code, found.json()) == (400, {"detail": detail})


async def test_validation_comes_before_the_range_and_the_range_before_the_sensor(hall: Hall) -> None:
    wrong = {"sensor_id": 999_999_999, "start": hall.iso(), "end": hall.iso(-1), "agg": "x"}
    assert (await hall.http.get("/telemetry", params=wrong)).status_code == 422
    del wrong["agg"]
    assert (await hall.http.get("/telemetry", params=wrong)).status_code == 400
    wrong["start"] = hall.iso(-2)
    found = await hall.http.get("/telemetry", params=wrong)
    assert (found.status_code, found.json()) == (404, {"detail": "Sensor 999999999 not found"})


HOSTILE = [
    "\0", "a\0b", "\ud800".encode("utf-16-le", "surrogatepass"), b"\xff\xfe", "ü" * 300, "/" * 3000, "../../etc/passwd", "%",
    "' OR 1=1 --", "{sensor:UInt32}", "2147483648", "-2147483649", "9223372036854775808", "1e999", "NaN", "inf", "1" * 5000,
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "10000-01-01",
    "2026-02-30T00:00:00Z", "2026-02-21T24:00:00Z", "-1", "0", "1e18", "253402300800", "2026-02-21T06:00:00+99:99", " ", "٣",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_nothing_in_an_address_is_a_server_error(hall: Hall, text: str | bytes) -> None:
    word, sensor, start = quote(text, safe=""), hall.points["CDU-01-T-SUP"].id, hall.iso(-60)
    for path in (
        f"/sites/{word}", f"/blocks/{word}", f"/equipment/{word}", f"/sensors/{word}", f"/blocks?site_slug={word}",
        f"/sites?offset={word}&limit={word}", f"/sensors/block-01?subsystem={word}",
        f"/telemetry?sensor_id={word}&start={start}", f"/telemetry?sensor_tag={word}&start={start}",
        f"/telemetry?sensor_id={sensor}&start={word}", f"/telemetry?sensor_id={sensor}&start={start}&end={word}",
        f"/telemetry?sensor_id={sensor}&start={start}&agg={word}", f"/telemetry/multi?sensor_ids={word}&start={start}",
        f"/telemetry?sensor_tag=CDU-01-T-SUP&block_slug={word}&start={start}",
        f"/telemetry/latest?block_slug={word}", f"/telemetry/latest?block_id={word}&include_stale={word}", f"/{word}",
    ):  # fmt: skip
        found = await hall.http.get(path)
        assert found.status_code < 500, (path, found.text)
        assert found.status_code in (200, 400) or list(found.json()) == ["detail"], path


async def test_years_at_the_edge_of_time_are_ranges_like_others(hall: Hall) -> None:
    sensor = hall.points["CDU-01-T-SUP"].id
    for start, end in (
        ("0001-01-01T00:00:00Z", "0001-06-01T00:00:00Z"),
        ("1969-06-01T00:00:00Z", "1970-06-01T00:00:00Z"),
        ("9999-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ):
        for agg in ("raw", "1min", "5min", "1hour", "1day"):
            found = await hall.get("/telemetry", sensor_id=sensor, start=start, end=end, agg=agg)
            assert (found["start"], found["end"], found["data"]) == (start, end, [])


async def test_a_body_that_is_too_large_is_413(hall: Hall) -> None:
    found = await hall.http.post("/alarms/1/acknowledge", content=b"x" * 70_000)
    assert (found.status_code, found.json()) == (413, {"detail": "The body is too large"})

    async def chunks() -> Any:
        for _ in range(70):
            yield b"x" * 1000

    found = await hall.http.post("/alarms/1/acknowledge", content=chunks())
    assert (found.status_code, found.json()) == (413, {"detail": "The body is too large"})
