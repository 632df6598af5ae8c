"""Modes, alarms, heartbeats, commands and their responses."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.contracts.mcs.mqtt.block import BLOCK, SITE, TENANT, Site
from wattline.contracts.mcs.mqtt.edges import ONLINE
from wattline.events.model import Event
from wattline.model.errors import Invalid, Unavailable

ALLOWED = {
    ("STARTUP", "REJECT"),
    ("REJECT", "EXPORT"),
    ("EXPORT", "REJECT"),
    ("REJECT", "MIXED"),
    ("MIXED", "REJECT"),
    ("EXPORT", "MIXED"),
    ("MIXED", "EXPORT"),
    ("MAINTENANCE", "REJECT"),
    *((mode, "MAINTENANCE") for mode in ("STARTUP", "REJECT", "EXPORT", "MIXED")),
}
MODES = ("STARTUP", "REJECT", "EXPORT", "MIXED", "MAINTENANCE")


async def events(site: Site, *kinds: str) -> list[Event]:
    page = await site.events.query(TENANT, kinds=kinds)
    return list(reversed(page.events))


def change(site: Site, previous: str, state: str, **more: Any) -> dict[str, Any]:
    return {
        "ts": site.ts(),
        "state": state,
        "previous": previous,
        "trigger": "plc:T02",
        "valves": {"v_exp": "OPEN", "v_rej": "CLOSED"},
        "operator": "n.searra",
        **more,
    }


@pytest.mark.parametrize("previous", MODES)
@pytest.mark.parametrize("state", MODES)
async def test_transitions(site: Site, previous: str, state: str) -> None:
    await site.hand("mode/state", change(site, previous, state))
    block = site.registry.block(TENANT, SITE, BLOCK)
    assert block is not None
    if (previous, state) in ALLOWED:
        assert (block.mode, block.mode_since, site.refused()) == (state, site.clock.micros(), {})
    else:
        assert (block.mode, site.refused()) == (None, {"VALUE_ERROR": 1})


async def test_a_transition_is_one_event_however_often_it_is_delivered(stored: Site) -> None:
    site = stored
    told = change(site, "REJECT", "EXPORT", guards={"host_demand_active": True, "loop2_supply_temp": 45.5})
    for retained in (False, False, True):
        await site.hand("mode/state", told, retained=retained)
    (event,) = await events(site, "mode")
    assert (event.event_type, event.site, event.subject, event.time) == ("mode_change", SITE, BLOCK, site.clock.micros())
    assert event.body == {
        "from": "REJECT",
        "to": "EXPORT",
        "trigger": "plc:T02",
        "operator": "n.searra",
        "valves": {"v_exp": "OPEN", "v_rej": "CLOSED"},
        "guards": {"host_demand_active": True, "loop2_supply_temp": 45.5},
    }
    assert [told.kind for told in site.told] == ["mode"]


@pytest.mark.parametrize(
    ("more", "category"),
    [
        ({"state": "MAINTENANCE", "operator": None}, "VALUE_ERROR"),
        ({"trigger": "because"}, "VALUE_ERROR"),
        ({"trigger": "auto:" + "x" * 300}, "VALUE_ERROR"),
        ({"operator": "x" * 300}, "VALUE_ERROR"),
        ({"state": "FULL_RECOVERY"}, "PARSE_ERROR"),
        ({"valves": {"v_exp": "AJAR", "v_rej": "OPEN"}}, "PARSE_ERROR"),
        ({"valves": None}, "PARSE_ERROR"),
        ({"ts": "2027-01-01T00:00:00Z"}, "VALUE_ERROR"),
        ({"ts": "never"}, "PARSE_ERROR"),
    ],
)
async def test_changes_that_are_refused(site: Site, more: dict[str, Any], category: str) -> None:
    await site.hand("mode/state", change(site, "REJECT", "EXPORT") | more)
    await site.hand("mode/state", change(site, "REJECT", "EXPORT"), below="microlink/baldwinsville/block-99")
    assert site.refused() == {category: 1, "SENSOR_UNKNOWN": 1}
    assert await events(site, "mode") == []


async def test_an_older_change_that_comes_late_does_not_set_the_mode(site: Site) -> None:
    await site.hand("mode/state", change(site, "REJECT", "EXPORT"))
    await site.hand("mode/state", change(site, "STARTUP", "REJECT", ts=site.ts(-3600)))
    block = site.registry.block(TENANT, SITE, BLOCK)
    assert block is not None
    assert block.mode == "EXPORT"
    assert len(await events(site, "mode")) == 2


def annunciation(site: Site, action: str, **more: Any) -> dict[str, Any]:
    return {
        "ts": site.ts(),
        "alarm_id": f"{BLOCK}-CDU-01-T-SUP-{site.clock.micros()}",
        "action": action,
        "priority": "P1",
        "sensor_tag": "CDU-01-T-SUP",
        "value": 52.0,
        "threshold": 50.0,
        "description": "supply too warm",
        **more,
    }


async def test_a_device_raises_and_clears_its_own_alarm(stored: Site) -> None:
    site = stored
    sensor = site.point("CDU-01-T-SUP").id
    raised = annunciation(site, "RAISED", direction="HIGH", ts=site.ts().replace("Z", "+00:00Z"))
    for _ in range(2):
        await site.hand("alarms/P1", raised)
    alarm = site.alarms.live(sensor)
    assert alarm is not None
    assert (alarm.state, alarm.priority, alarm.value_at_raise, alarm.threshold_value) == ("ACTIVE", "P1", 52.0, 50.0)
    site.clock.advance(10)
    # As the adapters do it: another id, and the priority of a clear means nothing.
    await site.hand("alarms/P3", annunciation(site, "CLEARED", priority="P3", value=48.0))
    alarm = site.alarms.live(sensor)
    assert alarm is not None
    assert alarm.state == "RTN_UNACK"
    assert site.refused() == {}
    assert [event.event_type for event in await events(site, "alarm")] == ["alarm_raised", "alarm_rtn_unack"]


@pytest.mark.parametrize(
    ("more", "category"),
    [
        ({"sensor_tag": "NOWHERE"}, "SENSOR_UNKNOWN"),
        ({"action": "SHOUTED"}, "PARSE_ERROR"),
        ({"priority": "P9"}, "PARSE_ERROR"),
        ({"alarm_id": ""}, "VALUE_ERROR"),
        ({"alarm_id": "a\x00b"}, "VALUE_ERROR"),
        ({"value": "hot"}, "PARSE_ERROR"),
        ({"ts": None}, "PARSE_ERROR"),
    ],
)
async def test_annunciations_that_are_refused(site: Site, more: dict[str, Any], category: str) -> None:
    await site.hand("alarms/P1", annunciation(site, "RAISED") | more)
    assert site.refused() == {category: 1}


def heartbeat(site: Site, **more: Any) -> dict[str, Any]:
    return {
        "ts": site.ts(),
        "edge_id": "ab-1",
        "uptime_s": 100,
        "adapters": {"modbus": {"status": "running"}, "snmp": {"status": "error"}, "bacnet": {"status": "stopped"}},
        "buffer": {"depth": 4_500_000, "capacity": 5_000_000, "cloud_connected": True, "replay_active": False},
        "system": {"cpu_pct": 12.5, "mem_pct": 40, "temp_c": 55},
        **more,
    }


def newest(site: Site) -> dict[str, float]:
    block = site.registry.block(TENANT, SITE, BLOCK)
    assert block is not None
    readings = {point.tag: point.newest() for point in site.registry.block_points(block.id) if point.subsystem == "edge"}
    return {tag: reading.value for tag, reading in readings.items() if reading is not None}


async def judged(site: Site) -> dict[str, str]:
    """The priorities of the edge's alarms by tag, once the engine has seen every row."""
    await site.alarms.take(site.ingest.rows)
    block = site.registry.block(TENANT, SITE, BLOCK)
    assert block is not None
    live = {point.tag: site.alarms.live(point.id) for point in site.registry.block_points(block.id)}
    return {tag: alarm.priority for tag, alarm in live.items() if alarm is not None and alarm.in_force}


