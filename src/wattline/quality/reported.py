"""Events that a meter detected by itself: checked, and known again by the meter's own id of them."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from wattline.metering.model import Meter
from wattline.model.clock import SECOND
from wattline.model.errors import Conflict
from wattline.quality import store
from wattline.quality.categories import category
from wattline.quality.config import Config
from wattline.quality.curves import itic, semi_f47
from wattline.quality.disturbance import Type
from wattline.quality.ledger import Ledger
from wattline.quality.row import FAMILIES, VOLTAGE, QualityEvent, standard


class Reported(msgspec.Struct, frozen=True):
    """What a meter says of an event; times in us, voltages in per unit of its reference, None where it says nothing."""

    type: Type
    start: int
    end: int | None = None
    phases: tuple[str, ...] = ()
    residual_pu: float | None = None
    max_pu: float | None = None
    value_pct: float | None = None
    threshold: float | None = None
    reference_v: float | None = None
    resolution_s: float | None = None
    source_event_id: str | None = None


async def write(
    connection: AsyncConnection, ledger: Ledger, meter: Meter, found: Reported, config: Config
) -> tuple[QualityEvent, bool]:
    """Write a reported event; whether it is new. Raises `Conflict` where it contradicts what the meter said before."""
    new = QualityEvent(
        0,
        meter.tenant,
        meter.id,
        found.type,
        "meter",
        found.start,
        found.end,
        source_event_id=found.source_event_id,
        body=body(found, config),
    )
    known = None
    if found.source_event_id is not None:
        known = await store.by_source(connection, meter.tenant, meter.id, found.source_event_id)
    if known is None:
        return await ledger.write(meter, new), True
    if (known.start, known.type) != (new.start, new.type):
        raise Conflict("this source_event_id is that of another event: its type and start are others")
    if known.end is not None and new.end is not None and (known.end, known.body) != (new.end, new.body):
        raise Conflict("this event has ended, and was reported otherwise")
    if known.end is not None or (new.end is None and known.body == new.body):
        return known, False
    new.id, new.superseded_by = known.id, known.superseded_by
    return await ledger.write(meter, new), False


def body(found: Reported, config: Config) -> dict[str, Any]:
    """What there is to show of it beside its type, start and end, as `row.body_of` has it."""
    duration = None if found.end is None else found.end - found.start
    voltage = found.type in VOLTAGE
    kind = {"undervoltage": "sag", "overvoltage": "swell"}.get(found.type, found.type)
    shown: dict[str, Any] = {
        "category": None if duration is None else category(kind, duration, config.nominal_frequency),
        "phases": list(found.phases),
        "duration_s": None if duration is None else duration / SECOND,
        "duration_range_s": None if duration is None else [duration / SECOND, duration / SECOND],
        "residual_pu": found.residual_pu,
        "depth_pu": None if found.residual_pu is None else round(1 - found.residual_pu, 6),
        "max_pu": found.max_pu,
        "value_pct": found.value_pct,
        "threshold": found.threshold,
        "hysteresis_pct": None,
        "reference_v": config.nominal_voltage if found.reference_v is None and voltage else found.reference_v,
        "method": "meter",
        "resolution_s": found.resolution_s,
        "standard": standard(found.type, None),
        "contains": [],
        "per_phase": {},
        "annotations": [],
    }
    if found.type in ("undervoltage", "overvoltage") and duration is not None:
        shown["category"] = found.type
    if voltage and duration is not None:
        shown["itic"] = itic(duration, found.residual_pu, found.max_pu)
        if found.type in FAMILIES["under"] and found.residual_pu is not None:
            shown["semi_f47_must_ride_through"] = semi_f47(duration, found.residual_pu)
    return shown
