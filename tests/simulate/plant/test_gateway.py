"""What the plant says over a real broker: the contract's topics and payloads, the past first, everything once and in order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from wattline.contracts.mcs.mqtt import modes, topics
from wattline.contracts.mcs.mqtt.payloads import Decoder, Heartbeat, ModeState, Response, Telemetry
from wattline.contracts.mcs.mqtt.times import parse
from wattline.model.clock import HOUR, MINUTE, SECOND, ManualClock, to_micros
from wattline.simulate.plant import messages
from wattline.simulate.plant.definition import BY_TAG, POINTS
from wattline.simulate.plant.gateway import BEHIND, Gateway
from wattline.simulate.plant.instruments import Instruments
from wattline.simulate.plant.uplink import MOST_UNANSWERED, Broker, Uplink

from .conftest import Ear, Mosquitto

START = datetime(2026, 6, 11, 14, 32, tzinfo=UTC)
NOW = to_micros(START)


class Time:
    """A clock that a pause moves on; after `instants` pauses for a poll the plant is left waiting."""

    def __init__(self, clock: ManualClock, polls: int) -> None:
        self._clock = clock
        self._polls = polls
        self.waiting = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        if seconds < 0.5:
            return
        if self._polls == 0:
            self.waiting.set()
            await asyncio.Event().wait()
        self._polls -= 1
        self._clock.advance(seconds)


@contextlib.asynccontextmanager
async def telling(broker: Mosquitto, known: int | None, *, polls: int = 0, backfill: int = HOUR) -> AsyncIterator[Time]:
    """A gateway that has told all of the past and `polls` polls."""
    clock = ManualClock(START)
    time, stop = Time(clock, polls), asyncio.Event()
    async with Uplink.open(Broker("127.0.0.1", broker.port, "demo", "secret"), "edge", (messages.COMMANDS,)) as uplink:
        await asyncio.wait_for(uplink.until_connected(), 10)
        gateway = Gateway(Instruments(1), uplink, clock, backfill=backfill, pause=time.pause)
        running = asyncio.create_task(gateway.run(known, stop))
        waiting = asyncio.create_task(time.waiting.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        assert waiting.done(), running
        yield time
        stop.set()
        await asyncio.wait_for(running, 10)
        assert uplink.waiting == 0


def times(ear: Ear, tag: str) -> list[int]:
    return [to_micros(datetime.fromisoformat(body["ts"])) for body in ear.of(f"/{tag}")]


async def test_a_fresh_server_hears_the_past_a_minute_apart_and_then_every_poll(broker: Mosquitto, ear: Ear) -> None:
    async with telling(broker, None, polls=3):
        pass
    await ear.reached(lambda: len(ear.of("/DOOR-MAIN")) == 50 + 120 + 3)
    for point in POINTS:
        told = times(ear, point.tag)
        old, new = [at for at in told if at <= NOW - BEHIND], [at for at in told if at > NOW - BEHIND]
        assert old == list(range(NOW - HOUR + MINUTE, NOW - BEHIND + 1, MINUTE))
        assert new == list(range(NOW - BEHIND + 5 * SECOND, NOW + 15 * SECOND + 1, 5 * SECOND))
        assert [body["seq"] for body in ear.of(f"/{point.tag}")] == list(range(len(told)))
    assert {qos for _, _, qos in ear.heard} == {1}


async def test_a_server_that_was_away_hears_what_it_missed(broker: Mosquitto, ear: Ear) -> None:
    async with telling(broker, NOW - 20 * MINUTE):
        pass
    await ear.reached(lambda: len(ear.of("/DOOR-MAIN")) == 10 + 120)
    assert times(ear, "P-MSB-TOTAL")[0] == NOW - 19 * MINUTE


@pytest.mark.parametrize("known", [NOW - 5 * SECOND, NOW + HOUR])
async def test_a_server_that_knows_the_present_hears_only_what_is_new(broker: Mosquitto, ear: Ear, known: int) -> None:
    async with telling(broker, known, polls=1):
        pass
    await ear.reached(lambda: bool(ear.of("/DOOR-MAIN")) and times(ear, "DOOR-MAIN")[-1] == NOW + 5 * SECOND)
    assert set(times(ear, "DOOR-MAIN")) <= {NOW, NOW + 5 * SECOND}


async def test_what_is_said_is_in_the_words_of_the_contract(broker: Mosquitto, ear: Ear) -> None:
    async with telling(broker, None, backfill=6 * HOUR):
        pass
    await ear.reached(lambda: len(ear.of("/DOOR-MAIN")) == 350 + 120)
    decoder = Decoder()
    kinds = set()
    for topic, body, _ in ear.heard:
        named = topics.parse(topic, "microlink")
        kinds.add(named.kind)
        payload = json.dumps(body).encode()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["ts"])
        assert parse(body["ts"]) <= NOW
        if named.kind == "telemetry":
            assert set(body) == {"ts", "v", "u", "q", "alarm", "seq"}
            told = decoder.read(payload, Telemetry)
            point = BY_TAG[named.tag]
            assert (named.subsystem, told.u) == (point.equipment.subsystem, point.unit)
            assert told.q in ("GOOD", "UNCERTAIN", "BAD")
        elif named.kind == "mode":
            modes.check(decoder.read(payload, ModeState))
        else:
            assert named.kind == "heartbeat"
            beat = decoder.read(payload, Heartbeat)
            assert beat.buffer.depth < beat.buffer.capacity / 100
            assert beat.buffer.cloud_connected
            assert beat.adapters["modbus"].status == "running"
    assert kinds == {"telemetry", "mode", "heartbeat"}


async def test_the_modes_follow_one_another_from_the_start(broker: Mosquitto, ear: Ear) -> None:
    async with telling(broker, None, backfill=6 * HOUR):
        pass
    await ear.reached(lambda: len(ear.of("/DOOR-MAIN")) == 350 + 120)
    said = ear.of("/mode/state")
    assert len(said) > 4
    assert (said[0]["previous"], said[0]["state"], said[0]["trigger"]) == ("STARTUP", "REJECT", "startup:cold_start")
    for earlier, later in itertools.pairwise(said):
        assert later["previous"] == earlier["state"]
        assert later["ts"] > earlier["ts"]
    assert said[-1]["state"] == Instruments(1).plant.modes.mode(NOW)


async def test_a_heartbeat_comes_every_half_minute(broker: Mosquitto, ear: Ear) -> None:
    async with telling(broker, NOW, polls=13):
        pass
    await ear.reached(lambda: len(ear.of("/edge/heartbeat")) == 3)
    assert times(ear, "edge/heartbeat") == [NOW + 5 * SECOND, NOW + 35 * SECOND, NOW + 65 * SECOND]


async def test_everything_arrives_once_although_the_broker_goes_away(broker: Mosquitto, ear: Ear) -> None:
    clock, stop = ManualClock(START), asyncio.Event()
    async with Uplink.open(Broker("127.0.0.1", broker.port, "demo", "secret"), "edge") as uplink:
        running = asyncio.create_task(Gateway(Instruments(1), uplink, clock, backfill=10 * HOUR).run(None, stop))
        await ear.reached(lambda: len(ear.of("/DOOR-MAIN")) >= 20)
        await broker.stop()
        await broker.start()
        await ear.reached(lambda: len(set(times(ear, "DOOR-MAIN"))) >= 60)
        assert uplink.connections >= 2
        stop.set()
        await asyncio.wait_for(running, 10)
    for point in POINTS[:5]:
        told = sorted(set(times(ear, point.tag)))
        assert told == list(range(told[0], told[-1] + 1, MINUTE))


async def test_it_stops_although_there_is_no_broker(broker: Mosquitto) -> None:
    await broker.stop()
    stop, full = asyncio.Event(), asyncio.Event()

    async def pause(_seconds: float) -> None:
        if uplink.waiting > MOST_UNANSWERED - len(POINTS):
            full.set()
        await asyncio.sleep(0)

    async with Uplink.open(Broker("127.0.0.1", broker.port, "demo", "secret"), "edge") as uplink:
        running = asyncio.create_task(Gateway(Instruments(1), uplink, ManualClock(START), pause=pause).run(None, stop))
        await asyncio.wait_for(full.wait(), 10)
        stop.set()
        await asyncio.wait_for(running, 10)
        assert uplink.answered == 0
    await broker.start()


@pytest.mark.parametrize(
    ("command", "status"), [("diagnostics_request", "accepted"), ("mode_override", "rejected"), ("config_reload", "rejected")]
)
async def test_commands_are_answered(broker: Mosquitto, ear: Ear, command: str, status: str) -> None:
    request = "5f2b9c36-0d0e-4c43-9d2a-8a0f6f3a1e11"
    body = {"ts": "2026-06-11T14:32:00.000Z", "cmd": command, "params": {}, "source": "test", "request_id": request}
    async with telling(broker, NOW, polls=1):
        await ear.reached(lambda: bool(ear.of("/DOOR-MAIN")))
        for payload in (b"", b"[]", b'{"request_id": 5, "cmd": "x"}', json.dumps(body).encode()):
            ear.client.publish(f"microlink/{messages.ROOT}/command/plc", payload or b"null", 1)
        await ear.reached(lambda: bool(ear.of("/command/response")))
    (answer,) = ear.of("/command/response")
    told = Decoder().read(json.dumps(answer).encode(), Response)
    assert (told.request_id, told.status) == (request, status)
    assert (told.reason is None) == (status == "accepted")