async def test_a_heartbeat_makes_the_edge_equipment_with_limits(site: Site) -> None:
    await site.hand("edge/heartbeat", heartbeat(site))
    assert newest(site) == {
        "EDGE-ONLINE": 1.0,
        "EDGE-CLOUD-CONNECTED": 1.0,
        "EDGE-REPLAY-ACTIVE": 0.0,
        "EDGE-BUFFER-FILL": 0.9,
        "EDGE-ADAPTERS-FAILED": 2.0,
        "EDGE-CPU": 12.5,
        "EDGE-MEM": 40.0,
        "EDGE-TEMP": 55.0,
    }
    assert site.point(ONLINE).equipment == "EDGE-ab-1"
    assert await judged(site) == {"EDGE-BUFFER-FILL": "P2", "EDGE-ADAPTERS-FAILED": "P2"}
    assert site.refused() == {}


async def test_an_edge_that_falls_silent_is_an_alarm_until_it_is_heard_again(stored: Site) -> None:
    site = stored
    calm = {"adapters": {}, "buffer": {}}
    await site.hand("edge/heartbeat", heartbeat(site, **calm))
    site.clock.advance(90)
    await site.mqtt.check_heartbeats()
    assert newest(site)[ONLINE] == 1.0
    site.clock.advance(1)
    await site.mqtt.check_heartbeats()
    await site.mqtt.check_heartbeats()
    assert newest(site)[ONLINE] == 0.0
    assert [row.values for row in site.ingest.rows if row.stream == site.point(ONLINE).stream.id] == [(1.0,), (0.0,)]
    assert await judged(site) == {ONLINE: "P1"}
    # What a broker had kept is no sign of life; a clock that is behind by minutes does not matter.
    await site.hand("edge/heartbeat", heartbeat(site, ts=site.ts(-91), **calm), retained=True)
    await site.hand("edge/heartbeat", heartbeat(site, ts=site.ts(-3600), **calm))
    assert newest(site)[ONLINE] == 0.0
    site.clock.advance(1)
    await site.hand("edge/heartbeat", heartbeat(site, ts=site.ts(-200), **calm))
    assert newest(site)[ONLINE] == 1.0
    assert await judged(site) == {}


