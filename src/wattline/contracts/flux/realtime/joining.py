"""How a channel comes to be: its token, its place among others, its bindings; and what a new token changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from wattline.contracts.flux.caller import Caller, Policy
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.gate.gate import Gate
from wattline.contracts.flux.gate.words import SocketRefused
from wattline.contracts.flux.realtime.bindings import Binding, Reader, Rejected
from wattline.contracts.flux.realtime.channel import Channel
from wattline.contracts.flux.realtime.hub import Hub
from wattline.contracts.flux.realtime.limits import Limits
from wattline.contracts.flux.realtime.past import Past
from wattline.contracts.flux.realtime.rooms import Room, Rooms
from wattline.identity.limits import RateLimiter
from wattline.model.clock import Clock

OPAQUE = "sb_"
"""How keys begin that are no tokens: one of them in a join stands for the key of the connection."""
SUBSCRIBED = "Subscribed to PostgreSQL"
EXPIRED = "Token has expired"


class Realtime(NamedTuple):
    """What every connection shares."""

    hub: Hub
    rooms: Rooms
    gate: Gate
    policy: Policy
    limiter: RateLimiter
    clock: Clock
    limits: Limits
    stopping: asyncio.Event


async def caller_of(shared: Realtime, token: str, opened: Caller) -> Caller:
    """Whom a token makes the caller on a connection that another opened. Raises `SocketRefused`."""
    caller = await shared.gate.verify(token, opened.tenant, opened.key_id)
    if expired(caller, shared.clock):
        raise SocketRefused(401, "InvalidJWTToken", EXPIRED)
    return caller


def expired(caller: Caller, clock: Clock) -> bool:
    """Whether the caller's token has ended."""
    return caller.expires is not None and caller.expires <= clock.micros()


async def attach(shared: Realtime, channel: Channel) -> tuple[Room, str | None]:
    """Let a channel in: from the return on it is told of everything. Also why its bindings cannot be, or None."""
    problem = None
    try:
        await _bind(shared, channel)
    except Rejected as rejected:
        problem = str(rejected)
    if any(binding.since is not None for binding in channel.bindings):
        channel.hold()
    shared.hub.follow(channel)
    return shared.rooms.enter(channel), problem


def detach(shared: Realtime, channel: Channel, room: Room) -> None:
    """Let it out again."""
    channel.closed = True
    if channel.task is not None:
        channel.task.cancel()
    shared.hub.forget(channel)
    shared.rooms.leave(room, channel)


async def _bind(shared: Realtime, channel: Channel) -> None:
    hub = shared.hub
    reader = Reader(hub.relations, shared.policy, channel.caller, shared.clock.micros(), hub.reached)
    made = reader.read(channel.config.entries, channel.config.since)
    await hub.settle({name for binding in made for name in binding.conditions})
    channel.bindings = made


def echoed(channel: Channel) -> Sequence[object]:
    """The bindings as the client gave them, key for key, with their numbers."""
    return [{**entry, "id": number} for number, entry in enumerate(channel.config.entries, 1)]


def subscribed(shared: Realtime, channel: Channel, problem: str | None) -> None:
    """Tell a channel what became of its bindings, where it has some, and what it missed."""
    if not channel.config.entries:
        return
    if problem is not None:
        channel.system("error", problem)
    elif any(binding.since is not None for binding in channel.bindings):
        channel.task = asyncio.create_task(_catch_up(shared, channel), name="realtime past")
    else:
        _live(shared, channel)


def _live(shared: Realtime, channel: Channel) -> None:
    names = {name for binding in channel.bindings for name in binding.conditions}
    position = shared.hub.newest(names) if names else None
    channel.system("ok", SUBSCRIBED, position=position)


async def _catch_up(shared: Realtime, channel: Channel) -> None:
    hub = shared.hub
    starts = {
        (binding.id, name): hub.newest((name,)) if binding.since is None else binding.since
        for binding in channel.bindings
        for name in binding.conditions
    }
    past = Past(channel, hub.relations, starts)
    try:
        await past.tell()
    except Refusal as refusal:
        _unbind(shared, channel)
        channel.system("error", refusal.message)
        return
    position = min(max(hub.newest((name,)), at) for name, at in past.cursors.items()) if past.cursors else None
    channel.system("ok", SUBSCRIBED, position=position)


def _unbind(shared: Realtime, channel: Channel) -> None:
    shared.hub.forget(channel)
    channel.bindings = ()


async def rebind(shared: Realtime, channel: Channel, caller: Caller, token: str) -> None:
    """Another token for a channel: what it may see is what that one's role may."""
    before, channel.caller, channel.token = channel.caller, caller, token
    if not channel.config.entries or (caller.role == before.role and channel.task is not None and not channel.task.done()):
        return
    old: Sequence[Binding] = channel.bindings
    try:
        await _bind(shared, channel)
    except Rejected as rejected:
        _unbind(shared, channel)
        channel.system("error", str(rejected))
        return
    made, channel.bindings = channel.bindings, old
    shared.hub.forget(channel)
    channel.bindings = made
    shared.hub.follow(channel)
    if channel.task is None or channel.task.done():
        _live(shared, channel)
