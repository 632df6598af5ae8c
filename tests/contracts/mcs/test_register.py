"""What goes wrong elsewhere and no other test here rules out: over every route of the description, or across its parts.

The register itself is in docs/contracts/mcs.md.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.contracts.mcs.halls import Hall, building
from tests.stores import FOUR, Counts, spine
from wattline.contracts.mcs.mqtt.options import McsMqttOptions
from wattline.contracts.mcs.mqtt.service import McsMqtt
from wattline.contracts.mcs.mqtt.topics import SUBSYSTEMS, parse
from wattline.gateways.model import Message
from wattline.model.clock import ManualClock
from wattline.model.record import Row
from wattline.registry.point import PointSpec
from wattline.settings import Settings
from wattline.simulate.plant.definition import BLOCK, POINTS, SITE
from wattline.simulate.plant.instruments import Shown
from wattline.simulate.plant.messages import reading
from wattline.simulate.plant.seed import seed

OPERATIONS = ("get", "post", "put", "patch", "delete")
OPEN_TO_ALL = {"/health", "/api/v1/health", "/api/v1/asyncapi.json"}
PAGE = {"Origin": "http://localhost:3000", "Content-Type": "application/json"}
TAG, HOLDER = "SECRET-TAG-77", "Hidden Brewery"
VALUE = 4321.125


Operation = tuple[str, str, dict[str, Any]]


@pytest_asyncio.fixture(loop_scope="session")
async def described(hall: Hall) -> dict[str, Any]:
    """The description, as the server gives it."""
    async with httpx.AsyncClient(base_url=hall.url) as client:
        found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


def operations(description: dict[str, Any]) -> Iterator[Operation]:
    """Method, path and description of each operation of this contract."""
    for path, item in description["paths"].items():
        if path.startswith("/api/v1/") or path in {"/health", "/stats"}:
            for method in OPERATIONS:
                # Another contract has paths below the prefix too.
                if method in item and not item[method]["tags"][0].startswith("Household"):
                    yield method, path, item[method]


def fill(path: str, names: dict[str, Any]) -> str:
    """The path with its parameters; each must be known here, so that a new route is noticed."""
    return re.sub(r"\{(\w+)(?::path)?\}", lambda found: str(names[found[1]]), path)


def asked(operation: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """The query parameters of an operation that are known by name."""
    found = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    required = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query" and each["required"]}
    assert required <= set(names), required
    return {name: names[name] for name in found if name in names}


def schemas(part: Any) -> Iterator[dict[str, Any]]:
    """Every object of a description."""
    if isinstance(part, dict):
        yield part
        for each in part.values():
            yield from schemas(each)
    elif isinstance(part, list):
        for each in part:
            yield from schemas(each)


async def test_every_call_of_the_published_client_works_from_a_page_of_another_origin(hall: Hall) -> None:
    await hall.limit("CDU-01-T-SUP", {"H": {"value": 10.0, "priority": "P1"}})
    await hall.judged("CDU-01-T-SUP", 11.0)
    await hall.limit("CDU-01-T-RET", {"H": {"value": 10.0, "priority": "P1"}})
    await hall.judged("CDU-01-T-RET", 11.0)
    one, two = hall.points["CDU-01-T-SUP"].id, hall.points["CDU-01-T-RET"].id
    window = f"start={hall.iso(-3600)[:-1]}.000Z&end={hall.iso()[:-1]}.000Z"
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/sites?offset=0&limit=100", None),
        ("GET", "/sites/baldwinsville", None),
        ("GET", "/blocks", None),
        ("GET", "/blocks?site_slug=baldwinsville", None),
        ("GET", "/blocks/block-01", None),
        ("GET", "/equipment/block-01", None),
        ("GET", "/sensors/block-01", None),
        ("GET", "/sensors/block-01?subsystem=thermal-l1", None),
        ("GET", f"/telemetry?sensor_id={one}&{window}", None),
        ("GET", f"/telemetry?sensor_id={one}&{window}&agg=5min", None),
        ("GET", "/telemetry/latest?block_slug=block-01", None),
        ("GET", "/telemetry/latest?block_slug=block-01&subsystem=thermal-l1", None),
        ("GET", f"/telemetry/multi?sensor_ids={one}%2C{two}&{window}", None),
        ("GET", "/alarms?", None),
        ("GET", "/alarms?state=ACTIVE%2CACKED&priority=P0%2CP1&block_slug=block-01&offset=0&limit=50", None),
        ("GET", "/alarms/stats", None),
        ("GET", "/alarms/stats?block_slug=block-01", None),
        ("POST", f"/alarms/{one}/acknowledge", {"operator": "nick.searra"}),
        ("POST", f"/alarms/{two}/shelve", {"operator": "nick.searra", "reason": "known fault", "duration_hours": 8}),
        ("GET", f"/events?block_slug=block-01&event_type=alarm_raised&{window}&offset=0&limit=100", None),
        ("GET", f"/billing/kwh?block_slug=block-01&{window}", None),
        ("GET", f"/billing/kwht?block_slug=block-01&{window}", None),
        ("GET", f"/billing/energy-daily?block_slug=block-01&{window}", None),
        ("GET", "/health", None),
        ("GET", "/stats", None),
    ]
    async with httpx.AsyncClient() as browser:
        for method, path, body in calls:
            url = f"{hall.url}/api/v1{path}"
            wish = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type,x-api-key"}
            before = await browser.options(url, headers={"Origin": PAGE["Origin"], **wish})
            assert before.status_code == 200, path
            assert method in before.headers["access-control-allow-methods"]
            headers = {**PAGE, "X-API-Key": hall.secret}
            answer = await browser.request(method, url, headers=headers, json=body)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["access-control-allow-origin"] in {"*", PAGE["Origin"]}
            assert answer.headers["content-type"].startswith("application/json")
            answer.json()


async def test_no_operation_answers_without_a_key(hall: Hall, described: dict[str, Any]) -> None:
    names = {"slug": "block-01", "block_slug": "block-01", "sensor_id": 1, "alarm_id": 1}
    guarded = [each for each in operations(described) if each[1] not in OPEN_TO_ALL]
    assert len(guarded) > 20
    async with httpx.AsyncClient(base_url=hall.url) as client:
        for method, path, operation in guarded:
            assert operation["security"], path
            for headers in ({}, {"X-API-Key": "wl_00000000_wrong"}):
                answer = await client.request(method, fill(path, names), headers=headers)
                assert (answer.status_code, answer.json()) == (401, {"detail": "Missing or invalid API key"}), path


async def foreign(other: Hall) -> dict[str, Any]:
    """Another tenant's things with names that nobody else has, and the parameters that name them."""
    registry = other.platform.registry
    await registry.put_site(other.tenant, "zz-site", name=HOLDER)
    await registry.put_block(other.tenant, "zz-site", "zz-block", capacity_mw=1.0)
    spec = PointSpec(TAG, f"EQ-{TAG}", "thermal-l1", "°C", description=TAG)
    (point,) = await registry.put_points(other.tenant, "zz-site", "zz-block", [spec])
    other.points[TAG] = point
    await other.limit(TAG, {"H": {"value": 10.0, "priority": "P0"}})
    await other.judged(TAG, VALUE)
    alarm = other.platform.alarms.live(point.id)
    assert alarm is not None
    return {
        "slug": "zz-block",
        "block_slug": "zz-block",
        "block_id": point.block.id,
        "site_slug": "zz-site",
        "site_id": point.site.id,
        "sensor_id": point.id,
        "sensor_ids": point.id,
        "alarm_id": alarm.id,
        "start": other.iso(-3600),
        "end": other.iso(60),
        "include_stale": "true",
    }