async def test_after_a_restart_an_edge_has_its_time_to_be_heard(site: Site) -> None:
    await site.hand("edge/heartbeat", heartbeat(site))
    site.clock.advance(3600)
    again = type(site.mqtt._edges)(site.registry, site.alarms)
    assert again.silent(site.clock.micros()) == []
    site.clock.advance(91)
    assert [row.values for row in again.silent(site.clock.micros())] == [(0.0,)]


async def test_operators_keep_the_limits_they_made(site: Site) -> None:
    await site.hand("edge/heartbeat", heartbeat(site))
    sensor = site.point("EDGE-ADAPTERS-FAILED").id
    assert len(site.alarms.limits(sensor)) == 1
    await site.alarms.set_limits(TENANT, sensor, ())
    await site.hand("edge/heartbeat", heartbeat(site))
    assert site.alarms.limits(sensor) == ()


async def test_two_edges_of_a_block(site: Site) -> None:
    await site.hand("edge/heartbeat", heartbeat(site))
    await site.mqtt.check_heartbeats()
    await site.hand("edge/heartbeat", heartbeat(site, edge_id="ab-2"))
    assert newest(site)["EDGE-ONLINE-ab-2"] == newest(site)["EDGE-ONLINE"] == 1.0
    site.clock.advance(91)
    await site.hand("edge/heartbeat", heartbeat(site))
    await site.mqtt.check_heartbeats()
    assert (newest(site)["EDGE-ONLINE-ab-2"], newest(site)["EDGE-ONLINE"]) == (0.0, 1.0)
    assert site.point("EDGE-ONLINE-ab-2").equipment == "EDGE-ab-2"


