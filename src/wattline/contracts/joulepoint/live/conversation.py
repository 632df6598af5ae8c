"""What one client says, and what it is answered: subscriptions to channels, resumed where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from wattline.contracts.joulepoint.events import SLACK
from wattline.contracts.joulepoint.live.channels import Channel, Terms, named
from wattline.contracts.joulepoint.live.client import Client
from wattline.contracts.joulepoint.live.frames import said, spelled
from wattline.contracts.joulepoint.live.hub import Hub
from wattline.contracts.joulepoint.live.lanes import Member
from wattline.contracts.joulepoint.live.occurrences import Following, Tails
from wattline.contracts.joulepoint.live.sources import KNOWN, OwnReadings, Source
from wattline.ingest.received import ReceivedRows
from wattline.metering.occurrences.model import Position, Which
from wattline.metering.occurrences.types import TYPES, readable
from wattline.model.clock import DAY, Clock
from wattline.model.errors import Invalid, NotFound, Unavailable
from wattline.model.principal import Principal

MOST_CHANNELS = 200
MOST_NAMED = 1_000
"""Names in one command; more than can be followed, for who does not know which of them are there."""
MOST_FIELDS = 64
FASTEST, SLOWEST = 50.0, 0.01
USUAL_HZ = 1.0
"""How often sums and power flows are told where the client does not say."""
REPLAYED = 1_000
"""Rows of a meter that are told again at most; who missed more gets the newest, and is told that there were others."""
REPLAYED_FOR = DAY
"""Rows older than so much (us of receipt) are not told again."""
SCOPES = {"meter": "energy:read", "group": "energy:read", "account": "energy:read", "topology": "topology:read"}
COMMANDS = ("subscribe", "unsubscribe", "ping", "ack")


@dataclass(frozen=True, slots=True)
class Live:
    """What every connection uses."""

    hub: Hub
    tails: Tails
    received: ReceivedRows
    clock: Clock


class Refused(Exception):
    """Why a channel is not followed: a code, and words."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Conversation:
    """The subscriptions of one client."""

    def __init__(self, live: Live, caller: Principal, client: Client) -> None:
        self._live = live
        self._caller = caller
        self._client = client
        self._leave: dict[str, Callable[[], None]] = {}
        self.followings: dict[str, Following] = {}

    def leave(self) -> None:
        """The client has gone."""
        for leave in self._leave.values():
            leave()
        self._leave.clear()
        self.followings.clear()
        self._client.leave()

    async def text(self, text: str) -> None:
        """What the client says."""
        try:
            command = msgspec.json.decode(text)
        except (ValueError, RecursionError):
            self._error(None, "malformed_json", "a command is a JSON object")
            return
        if not isinstance(command, dict):
            self._error(None, "malformed_json", "a command is a JSON object")
            return
        name = command.get("id")
        name = name if isinstance(name, str | int) and not isinstance(name, bool) and len(str(name)) <= 100 else None
        match command.get("op"):
            case "subscribe":
                self._client.say(said(await self.subscribe(command, name)))
            case "unsubscribe":
                self._client.say(said(self._unsubscribe(command, name)))
            case "ping":
                self._client.say(said({"op": "pong", "id": name, "t": spelled(self._live.clock.micros())}))
            case "ack":
                self._acknowledge(command, name)
            case "pong":
                pass
            case _:
                self._error(name, "unknown_op", f"the ops are: {', '.join(COMMANDS)}")

    def _error(self, name: object, code: str, detail: str) -> None:
        self._client.say(said({"op": "error", "id": name, "code": code, "detail": detail}))

    async def subscribe(self, command: Mapping[str, Any], name: object) -> dict[str, Any]:
        """Follow channels; what was accepted, with its terms, and what was not."""
        accepted: list[dict[str, Any]] = []
        rejected: list[dict[str, Any]] = []
        channels = command.get("channels")
        if not isinstance(channels, list) or not channels or not all(isinstance(text, str) for text in channels):
            return {"op": "error", "id": name, "code": "bad_channels", "detail": "channels is a list of names such as meter:5"}
        if len(channels) > MOST_NAMED:
            return {"op": "error", "id": name, "code": "bad_channels", "detail": f"channels has at most {MOST_NAMED} names"}
        try:
            terms = _terms(command)
        except Refused as refused:
            return {"op": "error", "id": name, "code": refused.code, "detail": str(refused)}
        resume = command.get("resume")
        places = resume if isinstance(resume, dict) else {}
        for text in dict.fromkeys(channels):
            try:
                accepted.append(await self._follow(text, terms, command, places.get(text)))
            except Refused as refused:
                rejected.append({"channel": text[:100], "code": refused.code, "detail": str(refused)})
        return {"op": "ack", "id": name, "accepted": accepted, "rejected": rejected}

    async def _follow(self, text: str, terms: Terms, command: Mapping[str, Any], place: object) -> dict[str, Any]:
        channel = named(text)
        if channel is None:
            raise Refused("bad_channel", "a channel is meter:ID, group:ID, account:ID, events:TYPE or topology:SITE")
        if text not in self._leave and len(self._leave) >= MOST_CHANNELS:
            raise Refused("too_many_channels", f"a connection follows at most {MOST_CHANNELS} channels")
        if channel.kind == "events":
            return await self._follow_events(channel, command, place)
        scope = SCOPES[channel.kind]
        if scope not in self._caller.scopes:
            raise Refused("insufficient_scope", f"this asks for the scope {scope}")
        await self._live.hub.prepare(self._caller, channel)
        try:
            source = self._live.hub.source(self._caller, channel)
        except NotFound:
            raise Refused("unknown_channel", "there is no such channel") from None
        if place is not None and (not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < 2**62):
            raise Refused("bad_resume", "resume has the last seq of a channel")
        if not isinstance(source, OwnReadings) and terms.max_hz is None:
            terms = Terms(terms.fields, USUAL_HZ)
        self._stop(text)
        return await self._join(channel, source, terms, place, snapshot=command.get("snapshot") is not False)

    async def _join(self, channel: Channel, source: Source, terms: Terms, place: object, *, snapshot: bool) -> dict[str, Any]:
        member = Member(self._client, channel.name)
        member.hold()
        self._leave[channel.name] = self._live.hub.follow(self._caller, channel, source, terms, member)
        told: dict[str, Any] = {"channel": channel.name, "fields": terms.fields, "max_hz": terms.max_hz}
        after = -1
        # Who does not want every row is not told of all that it missed either.
        if isinstance(place, int) and isinstance(source, OwnReadings) and terms.max_hz is None:
            told["resumed"], after = await self._replay(source, terms, place)
        else:
            make = source.present() if snapshot or place is not None else None
            frame = None if make is None else make(terms)
            if frame is not None:
                self._client.put(frame)
                after = frame.place if isinstance(frame.place, int) and isinstance(source, OwnReadings) else -1
            if place is not None:
                told["resumed"] = {"complete": False, "rows": 0}
        member.release(after)
        return told

    async def _replay(self, source: OwnReadings, terms: Terms, place: int) -> tuple[dict[str, Any], int]:
        """Tell again the rows that were received after a place; whether these are all, and the place of the last."""
        oldest = self._live.clock.micros() - REPLAYED_FOR
        try:
            rows = await self._live.received.newest(source.stream, max(place, oldest), REPLAYED + 1)
        except Unavailable:
            return {"complete": False, "rows": 0}, place
        complete = len(rows) <= REPLAYED and place >= oldest
        rows = rows[-REPLAYED:]
        for row in rows:
            # What the reader has not taken would push out what it missed.
            await self._client.room()
            frame = source.of(row)(terms)
            if frame is not None:
                self._client.put(frame)
        return {"complete": complete, "rows": len(rows)}, rows[-1].received if rows else place

    async def _follow_events(self, channel: Channel, command: Mapping[str, Any], place: object) -> dict[str, Any]:
        allowed = readable(self._caller.scopes)
        if channel.key == "*":
            types = allowed
            if not types:
                raise Refused("insufficient_scope", "this asks for the scope of some type of event")
        else:
            if channel.key not in TYPES:
                raise Refused("unknown_channel", "there is no such channel")
            types = frozenset({str(channel.key)})
            if not types <= allowed:
                raise Refused("insufficient_scope", f"this asks for the scope {TYPES[str(channel.key)].scope}")
        resumed = None if place is None else self._resumed(place)
        self._stop(channel.name)
        tails, client, tenant = self._live.tails, self._client, self._caller.tenant
        try:
            tail = await tails.join(tenant, client.more)
            try:
                position = resumed or await tails.occurrences.newest(tenant)
            except BaseException:
                tails.leave(tail, client.more)
                raise
        except Unavailable:
            raise Refused("unavailable", "the log cannot be read now: try again") from None
        which = Which(tenant, types, self._caller.sites)
        acknowledging = command.get("ack") is True
        following = Following(channel.name, tails, tail, which, position, acknowledging=acknowledging)
        self.followings[channel.name] = following
        self._leave[channel.name] = lambda: following.leave(client.more)
        client.more.set()
        return {"channel": channel.name, "seq": position.text(), "types": sorted(types), "ack": acknowledging}

    def _resumed(self, place: object) -> Position:
        occurrences = self._live.tails.occurrences
        try:
            position = Position.read(place if isinstance(place, str) else "")
        except Invalid:
            raise Refused("bad_resume", "resume has the last seq of a channel") from None
        if position.received < occurrences.oldest:
            raise Refused("cursor_expired", "the log does not go back as far")
        if position.received > self._live.clock.micros() + SLACK:
            raise Refused("bad_resume", "the log has not come so far")
        return position

    def _stop(self, channel: str) -> bool:
        leave = self._leave.pop(channel, None)
        self.followings.pop(channel, None)
        self._client.forget(channel)
        if leave is not None:
            leave()
        return leave is not None

    def _unsubscribe(self, command: Mapping[str, Any], name: object) -> dict[str, Any]:
        channels = command.get("channels")
        if not isinstance(channels, list) or not all(isinstance(text, str) for text in channels):
            return {"op": "error", "id": name, "code": "bad_channels", "detail": "channels is a list of names such as meter:5"}
        return {"op": "ack", "id": name, "unsubscribed": [text for text in dict.fromkeys(channels) if self._stop(text)]}

    def _acknowledge(self, command: Mapping[str, Any], name: object) -> None:
        cursor, channel = command.get("cursor"), command.get("channel")
        chosen = [f for c, f in self.followings.items() if channel is None or c == channel]
        try:
            position = Position.read(cursor if isinstance(cursor, str) else "")
        except Invalid:
            self._error(name, "bad_cursor", "cursor is the seq of an event")
            return
        if not chosen:
            self._error(name, "unknown_channel", "no channel of events is followed under this name")
        for following in chosen:
            following.acknowledge(position)
        self._client.more.set()


def _terms(command: Mapping[str, Any]) -> Terms:
    fields, hertz = command.get("fields"), command.get("max_hz")
    if fields is not None:
        if not isinstance(fields, list) or not 1 <= len(fields) <= MOST_FIELDS or not all(isinstance(f, str) for f in fields):
            raise Refused("bad_fields", f"fields is a list of 1 to {MOST_FIELDS} names")
        unknown = sorted(set(fields) - KNOWN)
        if unknown:
            raise Refused("unknown_field", f"there is no field {unknown[0][:100]!r}")
        fields = tuple(dict.fromkeys(fields))
    if hertz is not None:
        if isinstance(hertz, bool) or not isinstance(hertz, int | float) or not SLOWEST <= hertz <= FASTEST:
            raise Refused("bad_max_hz", f"max_hz is between {SLOWEST} and {FASTEST:g}")
        hertz = float(hertz)
    return Terms(fields, hertz)
