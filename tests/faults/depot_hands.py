"""Devices of a depot that go on sending for ever, repeat whatever was not answered, and know what the answers must be."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from tests.faults.depot_model import Fields, Place, Readings, spelled

ENERGY = "/api/energy"
DATA = f"{ENERGY}/energy-data"


class Key(NamedTuple):
    """A device's or a gateway's key."""

    text: str
    secret: str

    async def post(self, http: httpx.AsyncClient, path: str, body: object) -> httpx.Response:
        """A signed request."""
        content = json.dumps(body).encode()
        signature = hmac.new(self.secret.encode(), content, hashlib.sha256).hexdigest()
        headers = {"X-Device-Key": self.text, "X-Signature": signature, "Content-Type": "application/json"}
        return await http.post(path, content=content, headers=headers)


class Item(NamedTuple):
    """A reading to send; one that is not sound must be refused. `beside` is what it says beside numbers."""

    place: Place
    fields: Fields
    is_sound: bool = True
    beside: Mapping[str, str] = {}

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return {"meter_id": self.place.meter, "timestamp": spelled(self.place.second), **self.fields, **self.beside}


@dataclass
class Post:
    """A request with readings, of a bulk unless it is `alone`. `unsure`: it was sent before, without an answer."""

    items: list[Item]
    alone: bool = False
    atomic: bool = False
    unsure: bool = False

    @property
    def lasting(self) -> list[Item]:
        """The readings of it that may be stored."""
        if self.atomic and not all(item.is_sound for item in self.items):
            return []
        return [item for item in self.items if item.is_sound]


@dataclass
class Sender:
    """Sends readings, one request after the other. No other sends for its places."""

    key: Key
    expected: Readings
    pending: Post | None = None
    cut: int = 0

    def next(self) -> Post:
        """What is sent next."""
        raise NotImplementedError

    @property
    def unsure(self) -> dict[Place, Fields]:
        """The readings that were sent and not answered."""
        return {} if self.pending is None else {item.place: item.fields for item in self.pending.lasting}

    async def step(self, http: httpx.AsyncClient) -> None:
        """Send what is next, or was not answered."""
        if self.pending is not None:
            self.pending.unsure = True
        await self.send(http, self.pending or self.next())

    async def send(self, http: httpx.AsyncClient, post: Post) -> None:
        """Send it, and hold the answer against what it must be."""
        self.pending = post
        never = {item.place for item in post.items} - {item.place for item in post.lasting}
        self.expected.refused.update(never - self.expected.contents.keys())
        self.cut += 1
        if post.alone:
            answer = await self.key.post(http, DATA, post.items[0].body())
        else:
            path = f"{DATA}/bulk?atomic={str(post.atomic).lower()}"
            answer = await self.key.post(http, path, {"readings": [item.body() for item in post.items]})
        self.cut -= 1
        if not post.lasting and (post.alone or post.atomic):
            assert answer.status_code == 422, answer.text
        elif post.alone:
            self._check_one(post, answer)
        else:
            self._check_many(post, answer)
        for item in post.lasting:
            self.expected.take(item.place, item.fields)
        self.pending = None

    def _check_one(self, post: Post, answer: httpx.Response) -> None:
        (item,) = post.items
        status, revision, _ = self.expected.outcome(item.place, item.fields)
        allowed = {(201 if status == "stored" else 200, status, revision)}
        if post.unsure:
            allowed.add((200, "duplicate", revision))
        told = answer.json()
        assert (answer.status_code, told.get("status"), told.get("revision", 1)) in allowed, (answer.text, allowed)
        assert (told["meter_id"], told["timestamp"]) == (item.place.meter, spelled(item.place.second))

    def _check_many(self, post: Post, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert [each["index"] for each in told["rejected"]] == [at for at, item in enumerate(post.items) if not item.is_sound]
        statuses = [self.expected.outcome(item.place, item.fields)[0] for item in post.lasting]
        right = {"accepted": statuses.count("stored"), "replaced": statuses.count("replaced")}
        right["duplicates"] = len(statuses) - sum(right.values())
        found = {name: told[name] for name in right}
        again = {"accepted": 0, "replaced": 0, "duplicates": len(statuses)}
        # The readings of one body are written together, so all of them were there before, or none.
        assert found == right or (post.unsure and found == again), (found, right)


@dataclass
class Device(Sender):
    """Sends readings of its meters: new ones, the same ones again, changed ones and wrong ones, single and several."""

    meters: tuple[int, ...] = ()
    seconds: Iterator[int] = field(default_factory=itertools.count)
    choice: random.Random = field(default_factory=random.Random)
    values: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    own: list[Place] = field(default_factory=list)

    def next(self) -> Post:
        """One reading, or a bulk of several."""
        if self.choice.random() < 0.75:
            return Post([self._item()], alone=True)
        items: dict[Place, Item] = {}
        for _ in range(self.choice.randrange(2, 25)):
            item = self._item()
            items.setdefault(item.place, item)
        return Post([*items.values()], atomic=self.choice.random() < 0.4)

    def changed(self, place: Place) -> Item:
        """Another value of a field at a place, one that was never sent before."""
        return Item(place, {self.choice.choice(("total_power", "current_a")): float(next(self.values))})

    def _item(self) -> Item:
        kind = self.choice.random()
        if self.own and kind < 0.15:
            place = self.choice.choice(self.own)
            return Item(place, self.expected.contents[place][-1])
        if self.own and kind < 0.3:
            return self.changed(self.choice.choice(self.own))
        place = Place(self.choice.choice(self.meters), next(self.seconds))
        value = float(next(self.values))
        if kind < 0.35:
            return Item(place, {"total_power": value, "voltage_a": -1.0}, is_sound=False)
        return Item(place, {"total_power": value, "total_energy": value / 8, "voltage_a": 230.125})

    async def send(self, http: httpx.AsyncClient, post: Post) -> None:
        """As any sender; what was stored can be sent again."""
        await super().send(http, post)
        held = self.expected.contents
        self.own = [*self.own[-200:], *(item.place for item in post.lasting if len(held[item.place]) == 1)]

    async def ask_again(self, http: httpx.AsyncClient) -> None:
        """Readings from before a restart are known: they are duplicates, and changed ones replace them."""
        if self.pending is not None:
            await self.step(http)
        for place in self.choice.sample(self.own, min(4, len(self.own))):
            await self.send(http, Post([Item(place, self.expected.contents[place][-1])], alone=True))
            await self.send(http, Post([self.changed(place)], alone=True))


@dataclass
class Feeder(Sender):
    """Sends the voltages and the breaker of one meter in their order, and knows every sag and every switching of it.

    `sags` are the first and the last low second of each; `breaker` the states that followed upon the first one.
    """

    meter: int = 0
    seconds: Iterator[int] = field(default_factory=itertools.count)
    choice: random.Random = field(default_factory=random.Random)
    low: int = 0
    state: str = "closed"
    sags: list[list[int]] = field(default_factory=list)
    breaker: list[tuple[int, str]] = field(default_factory=list)

    def next(self) -> Post:
        """A few seconds."""
        return Post([self._second() for _ in range(self.choice.randrange(1, 8))])

    def _second(self, *, calm: bool = False) -> Item:
        second = next(self.seconds)
        if self.low and not calm:
            self.low -= 1
            self.sags[-1][1] = second
        else:
            self.low = 0
        is_low = bool(self.sags) and self.sags[-1][1] == second
        was_low = bool(self.sags) and self.sags[-1][1] == second - 1
        if not is_low and not was_low and not calm and self.choice.random() < 0.1:
            self.low = self.choice.randrange(0, 5)
            self.sags.append([second, second])
            is_low = True
        if self.choice.random() < 0.1:
            self.state = "open" if self.state == "closed" else "closed"
            self.breaker.append((second, self.state))
        volts = 150.0 if is_low else 230.0
        fields = {f"voltage_{phase}": volts for phase in "abc"}
        return Item(Place(self.meter, second), fields, beside={"breaker_state": self.state})

    async def rest(self, http: httpx.AsyncClient) -> None:
        """End a sag that lasts."""
        if self.pending is not None:
            await self.step(http)
        await self.send(http, Post([self._second(calm=True) for _ in range(2)]))
