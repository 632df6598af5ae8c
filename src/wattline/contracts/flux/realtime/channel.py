"""One topic that a connection has joined: how the client is answered on it, and what it is told of changes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wattline.contracts.flux.caller import Caller
from wattline.contracts.flux.realtime.bindings import Binding
from wattline.contracts.flux.realtime.frames import Around, Message, Ref, Version, around, message
from wattline.contracts.flux.realtime.limits import Limits
from wattline.contracts.flux.realtime.outbox import Outbox

PREFIX = "realtime:"
POSTGRES = "postgres_changes"


class BadConfig(Exception):
    """A join whose payload is not of the form that is asked for; the argument says where."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a join asks for."""

    ack: bool = False
    own: bool = False
    """Whether the channel gets its own broadcasts too."""
    presence: bool = False
    presence_key: str = ""
    private: bool = False
    entries: tuple[Mapping[str, Any], ...] = ()
    since: object = None
    token: str | None = None

    @classmethod
    def of(cls, payload: object, limits: Limits) -> Config:
        """The config of a join's payload; what is missing is as the clients' defaults have it. Raises `BadConfig`."""
        said = _object(payload, "payload")
        config = _object(said.get("config"), "config")
        broadcast, presence = _object(config.get("broadcast"), "broadcast"), _object(config.get("presence"), "presence")
        entries = config.get(POSTGRES)
        entries = [] if entries is None else entries
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise BadConfig("postgres_changes is not a list of objects")
        if len(entries) > limits.bindings:
            raise BadConfig(f"more than {limits.bindings} postgres_changes")
        key, token = presence.get("key"), said.get("access_token")
        return cls(
            ack=broadcast.get("ack") is True,
            own=broadcast.get("self") is True,
            presence=presence.get("enabled") is True,
            presence_key=key if isinstance(key, str) else "",
            private=config.get("private") is True,
            entries=tuple(entries),
            since=config.get("since"),
            token=token if isinstance(token, str) else None,
        )


def _object(value: object, name: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadConfig(f"{name} is not an object")
    return value


@dataclass(eq=False)
class Channel:
    """A joined topic. `bindings` are what live changes are matched against; `token` is None where the key stands for it."""

    version: Version
    topic: str
    join_ref: Ref
    config: Config
    outbox: Outbox
    caller: Caller
    token: str | None
    limits: Limits
    bindings: Sequence[Binding] = ()
    task: asyncio.Task[None] | None = None
    """What reads the past for it."""
    closed: bool = False
    spilled: bool = False
    """Whether held changes were dropped, which are then to be read again."""
    _held: deque[tuple[str, int, bytes]] | None = None
    _floors: dict[str, int] = field(default_factory=dict)
    _arounds: dict[tuple[int, ...], Around] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The topic as the client calls it."""
        return self.topic[len(PREFIX) :]

    def push(self, event: str, payload: object) -> None:
        """Tell this channel alone something."""
        self.outbox.put(message(self.version, self.topic, event, payload, join_ref=self.join_ref))

    def system(self, status: str, text: str, extension: str = POSTGRES, position: int | None = None) -> None:
        """Tell what became of a subscription or of the channel."""
        told: dict[str, object] = {"channel": self.name, "extension": extension, "message": text}
        if position is not None:
            told["position"] = position
        self.push("system", told | {"status": status})

    def reply(self, asked: Message, status: str, response: object) -> None:
        """Answer a message."""
        reply(self.outbox, self.version, asked, status, response)

    def end(self) -> None:
        """Tell the client that the channel is closed."""
        self.closed = True
        self.outbox.put(message(self.version, self.topic, "phx_close", {}, join_ref=self.join_ref, ref=self.join_ref))

    def wants(self, binding: Binding, relation: str, position: int) -> bool:
        """Whether a live change is still to be told: what was read again before is not."""
        return position > self._floors.get(relation, -1)

    def around(self, ids: tuple[int, ...]) -> Around:
        """What stands around a document for these bindings."""
        found = self._arounds.get(ids)
        if found is None:
            if len(self._arounds) >= self.limits.bindings:
                self._arounds.clear()
            whole = around(self.version, self.topic, POSTGRES)
            listed = ",".join(map(str, ids)).encode()
            found = Around(whole.before + b'{"ids":[%b],"data":' % listed, b"}" + whole.after)
            self._arounds[ids] = found
        return found

    def tell(self, relation: str, position: int, frame: bytes) -> None:
        """Send a live change, or hold it until the past has been told."""
        if self.closed:
            return
        if self._held is None:
            self.outbox.put(frame)
        elif len(self._held) < self.limits.held_frames:
            self._held.append((relation, position, frame))
        else:
            self.spilled = True

    def hold(self) -> None:
        """Hold live changes from now on; those that were held are dropped."""
        self._held = deque()
        self.spilled = False

    def release(self, told: Mapping[str, int]) -> None:
        """Go on live. `told` has, by relation, up to which position the past has been told."""
        held, self._held = self._held, None
        self._floors = dict(told)
        for relation, position, frame in held or ():
            if position > self._floors.get(relation, -1):
                self.outbox.put(frame)


def reply(outbox: Outbox, version: Version, asked: Message, status: str, response: object) -> None:
    """Answer a message on its topic."""
    told = {"status": status, "response": response}
    outbox.put(message(version, asked.topic, "phx_reply", told, join_ref=asked.join_ref, ref=asked.ref))
