"""The published page, endpoint by endpoint in its own words, at the root and under /api/v1."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.household.home import Home, new_mac
from tests.contracts.household.promises.conftest import Town
from tests.contracts.household.promises.reader import BERLIN, posted
from tests.contracts.household.test_ml import peak
from tests.contracts.household.wire.oracle import message
from wattline.model.clock import HOUR, MINUTE, SECOND

JSON = {"Content-Type": "application/json"}
SCRIPT = ">D\n>B\n->sensor53 r\n#"


@pytest.fixture(params=["", "/api/v1"])
def prefix(request: pytest.FixtureRequest) -> str:
    """Where the page's paths are."""
    return str(request.param)


async def ask(home: Home, method: str, path: str, key: str | None, **parts: Any) -> Any:
    return await home.call(method, path, key=key, managed=False, **parts)


async def token(home: Home, prefix: str) -> str:
    """By the page: a protobuf object under the media type of JSON."""
    sent = message("SecretTokenRequest", client_id=home.mac, type=1)
    granted = await posted(home.client, f"{prefix}/token", "TokenResponse", sent, **JSON)
    assert granted.status == 200
    return str(granted.access_token)


async def test_token(town: Town, prefix: str) -> None:
    home = await town.home()
    assert len(await token(home, prefix)) == 30
    body = {"sensor_id": home.mac, "secret": "open sesame"}
    assert (await ask(home, "POST", f"{prefix}/token", None, json=body)).status_code == 200
    await home.call("PATCH", f"/sensors/{home.mac}", json={"secret": "open sesame"})
    assert (await ask(home, "POST", f"{prefix}/token", None, json=body)).status_code == 200
    for wrong in ({"secret": "open"}, {"secret": None}, {"sensor_id": new_mac()}):
        answer = await ask(home, "POST", f"{prefix}/token", None, json=body | wrong)
        assert (answer.status_code, answer.json()["status"]) == (401, 401)


async def test_sensor_input(town: Town, prefix: str) -> None:
    home = await town.home()
    bearer = {"Authorization": f"Bearer {await token(home, prefix)}"}
    now = town.clock.micros() // SECOND

    async def say(headers: dict[str, str], **fields: Any) -> tuple[int, str]:
        sent = message("SensorDataRequestV2", type=1, **fields)
        found = await posted(home.client, f"{prefix}/sensor_input", "SensorDataResponse", sent, **headers)
        return found.status, found.status_message

    assert await say(bearer, value=100.0, timestamp=now - 60) == (200, "")
    assert await say(bearer, value=100.61) == (400, "Value too high")
    # Without a timestamp it is now.
    assert await say(bearer, value=100.6) == (200, "")
    assert await say(bearer) == (400, "Value is equal to or less than zero")
    empty = await home.client.post(f"{prefix}/sensor_input", content=b"", headers=bearer)
    assert empty.status_code == 400
    assert await say({}, value=100.6) == (401, "Token not found")
    assert await say({"Authorization": f"Bearer {'A' * 30}"}, value=100.6) == (401, "Token invalid")
    (sensor,) = [(await home.call("GET", f"/sensors/{home.mac}")).json()]
    assert sensor["newest"]["value"] == 100.6


async def test_script_accepted(town: Town, prefix: str) -> None:
    home = await town.home()
    await home.call("PATCH", f"/sensors/{home.mac}", json={"script": SCRIPT})
    granted = (await ask(home, "POST", f"{prefix}/token", None, json={"sensor_id": home.mac})).json()
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    names = {"sensor_id": home.mac, "script_id": granted["script_id"]}
    for wrong in ({"sensor_id": new_mac()}, {"script_id": "0" * 16}):
        answer = await ask(home, "POST", f"{prefix}/script_accepted", None, json=names | wrong, headers=bearer)
        assert (answer.status_code, answer.json()["status"]) == (404, 404)
    answer = await ask(home, "POST", f"{prefix}/script_accepted", None, json=names, headers=bearer)
    assert (answer.status_code, answer.json()["status"]) == (200, 200)
    assert (await home.call("GET", f"/sensors/{home.mac}")).json()["needs_script"] is False


