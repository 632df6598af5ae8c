"""What the document of a schedule must hold; every fault at once."""

from __future__ import annotations

import math
import re
from datetime import datetime, time
from typing import Any

from wattline.charging.model import KINDS, TARGETS
from wattline.charging.recurrence import parsed
from wattline.metering.checks import Document, written

FIELDS = (
    "name",
    "external_id",
    "metadata",
    "target",
    "kind",
    "unit",
    "tz",
    "priority",
    "entries",
    "ev",
    "valid_from",
    "valid_to",
)
ENTRY = ("rrule", "start", "duration_s", "end", "from", "to", "value", "priority")
MOST_ENTRIES = 100
MOST_PRIORITY = 1000
LONGEST_S = 31 * 86_400
"""How long an entry that recurs may last."""
MOST_W, MOST_A = 1e9, 1e6
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)
_TIME = re.compile(r"\d\d:\d\d(:\d\d)?", re.ASCII)


def read(body: object) -> dict[str, Any]:
    """The body of a schedule to store, every default filled in. Raises `Faulty`."""
    document = Document(body, FIELDS)
    for name in ("target", "kind", "tz", "entries"):
        if not document.given(name):
            document.fault(name, "required", "must be given")
    kind = document.choice("kind", KINDS, None)
    counted = kind in ("power_limit", "setpoint")
    unit = document.choice("unit", ("W", "A"), "W" if counted else None)
    if kind is not None and not counted and document.given("unit"):
        document.fault("unit", "not_allowed", "only a limit or a setpoint has a unit")
    start, end = document.moment("valid_from"), document.moment("valid_to")
    if start is not None and end is not None and start >= end:
        document.fault("valid_to", "out_of_order", "must be after valid_from")
    checked = {
        "name": document.text("name", required=True),
        "external_id": document.text("external_id"),
        "metadata": document.metadata(),
        "target": _target(document),
        "kind": kind,
        "unit": unit,
        "tz": document.zone("tz", "UTC"),
        "priority": document.whole("priority", 0, MOST_PRIORITY, 0),
        "entries": [_entry(part, kind, unit) for part in document.objects("entries", ENTRY, MOST_ENTRIES)],
        "ev": _vehicle(document, kind),
        "valid_from": None if start is None else written(start),
        "valid_to": None if end is None else written(end),
    }
    if document.given("entries") and not checked["entries"] and not document.faults:
        document.fault("entries", "required", "must have at least one entry")
    document.done()
    return checked


def _target(document: Document) -> dict[str, Any] | None:
    inner = document.object("target", ("kind", "id"))
    if inner is None:
        return None
    kind = inner.choice("kind", TARGETS, None)
    if not inner.given("kind"):
        inner.fault("kind", "required", "must be given")
    return {"kind": kind, "id": inner.identity("id", required=True)}


def _vehicle(document: Document, kind: str | None) -> dict[str, Any] | None:
    inner = document.object("ev", ("target_kwh", "target_soc", "capacity_kwh"))
    if inner is None:
        if kind == "ev_departure":
            document.fault("ev", "required", "must be given: what the vehicle needs")
        return None
    if kind not in (None, "ev_departure"):
        document.fault("ev", "not_allowed", "only a schedule of departures has it")
    energy = inner.number("target_kwh", 0, 1e5, None, above=True)
    charge = inner.number("target_soc", 0, 100, None, above=True)
    capacity = inner.number("capacity_kwh", 0, 1e5, None, above=True)
    if inner.given("target_kwh") == inner.given("target_soc"):
        inner.fault("target_kwh", "one_of", "exactly one of target_kwh and target_soc (%) must be given")
    if inner.given("target_soc") and not inner.given("capacity_kwh"):
        inner.fault("capacity_kwh", "required", "must be given with target_soc")
    return {"target_kwh": energy, "target_soc": charge, "capacity_kwh": capacity}


def _entry(part: Document, kind: str | None, unit: str | None) -> dict[str, Any]:
    checked: dict[str, Any] = dict.fromkeys(ENTRY)
    checked["priority"] = part.whole("priority", 0, MOST_PRIORITY, None)
    checked["value"] = _value(part, kind, unit)
    if part.given("rrule"):
        for name in ("from", "to"):
            if part.given(name):
                part.fault(name, "not_allowed", "an entry has a rule, or from and to")
        checked |= _recurring(part)
        return checked
    for name in ("start", "duration_s", "end"):
        if part.given(name):
            part.fault(name, "not_allowed", "only an entry with a rule has it")
    for name in ("from", "to"):
        if not part.given(name):
            part.fault(name, "required", "must be given where there is no rrule")
    start, end = part.moment("from"), part.moment("to")
    if start is not None and end is not None:
        if start >= end:
            part.fault("to", "out_of_order", "must be after from")
        checked |= {"from": written(start), "to": written(end)}
    return checked


def _recurring(part: Document) -> dict[str, Any]:
    found: dict[str, Any] = {"rrule": part.text("rrule", longest=500), "start": _local(part)}
    if found["rrule"] is not None:
        try:
            parsed(found["rrule"])
        except ValueError as error:
            part.fault("rrule", "bad_rule", str(error))
    found["duration_s"] = part.whole("duration_s", 1, LONGEST_S, None)
    found["end"] = _clock(part)
    if part.given("duration_s") == part.given("end"):
        part.fault("end", "one_of", "exactly one of duration_s and end (a local time) must be given")
    return found


def _local(part: Document) -> str | None:
    text = part.text("start", required=True, longest=19)
    if text is None:
        return None
    try:
        if _LOCAL.fullmatch(text):
            begin = datetime.fromisoformat(text)
            if 1970 <= begin.year <= 2169:
                return begin.isoformat()
    except ValueError:
        pass
    part.fault("start", "bad_timestamp", "must be a local time without offset, such as 2026-06-11T22:00")
    return None


def _clock(part: Document) -> str | None:
    text = part.text("end", longest=8)
    if text is None:
        return None
    try:
        if _TIME.fullmatch(text):
            return time.fromisoformat(text).isoformat()
    except ValueError:
        pass
    part.fault("end", "bad_time", "must be a local time such as 06:00")
    return None


def _value(part: Document, kind: str | None, unit: str | None) -> float | bool | None:
    if kind is None:
        return None
    value = part.raw("value")
    if kind == "ev_departure":
        if value is not None:
            part.fault("value", "not_allowed", "a schedule of departures has no values")
        return None
    if value is None:
        part.fault("value", "required", "must be given")
        return None
    if kind == "on_off":
        if not isinstance(value, bool):
            part.fault("value", "type", "must be true or false")
            return None
        return value
    most = MOST_A if unit == "A" else MOST_W
    found = part.number("value", 0 if kind == "power_limit" else -most, most, None)
    return None if found is None or not math.isfinite(found) else found
