"""Tokens and scripts over the whole of their lives: how long they hold, what a restart leaves of them, who gets them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.contracts.household.home import Home, move_in, new_mac, opened
from tests.contracts.household.promises.conftest import Town
from tests.contracts.household.promises.reader import Reader, posted
from tests.contracts.household.wire.oracle import message
from tests.stores import fresh_telemetry_url
from wattline.model.clock import ManualClock

TEXT = ">D\n>B\n->sensor53 r\n>M 1\n+1,3,s,0,9600,ZÄHLER\n#"
LIFE, GRACE = 3600, 300


async def accept(reader: Reader) -> int:
    sent = message("ScriptAcceptedRequest", access_token=reader.token)
    found = await posted(reader.home.client, "/script_accepted", "SensorDataResponse", sent)
    status: int = found.status
    return status


async def test_a_token_holds_an_hour_and_its_predecessor_a_grace(town: Town) -> None:
    town.set("2026-05-04 09:00")
    first = Reader(await town.home())
    granted = await first.ask()
    assert (granted.status, granted.expires_in, len(granted.access_token)) == (200, LIFE, 30)
    town.clock.advance(1800)
    second = Reader(first.home)
    await second.ask()
    assert second.token != first.token
    assert (await first.say(10.0), await second.say(10.0)) == ((200, ""), (200, ""))
    town.clock.advance(GRACE)
    assert (await first.say(10.0), await second.say(10.0)) == ((401, "Token invalid"), (200, ""))
    town.clock.advance(LIFE - GRACE - 0.001)
    assert await second.say(10.0) == (200, "")
    town.clock.advance(0.001)
    assert await second.say(10.0) == (401, "Token invalid")


@pytest.mark.parametrize("form", [str, str.lower, lambda mac: mac.replace(":", "-"), lambda mac: mac.lower().replace(":", "")])
async def test_an_address_is_known_however_it_is_written(town: Town, form: object) -> None:
    town.set("2026-05-05 09:00")
    reader = Reader(await town.home())
    assert callable(form)
    assert (await reader.ask(form(reader.home.mac))).status == 200
    assert await reader.say(10.0) == (200, "")


async def test_a_sensor_of_nobody_gets_no_token(town: Town) -> None:
    town.set("2026-05-06 09:00")
    home = await town.home()
    body = {"sensor_id": new_mac(), "type": "digital_electricity"}
    assert (await home.call("POST", "/sensors", json=body)).status_code == 201
    reader = Reader(home)
    for mac in (body["sensor_id"], new_mac(), "no address"):
        refused = await reader.ask(mac)
        assert (refused.status, refused.status_message) == (401, "Sensor not found")
    taken = await home.call("POST", f"/sensors/{home.mac}/assign", json={"user_id": None})
    assert taken.status_code == 200
    assert (await reader.ask()).status == 401


async def test_tokens_survive_a_restart(tmp_path: Path) -> None:
    clock, url = ManualClock(datetime(2026, 5, 4, 7, tzinfo=UTC)), fresh_telemetry_url()
    async with opened(tmp_path, clock, telemetry_url=url) as (platform, app):
        home = await move_in(platform, app)
        before, reader = Reader(home), Reader(home)
        await before.ask()
        await reader.ask()
        assert await before.say(10.0) == (200, "")
    clock.advance(GRACE - 1)
    async with opened(tmp_path, clock, telemetry_url=url) as (platform, app):
        again = Home(platform, (await move_in(platform, app)).client, home.tenant, home.user, home.mac, home.keys)
        before.home = reader.home = again
        clock.advance(0.5)
        assert (await before.say(10.1), await reader.say(10.1)) == ((200, ""), (200, ""))
        clock.advance(1)
        assert (await before.say(10.1), await reader.say(10.1)) == ((401, "Token invalid"), (200, ""))


async def test_a_script_is_handed_out_until_it_is_accepted_and_again_when_it_is_asked_for(town: Town) -> None:
    town.set("2026-05-07 09:00")
    home = await town.home()
    reader = Reader(home)
    assert not (await reader.ask(need_script=True)).HasField("script")
    assert (await home.call("PATCH", f"/sensors/{home.mac}", json={"script": TEXT})).status_code == 200
    for _ in range(2):
        assert (await reader.ask()).script == TEXT
    assert await accept(reader) == 200
    assert not (await reader.ask()).HasField("script")
    assert (await reader.ask(need_script=True)).script == TEXT
    assert not (await reader.ask()).HasField("script")
    other = TEXT.replace("9600", "300")
    assert (await home.call("PATCH", f"/sensors/{home.mac}", json={"script": other})).status_code == 200
    assert (await reader.ask()).script == other


async def test_rotations_come_with_every_token_whatever_is_accepted(town: Town) -> None:
    town.set("2026-05-08 09:00")
    home = await town.home()
    assert (await home.call("PATCH", f"/sensors/{home.mac}", json={"script": "75"})).status_code == 200
    reader = Reader(home)
    for _ in range(2):
        granted = await reader.ask(need_script=False)
        assert (granted.analog_rotation_per_kwh, granted.HasField("script")) == (75, False)
        assert await accept(reader) == 200


async def test_a_script_that_no_device_can_hold_is_refused_when_it_is_given(town: Town) -> None:
    town.set("2026-05-09 09:00")
    home = await town.home()
    longest = "ü" * 332 + "x"
    for script, status in ((longest + "x", 400), (longest, 200), ("x" * 666, 400)):
        answer = await home.call("PATCH", f"/sensors/{home.mac}", json={"script": script})
        assert answer.status_code == status, answer.text
        body = {"sensor_id": new_mac(), "script": script}
        assert (await home.call("POST", "/sensors", json=body)).status_code == (201 if status == 200 else 400)
    granted = await Reader(home).ask()
    assert granted.script == longest
    assert len(granted.SerializeToString()) <= 989
