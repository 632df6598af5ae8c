"""Telemetry messages: what becomes a reading, of what quality, and what is refused."""

from __future__ import annotations

import json

import pytest

from tests.contracts.mcs.mqtt.block import BLOCK, PREFIX, SITE, TENANT, Site
from wattline.contracts.mcs.mqtt.options import McsMqttOptions
from wattline.gateways.model import Message
from wattline.model.clock import DAY, SECOND, ManualClock
from wattline.model.errors import Unavailable
from wattline.registry.point import PointSpec
from wattline.state.database import Database


async def test_the_published_example(site: Site) -> None:
    site.clock.set(site.clock.now().replace(year=2026, month=2, day=21, hour=14, minute=31))
    payload = '{"ts":"2026-02-21T14:30:00.123Z","v":45.2,"u":"°C","q":"GOOD","alarm":null,"seq":184320}'
    await site.hand("thermal-l1/CDU-01-T-SUP", payload.encode())
    (row,) = site.ingest.rows
    assert row.stream == site.point("CDU-01-T-SUP").stream.id
    assert (row.time, row.values, row.quality) == (1_771_684_200_123_000, (45.2,), 0)
    assert row.received == site.clock.micros()


@pytest.mark.parametrize(
    ("told", "value", "quality"),
    [
        ({}, 31.2, 0),
        ({"v": 31}, 31.0, 0),
        ({"q": "UNCERTAIN"}, 31.2, 1),
        ({"q": "SUSPECT"}, 31.2, 1),
        ({"q": "bad"}, 31.2, 2),
        ({"q": "BAD", "v": 0}, 0.0, 2),
        ({"q": "BAD", "v": None}, 0.0, 2),
        ({"q": "BAD", "v": "NaN"}, 0.0, 2),
        ({"v": 80}, 80.0, 0),
        ({"v": 80.1}, 80.1, 1),
        ({"v": -0.1}, -0.1, 1),
        ({"v": 99, "q": "BAD"}, 99.0, 2),
        ({"u": "degC"}, 31.2, 0),
        ({"alarm": "P1", "seq": 5, "unknown": [1]}, 31.2, 0),
    ],
)
async def test_values_and_quality(site: Site, told: dict[str, object], value: float, quality: int) -> None:
    await site.reading(**told)
    assert site.refused() == {}
    assert [(row.values, row.quality) for row in site.ingest.rows] == [((value,), quality)]


@pytest.mark.parametrize(("v", "value"), [(True, 1.0), (False, 0.0), (1, 1.0), (0.0, 0.0)])
async def test_boolean_points(site: Site, v: object, value: float) -> None:
    await site.reading("LSH-01", "thermal-safety", v=v)
    assert [row.values for row in site.ingest.rows] == [(value,)]


@pytest.mark.parametrize(
    ("tag", "unit"),
    [
        ("ENV-RH", "%RH"),
        ("ENV-RH", "%rH"),
        ("HOST-FLOW", "l/min"),
        ("HOST-FLOW", "LPM"),
        ("MET-T1-kWht", "kWh"),
        ("LSH-01", ""),
    ],
)
async def test_a_unit_may_be_written_in_many_ways(site: Site, tag: str, unit: str) -> None:
    for _ in range(2):
        await site.reading(tag, "electrical", v=1, u=unit)
    assert (site.refused(), len(site.ingest.rows)) == ({}, 2)


