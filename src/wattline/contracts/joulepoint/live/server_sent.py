"""GET /api/energy/live: the same channels as Server-Sent Events, for clients that speak plain HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from wattline.contracts.joulepoint.gate import Admitted, Gate, bearer
from wattline.contracts.joulepoint.live.client import Client
from wattline.contracts.joulepoint.live.conversation import FASTEST, SLOWEST, Conversation, Live
from wattline.contracts.joulepoint.live.door import waiting
from wattline.contracts.joulepoint.live.frames import Frame, said
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
    """The ids of one stream of events: how far the readings (a receipt, us) and the log have been told."""

    def __init__(self, received: int, log: Position) -> None:
        self._received, self._log = received, log

    def event(self, frame: Frame) -> bytes:
        """A frame as the text of an event."""
        kind = b"frame"
        if isinstance(frame.place, str):
            self._log = Position.read(frame.place)
        elif frame.channel.startswith("meter:"):
            self._received = max(self._received, frame.place)
        elif not frame.channel:
            kind = b"status"
        return b"id: %d.%s\nevent: %s\ndata: %s\n\n" % (self._received, self._log.text().encode(), kind, frame.payload)


class Streaming(StreamingResponse):
    """The stream, after which its subscriptions end, whether or not it could begin."""

    def __init__(self, pieces: AsyncGenerator[bytes], conversation: Conversation) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(pieces, headers=headers, media_type="text/event-stream")
        self._conversation = conversation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._conversation.leave()


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
        ids = Ids(live.received.horizon, await live.tails.occurrences.newest(caller.tenant))
        if last_event_id:
            received, log = _read(last_event_id)
            ids = Ids(received, log)
            command["resume"] = {name: log.text() if name.startswith("events:") else received for name in names}
        client = Client(live.hub.lost)
        conversation = Conversation(live, caller, client)
        live.hub.start()
        try:
            told = await conversation.subscribe(command, None)
        except BaseException:
            conversation.leave()
            raise
        if told["op"] == "error":
            raise bad_parameter("channels", told["code"], told["detail"])
        if not told["accepted"]:
            raise _refusal(told["rejected"][0])
        client.say(said(told))
        return Streaming(_pieces(visitors, token, caller, client, conversation, ids), conversation)

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


async def _pieces(
    visitors: Visitors, token: str | None, caller: Principal, client: Client, conversation: Conversation, ids: Ids
) -> AsyncGenerator[bytes]:
    """The bytes to send, until the client has gone, the server stops or the token ends."""
    loop, patience = asyncio.get_running_loop(), visitors.patience
    check_at, beat_at = loop.time() + patience.recheck, loop.time() + patience.ping
    with visitors.counted(caller):
        yield RETRY
        while not visitors.stopping.is_set():
            client.more.clear()
            frames = await waiting(client, conversation)
            if frames:
                yield b"".join(map(ids.event, frames))
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