async def test_no_operation_shows_or_changes_what_another_tenant_has(
    hall: Hall, other: Hall, described: dict[str, Any]
) -> None:
    names = await foreign(other)
    marks = (TAG, HOLDER, f"{VALUE:g}"[:4], str(VALUE))
    before = other.platform.alarms.live(other.points[TAG].id)
    body = {"operator": "mallory", "reason": "because", "duration_hours": 1}
    shown = tried = 0
    for method, path, operation in operations(described):
        filled = fill(path, {**names, "slug": "zz-site"} if path.startswith("/api/v1/sites") else names)
        given = {"params": asked(operation, names), "json": body if method != "get" else None}
        theirs = await hall.http.request(method, f"{hall.url}{filled}", **given)
        assert theirs.status_code < 500, path
        if method == "get":
            assert not [mark for mark in marks if mark in theirs.text], path
            mine = await other.http.request(method, f"{hall.url}{filled}", **given)
            assert mine.status_code == 200, (path, mine.text)
            shown += any(mark in mine.text for mark in marks)
        else:
            assert theirs.status_code == 404, (path, theirs.text)
        tried += 1
    assert other.platform.alarms.live(other.points[TAG].id) == before
    # The same questions show these things to who owns them: the list above can fail.
    assert shown >= 9
    assert tried > 20


