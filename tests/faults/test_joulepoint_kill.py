"""kill -9 at any moment while a depot sends: what was acknowledged is there, once, and everybody is told of it once."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import httpx

from tests.faults.depot_hands import ENERGY, Device, Feeder, Key
from tests.faults.depot_model import Consumer, Fields, Place, Readings, spelled
from tests.faults.depot_office import Clerk, Relay
from tests.server_process import ServerProcess

KILLS = 5
SETTINGS = {"WATTLINE_LOG_LEVEL": "warning", "WATTLINE_MQTT": "off", "WATTLINE_JOULEPOINT_DEVICE_RATE": "0"}


class Hand(Protocol):
    """One who goes on for ever. `cut` counts what was not answered."""

    cut: int

    async def step(self, http: httpx.AsyncClient) -> None:
        """One request or a few."""
        ...


class Depot:
    """Everybody who talks to the server, and what it must hold by then."""

    def __init__(self, start: int) -> None:
        self.choice = random.Random(start)
        self.first = int(time.time()) - 20 * 3600
        self.expected = Readings()
        self.consumer = Consumer()
        self.devices: list[Device] = []
        self.answered = 0
        self.most = 0
        self.enough = asyncio.Event()
        self.news = asyncio.Event()

    async def furnish(self, http: httpx.AsyncClient) -> None:
        """Four meters: one with two devices' keys, and a gateway's key for it and the next; a feeder, and one with a relay."""
        meters = [await made(http, "meters", name=f"meter {number}") for number in range(4)]
        both, beside, fed, relayed = (meter["id"] for meter in meters)
        keys = [await made(http, f"meters/{number}/keys", require_signature=True) for number in (both, both, fed, relayed)]
        keys.append(await made(http, "gateway-keys", require_signature=True, meter_ids=[both, beside]))
        left, right, feeding, relay, gateway = (Key(each["key"], each["secret"]) for each in keys)
        await made(http, "pq/config", meter_id=fed, sag_v_threshold=0.9, swell_v_threshold=1.1)
        values = itertools.count(1)
        for turn, (key, whose) in enumerate(((left, (both,)), (right, (both,)), (gateway, (both, beside)))):
            seconds = itertools.count(self.first + turn, 3)
            choice = random.Random(self.choice.random())
            self.devices.append(Device(key, self.expected, meters=whose, seconds=seconds, choice=choice, values=values))
        self.feeder = Feeder(
            feeding, self.expected, meter=fed, seconds=itertools.count(self.first), choice=random.Random(self.choice.random())
        )
        self.relay = Relay(relay, relayed, itertools.count(self.first, 2))
        self.clerk = Clerk(self.first)
        self.meters = [both, beside, fed]

    @property
    def hands(self) -> list[Hand]:
        """Everybody who writes."""
        return [*self.devices, self.feeder, self.relay, self.clerk]

    @property
    def unsure(self) -> dict[Place, Fields]:
        """The readings that were sent and not answered."""
        return {place: sent for device in (*self.devices, self.feeder) for place, sent in device.unsure.items()}

    async def play(self, hand: Hand, http: httpx.AsyncClient) -> None:
        """Let a hand go on until the server is gone. When all together had answers `enough`, somebody may kill it."""
        while True:
            await hand.step(http)
            self.answered += 1
            if self.answered % 10 == 0:
                self.news.set()
            if self.answered >= self.most:
                self.enough.set()

    async def worked(self) -> None:
        """Wait until there were answers enough."""
        await self.enough.wait()

    async def follow(self, http: httpx.AsyncClient) -> None:
        """Read the log for ever, now and then."""
        while True:
            await self.news.wait()
            self.news.clear()
            await read_on(http, self.consumer)

    async def rest(self, http: httpx.AsyncClient) -> None:
        """Repeat what is not answered, and end what lasts."""
        for device in self.devices:
            await device.ask_again(http)
        await self.feeder.rest(http)
        if self.relay.pending is not None:
            await self.relay.step(http)

    async def check(self, http: httpx.AsyncClient) -> None:
        """Right after a start, before anything is repeated."""
        await settled(http)
        await read_all(http, self.consumer)
        self.consumer.check(self.expected, self.unsure)
        newcomer = Consumer()
        await read_all(http, newcomer)
        newcomer.check(self.expected, self.unsure)
        assert all(len(told) == 1 for told in newcomer.readings.values()), "a reading is in the log once"
        for meter in self.meters:
            await self.check_export(http, meter, newcomer)
        await self.clerk.check(http)
        await self.check_feeder(http, newcomer)
        await self.check_relay(http, newcomer)
        assert by_id(newcomer) == by_id(self.consumer), "both were told the same"

    async def check_export(self, http: httpx.AsyncClient, meter: int, newcomer: Consumer) -> None:
        """The rows as they are exported are those of the log: each time once, with its last values."""
        period = {"from": spelled(self.first), "to": spelled(self.first + 86_400), "interval": "raw", "tz": "UTC"}
        names = ("total_power", "total_energy", "voltage_a", "current_a")
        asked = {"meter_id": str(meter), **period, "columns": ",".join(names)}
        answer = await http.get(f"{ENERGY}/analytics/export", params=asked)
        assert answer.status_code == 200, answer.text
        found: dict[int, dict[str, float]] = {}
        for row in csv.DictReader(io.StringIO(answer.text)):
            second = round(datetime.fromisoformat(row["time_utc"]).timestamp())
            assert second not in found
            found[second] = {name: float(row[name]) for name in names if row[name]}
        told = {place.second: each[-1][1] for place, each in newcomer.readings.items() if place.meter == meter}
        assert found.keys() == told.keys()
        for second, fields in found.items():
            assert fields == {name: told[second][name] for name in names if name in told[second]}

    async def check_feeder(self, http: httpx.AsyncClient, newcomer: Consumer) -> None:
        """Every sag and every switching of the breaker, once, as far as the readings of it are there."""
        number = self.feeder.meter
        stored = max((place.second for place in newcomer.readings if place.meter == number), default=0)
        sags = [(low, high) for low, high in self.feeder.sags if low <= stored]
        found = await listed(http, "pq/events", meter_id=number)
        assert [each["type"] for each in found] == ["sag"] * len(sags)
        assert [second_of(each["start"]) for each in reversed(found)] == [low for low, _ in sags]
        ended = [None if high + 1 > stored else high + 1 for _, high in sags]
        assert [each["end"] and second_of(each["end"]) for each in reversed(found)] == ended
        phases = Counter((each["data"]["id"], each["data"]["phase"]) for each in of(newcomer, "pq.event", number))
        begun = {(each["id"], "start"): 1 for each in found}
        assert phases == begun | {(each["id"], "end"): 1 for each in found if each["end"]}
        switched = [(second, state) for second, state in self.feeder.breaker if second <= stored]
        events = await listed(http, "protection/events", meter_id=number)
        assert [(second_of(each["timestamp"]), each["state"]) for each in reversed(events)] == switched
        assert not [each for each in events if each["sequence_gap"] or each["late"]]
        logged = of(newcomer, "protection.event", number)
        assert [(second_of(each["data"]["timestamp"]), each["data"]["state"]) for each in logged] == switched
        breakers = await listed(http, "protection/breakers", meter_id=number)
        assert [each["state"] for each in breakers] == ([switched[-1][1] if switched else "closed"] if stored else [])

    async def check_relay(self, http: httpx.AsyncClient, newcomer: Consumer) -> None:
        """Every event that the relay told of, once; the one that was cut off may be there."""
        number = self.relay.meter
        names = [body["source_event_id"] for body in self.relay.told]
        rows = [*await listed(http, "protection/events", meter_id=number), *await listed(http, "pq/events", meter_id=number)]
        found = sorted((each["source_event_id"] for each in rows), key=lambda name: int(name.rpartition("-")[2]))
        assert found in (names, [*names, f"event-{self.relay.number}"] if self.relay.pending is not None else names)
        assert not [each for each in rows if each.get("sequence_gap") or each.get("late")]
        told = [*of(newcomer, "protection.event", number), *of(newcomer, "pq.event", number)]
        logged = Counter((each["data"]["source_event_id"], each["data"].get("phase")) for each in told)
        assert logged == {
            (each["source_event_id"], phase): 1 for each in rows for phase in (("start", "end") if "start" in each else (None,))
        }


async def made(http: httpx.AsyncClient, path: str, **body: Any) -> Any:
    """A new resource."""
    answer = await http.post(f"{ENERGY}/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def listed(http: httpx.AsyncClient, path: str, **asked: Any) -> list[Any]:
    """Every row of a list, newest first."""
    rows: list[Any] = []
    address: str | None = str(httpx.URL(f"{ENERGY}/{path}", params={**asked, "limit": 500}))
    while address:
        answer = await http.get(address)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        rows += page["results"]
        address = page["next"]
    assert len(rows) == page["count"]
    return rows


async def read_on(http: httpx.AsyncClient, consumer: Consumer) -> bool:
    """One page of the log; whether there is more."""
    asked = {"limit": "500"} | ({} if consumer.cursor is None else {"after": consumer.cursor})
    answer = await http.get("/api/events", params=asked)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    for entry in page["results"]:
        consumer.hear(entry)
    consumer.cursor = page["cursor"]
    return bool(page["more"])


async def read_all(http: httpx.AsyncClient, consumer: Consumer) -> None:
    """The log up to its present end."""
    while await read_on(http, consumer):
        pass


async def settled(http: httpx.AsyncClient) -> None:
    """Ask until every reading has been judged: each answer is one turn of the server's loop, in which it judges some."""
    async with asyncio.timeout(60):
        while "wattline_follower_bytes 0.0" not in (await http.get("/metrics")).text:
            pass


