"""POST /ml as a caller sees it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.household.home import Home
from wattline.contracts.household.ml import MOST_SAMPLES, Asked, Sample, _asked, _columns, _samples
from wattline.households.recognition.model import Recogniser
from wattline.model.clock import to_micros
from wattline.model.errors import Invalid

BEGIN = datetime(2026, 6, 11, 12, 0, tzinfo=UTC)


def peak(watts: float = 2000.0, minutes: float = 4.0, seconds: int = 15) -> list[dict[str, Any]]:
    """A step up and down again, with a minute of the base load on both sides."""
    count = round(minutes * 60 / seconds)
    powers = [150.0] * 4 + [150.0 + watts] * count + [150.0] * 4
    return [
        {"timestamp": (BEGIN + timedelta(seconds=at * seconds)).isoformat().replace("+00:00", "Z"), "power": power}
        for at, power in enumerate(powers)
    ]


async def ask(home: Home, body: Any, path: str = "/ml", key: str | None = "ml") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    return await home.call("POST", path, key=key, managed=False, content=content, headers=headers)


@pytest.mark.parametrize("path", ["/ml", "/api/v1/ml"])
async def test_the_answer_names_what_it_may_be(home: Home, path: str) -> None:
    answer = await ask(home, {"sensor_id": home.mac, "data": peak()}, path)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert list(found) == ["sensor_id", "devices", "dominant", "used_model"]
    assert found["sensor_id"] == home.mac
    assert set(found["devices"][0]) == {"name", "category", "confidence"}
    confidences = [each["confidence"] for each in found["devices"]]
    assert sum(confidences) == pytest.approx(1.0)
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= each <= 1 for each in confidences)
    assert [each["category"] for each in found["devices"] if each["name"] == "unknown"] == [None]
    assert found["dominant"] == found["devices"][0]["name"]
    assert found["used_model"] == {"name": "wattline-appliances", "version": "1"}


async def test_samples_may_be_called_electricity_and_other_fields_are_left_alone(home: Home) -> None:
    one = await ask(home, {"electricity": peak(), "id": "peak 7", "colour": {"deep": [1]}})
    assert one.status_code == 200, one.text
    assert one.json()["id"] == "peak 7"
    assert "sensor_id" not in one.json()
    other = await ask(home, {"data": [{**each, "value": 3} for each in peak()], "sensor_id": None})
    assert other.json()["devices"] == one.json()["devices"]
    assert list(other.json()) == ["devices", "dominant", "used_model"]


async def test_the_key_comes_with_bearer_or_without(home: Home) -> None:
    for text in (home.keys["ml"], f"Bearer {home.keys['ml']}", f"bearer {home.keys['ml']}"):
        answer = await ask_with(home, text)
        assert answer.status_code == 200, answer.text


async def ask_with(home: Home, authorization: str) -> httpx.Response:
    return await home.client.post("/ml", headers={"Authorization": authorization}, json={"data": peak()})


@pytest.mark.parametrize("key", [None, "own", "cron", "admin"])
@pytest.mark.parametrize("body", [b"null", b"{", b'{"data": []}'])
async def test_without_the_key_of_the_classifier_there_is_a_401(home: Home, key: str | None, body: bytes) -> None:
    """Whatever the body is."""
    answer = await ask(home, body, key=key)
    assert answer.status_code == 401
    assert answer.json()["status"] == 401
    assert (await ask_with(home, "Bearer nonsense")).status_code == 401
    assert (await ask_with(home, home.keys["ml"][:-1])).status_code == 401


TIME = '"timestamp": "2026-06-11T12:00:00Z"'


UNUSABLE = [
    (b"", "not JSON"),
    (b"null", "the body must be a JSON object"),
    (b"[]", "the body must be a JSON object"),
    (b'"data"', "the body must be a JSON object"),
    (b"{", "not JSON"),
    (b'{"data": [\xff]}', "not JSON"),
    (b"[" * 100_000, "the body must be a JSON object"),
    (b'{"colour": ' + b"[" * 100_000, "not JSON"),
    (b"{}", "data is missing"),
    (b'{"data": []}', "data is missing"),
    (b'{"data": null}', "data is missing"),
    (b'{"data": {}}', "data: expected array"),
    (b'{"data": [1, 2, 3]}', "data[0]: expected object"),
    (b'{"data": [{"power": 5}]}', "data[0]: object missing required field timestamp"),
    (b'{"data": [{%s}]}' % TIME.encode(), "data[0]: object missing required field power"),
    (b'{"data": [{%s, "power": "5"}]}' % TIME.encode(), "data[0].power: expected float"),
    (b'{"data": [{%s, "power": true}]}' % TIME.encode(), "data[0].power: expected float"),
    (b'{"data": [{%s, "power": null}]}' % TIME.encode(), "data[0].power: expected float"),
    (b'{"data": [{%s, "power": NaN}]}' % TIME.encode(), "not JSON"),
    (b'{"data": [{%s, "power": 1e999}]}' % TIME.encode(), "out of range"),
    (b'{"data": [{%s, "power": 1e7}]}' % TIME.encode(), "a power is between"),
    (b'{"data": [{"timestamp": "noon", "power": 5}]}', "data[0].timestamp: invalid"),
    (b'{"data": [{"timestamp": 12, "power": 5}]}', "no number of s, ms, us or ns"),
    (b'{"data": [{"timestamp": -1781179200, "power": 5}]}', "no number of s, ms, us or ns"),
    (b'{"data": [{"timestamp": 1' + b"0" * 400 + b', "power": 5}]}', ""),
    (b'{"data": [{"timestamp": 1' + b"0" * 5000 + b', "power": 5}]}', ""),
    (b'{"data": [{%s, "power": 5}]}' % TIME.encode(), ""),
    (b'{"data": [{%s, "power": 5}, {%s, "power": 6}]}' % (TIME.encode(), TIME.encode()), "the same timestamp"),
    (b'{"data": [{%s, "power": 5}], "electricity": []}' % TIME.encode(), "not in both"),
    (b'{"sensor_id": 5, "data": []}', "sensor_id: expected str"),
    (b'{"id": "' + b"x" * 129 + b'", "data": []}', "id has at most 128 characters"),
]


async def test_what_cannot_be_used_is_a_400_that_says_why(home: Home) -> None:
    for body, words in UNUSABLE:
        answer = await ask(home, body)
        assert (answer.status_code, answer.json()["status"]) == (400, 400), body[:80]
        assert words in answer.json()["error"], answer.json()


async def test_more_than_two_days_are_no_peak(home: Home) -> None:
    samples = [{"timestamp": 1_781_179_200 + at * 86_400, "power": 2000.0} for at in range(4)]
    assert (await ask(home, {"data": samples})).status_code == 400


async def test_another_tenants_sensor_is_not_there(home: Home, neighbour: Home, stranger: Home) -> None:
    body = {"data": peak()}
    assert (await ask(home, {**body, "sensor_id": home.mac.lower().replace(":", "-")})).status_code == 200
    assert (await ask(home, {**body, "sensor_id": neighbour.mac})).status_code == 200
    for unknown in (stranger.mac, "AA:AA:AA:AA:AA:AA"):
        answer = await ask(home, {**body, "sensor_id": unknown})
        assert answer.status_code == 404
        assert answer.json()["status"] == 404
    assert (await ask(home, {**body, "sensor_id": "the kitchen"})).status_code == 400


async def test_a_broken_model_is_a_500_that_tells_nothing_of_the_inside(home: Home, tmp_path: Path) -> None:
    broken = tmp_path / "appliances.npz"
    broken.write_bytes(b"no model")
    whole, home.households.recogniser = home.households.recogniser, Recogniser(broken)
    try:
        answer = await ask(home, {"data": peak()})
    finally:
        home.households.recogniser = whole
    assert answer.status_code == 500
    assert answer.json() == {"error": "the server could not do this", "status": 500}
    assert (await ask(home, {"data": peak()})).status_code == 200


def columns(samples: list[dict[str, Any]]) -> tuple[list[int], list[float]]:
    times, watts = _columns(_samples(_asked(json.dumps({"data": samples}).encode())))
    return times.tolist(), watts.tolist()


@pytest.mark.parametrize("factor", [1, 1000, 10**6, 10**9])
def test_epoch_times_of_every_unit_are_the_same_instants(factor: int) -> None:
    expected = columns(peak())
    spelled = [round(datetime.fromisoformat(each["timestamp"]).timestamp()) * factor for each in peak()]
    found = columns([{**each, "timestamp": time} for each, time in zip(peak(), spelled, strict=True)])
    assert found == expected
    as_floats = columns([{**each, "timestamp": float(time)} for each, time in zip(peak(), spelled, strict=True)])
    assert as_floats == expected


def test_units_and_texts_may_be_mixed_and_unordered() -> None:
    seconds = to_micros(BEGIN) // 10**6
    samples = [
        {"timestamp": (seconds + 2) * 1000, "power": 3},
        {"timestamp": "2026-06-11T14:00:01+02:00", "power": 2.5},
        {"timestamp": seconds, "power": -1},
        {"timestamp": "2026-06-11T12:00:03", "power": 0},
    ]
    at = to_micros(BEGIN)
    assert columns(samples) == ([at, at + 10**6, at + 2 * 10**6, at + 3 * 10**6], [-1.0, 2.5, 3.0, 0.0])


@given(st.lists(st.floats(1.0, 9.99e18) | st.datetimes(), min_size=1, max_size=5))
def test_no_time_breaks_the_reading_of_times(times: list[float | datetime]) -> None:
    """Sound columns, or a refusal."""
    try:
        found, _ = _columns([Sample(time, 1.0) for time in times])
    except Invalid:
        return
    assert (found[1:] > found[:-1]).all()


def test_as_many_samples_as_are_allowed() -> None:
    sample = Sample(1_781_179_200, 1.0)
    assert len(_samples(Asked(data=[sample] * MOST_SAMPLES))) == MOST_SAMPLES
    with pytest.raises(Invalid, match="at most 100000"):
        _samples(Asked(electricity=[sample] * (MOST_SAMPLES + 1)))


async def test_the_longest_peak_is_taken_and_a_longer_body_is_not(home: Home) -> None:
    """100,000 samples, one a second, with long texts, are some eight megabytes."""
    begin = to_micros(BEGIN) // 10**6
    samples = [{"timestamp": begin + at, "power": 2000.25, "note": "x" * 30} for at in range(MOST_SAMPLES)]
    answer = await ask(home, {"data": samples})
    assert answer.status_code == 200, answer.text
    refused = await ask(home, b" " * (home.platform.settings.max_body_bytes + 1))
    assert refused.status_code == 413
    assert refused.json() == {"error": "the body is too large", "status": 413}
