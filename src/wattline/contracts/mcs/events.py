"""GET /events and /events/verify."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from wattline.contracts.mcs import derive
from wattline.contracts.mcs.blocks import BlockAlias, Blocks, BlockText, named
from wattline.contracts.mcs.documents import refusals
from wattline.contracts.mcs.errors import JSON
from wattline.contracts.mcs.events_rows import EventRow, event_filter, event_row
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.times import Moment
from wattline.model.clock import DAY, to_micros
from wattline.model.errors import Forbidden
from wattline.model.principal import Principal
from wattline.platform import Platform

USUAL_WINDOW = DAY
LARGEST = 2**63 - 1

Types = Annotated[str | None, Query(description="Only these types, separated by commas.", examples=["mode_change"])]


class EventsRow(msgspec.Struct):
    """A page of events, newest first."""

    total: Annotated[int, derive.said("All that match, whatever the page.")]
    events: list[EventRow]


class VerifyRow(msgspec.Struct):
    """Whether the log is what was written."""

    valid: bool
    events_checked: Annotated[int, derive.said("Events from the first on whose hashes hold.")]
    last_hash: Annotated[str, derive.said("Of the last of them. Kept elsewhere, it proves later that nothing was rewritten.")]
    broken_at: Annotated[int | None, derive.said("The number of the first event that does not hold.")]
    reason: str | None


def types(text: str | None) -> list[str] | None:
    """The event types of a list that is separated by commas; None where none was given."""
    if text is None or not text.strip():
        return None
    return [each.strip() for each in text.split(",") if each.strip()]


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The routes, on this platform."""
    router = APIRouter(tags=["MCS events"])
    caller = Depends(gate.reader)
    clock, log, registry = platform.clock, platform.events, platform.registry

    @router.get(
        "/events", summary="The event log, newest first", response_model=derive.model(EventsRow), responses=refusals(409, 422)
    )
    async def events(
        block_slug: BlockText = None,
        block_id: BlockAlias = None,
        event_type: Types = None,
        type_: Annotated[str | None, Query(alias="type", description="The same as `event_type`.")] = None,
        start: Annotated[Moment | None, Query(description="Begin, included; 24 hours ago unless given.")] = None,
        end: Annotated[Moment | None, Query(description="End, included; now unless given.")] = None,
        offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        principal: Principal = caller,
    ) -> Response:
        """What happened, by the time when it happened. Nothing in this log is ever changed or removed."""
        now = clock.micros()
        text = named(block_slug, block_id)
        block = None if text is None else blocks.find(principal, text)
        if text is not None and block is None:
            return _answer(EventsRow(0, []))
        where = event_filter(
            registry,
            block,
            principal.sites,
            start=now - USUAL_WINDOW if start is None else to_micros(start),
            until=now if end is None else to_micros(end),
            types=types(event_type if event_type is not None else type_),
        )
        found = await log.counted(principal.tenant, where, offset=offset, limit=limit)
        return _answer(EventsRow(found.total, [event_row(registry, event) for event in found.events]))

    @router.get(
        "/events/verify",
        summary="Prove the event log",
        response_model=derive.model(VerifyRow),
        responses=refusals(),
    )
    async def verify(principal: Principal = caller) -> Response:
        """Recomputes every hash of the account's log. A key of some sites cannot ask: the chain is of the whole account."""
        if principal.sites is not None:
            raise Forbidden("the chain is of the whole account, and this key includes some of its sites only")
        found = await log.verify(principal.tenant)
        broken = found.broken
        return _answer(
            VerifyRow(
                found.sound,
                found.checked,
                found.last_hash,
                None if broken is None else broken.sequence,
                None if broken is None else broken.what,
            )
        )

    return router


def _answer(shown: object) -> Response:
    return Response(msgspec.json.encode(shown), media_type=JSON)
