"""Bodies that are large, crowded or deep: they are refused at once, and nobody else waits for them."""

from __future__ import annotations

import json

import pytest

from tests.contracts.joulepoint.quality.conftest import judged
from wattline.contracts.joulepoint import bodies, pq_bodies, problem
from wattline.contracts.joulepoint.bodies import CROWDED_BYTES
from wattline.metering.checks import MOST_FAULTS
from wattline.model.clock import HOUR, MINUTE
from wattline.model.errors import Faulty
from wattline.quality.protection import service as protection
from wattline.quality.service import MOST_EVENTS

from .estate import ENERGY, Estate

RMS = f"{ENERGY}/pq/rms"


async def sent(estate: Estate, path: str, content: bytes) -> tuple[int, dict[str, object], int]:
    """The status, the document and the size of the answer to a body of JSON."""
    answer = await estate.depot.call("POST", path, content=content, headers={"Content-Type": "application/json"})
    return answer.status_code, answer.json(), len(answer.content)


async def test_crowded_bodies_are_refused_before_they_are_read(estate: Estate) -> None:
    before = await estate.seen()
    crowds = (
        b'{"channels":{"a":[' + b"[]," * 1_500_000 + b"1]}}",
        b'{"x":[' + b"{}," * 1_500_000 + b"1]}",
        b"{" + b",".join(b'"%d":1' % at for at in range(400_000)) + b"}",
        b'{"channels":{"a":[' + b"1," * 4_000_000 + b"1]}}",
    )
    for crowd in crowds:
        status, told, _ = await sent(estate, RMS, crowd)
        assert (status, told["errors"][0]["code"]) == (422, "too_many"), told  # type: ignore[index]
    for path in ("meters", "topology/nodes", "analytics/forecast", "pq/config"):
        status, told, _ = await sent(estate, f"{ENERGY}/{path}", crowds[1])
        assert (status, told["errors"][0]["code"]) == (422, "too_many"), told  # type: ignore[index]
    assert await estate.seen() == before


@pytest.mark.parametrize("path", ["meters", "tariffs", "schedules", "constraints", "topology/nodes", "pq/config", "pq/events"])
async def test_of_many_faults_the_first_ones_are_told(estate: Estate, path: str) -> None:
    many = {str(at): 1 for at in range(5_000)}
    status, told, size = await sent(estate, f"{ENERGY}/{path}", json.dumps(many).encode())
    assert status == 422
    errors = told["errors"]
    assert isinstance(errors, list)
    assert 1_000 <= len(errors) <= MOST_FAULTS + 1 <= problem.MOST_FAULTS + 1
    assert errors[-1]["code"] == "more"
    assert size < 200_000


async def test_deep_bodies_are_refused(estate: Estate) -> None:
    for path in ("meters", "groups", "accounts", "tariffs", "schedules", "constraints", "topology/nodes", "pq/config"):
        for depth in (40, 500, 100_000):
            for begin, end in (("[", "]"), ('{"a":', "}")):
                deep = begin * depth + "1" + end * depth
                for body in (deep, f'{{"name": "x", "metadata": {{"a": {deep}}}}}'):
                    status, _, size = await sent(estate, f"{ENERGY}/{path}", body.encode())
                    assert status in (400, 413, 422), (path, depth, status)
                    assert size < 5_000
        one = f"{ENERGY}/{path}/{estate.meter}"
        for depth in (31, 40, 150, 900, 1_300):
            content = '{"metadata":' + '{"a":' * depth + "1" + "}" * depth + "}"
            if path == "meters" and depth > 32:
                answer = await estate.depot.call(
                    "PATCH", one, content=content, headers={"Content-Type": "application/merge-patch+json"}
                )
                assert answer.status_code in (400, 422), (depth, answer.text)


