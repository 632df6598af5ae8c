"""POST /sensor_input: which readings are taken, as what, and what is said to those that are not."""

from __future__ import annotations

import json
import math
import struct
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.contracts.household.wire.oracle import message
from wattline.households.meters.model import Measurement, Refused
from wattline.model.clock import SECOND
from wattline.model.errors import QueueFull, StorageFull, StoreLocked, Unavailable

from .asking import Answer, ask, reading, token_of
from .served import Served


def written(served: Served, hours: int) -> str:
    """The half hour of the test in ISO 8601, with an offset."""
    return datetime.fromtimestamp(served.second, timezone(timedelta(hours=hours))).isoformat()


NOT_POSITIVE = "Value is equal to or less than zero"
PATH = "/sensor_input"


@pytest.mark.parametrize("path", [PATH, f"/api/v1{PATH}"])
async def test_a_reading_is_taken_at_both_paths(served: Served, path: str) -> None:
    token = await token_of(served, served.digital)
    answer = await ask(served, path, reading(token, 1234.5678, type=1, value_current=-345.6, value_out=12.25))
    assert (answer.status, answer.found.HasField("status_message")) == (200, False)
    assert served.taken == [(served.digital, Measurement(1234.5678, False, 12.25, -345.6))]


async def test_the_older_layout_tells_that_its_steps_are_coarse(served: Served) -> None:
    token = await token_of(served, served.digital)
    sent = message("SensorDataRequest", access_token=token, type=1, value=1234.6).SerializeToString()
    assert (await ask(served, PATH, sent)).status == 200
    coarse = struct.unpack("<f", struct.pack("<f", 1234.6))[0]
    assert served.taken == [(served.digital, Measurement(coarse, False, single=True))]


@pytest.mark.parametrize("power", [0, 3, 6, 9])
async def test_every_unit_of_time_lands_on_the_same_instant(served: Served, power: int) -> None:
    token = await token_of(served, served.digital)
    assert (await ask(served, PATH, reading(token, 1.0, type=1, timestamp=served.second * 10**power))).status == 200
    [(_, taken)] = served.taken
    assert (taken.time, taken.time_unit) == (served.second * SECOND, {0: "s", 3: "ms", 6: "us", 9: "ns"}[power])


async def test_a_later_release_tells_its_time_as_text(served: Served) -> None:
    token = await token_of(served, served.digital)
    sent = message("EnergyDataRequest", access_token=token, value=2.5, timestamp=written(served, 2))
    assert (await ask(served, PATH, sent.SerializeToString())).status == 200
    assert served.taken == [(served.digital, Measurement(2.5, False, time=served.second * SECOND, time_unit="us"))]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"value": 0.0, "type": 1}, NOT_POSITIVE),
        ({"value": -0.0, "type": 1}, NOT_POSITIVE),
        ({"value": -1.0, "type": 1}, NOT_POSITIVE),
        ({"value": -1.0}, NOT_POSITIVE),
        ({"value": math.nan}, "Value is not a finite number"),
        ({"value": math.inf}, "Value is not a finite number"),
        ({"value": 1.0, "value_current": math.nan}, "Value is not a finite number"),
        ({"value": 1.0, "value_out": -math.inf}, "Value is not a finite number"),
        ({"value": 1.0, "timestamp": 1}, "Timestamp out of range"),
        ({"value": 1.0, "timestamp": 10**10}, "Timestamp out of range"),
        ({"value": 1.0, "timestamp": 2**64 - 1}, "Timestamp out of range"),
    ],
)
async def test_what_is_refused_before_anybody_asks_who_sent_it(served: Served, fields: dict[str, Any], text: str) -> None:
    for token in ("", "A" * 30):
        answer = await ask(served, PATH, reading(token, **fields))
        assert (answer.status, answer.text) == (400, text)
    assert served.taken == []


@pytest.mark.parametrize("content", [b"", b"\x0a\x1eA", b"\xff" * 20, b"{", b"{}", b'{"value": NaN}', b'{"value": "1"}'])
async def test_no_body_and_no_message(served: Served, content: bytes) -> None:
    answer = await ask(served, PATH, content)
    assert (answer.status, answer.text) == (400, "Invalid data" if content else "No body")