async def test_ml(town: Town, prefix: str) -> None:
    home = await town.home()
    body = {"sensor_id": home.mac, "data": peak()}
    answer = await ask(home, "POST", f"{prefix}/ml", "ml", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["devices"][0]["name"] == answer.json()["dominant"]
    # What is wrong with the data is for the caller to mend: 400. A model that fails is a 500 (test_ml.py).
    assert (await ask(home, "POST", f"{prefix}/ml", "ml", json={"sensor_id": home.mac, "data": "x"})).status_code == 400
    for key in (None, "own", "cron", "admin"):
        assert (await ask(home, "POST", f"{prefix}/ml", key, json=body)).status_code == 401


async def test_csv_energy(town: Town, prefix: str) -> None:
    home = await town.home()
    assert (await ask(home, "GET", f"{prefix}/csv_energy", "own")).status_code == 404
    bearer = {"Authorization": f"Bearer {await token(home, prefix)}"}
    sent = {"value": 5.5, "type": "digital_electricity"}
    assert (await ask(home, "POST", f"{prefix}/sensor_input", None, json=sent, headers=bearer)).status_code == 200
    day = town.clock.now().astimezone(BERLIN).date().isoformat()
    for query in ("", f"?start={day}&end={day}", f"?start={day}", f"?end={day}"):
        answer = await ask(home, "GET", f"{prefix}/csv_energy{query}", "own")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv")
        assert len(answer.text.splitlines()) == 2
    assert (await ask(home, "GET", f"{prefix}/csv_energy?start=2023-01-01&end=2023-01-31", "own")).status_code == 404
    assert (await ask(home, "GET", f"{prefix}/csv_energy?user_id=nobody", "admin")).status_code == 404
    for key in (None, "ml", "cron"):
        assert (await ask(home, "GET", f"{prefix}/csv_energy", key)).status_code == 401


async def test_csv_experiment(town: Town, prefix: str) -> None:
    home = await town.home(firstname="Anna", lastname="Weber")
    made = (await home.call("POST", "/experiments", json={"name": "Winter"})).json()["id"]
    path = f"{prefix}/csv_experiment?experiment_id={made}"
    assert (await ask(home, "GET", path, "admin")).status_code == 404
    assert (await home.call("PUT", f"/experiments/{made}/participants/{home.user}", json={})).status_code == 200
    answer = await ask(home, "GET", path, "admin")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv")
    header, line = answer.text.splitlines()
    assert header.startswith("firstname,lastname,email,token,")
    assert line.startswith(f"Anna,Weber,{home.user}@example.org,")
    assert (await ask(home, "GET", f"{prefix}/csv_experiment?experiment_id=other", "admin")).status_code == 404
    for key in (None, "own", "ml", "cron"):
        assert (await ask(home, "GET", path, key)).status_code == 401


@pytest.mark.parametrize(
    ("path", "name", "nobody"),
    [("process_peaks", "sensor_id", 404), ("process_anomaly", "sensor_id", 404), ("process_reports", "user_id", 404)],
)
async def test_work_where_there_is_nothing_to_do_or_the_secret_is_wrong(
    town: Town, prefix: str, path: str, name: str, nobody: int
) -> None:
    home = await town.home()
    mine = home.mac if name == "sensor_id" else home.user
    for given, secret, status in ((mine, "cron", 404), ("nobody", "cron", nobody), (mine, "admin", 401), (mine, "own", 401)):
        body = {name: given, "secret": home.keys[secret]}
        answer = await ask(home, "POST", f"{prefix}/{path}", None, json=body)
        assert (answer.status_code, answer.json()["status"]) == (status, status), body


async def test_work_that_finds_something(town: Town, prefix: str) -> None:
    """Two kilowatts for five minutes, a meter that is silent since, and a day to report on."""
    home = await town.home(report_days=1)
    reading = {"Authorization": f"Bearer {await token(home, prefix)}"}
    begin = town.clock.micros()
    town.clock.advance(5400)
    watts = [2200.0 if 3000 <= second < 3300 else 200.0 for second in range(0, 5400, 30)]
    register = 100.0
    reading = {"Authorization": f"Bearer {await token(home, prefix)}"}
    for number, power in enumerate(watts):
        sent = {"value": round(register, 5), "timestamp": (begin + number * 30 * SECOND) // SECOND}
        answer = await ask(home, "POST", f"{prefix}/sensor_input", None, json=sent, headers=reading)
        assert answer.status_code == 200, answer.text
        register += power * 30 / 3.6e6

    async def work(path: str, **body: str) -> Any:
        answer = await ask(home, "POST", f"{prefix}{path}", None, json=body | {"secret": home.keys["cron"]})
        assert (answer.status_code, answer.json()["status"]) == (200, 200), answer.text
        return answer.json()

    town.wait(begin + 6 * HOUR + 91 * MINUTE)
    (silent,) = (await work("/process_anomaly", sensor_id=home.mac))["anomalies"]
    assert silent["kind"] == "silent"
    town.clock.advance(86_400)
    (found,) = (await work("/process_peaks", sensor_id=home.mac))["peaks"]
    assert found["power_w"] == pytest.approx(2000, rel=0.05)
    report = (await work("/process_reports", user_id=home.user))["report"]
    assert report["total_kwh"] == pytest.approx(sum(watts[:-1]) * 30 / 3.6e6, abs=2e-5)
