"""Who is on a topic together: their broadcasts, and who is present. Tenants never meet; a private topic is another topic."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from wattline.contracts.flux.realtime import binary
from wattline.contracts.flux.realtime.channel import Channel
from wattline.contracts.flux.realtime.frames import Version, around

Presence = Mapping[str, Any]


class Place(NamedTuple):
    """Where channels meet."""

    tenant: str
    private: bool
    topic: str


class Room:
    """The channels of one place."""

    def __init__(self, place: Place, numbers: Callable[[], int]) -> None:
        self.place = place
        self.members: dict[Channel, None] = {}
        self._numbers = numbers
        self._present: dict[Channel, tuple[str, Presence]] = {}

    def tell(self, event: str, payload: bytes, but: Channel | None = None) -> None:
        """Send all but one the same."""
        made: dict[Version, bytes] = {}
        for member in self.members:
            if member is not but:
                self._send(member, event, payload, made)

    def _send(self, member: Channel, event: str, payload: bytes, made: dict[Version, bytes]) -> None:
        frame = made.get(member.version)
        if frame is None:
            frame = made[member.version] = around(member.version, self.place.topic, event).frame(payload)
        member.outbox.put(frame)

    def push(self, push: binary.Push, but: Channel | None) -> None:
        """Send all but one a broadcast that came as bytes; clients of serializer 1.0.0 get it where it is JSON."""
        whole = binary.broadcast(self.place.topic, push)
        text: bytes | None = None
        if push.encoding == binary.JSON:
            told = {"event": push.event, "payload": msgspec.Raw(push.payload), "type": "broadcast"}
            text = msgspec.json.encode(told)
        made: dict[Version, bytes] = {}
        for member in self.members:
            if member is but:
                continue
            if member.version == 2 and whole is not None:
                member.outbox.put(whole)
            elif text is not None:
                self._send(member, "broadcast", text, made)

    def state(self) -> dict[str, Any]:
        """Who is present, by key."""
        found: dict[str, Any] = {}
        for key, meta in self._present.values():
            found.setdefault(key, {"metas": []})["metas"].append(meta)
        return found

    def track(self, channel: Channel, key: str, payload: Presence) -> None:
        """A channel is present, or present in another way than before."""
        before = self._present.get(channel)
        number = f"{self._numbers():x}"
        meta = {**payload, "phx_ref": number}
        if before is not None:
            meta["phx_ref_prev"] = before[1]["phx_ref"]
        self._present[channel] = (key, meta)
        self._differ({key: {"metas": [meta]}}, _listed(before))

    def untrack(self, channel: Channel) -> None:
        """A channel is present no more."""
        before = self._present.pop(channel, None)
        if before is not None:
            self._differ({}, _listed(before))

    def _differ(self, joins: Mapping[str, Any], leaves: Mapping[str, Any]) -> None:
        payload = msgspec.json.encode({"joins": joins, "leaves": leaves})
        made: dict[Version, bytes] = {}
        for member in self.members:
            if member.config.presence:
                self._send(member, "presence_diff", payload, made)


def _listed(present: tuple[str, Presence] | None) -> dict[str, Any]:
    return {} if present is None else {present[0]: {"metas": [present[1]]}}


class Rooms:
    """The rooms that somebody is in."""

    def __init__(self) -> None:
        self._rooms: dict[Place, Room] = {}
        self._numbers = itertools.count(1)

    def find(self, place: Place) -> Room | None:
        """The room of a place, if anybody is there."""
        return self._rooms.get(place)

    def enter(self, channel: Channel) -> Room:
        """Let a channel into the room of its topic."""
        place = Place(channel.caller.tenant, channel.config.private, channel.topic)
        room = self._rooms.get(place)
        if room is None:
            room = self._rooms[place] = Room(place, self._numbers.__next__)
        room.members[channel] = None
        return room

    def leave(self, room: Room, channel: Channel) -> None:
        """Let it out."""
        room.members.pop(channel, None)
        room.untrack(channel)
        if not room.members:
            self._rooms.pop(room.place, None)