class TestType:
    """The default of the message is analog, so a device that forgets its type must not have its counter added up."""

    async def test_a_counter_without_a_type_is_a_counter(self, served: Served) -> None:
        token = await token_of(served, served.digital)
        assert (await ask(served, PATH, reading(token, 20000.0))).status == 200
        assert served.taken == [(served.digital, Measurement(20000.0, False))]
        answer = await ask(served, PATH, reading(token, 0.0))
        assert (answer.status, answer.text) == (400, NOT_POSITIVE)

    async def test_an_increment_may_be_zero(self, served: Served) -> None:
        token = await token_of(served, served.analog)
        for value in (0.0133, 0.0, -0.0):
            served.clock.advance(15)
            assert (await ask(served, PATH, reading(token, value))).status == 200
        assert served.taken == [(served.analog, Measurement(value, True)) for value in (0.0133, 0.0, 0.0)]
        assert math.copysign(1, served.taken[-1][1].value) == 1

    async def test_gas_counts_like_a_digital_meter(self, served: Served) -> None:
        token = await token_of(served, served.gas)
        for fields in ({"type": 2}, {}):
            assert (await ask(served, PATH, reading(token, 500.0, **fields))).status == 200
        assert served.taken == [(served.gas, Measurement(500.0, False))] * 2

    @pytest.mark.parametrize(("name", "kind"), [("digital", 2), ("analog", 1), ("gas", 1), ("digital", 7), ("analog", -1)])
    async def test_a_type_that_is_not_the_registered_one_is_refused(self, served: Served, name: str, kind: int) -> None:
        token = await token_of(served, getattr(served, name))
        answer = await ask(served, PATH, reading(token, 1.0, type=kind))
        assert (answer.status, answer.text) == (400, "Type is not that of the registered sensor")
        # On the wire, a type that is given as zero differs from none.
        explicit = await ask(served, PATH, reading(token, 1.0) + b"\x10\x00")
        assert explicit.status == (200 if name == "analog" else 400)


class TestToken:
    """`Authorization` first, then the message; never two that differ."""

    @pytest.mark.parametrize("form", ["{}", "Bearer {}", "bearer  {}"])
    async def test_in_the_header(self, served: Served, form: str) -> None:
        token = await token_of(served, served.digital)
        headers = {"Authorization": form.format(token)}
        assert (await ask(served, PATH, reading("", 1.0, type=1), headers)).status == 200
        assert (await ask(served, PATH, reading(token, 1.0, type=1), headers)).status == 200
        assert len(served.taken) == 2

    async def test_two_that_differ(self, served: Served) -> None:
        first, second = [await token_of(served, mac) for mac in (served.digital, served.gas)]
        answer = await ask(served, PATH, reading(first, 1.0), {"Authorization": f"Bearer {second}"})
        assert (answer.status, answer.text) == (401, "Token invalid")

    @pytest.mark.parametrize(
        ("token", "text"), [("", "Token not found"), ("A" * 30, "Token invalid"), ("é" * 30, "Token invalid")]
    )
    async def test_none_or_a_bad_one(self, served: Served, token: str, text: str) -> None:
        for body in (reading(token, 1.0), json.dumps({"value": 1, "access_token": token}).encode()):
            answer = await ask(served, PATH, body)
            assert (answer.status, answer.text) == (401, text)
        assert served.taken == []

    async def test_a_header_that_is_no_token(self, served: Served) -> None:
        for header in ("Bearer", "Basic YTpi", "x" * 5000):
            assert (await ask(served, PATH, reading("", 1.0), {"Authorization": header})).status == 401