async def test_a_time_without_an_offset_is_utc_on_every_route(hall: Hall, described: dict[str, Any]) -> None:
    await hall.read("P-MSB-TOTAL", 100.0, -10)
    sensor = hall.points["P-MSB-TOTAL"].id
    names = {"slug": "block-01", "block_slug": "block-01", "sensor_id": sensor, "sensor_ids": sensor}
    tried = 0
    for method, path, operation in operations(described):
        if method != "get" or "start" not in {each["name"] for each in operation.get("parameters", ())}:
            continue
        found = []
        for z in ("Z", ""):
            window = {"start": hall.iso(-3600)[:-1] + z, "end": hall.iso(60)[:-1] + z}
            answer = await hall.http.get(f"{hall.url}{fill(path, names)}", params=asked(operation, {**names, **window}))
            assert answer.status_code == 200, (path, answer.text)
            found.append(answer.json())
        assert found[0] == found[1], path
        tried += 1
    assert tried >= 9


async def test_a_subsystem_that_there_is_not_is_422_everywhere(hall: Hall, described: dict[str, Any]) -> None:
    names = {"block_slug": "block-01", "subsystem": "plumbing"}
    tried = 0
    for method, path, operation in operations(described):
        if "subsystem" in {each["name"] for each in operation.get("parameters", ())}:
            answer = await hall.http.request(method, f"{hall.url}{fill(path, names)}", params=asked(operation, names))
            assert answer.status_code == 422, path
            assert answer.json()["detail"][0]["loc"] == ["query", "subsystem"]
            tried += 1
    assert tried >= 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/blocks/nowhere", 404),
        ("/equipment/nowhere", 404),
        ("/blocks/nowhere/availability?start=2026-01-01", 404),
        ("/billing/sustainability?block_slug=nowhere&start=2026-01-01", 404),
        ("/blocks?site_slug=nowhere", 200),
        ("/sensors/nowhere", 200),
        ("/telemetry/latest?block_slug=nowhere", 200),
        ("/alarms?block_slug=nowhere", 200),
        ("/events?block_slug=nowhere", 200),
        ("/billing/kwh?block_slug=nowhere&start=2026-01-01", 200),
        ("/billing/energy-daily?block_slug=nowhere&start=2026-01-01", 200),
    ],
)
async def test_an_unknown_block_is_404_as_a_thing_and_empty_as_a_filter(hall: Hall, path: str, status: int) -> None:
    answer = await hall.http.get(path)
    assert answer.status_code == status, answer.text
    if status == 200:
        found = answer.json()
        rows = found if isinstance(found, list) else next(each for each in found.values() if isinstance(each, list))
        assert rows == []


def test_the_description_is_sound_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    found = list(operations(described))
    for method, path, operation in found:
        # A keyword of 3.0 that does nothing in 3.1: a null would fail every check against the schema.
        assert not [each for each in schemas(operation) if "nullable" in each], path
        answers = operation["responses"]
        assert all(each["description"] for each in answers.values()), f"{method} {path}"
        assert "content" in answers["200"], path
        if path not in OPEN_TO_ALL:
            assert operation["security"], path
            assert {"401", "403", "429", "503"} <= set(answers), path
        if operation.get("parameters"):
            assert "422" in answers, path
    mine = {name for name in described["components"]["schemas"] if name.startswith("Mcs")}
    assert len(mine) > 10
    for name in mine:
        schema = described["components"]["schemas"][name]
        assert not [each for each in schemas(schema) if "nullable" in each], name
        if schema.get("type") == "object" and schema.get("properties"):
            assert schema.get("required"), name
    assert {"McsApiKey", "McsBearer"} <= set(described["components"]["securitySchemes"])


def test_no_setting_has_a_secret_by_default(tmp_path: Path) -> None:
    made = Settings(data=tmp_path)
    secret = re.compile(r"pass|secret|token|credential|username")
    named = [name for name in Settings.model_fields if secret.search(name)]
    assert "smtp_password" in named
    # How long a token holds is no secret.
    assert [name for name in named if not isinstance(getattr(made, name), int | None)] == []
    for url in (made.telemetry_url, made.state_url, made.mqtt_url or ""):
        assert "@" not in url
    assert not made.open


async def test_no_two_keys_are_alike_and_no_page_gets_credentials(hall: Hall) -> None:
    assert len({await hall.key() for _ in range(20)}) == 20
    async with httpx.AsyncClient(headers=PAGE) as browser:
        for headers in ({"X-API-Key": hall.secret}, {"Cookie": "session=1"}):
            answer = await browser.get(f"{hall.url}/api/v1/sites", headers=headers)
            assert "access-control-allow-credentials" not in answer.headers
            assert "set-cookie" not in answer.headers


