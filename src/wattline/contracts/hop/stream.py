"""GET /stream: everything that happens, as Server-Sent Events, with resume after a break."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from wattline.contracts.hop import documents
from wattline.contracts.hop.errors import Rejected
from wattline.contracts.hop.feed import Feed, gap
from wattline.contracts.hop.frames import Frame
from wattline.contracts.hop.gate import Gate
from wattline.contracts.hop.refusal import Refused, fault
from wattline.model.errors import WattlineError
from wattline.model.principal import Principal

HEARTBEAT_SECONDS = 15.0
PIECE_BYTES = 256 * 1024
MOST_PER_KEY = 64
RETRY_MILLISECONDS = 2_000
BEAT = b": still here\n\n"

Kind = Literal["telemetry", "score", "event", "outage", "alert"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one client gets: its tenant's frames, of its key's substations, of the types and substations it asked for."""

    tenant: str
    sites: frozenset[str] | None
    kinds: frozenset[str] | None
    substations: frozenset[str] | None

    def takes(self, frame: Frame) -> bool:
        """Whether this frame is for this client."""
        if frame.tenant != self.tenant or (self.kinds is not None and frame.kind not in self.kinds):
            return False
        if self.sites is not None and frame.site not in self.sites:
            return False
        return self.substations is None or frame.site in self.substations


class Follower:
    """One client: its position in the feed, and what it wants of it."""

    def __init__(self, feed: Feed, wanted: Wanted, since: int | None, *, heartbeat: float) -> None:
        self._feed = feed
        self._wanted = wanted
        self._position, complete_after = feed.position(since)
        self._missed = None if complete_after is None else gap(since, complete_after)
        # The batch at the position may begin with frames that the client has seen.
        self._seen = since if complete_after is None and since is not None else 0
        self._heartbeat = heartbeat
        self._more = asyncio.Event()

    async def pieces(self, still_allowed: AsyncIterator[bool]) -> AsyncGenerator[bytes]:
        """The bytes to send, until the feed closes or the key holds no more; asks for the key at every quiet moment."""
        leave = self._feed.follow(self._more.set)
        try:
            begin = self._seen or self._feed.last if self._missed is None else self._missed.id
            yield b"retry: %d\nid: %d\n\n" % (RETRY_MILLISECONDS, begin)
            if self._missed is not None:
                yield self._missed.text
            while not self._feed.closed:
                self._more.clear()
                piece = self._take()
                if piece:
                    yield piece
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._more.wait(), self._heartbeat)
                    continue
                if not await anext(still_allowed):
                    return
                yield BEAT
        finally:
            leave()

    def _take(self) -> bytes:
        """What waits for this client, up to a piece."""
        feed, takes = self._feed, self._wanted.takes
        parts: list[bytes] = []
        size = 0
        while self._position < feed.end and size < PIECE_BYTES:
            frames = feed.batch(self._position)
            if frames is None:
                # Overtaken: what is new matters more to a live client than what it missed.
                parts.append(gap(None, feed.last).text)
                self._position = feed.end
                break
            self._position += 1
            for frame in frames:
                if frame.id > self._seen and takes(frame):
                    parts.append(frame.text)
                    size += len(parts[-1])
        return b"".join(parts)


def _number(text: str | None, place: list[str | int]) -> int | None:
    if text is None or text == "":
        return None
    if not text.isdecimal() or len(text) > 19 or not text.isascii():
        raise Refused([fault("int_parsing", place, "Input should be the id of an event of this stream", text)])
    return int(text)


def build(feed: Feed, gate: Gate) -> APIRouter:
    """The route, on this feed."""
    router = APIRouter(tags=["HOP stream"], responses=documents.REFUSALS)
    caller = Depends(gate.reader)
    open_streams: dict[str, int] = {}

    @router.get(
        "/stream",
        summary="Everything that happens, live",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}, "description": "Server-Sent Events, without end."}},
    )
    async def stream(
        request: Request,
        types: Annotated[list[Kind] | None, Query(description="Only these types; repeat for several.")] = None,
        substation_id: Annotated[list[str] | None, Query(description="Only these substations; repeat for several.")] = None,
        last_event_id: Annotated[str | None, Query(description="As the header Last-Event-ID, which wins.")] = None,
        principal: Principal = caller,
    ) -> StreamingResponse:
        """Telemetry, scores, events, outages and alerts as they become durable.

        After a break, `Last-Event-ID` goes on where the client was, for at least 10 minutes at a fleet's usual pace; where
        something is missing the client first gets `event: gap`. A comment comes every 15 s. The key is the X-API-Key header,
        never a parameter: browsers read this stream with `fetch`.
        """
        since = _number(request.headers.get("last-event-id"), ["header", "Last-Event-ID"])
        if since is None:
            since = _number(last_event_id, ["query", "last_event_id"])
        if open_streams.get(principal.key_id, 0) >= MOST_PER_KEY:
            raise Rejected(429, f"A key may have {MOST_PER_KEY} streams open", {"Retry-After": "5"})
        feed.start()
        wanted = Wanted(
            principal.tenant,
            principal.sites,
            None if types is None else frozenset(types),
            None if substation_id is None else frozenset(substation_id),
        )
        follower = Follower(feed, wanted, since, heartbeat=HEARTBEAT_SECONDS)

        async def held() -> AsyncIterator[bool]:
            while True:
                try:
                    now = await gate.reader(request)
                except WattlineError:
                    yield False
                else:
                    yield (now.tenant, now.sites) == (wanted.tenant, wanted.sites)

        async def pieces() -> AsyncIterator[bytes]:
            open_streams[principal.key_id] = open_streams.get(principal.key_id, 0) + 1
            try:
                async with contextlib.aclosing(follower.pieces(held())) as found:
                    async for piece in found:
                        yield piece
            finally:
                open_streams[principal.key_id] -= 1
                if not open_streams[principal.key_id]:
                    del open_streams[principal.key_id]

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(pieces(), headers=headers, media_type="text/event-stream")

    return router
