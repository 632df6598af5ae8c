"""GET /blocks/{slug}/availability: how much of a period a block was available, and what that is worth."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import TypeAdapter, ValidationError

from wattline.alarms.availability import CLASSES, USUAL_CLASS, Availability, Maintenance, availability, minutes
from wattline.alarms.downtime import Downtime
from wattline.contracts.mcs import derive
from wattline.contracts.mcs.blocks import Blocks
from wattline.contracts.mcs.derive import Time, said
from wattline.contracts.mcs.documents import refusals
from wattline.contracts.mcs.errors import JSON, Unprocessable, fault
from wattline.contracts.mcs.gate import Gate
from wattline.contracts.mcs.times import End, Moment, Range, Start, spell, time_range
from wattline.model.clock import to_micros
from wattline.model.place import Block
from wattline.model.principal import Principal
from wattline.platform import Platform

MOST_WINDOWS = 100
CLASS_OF_BLOCK = "availability_class"
"""The key of a block's config that names its class."""
_MOMENT: TypeAdapter[Moment] = TypeAdapter(Moment)

Class = Annotated[
    str | None,
    Query(alias="class", description=f"{', '.join(f'{k} {v} %' for k, v in CLASSES.items())}; unless given, what the block's"
          f" config says under `{CLASS_OF_BLOCK}`, or {USUAL_CLASS}."),
]  # fmt: skip
Target = Annotated[
    Decimal | None, Query(ge=0, le=100, max_digits=9, description="The promise in percent, in place of that of a class.")
]
Windows = Annotated[
    list[str] | None,
    Query(
        alias="maintenance",
        description="A planned interruption as `BEGIN/END/ANNOUNCED`; it is no downtime where it was announced 48 h before.",
        examples=["2026-02-10T02:00:00Z/2026-02-10T04:00:00Z/2026-02-07T09:00:00Z"],
        max_length=MOST_WINDOWS,
    ),
]


class OutageRow(msgspec.Struct):
    """A time without interruption in which the block was down."""

    start: Time
    end: Annotated[Time, said("Of one that is not over: until now, or the end of the range.")]
    minutes: float


class AvailabilityReport(msgspec.Struct, kw_only=True):
    """How much of a period a block was available. Down is while an alarm of P0 or P1 is in force, counted once."""

    block_slug: str
    site_slug: str
    start: Time
    end: Time
    availability_class: Annotated[str | None, said("Null where a target was given.")]
    target_percent: float
    availability_percent: Annotated[
        float | None, said("Of the time that has passed, 4 decimals, rounded down; null where none has.")
    ]
    elapsed_minutes: float
    downtime_minutes: float
    excluded_minutes: Annotated[float, said("Down during maintenance that was announced in time.")]
    budget_minutes: Annotated[float, said("The downtime that the promise allows in the whole range.")]
    budget_used: Annotated[float | None, said("Share of it that is used; null where none is allowed.")]
    breach_warning: Annotated[bool, said("Whether over 75 % of the budget are used.")]
    budget_exhausted: bool
    credit_percent: Annotated[int, said("Of the fee, that is given back: 0, 5, 10, 25 or 50.")]
    outages: list[OutageRow]


def report(block: Block, name: str | None, found: Availability) -> AvailabilityReport:
    """The answer."""
    return AvailabilityReport(
        block_slug=block.slug,
        site_slug=block.site.key,
        start=spell(found.start),
        end=spell(found.end),
        availability_class=name,
        target_percent=float(found.target),
        availability_percent=None if found.percent is None else float(found.percent),
        elapsed_minutes=float(minutes(found.passed)),
        downtime_minutes=float(minutes(found.down)),
        excluded_minutes=float(minutes(found.excused)),
        budget_minutes=float(minutes(found.budget)),
        budget_used=None if found.used is None else float(found.used),
        breach_warning=found.warning,
        budget_exhausted=found.exhausted,
        credit_percent=found.credit,
        outages=[OutageRow(spell(a), spell(b), float(minutes(b - a))) for a, b in found.outages],
    )


def maintenance(text: str) -> Maintenance:
    """A window from BEGIN/END/ANNOUNCED. Raises `Unprocessable`."""
    parts = text.split("/")
    try:
        times = [to_micros(_MOMENT.validate_python(part)) for part in parts]
    except ValidationError:
        times = []
    if len(times) != 3 or times[1] <= times[0]:
        message = "Input should be BEGIN/END/ANNOUNCED, three times of which the second is after the first"
        raise Unprocessable([fault("value_error", ["query", "maintenance"], message, text)])
    return Maintenance(*times)


def promised(block: Block, name: str | None, target: Decimal | None) -> tuple[str | None, Decimal]:
    """The class and its promise. Raises `Unprocessable` for a class that is not known."""
    if target is not None:
        return None, target
    own = (block.config or {}).get(CLASS_OF_BLOCK)
    named = name if name is not None else own if isinstance(own, str) and own in CLASSES else USUAL_CLASS
    if named not in CLASSES:
        raise Unprocessable([fault("value_error", ["query", "class"], f"Input should be one of {', '.join(CLASSES)}", name)])
    return named, CLASSES[named]


def build(platform: Platform, gate: Gate, blocks: Blocks) -> APIRouter:
    """The route, on this platform. It must come before /blocks/{slug}, whose slug may hold a slash."""
    router = APIRouter(tags=["MCS alarms"])
    downtime = Downtime(platform.database, platform.events, platform.registry)
    caller = Depends(gate.reader)

    @router.get(
        "/blocks/{slug:path}/availability",
        summary="Availability of a block",
        response_model=derive.model(AvailabilityReport),
        responses=refusals(400, 404, 409, 422),
    )
    async def of_block(
        slug: str,
        start: Start,
        end: End = None,
        name: Class = None,
        target: Target = None,
        windows: Windows = None,
        principal: Principal = caller,
    ) -> Response:
        """The union of the times in which an alarm of P0 or P1 was in force, without maintenance that was announced in time."""
        block = blocks.block(principal, slug)
        asked: Range = time_range(start, end, now := platform.clock.micros())
        known, promise = promised(block, name, target)
        planned = [maintenance(text) for text in windows or ()]
        down = await downtime.of(block, asked.start, asked.end, now)
        found = availability(down, asked.start, asked.end, now, promise, planned)
        return Response(msgspec.json.encode(report(block, known, found)), media_type=JSON)

    return router