class Commits(Counts):
    """Counts the blocks of the journal too."""

    blocks = 0

    def committed(self, rows: int, seconds: float) -> None:
        super().committed(rows, seconds)
        self.blocks += 1


async def test_many_messages_are_one_commit_and_one_publication(tmp_path: Path, clock: ManualClock) -> None:
    counts = Commits()
    async with spine(tmp_path, clock, counts=counts) as made:
        stream = await made.registry.register("t", "s", "d", FOUR)
        now = clock.micros()
        rows = [Row(stream.id, now + n, now, (1.0, 2.0, 3.0, 60.0)) for n in range(1000)]
        # From a gateway: a batch; from a thousand HTTP callers at once: few commits, of many rows each.
        await made.pipeline.ingest.submit(rows[:500])
        assert (counts.blocks, counts.rows) == (1, 500)
        await asyncio.gather(*(made.pipeline.ingest.submit([row]) for row in rows[500:]))
        assert counts.rows == len(counts.published) == 1000
        assert counts.blocks <= 5


async def test_a_batch_of_messages_is_handed_on_as_one(hall: Hall) -> None:
    taken: list[int] = []

    class Inlet:
        async def submit(self, rows: list[Row]) -> None:
            taken.append(len(rows))

    platform = hall.platform
    gate = McsMqtt(
        platform.registry,
        Inlet(),  # type: ignore[arg-type]
        platform.alarms,
        platform.happenings,
        None,  # type: ignore[arg-type]
        platform.dead_letters,
        hall.clock,
        McsMqttOptions(),
    )
    topic = "microlink/baldwinsville/block-01/thermal-l1/CDU-01-T-SUP"
    bodies = [json.dumps({"ts": hall.iso(n), "v": float(n)}).encode() for n in range(-300, 0)]
    await gate.handle([Message(topic, body, hall.tenant, 1, False) for body in bodies])
    assert taken == [300]


def test_all_thirteen_subsystems_are_topics_and_control_is_not_telemetry() -> None:
    assert len(SUBSYSTEMS) == 13
    kinds = {each: parse(f"microlink/s/b/{each}/TAG-1", "microlink").kind for each in SUBSYSTEMS}
    assert set(kinds.values()) == {"telemetry"}
    below = {"mode/state": "mode", "edge/heartbeat": "heartbeat", "alarms/P0": "alarm", "command/response": "response"}
    assert {path: parse(f"microlink/s/b/{path}", "microlink").kind for path in below} == below


async def test_one_definition_makes_the_registry_and_the_messages(hall: Hall) -> None:
    tenant = f"{hall.tenant}-plant"
    await seed(hall.platform.registry, hall.platform.alarms, tenant, hall.clock)
    _, secret = await hall.platform.identity.create(tenant, "a key", ["query:read"])
    async with hall.client(secret) as client:
        sensors = {row["tag"]: row for row in (await client.get(f"/sensors/{BLOCK}")).json()}
        block = (await client.get(f"/blocks/{SITE}/{BLOCK}")).json()
    assert set(sensors) == {point.tag for point in POINTS}
    assert block["sensor_count"] == len(POINTS)
    assert block["equipment_count"] == len({point.equipment.tag for point in POINTS})
    for point in POINTS:
        said = reading(Shown(point.tag, point.unit, 1.0, "GOOD"), hall.clock.micros(), 1)
        topic = parse(f"microlink/{said.topic}", "microlink")
        row = sensors[topic.tag]
        assert (topic.site, topic.block, topic.subsystem) == (SITE, BLOCK, row["subsystem"])
        assert json.loads(said.payload)["u"] == row["unit"]
        assert (row["range_min"], row["range_max"]) == (point.low, point.high)
        assert set(row["alarm_thresholds"] or {}) == set(point.limits)


async def test_alive_is_not_ready(tmp_path: Path) -> None:
    async with (
        building(tmp_path, telemetry_url="http://127.0.0.1:9/none") as made,
        httpx.AsyncClient(base_url=made.url) as client,
    ):
        # Whoever restarts what does not answer must not restart it for a store that is away; whoever sends traffic must know.
        alive, ready = await client.get("/api/v1/health"), await client.get("/api/health")
        assert (alive.status_code, alive.json()["status"]) == (200, "degraded")
        assert ready.status_code == 503
        up = alive.json()["uptime_seconds"]
        made.clock.advance(100)
        assert (await client.get("/health")).json()["uptime_seconds"] == pytest.approx(up + 100, abs=1)
