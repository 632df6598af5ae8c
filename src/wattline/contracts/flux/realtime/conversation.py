"""What one client says on its connection, and what it is answered."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import NamedTuple

import msgspec

from wattline.contracts.flux.caller import Caller
from wattline.contracts.flux.gate.words import SocketRefused
from wattline.contracts.flux.realtime import binary, joining
from wattline.contracts.flux.realtime.channel import PREFIX, BadConfig, Channel, Config, reply
from wattline.contracts.flux.realtime.frames import Malformed, Message, Version, decode
from wattline.contracts.flux.realtime.joining import Realtime
from wattline.contracts.flux.realtime.outbox import TRY_AGAIN, Closing, Outbox
from wattline.contracts.flux.realtime.rooms import Room

PHOENIX = "phoenix"
UNMATCHED = {"reason": "unmatched topic"}
TOO_MANY_MESSAGES = "Too many messages per second"


class Joined(NamedTuple):
    """A channel and the room that it is in."""

    channel: Channel
    room: Room


class Conversation:
    """The channels of one connection. `caller` is who opened it."""

    def __init__(self, shared: Realtime, version: Version, caller: Caller, outbox: Outbox) -> None:
        self.joined: dict[str, Joined] = {}
        self.caller = caller
        self._shared = shared
        self._version = version
        self._outbox = outbox

    async def text(self, said: str) -> Closing | None:
        """Hear a text frame; what is no message is passed over. Returns why the connection ends, if it does."""
        try:
            asked = decode(self._version, said)
            return await self._heard(asked)
        except Malformed:
            return None

    async def _heard(self, asked: Message) -> Closing | None:
        if asked.topic == PHOENIX:
            if asked.event == "heartbeat":
                reply(self._outbox, self._version, asked, "ok", {})
            return None
        if asked.event == "phx_join":
            return await self._join(asked)
        found = self.joined.get(asked.topic)
        if found is None:
            reply(self._outbox, self._version, asked, "error", UNMATCHED)
            return None
        if asked.join_ref is not None and asked.join_ref != found.channel.join_ref:
            # Said on a channel of this topic that was closed since.
            if asked.event == "phx_leave":
                reply(self._outbox, self._version, asked, "ok", {})
            return None
        match asked.event:
            case "phx_leave":
                found.channel.reply(asked, "ok", {})
                self._close(asked.topic)
            case "access_token":
                await self._token(found.channel, asked)
            case "broadcast" | "presence" if not self._may_speak(found.channel):
                pass
            case "broadcast":
                self._broadcast(found, asked)
            case "presence":
                self._presence(found, asked)
        return None

    async def _join(self, asked: Message) -> Closing | None:
        shared, limits = self._shared, self._shared.limits
        if not asked.topic.startswith(PREFIX) or asked.topic == PREFIX:
            reply(self._outbox, self._version, asked, "error", UNMATCHED)
            return None
        allowed = shared.limiter.take(("realtime joins", self.caller.tenant), limits.joins, limits.joins).allowed
        if not allowed:
            self._refuse(asked, "ClientJoinRateLimitReached: Too many joins per second")
            return Closing(TRY_AGAIN, "too many joins per second")
        self._close(asked.topic)
        if len(self.joined) >= limits.channels:
            self._refuse(asked, "ChannelRateLimitReached: Too many channels")
            return None
        try:
            channel = await self._admitted(asked)
        except BadConfig as error:
            self._refuse(asked, f"InvalidJoinPayload: {error}")
        except SocketRefused as refused:
            self._refuse(asked, refused.reason)
        else:
            await self._enter(channel, asked)
        return None

    def _refuse(self, asked: Message, reason: str) -> None:
        reply(self._outbox, self._version, asked, "error", {"reason": reason})

    async def _admitted(self, asked: Message) -> Channel:
        limits = self._shared.limits
        if len(asked.topic.encode()) > limits.topic_bytes:
            raise BadConfig(f"the topic is longer than {limits.topic_bytes} bytes")
        if len(bytes(asked.payload)) > limits.join_bytes:
            raise BadConfig(f"the payload is longer than {limits.join_bytes} bytes")
        config = Config.of(asked.read(), limits)
        if len(config.entries) + sum(len(each.channel.config.entries) for each in self.joined.values()) > limits.all_bindings:
            raise SocketRefused(429, "ChannelRateLimitReached", "Too many postgres_changes")
        token = config.token
        if not token or token.startswith(joining.OPAQUE):
            token = None
        caller = self.caller if token is None else await joining.caller_of(self._shared, token, self.caller)
        if joining.expired(caller, self._shared.clock):
            raise SocketRefused(401, "InvalidJWTToken", joining.EXPIRED)
        if config.private and caller.anonymous:
            topic = asked.topic[len(PREFIX) :]
            raise SocketRefused(403, "Unauthorized", f"You do not have permissions to read from this Channel topic: {topic}")
        join_ref = asked.ref if asked.join_ref is None else asked.join_ref
        if not config.presence_key:
            config = replace(config, presence_key=str(uuid.uuid4()))
        return Channel(self._version, asked.topic, join_ref, config, self._outbox, caller, token, self._shared.limits)

    async def _enter(self, channel: Channel, asked: Message) -> None:
        room, problem = await joining.attach(self._shared, channel)
        self.joined[channel.topic] = Joined(channel, room)
        channel.reply(asked, "ok", {"postgres_changes": joining.echoed(channel)})
        if channel.config.presence:
            channel.push("presence_state", room.state())
        joining.subscribed(self._shared, channel, problem)

    def _may_speak(self, channel: Channel) -> bool:
        most = self._shared.limits.messages
        if self._shared.limiter.take(("realtime messages", id(self)), most, most).allowed:
            return True
        channel.system("error", TOO_MANY_MESSAGES, extension="system")
        self._close(channel.topic)
        return False

    def _broadcast(self, found: Joined, asked: Message) -> None:
        if not isinstance(asked.read(), dict):
            raise Malformed
        found.room.tell("broadcast", bytes(asked.payload), None if found.channel.config.own else found.channel)
        if found.channel.config.ack:
            found.channel.reply(asked, "ok", {})

    def binary(self, data: bytes) -> Closing | None:
        """Hear a binary frame: a broadcast of serializer 2.0.0. What is none is passed over."""
        try:
            if self._version != 2:
                raise Malformed
            push = binary.decode(data)
            if push.encoding == binary.JSON:
                msgspec.json.decode(push.payload)
        except (Malformed, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        asked = Message(push.join_ref, push.ref, push.topic, push.event, msgspec.Raw(push.payload))
        found = self.joined.get(push.topic)
        if found is None:
            reply(self._outbox, self._version, asked, "error", UNMATCHED)
        elif push.join_ref in ("", found.channel.join_ref) and self._may_speak(found.channel):
            found.room.push(push, None if found.channel.config.own else found.channel)
            if found.channel.config.ack:
                found.channel.reply(asked, "ok", {})
        return None

    def _presence(self, found: Joined, asked: Message) -> None:
        said = asked.read()
        kind = said.get("event") if isinstance(said, dict) else None
        channel = found.channel
        if kind == "track":
            meta = said.get("payload") or {}
            if not isinstance(meta, dict) or len(bytes(asked.payload)) > self._shared.limits.presence_bytes:
                channel.reply(asked, "error", {"reason": "the payload of a presence is no object, or too large"})
                return
            if not channel.config.presence:
                channel.config = replace(channel.config, presence=True)
                channel.push("presence_state", found.room.state())
            found.room.track(channel, channel.config.presence_key, meta)
        elif kind == "untrack":
            found.room.untrack(channel)
        else:
            channel.reply(asked, "error", {"reason": "unknown presence event"})
            return
        channel.reply(asked, "ok", {})

    async def _token(self, channel: Channel, asked: Message) -> None:
        said = asked.read()
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str) or not token or token.startswith(joining.OPAQUE) or token == channel.token:
            return
        try:
            caller = await joining.caller_of(self._shared, token, self.caller)
        except SocketRefused as refused:
            self.expel(channel, refused.message)
        else:
            await joining.rebind(self._shared, channel, caller, token)

    def expel(self, channel: Channel, why: str) -> None:
        """End a channel whose token does not hold any more."""
        channel.system("error", why, extension="system")
        self._close(channel.topic)

    def _close(self, topic: str) -> None:
        found = self.joined.pop(topic, None)
        if found is not None:
            found.channel.end()
            joining.detach(self._shared, *found)

    def leave(self) -> None:
        """The connection has ended."""
        for found in self.joined.values():
            joining.detach(self._shared, *found)
        self.joined.clear()
