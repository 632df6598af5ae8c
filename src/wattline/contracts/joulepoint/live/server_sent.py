"""GET /api/energy/live: the same channels as Server-Sent Events, for clients that speak plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from wattline.contracts.joulepoint.gate import Admitted, Gate, bearer
from wattline.contracts.joulepoint.live.client import Client
from wattline.contracts.joulepoint.live.conversation import FASTEST, SLOWEST, Conversation, Live
from wattline.contracts.joulepoint.live.door import waiting
from wattline.contracts.joulepoint.live.frames import Frame, said
from wattline.contracts.joulepoint.live.occurrences import Following
from wattline.contracts.joulepoint.live.visitors import FORBIDDEN, Closing, Visitors
from wattline.contracts.joulepoint.problem import Problem, bad_parameter, refusals
from wattline.metering.occurrences.model import Position
from wattline.model.errors import Invalid, NotFound, WattlineError
from wattline.model.principal import Principal

PATH = "/api/energy/live"
BEAT = b": still here\n\n"
RETRY = b"retry: 2000\n\n"

Channels = Annotated[str, Query(min_length=1, max_length=8_000, description="Names of channels, with commas: meter:5,group:2.")]
Fields = Annotated[str | None, Query(min_length=1, max_length=4_000, description="Only these fields, with commas.")]
Hertz = Annotated[float | None, Query(ge=SLOWEST, le=FASTEST, allow_inf_nan=False, description="Frames of a channel a second.")]
LastId = Annotated[str | None, Header(max_length=64, description="The `id` of the last event that came: go on after it.")]


class Ids:
    """The ids of one stream of events: how far the readings (a receipt, us) and the log have been told, of every channel.

    Who goes on after an id may get again what it has, and misses nothing: while meters tell one after the other what was missed
    (`catching_up`), the id stays where the client was.
    """

    def __init__(self, received: int, log: Position, *, catching_up: bool = False) -> None:
        self._received, self._log = received, log
        self._told = received
        self._catching_up = catching_up

    def events(self, frames: Sequence[Frame], followings: Collection[Following]) -> bytes:
        """Frames as the text of events. All entries of the log until the places of `followings` are told with the last."""
        return b"".join(
            self._event(frame, followings, last=number == len(frames)) for number, frame in enumerate(frames, start=1)
        )

    def _event(self, frame: Frame, followings: Collection[Following], *, last: bool) -> bytes:
        kind = b"frame"
        if isinstance(frame.place, str):
            if len(followings) == 1:
                self._log = Position.read(frame.place)
        elif frame.channel.startswith("meter:"):
            self._told = max(self._told, frame.place)
        elif not frame.channel:
            kind, self._catching_up = b"status", False
        if last and len(followings) > 1:
            # One is ahead of another that has more to tell.
            places = [following.position for following in followings]
            self._log = Position(min(place.received for place in places), min(place.sequence for place in places))
        if not self._catching_up:
            self._received = self._told
        return b"id: %d.%s\nevent: %s\ndata: %s\n\n" % (self._received, self._log.text().encode(), kind, frame.payload)


class _StandsStill(Exception):
    """A reader takes nothing any more."""


class Streaming(StreamingResponse):
    """The stream, whose subscriptions end with it, even if it could not begin. A reader may stand still for `stalled` s."""

    def __init__(self, pieces: AsyncGenerator[bytes], leave: Callable[[], None], stalled: float) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(pieces, headers=headers, media_type="text/event-stream")
        self._leave = leave
        self._stalled = stalled

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(self._stalled):
                    await send(message)
            except TimeoutError:
                raise _StandsStill from None

        try:
            await super().__call__(scope, receive, in_time)
        except _StandsStill:
            logging.getLogger(__name__).info("a listener that stands still was let go")
        finally:
            self._leave()


def _read(text: str) -> tuple[int, Position]:
    """How far a client was told of readings, and of the log. Raises `Problem` 400."""
    received, _, log = text.partition(".")
    try:
        if not (received.isascii() and received.isdigit() and len(received) < 19):
            raise Invalid("not an id")
        return int(received), Position.read(log)
    except Invalid:
        raise bad_parameter("Last-Event-ID", "bad_id", "this is no id of this stream") from None


def build(live: Live, gate: Gate, visitors: Visitors) -> APIRouter:
    """The route. Its token is held against every channel, and looked at again while the stream is open."""
    router = APIRouter(tags=["Joulepoint streams"], route_class=gate.keyed())

    async def stream(
        request: Request,
        caller: Admitted,
        channels: Channels,
        fields: Fields = None,
        max_hz: Hertz = None,
        last_event_id: LastId = None,
    ) -> StreamingResponse:
        """What the WebSocket sends, each frame as an event with the same JSON; `status` tells what was subscribed to.

        After a break, `Last-Event-ID` goes on where the client was: rows of meters and events of the log are sent again.
        """
        token = bearer(request.headers.get("authorization"))
        try:
            await visitors.admit(token)
            visitors.check_room(caller)
        except Closing as closing:
            raise _closed(closing) from None
        names = _listed(channels)
        command: dict[str, Any] = {"channels": names, "max_hz": max_hz, "fields": None if fields is None else _listed(fields)}
        client = Client(live.hub.lost, live.hub.room)
        tell = client.say
        if last_event_id:
            received, log = _read(last_event_id)
            ids = Ids(received, log, catching_up=True)
            command["resume"] = {name: log.text() if name.startswith("events:") else received for name in names}
            # After all that was missed.
            tell = client.put
        else:
            ids = Ids(live.received.horizon, await live.tails.occurrences.newest(caller.tenant))
        conversation = Conversation(live, caller, client)
        live.hub.start()

        async def subscribe() -> None:
            told = await conversation.subscribe(command, None)
            if told["op"] == "error":
                raise bad_parameter("channels", told["code"], told["detail"])
            if not told["accepted"]:
                raise _refusal(told["rejected"][0])
            tell(said(told))

        subscribing = asyncio.create_task(subscribe())

        def leave() -> None:
            subscribing.cancel()
            conversation.leave()

        try:
            await _begun(subscribing, client)
        except BaseException:
            leave()
            raise
        pieces = _pieces(visitors, token, caller, client, conversation, subscribing, ids)
        return Streaming(pieces, leave, visitors.patience.stalled)

    router.add_api_route(
        PATH,
        stream,
        methods=["GET"],
        summary="Follow channels live",
        response_class=StreamingResponse,
        response_model=None,
        responses={**refusals(404), 200: {"description": "Events without end.", "content": {"text/event-stream": {}}}},
    )
    return router


def _listed(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _closed(closing: Closing) -> Problem:
    if closing.code == FORBIDDEN:
        return Problem(403, "insufficient_scope", str(closing))
    return Problem(429, "too_many_requests", str(closing), headers={"Retry-After": "5"})


def _refusal(rejected: dict[str, str]) -> WattlineError:
    code, detail = rejected["code"], f"{rejected['channel']}: {rejected['detail']}"
    if code == "unknown_channel":
        return NotFound(detail)
    return Problem(403, code, detail) if code == "insufficient_scope" else bad_parameter("channels", code, detail)


async def _begun(subscribing: asyncio.Task[None], client: Client) -> None:
    """Wait until everything is subscribed to, or there is so much to tell that the stream must begin. Raises what the first
    raises; in the second case some channel was found, so nothing is refused any more."""
    filled = asyncio.create_task(client.filled.wait())
    try:
        await asyncio.wait({subscribing, filled}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        filled.cancel()
    if subscribing.done():
        subscribing.result()


async def _pieces(
    visitors: Visitors,
    token: str | None,
    caller: Principal,
    client: Client,
    conversation: Conversation,
    subscribing: asyncio.Task[None],
    ids: Ids,
) -> AsyncGenerator[bytes]:
    """The bytes to send, until the client has gone, the server stops or the token ends."""
    loop, patience = asyncio.get_running_loop(), visitors.patience
    check_at, beat_at = loop.time() + patience.recheck, loop.time() + patience.ping
    with visitors.counted(caller):
        yield RETRY
        while not visitors.stopping.is_set():
            client.more.clear()
            frames = await waiting(client, conversation)
            if subscribing.done():
                subscribing.result()
            if frames:
                yield ids.events(frames, conversation.followings.values())
                beat_at = loop.time() + patience.ping
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience.tick):
                        await client.more.wait()
            now = loop.time()
            if now >= check_at:
                if not await visitors.holds(token, caller):
                    return
                check_at = now + patience.recheck
            if now >= beat_at:
                yield BEAT
                beat_at = now + patience.ping