async def test_a_series_of_nothing_but_events_is_refused_whole(estate: Estate) -> None:
    before = await estate.seen()
    values = [230.0, 100.0] * (MOST_EVENTS + 50)
    body = {"meter_id": estate.meter, "start": estate.at(HOUR), "channels": {"a": values}}
    status, told, _ = await sent(estate, RMS, json.dumps(body).encode())
    assert (status, told["errors"][0]["code"]) == (422, "too_many_events"), told  # type: ignore[index]
    assert await estate.seen() == before
    body["channels"] = {"a": [230.0] * 10}
    status, told, _ = await sent(estate, RMS, json.dumps(body).encode())
    assert (status, told["judged"]) == (200, 10)


async def test_a_long_series_is_read_as_a_short_one() -> None:
    numbers = ",".join(f"{230 + at % 17 / 8}" for at in range(60_000))
    for channel in (
        f"[{numbers}]", f" [ {numbers} , null ] ", f"[{numbers},]", f"[,{numbers}]", f"[{numbers}", f"[{numbers},,1]",
        f"[{numbers},01]", f"[{numbers},NaN]", f"[{numbers},true]", f"[{numbers},-]", f"[{numbers} 1]", f'["{numbers}"]',
        f"{{{numbers}}}", f"[[{numbers}]]", f"[{numbers}]]", f'[{numbers},"1"]', f"[{numbers},1e400]", "[]", "[ ]", "5",
    ):  # fmt: skip
        content = f'{{"meter_id": 5, "channels": {{"a": {channel}, "b": [1]}}, "x": null}}'.encode()
        padded = content[:-1] + b" " * max(0, CROWDED_BYTES + 1 - len(content)) + b"}"
        answers = []
        for text in (content, padded):
            try:
                answers.append(repr(bodies.msgspec.json.decode(text) if text is content else await pq_bodies.series_of(text)))
            except (bodies.msgspec.DecodeError, problem.Problem):
                answers.append("no JSON")
        assert answers[0] == answers[1], channel[-20:]
    for whole in (
        b"[1]",
        b"5",
        b'{"channels": [1]}',
        b'{"channels": 5}',
        b'{"a": 1, "a": 2}',
        b"",
        b"{",
        b'{"channels": {"a": }}',
    ):
        padded = whole + b" " * CROWDED_BYTES
        try:
            found = repr(bodies.msgspec.json.decode(padded))
        except bodies.msgspec.DecodeError:
            found = "no JSON"
        try:
            assert repr(await pq_bodies.series_of(padded)) == found
        except problem.Problem:
            assert found == "no JSON"
    with pytest.raises(Faulty):
        await pq_bodies.series_of(b"{" + b'"a":1,' * 100_000 + b'"b":2}')


async def test_readings_that_are_events_one_after_another_are_all_judged(intruder: Estate) -> None:
    depot, meter = intruder.depot, intruder.meter
    rows = [
        {
            "voltage_a": 230.0 if at % 2 else 100.0,
            "voltage_b": 230.0,
            "voltage_c": 230.0,
            "timestamp": intruder.at(50 * MINUTE - at * 10**6),
        }
        for at in range(450)
    ]
    answer = await intruder.send(f"{ENERGY}/energy-data/bulk", rows)
    assert answer.json()["accepted"] == len(rows), answer.text
    await judged(depot.platform)
    told = await intruder.ask("GET", f"{ENERGY}/pq/events", params={"meter_id": meter, "type": "sag", "limit": 1})
    assert told["count"] == 225 + 1


async def test_the_breakers_of_a_meter_are_bounded(intruder: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    number = await intruder.add("breakers' meter", f"{ENERGY}/meters", name="Breakers")
    monkeypatch.setattr(protection, "MOST_BREAKERS", 3)
    answers = []
    for name in ("Q1", "Q2", "Q3", "Q4", "Q1"):
        body = {"meter_id": number, "kind": "breaker_state", "state": "open", "breaker_id": name}
        answers.append(await intruder.depot.call("POST", f"{ENERGY}/protection/events", json=body))
    assert [answer.status_code for answer in answers] == [201, 201, 201, 422, 201]
    assert [error["code"] for error in answers[3].json()["errors"]] == ["too_many"]
    told = await intruder.ask("GET", f"{ENERGY}/protection/breakers", params={"meter_id": number})
    assert [each["breaker_id"] for each in told["results"]] == ["Q1", "Q2", "Q3"]