@pytest.mark.parametrize(
    ("payload", "category", "says"),
    [
        (b"", None, ""),
        (b"not JSON", "PARSE_ERROR", "not JSON"),
        (b"[]", "PARSE_ERROR", "Expected `object`"),
        (b"31.2", "PARSE_ERROR", "Expected `object`"),
        (b"{}", "PARSE_ERROR", "`ts`"),
        (b'{"ts":"TS","v":NaN}', "PARSE_ERROR", "not JSON"),
        (b'{"ts":"TS","v":1e999}', "PARSE_ERROR", "out of range"),
        (b'{"ts":"TS","v":1' + b"0" * 400 + b"}", "PARSE_ERROR", "out of range"),
        (b'{"ts":"TS","v":"31.2"}', "VALUE_ERROR", "finite"),
        (b'{"ts":"TS","v":"NaN"}', "VALUE_ERROR", "finite"),
        (b'{"ts":"TS","v":null}', "VALUE_ERROR", "finite"),
        (b'{"ts":"TS"}', "VALUE_ERROR", "finite"),
        (b'{"ts":"TS","v":true}', "VALUE_ERROR", "not boolean"),
        (b'{"ts":"TS","v":1,"q":"FINE"}', "PARSE_ERROR", "GOOD, UNCERTAIN or BAD"),
        (b'{"ts":"TS","v":1,"q":""}', "PARSE_ERROR", "GOOD, UNCERTAIN or BAD"),
        (b'{"ts":"TS","v":1,"u":"kPa"}', "VALUE_ERROR", "the sensor's unit is '°C'"),
        (b'{"ts":"yesterday","v":1}', "PARSE_ERROR", "ISO 8601"),
        (b'{"ts":"2026-02-30T00:00:00Z","v":1}', "PARSE_ERROR", "ISO 8601"),
        (b'{"ts":-1,"v":1}', "PARSE_ERROR", "no time"),
        (b'{"ts":true,"v":1}', "PARSE_ERROR", "`ts`|ts"),
        (b'{"ts":"2027-01-01T00:00:00Z","v":1}', "VALUE_ERROR", "ahead"),
        (b'{"ts":"2020-01-01T00:00:00Z","v":1}', "VALUE_ERROR", "s old"),
        (b'{"ts":0,"v":1}', "VALUE_ERROR", "s old"),
        (b'{"ts":' + b"[" * 5000, "PARSE_ERROR", ""),
        (b'{"ts":"TS","v":1,"x":"' + b"y" * 70_000 + b'"}', "PARSE_ERROR", "65536 bytes"),
        (b'{"ts":"TS","v":\xff}', "PARSE_ERROR", "not JSON"),
    ],
)
async def test_what_is_refused(site: Site, payload: bytes, category: str | None, says: str) -> None:
    """Twice: the second time the topic is known already."""
    for _ in range(2):
        await site.hand("thermal-l1/CDU-01-T-SUP", payload.replace(b"TS", site.ts().encode()))
    assert site.ingest.rows == []
    assert site.refused() == ({} if category is None else {category: 2})
    for why in await site.why():
        assert any(part in why for part in says.split("|"))


@pytest.mark.parametrize(
    "topic",
    [
        "thermal-l1",
        "thermal-l1/CDU-01-T-SUP/more",
        "thermal-l9/CDU-01-T-SUP",
        "Thermal-L1/CDU-01-T-SUP",
        "thermal-l1/CDU 01",
        "thermal-l1/",
        "thermal-l1/CDU-01-T-SUP\n",
        "alarms/P4",
        "alarms/p0",
        "thermal-l1/" + "x" * 65,
    ],
)
async def test_topics_that_are_none(site: Site, topic: str) -> None:
    await site.hand(topic, {"ts": site.ts(), "v": 1})
    await site.hand("electrical/P", {"ts": site.ts(), "v": 1}, below="microlink/BIG/block-01")
    await site.hand("electrical/P", {"ts": site.ts(), "v": 1}, below="other/site/block-01")
    assert (site.refused(), site.ingest.rows) == ({"TOPIC_ERROR": 3}, [])


@pytest.mark.parametrize(
    "below", [f"microlink/{SITE}/block-02", f"microlink/elsewhere/{BLOCK}", PREFIX], ids=["block", "site", "tag"]
)
async def test_unknown_sensors(site: Site, below: str) -> None:
    for _ in range(3):
        await site.hand("electrical/NOWHERE", {"ts": site.ts(), "v": 1}, below=below)
    assert site.refused() == {"SENSOR_UNKNOWN": 3}
    assert "NOWHERE" in (await site.why())[0]


async def test_an_unknown_sensor_is_known_as_soon_as_it_is_registered(site: Site) -> None:
    await site.reading("NEW")
    await site.registry.put_points(TENANT, SITE, BLOCK, [PointSpec("NEW", "E", "thermal-l1", "°C")])
    await site.reading("NEW")
    assert (site.refused(), len(site.ingest.rows)) == ({"SENSOR_UNKNOWN": 1}, 1)


async def test_another_tenants_points_are_unknown(site: Site) -> None:
    await site.hand("thermal-l1/CDU-01-T-SUP", {"ts": site.ts(), "v": 1}, tenant="other")
    assert site.refused() == {"SENSOR_UNKNOWN": 1}
    assert await site.letters.count_since("other", 0) == 1
    assert await site.letters.count_since(TENANT, 0) == 0


async def test_a_point_that_got_another_tag_is_not_written_to_by_its_old_one(site: Site) -> None:
    await site.reading()
    site.registry.retag(site.point("CDU-01-T-SUP"), "CDU-01-T-S")
    await site.reading()
    await site.reading("CDU-01-T-S")
    assert (site.refused(), len(site.ingest.rows)) == ({"SENSOR_UNKNOWN": 1}, 2)