@pytest.mark.parametrize(
    ("more", "category"),
    [
        ({"edge_id": "a/b"}, "VALUE_ERROR"),
        ({"edge_id": ""}, "VALUE_ERROR"),
        ({"adapters": []}, "PARSE_ERROR"),
        ({"buffer": {"depth": "full"}}, "PARSE_ERROR"),
        ({"ts": "2030-01-01T00:00:00Z"}, "VALUE_ERROR"),
    ],
)
async def test_heartbeats_that_are_refused(site: Site, more: dict[str, Any], category: str) -> None:
    await site.hand("edge/heartbeat", heartbeat(site, **more))
    assert (site.refused(), newest(site)) == ({category: 1}, {})


async def test_numbers_of_a_heartbeat_may_be_absurd(site: Site) -> None:
    buffer = {"depth": 1e308, "capacity": 1e-308, "cloud_connected": False, "replay_active": True}
    await site.hand("edge/heartbeat", heartbeat(site, buffer=buffer))
    assert newest(site)["EDGE-BUFFER-FILL"] == 1.0
    await site.hand("edge/heartbeat", heartbeat(site, buffer={"depth": 5, "capacity": 0}))
    assert newest(site)["EDGE-BUFFER-FILL"] == 0.0


async def test_a_command_and_its_response(stored: Site) -> None:
    site = stored
    block = site.registry.block(TENANT, SITE, BLOCK)
    assert block is not None
    request = await site.commands.send(block, "plc-1", "mode_override", {"mode": "REJECT"}, "n.searra")
    ((topic, payload, tenant, qos),) = site.sender.messages
    assert (topic, tenant, qos) == (f"microlink/{SITE}/{BLOCK}/command/plc-1", TENANT, 1)
    assert payload == {
        "ts": site.ts(),
        "cmd": "mode_override",
        "params": {"mode": "REJECT"},
        "source": "n.searra",
        "request_id": request,
    }
    assert str(uuid.UUID(request)) == request
    # An external broker gives us our own command back: nothing happens.
    await site.hand("command/plc-1", payload)
    answer = {"ts": site.ts(), "request_id": request, "status": "rejected", "reason": "interlock", "result": {"t": 55}}
    for _ in range(2):
        await site.hand("command/response", answer)
    sent, answered = await events(site, "command", "command_response")
    assert sent.body == {
        "request_id": request,
        "target": "plc-1",
        "cmd": "mode_override",
        "params": {"mode": "REJECT"},
        "source": "n.searra",
    }
    assert answered.body == {"request_id": request, "status": "rejected", "reason": "interlock", "result": {"t": 55}}
    assert site.refused() == {}


@pytest.mark.parametrize("request_id", [str(uuid.UUID(int=7)), "", "x\x00", "no uuid"])
async def test_a_response_to_nothing(site: Site, request_id: str) -> None:
    await site.hand("command/response", {"ts": site.ts(), "request_id": request_id, "status": "accepted"})
    assert site.refused() == {"VALUE_ERROR": 1}


async def test_a_command_that_may_not_have_been_sent_is_told(site: Site) -> None:
    block = site.registry.block(TENANT, SITE, BLOCK)
    assert block is not None
    site.sender.failure = Unavailable("there is no connection to the MQTT broker")
    with pytest.raises(Unavailable):
        await site.commands.send(block, "plc", "config_reload", {}, "someone")
    assert [event.kind for event in await events(site, "command", "command_failed")] == ["command", "command_failed"]


@pytest.mark.parametrize(
    ("target", "cmd", "params", "source"),
    [
        ("plc", "format_disk", {}, "me"),
        ("response", "config_reload", {}, "me"),
        ("a/b", "config_reload", {}, "me"),
        ("#", "config_reload", {}, "me"),
        ("plc", "config_reload", {"x": object()}, "me"),
        ("plc", "config_reload", {"x": "y" * 70_000}, "me"),
        ("plc", "config_reload", {}, ""),
    ],
)
async def test_commands_that_are_none(site: Site, target: str, cmd: str, params: dict[str, Any], source: str) -> None:
    block = site.registry.block(TENANT, SITE, BLOCK)
    assert block is not None
    with pytest.raises(Invalid):
        await site.commands.send(block, target, cmd, params, source)
    assert (site.sender.messages, await events(site, "command")) == ([], [])