class TestJson:
    """The same as JSON, answered in JSON."""

    async def say(self, served: Served, **fields: Any) -> Answer:
        return await ask(served, PATH, json.dumps(fields).encode())

    async def test_a_reading(self, served: Served) -> None:
        token = await token_of(served, served.digital)
        answer = await self.say(
            served,
            access_token=token,
            value=12,
            value_current=300.5,
            value_out=0.25,
            timestamp=written(served, 0),
            type="digital_electricity",
            unknown=[1],
        )
        assert (answer.status, answer.found) == (200, {"status": 200})
        assert served.taken == [(served.digital, Measurement(12.0, False, 0.25, 300.5, served.second * SECOND, time_unit="us"))]

    @pytest.mark.parametrize("stamp", [None, 0])
    async def test_without_a_time_it_is_now(self, served: Served, stamp: int | None) -> None:
        token = await token_of(served, served.digital)
        assert (await self.say(served, access_token=token, value=1.5, timestamp=stamp)).status == 200
        assert served.taken[0][1].time is None
        assert await served.stored(served.digital) == [(served.clock.micros(), 1.5)]

    @pytest.mark.parametrize("half", [0, 0.5])
    async def test_its_time_may_have_decimals(self, served: Served, half: float) -> None:
        token = await token_of(served, served.digital)
        assert (await self.say(served, access_token=token, value=1.5, timestamp=served.second + half)).status == 200
        assert await served.stored(served.digital) == [(int((served.second + half) * SECOND), 1.5)]

    @pytest.mark.parametrize("stamp", ["", "soon", -5, 1e300, "9" * 3000])
    async def test_no_time(self, served: Served, stamp: object) -> None:
        answer = await self.say(served, value=1.5, timestamp=stamp)
        assert (answer.status, answer.text) == (400, "Timestamp out of range")
        assert answer.found["error"] == answer.text

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"value": True},
            {"value": None},
            {"value": 1, "timestamp": True},
            {"value": 1, "type": "steam"},
            {"value": 1, "type": 1.5},
            {"value": 1, "access_token": 5},
        ],
    )
    async def test_no_reading(self, served: Served, fields: dict[str, Any]) -> None:
        answer = await self.say(served, **fields)
        assert (answer.status, answer.text) == (400, "Invalid data")

    @pytest.mark.parametrize("kind", [2, "GAS", "gas", None])
    async def test_its_type(self, served: Served, kind: object) -> None:
        token = await token_of(served, served.gas)
        assert (await self.say(served, access_token=token, value=1, type=kind)).status == 200
        assert (await self.say(served, access_token=token, value=1, type="analog")).status == 400

    @pytest.mark.parametrize(
        "content", [b'{"value":1e999}', b'{"value":1,"access_token":"\\ud800"}', b'{"a":' * 800, b'{"\xff":1}']
    )
    async def test_hostile_texts(self, served: Served, content: bytes) -> None:
        assert (await ask(served, PATH, content)).status in (400, 401)
        assert served.taken == []


@pytest.mark.parametrize(
    ("trouble", "status", "headers"),
    [
        (Refused("Value too high"), 400, {}),
        (QueueFull("the queue is full"), 503, {"retry-after": "5"}),
        (Unavailable("the store is away", 7), 503, {"retry-after": "7"}),
        (StoreLocked("locked"), 503, {"retry-after": "30"}),
        (StorageFull("the disk is full"), 507, {"retry-after": "30"}),
        (RuntimeError("A" * 30), 500, {}),
    ],
)
async def test_what_cannot_be_stored_is_never_answered_200(
    served: Served, trouble: Exception, status: int, headers: dict[str, str]
) -> None:
    token = await token_of(served, served.digital)
    served.meters.trouble = trouble
    reason = {400: "refused", 503: "unavailable", 507: "storage_full", 500: "failed"}[status]
    before = served.refused(reason)
    for body in (reading(token, 1.0), json.dumps({"value": 1, "access_token": token}).encode()):
        answer = await ask(served, PATH, body)
        assert answer.status == status
        assert {name: value for name, value in answer.headers.items() if name == "retry-after"} == headers
        assert (answer.text == str(trouble)) is (status != 500)
    assert served.taken == []
    assert served.refused(reason) == before + 2


async def test_what_is_taken_is_counted_and_durable(served: Served) -> None:
    rows = served.running.metrics.ingest_rows.values
    before = rows.get(("household",), 0)
    token = await token_of(served, served.digital)
    await ask(served, PATH, reading(token, 1.0, timestamp=served.second))
    assert rows["household",] == before + 1
    assert await served.stored(served.digital) == [(served.second * SECOND, 1.0)]


async def test_a_jump_is_refused_with_the_text_that_devices_know(served: Served) -> None:
    token = await token_of(served, served.digital)
    for after, value, status in ((0, 100.0, 200), (15, 100.1501, 400), (15, 100.15, 200)):
        sent = reading(token, value, type=1, timestamp=served.second + after)
        answer = await ask(served, PATH, sent)
        assert (answer.status, answer.text) == (status, "" if status == 200 else "Value too high")
    assert [value for _, value in await served.stored(served.digital)] == [100.0, 100.15]