async def test_strangers_are_registered_where_that_is_allowed(database: Database, clock: ManualClock) -> None:
    site = await Site(database, clock, McsMqttOptions(register_unknown=True)).open()
    told = {"ts": site.ts(), "v": 12.5, "u": "kWh"}
    messages = [
        Message("microlink/new/block-07/electrical/MET-02-kWh", json.dumps(told).encode(), TENANT),
        Message("microlink/new/block-07/electrical/MET-02-kWh", json.dumps(told | {"ts": site.ts(1)}).encode(), TENANT),
        Message("microlink/new/block-07/security/DOOR-MAIN", json.dumps(told | {"v": True, "u": "bool"}).encode(), TENANT),
        Message("microlink/new/block-07/electrical/BROKEN", b"{", TENANT),
    ]
    await site.mqtt.handle(messages)
    block = site.registry.block(TENANT, "new", "block-07")
    assert block is not None
    found = {
        point.tag: (point.equipment, point.unit, point.kind, point.subsystem) for point in site.registry.block_points(block.id)
    }
    assert found == {
        "MET-02-kWh": ("MET-02", "kWh", "counter", "electrical"),
        "DOOR-MAIN": ("DOOR", "bool", "state", "security"),
    }
    assert [row.values for row in site.ingest.rows] == [(12.5,), (12.5,), (1.0,)]
    assert site.refused() == {"SENSOR_UNKNOWN": 1}


@pytest.mark.parametrize(
    ("ts", "micros"),
    [
        ("2026-06-11T14:30:00Z", 0),
        ("2026-06-11T14:30:00.000000Z", 0),
        ("2026-06-11T16:30:00+02:00", 0),
        ("2026-06-11T16:30:00+02:00Z", 0),
        ("2026-06-11T14:30:00+00:00Z", 0),
        ("2026-06-11 14:30:00", 0),
        ("2026-06-11t14:30:00.5z", 500_000),
        (1_781_188_200, 0),
        (1_781_188_200.25, 250_000),
        (1_781_188_200_125, 125_000),
        (1_781_188_200_000_007, 7),
    ],
)
async def test_times(site: Site, ts: object, micros: int) -> None:
    await site.reading(ts=ts)
    assert [row.time for row in site.ingest.rows] == [1_781_188_200 * SECOND + micros]


async def test_the_edges_of_the_window(site: Site) -> None:
    for seconds, taken in ((300, True), (301, False), (-90 * 86_400, True), (-90 * 86_400 - 1, False)):
        before = len(site.ingest.rows)
        await site.reading(ts=site.ts(seconds))
        assert (len(site.ingest.rows) == before + 1) is taken


async def test_three_days_of_replay_out_of_order(site: Site) -> None:
    now = site.clock.micros()
    minutes = [*range(3 * 24 * 60)]
    order = [*minutes[1::2], *minutes[::2], *reversed(minutes[:100])]
    messages = []
    for minute in order:
        told = {"ts": (now - 3 * DAY) // SECOND + 60 * minute, "v": float(minute), "seq": minute}
        messages.append(Message(f"{PREFIX}/thermal-l1/CDU-01-T-SUP", json.dumps(told).encode(), TENANT))
    for start in range(0, len(messages), 500):
        await site.mqtt.handle(messages[start : start + 500])
    assert {row.time: row.values[0] for row in site.ingest.rows} == {
        now - 3 * DAY + 60 * SECOND * minute: float(minute) for minute in minutes
    }
    assert site.refused() == {}


async def test_lost_messages_are_noticed_by_their_numbers(site: Site) -> None:
    numbers = [(0, 10), (1, 11), (2, 14), (2, 14), (1, 11), (3, 15), (4, 0), (5, 1), (6, 3), (3.5, 900)]
    for seconds, number in numbers:
        await site.reading(ts=site.ts(seconds), seq=number)
    found = site.mqtt.sequences()[site.point("CDU-01-T-SUP").id]
    assert (found.gaps, found.lost, found.restarts) == (2, 3, 1)


async def test_nothing_is_a_dead_letter_before_the_rest_is_durable(site: Site) -> None:
    """The gateway hands the same messages over again after such an error, and each letter must be one."""
    good = Message(f"{PREFIX}/thermal-l1/CDU-01-T-SUP", json.dumps({"ts": site.ts(), "v": 1}).encode(), TENANT)
    bad = good._replace(payload=b"{")
    site.ingest.failure = Unavailable("the journal is full")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await site.mqtt.handle([bad, good])
    assert site.refused() == {}
    site.ingest.failure = None
    await site.mqtt.handle([bad, good])
    assert (site.refused(), len(site.ingest.rows)) == ({"PARSE_ERROR": 1}, 1)


async def test_a_fault_of_ours_stops_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("fault")

    monkeypatch.setattr(site.mqtt._readings, "resolve", broken)
    await site.reading()
    assert site.refused() == {"INTERNAL_ERROR": 1}