def of(consumer: Consumer, kind: str, meter: int) -> list[Mapping[str, Any]]:
    """The entries of a type that a consumer was told of a meter."""
    return [entry for entry in consumer.others if entry["type"] == kind and entry["data"]["meter_id"] == meter]


def by_id(consumer: Consumer) -> dict[str, Mapping[str, Any]]:
    """What a consumer was told beside readings, without its place in the log, which is where it was read."""
    return {entry["id"]: {**entry, "cursor": None} for entry in consumer.others}


def second_of(text: str) -> int:
    """A time in whole seconds since 1970."""
    return round(datetime.fromisoformat(text).astimezone(UTC).timestamp())


@asynccontextmanager
async def client(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running server."""
    async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as http:
        yield http


async def test_kills_lose_and_double_nothing_of_a_depot(tmp_path: Path) -> None:
    depot = Depot(20260611)
    with ServerProcess(tmp_path / "data", "--open", environment=SETTINGS) as server:
        async with client(server) as http:
            await depot.furnish(http)
        unsure = 0
        for _ in range(KILLS):
            async with client(server) as http:
                depot.most = depot.answered + depot.choice.randrange(40, 250)
                depot.enough.clear()
                hands = [asyncio.create_task(depot.play(hand, http)) for hand in depot.hands]
                reader, worked = asyncio.create_task(depot.follow(http)), asyncio.create_task(depot.worked())
                await asyncio.wait([*hands, reader, worked], return_when=asyncio.FIRST_COMPLETED)
                server.kill()
                assert depot.enough.is_set()
                ended = await asyncio.gather(*hands, return_exceptions=True)
                # Nobody writes any more; a reader that waits for news learns now that the server is gone.
                depot.news.set()
                for result in [*ended, *await asyncio.gather(reader, return_exceptions=True)]:
                    if isinstance(result, BaseException) and not isinstance(result, httpx.TransportError):
                        raise result
            unsure += len(depot.unsure)
            server.start()
            async with client(server) as http:
                await depot.check(http)
                for device in depot.devices:
                    await device.ask_again(http)
        async with client(server) as http:
            await depot.rest(http)
            await depot.check(http)
        assert server.stop() == 0
    assert not depot.unsure
    assert unsure > 0, "no reading was cut off, so nothing was tried"
    assert sum(len(contents) - 1 for contents in depot.expected.contents.values()) > KILLS, "few were replaced"
    assert len(depot.feeder.sags) > KILLS
    assert len(depot.feeder.breaker) > KILLS
    assert len(depot.relay.told) > KILLS
    starts = [low for low, _ in depot.feeder.sags]
    assert all(before < after for before, after in pairwise(starts))
