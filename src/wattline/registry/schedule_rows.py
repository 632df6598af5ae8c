"""One row of a point schedule: which columns there are, and what each may hold."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from wattline.model.errors import Invalid
from wattline.model.place import SensorKind
from wattline.registry.point import PointSpec

SUBSYSTEMS = (
    "electrical", "thermal-l1", "thermal-l2", "thermal-l3", "thermal-hx", "thermal-reject", "thermal-safety",
    "environmental", "network", "security", "mode", "edge", "host-bms",
)  # fmt: skip
ROLES = (
    "facility_main", "it_main", "submeter", "counter", "heat_power", "heat_energy", "flow", "t_supply", "t_return",
    "reject_power",
)  # fmt: skip
Priority = Literal["P0", "P1", "P2", "P3"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
LIMITS = tuple(f"alarm_{priority}_{side}" for priority in PRIORITIES for side in ("low", "high"))
PUBLISHED = (
    "tag", "description", "subsystem", "equipment_parent", "protocol", "protocol_address", "data_type", "unit", "range_min",
    "range_max", "precision", "poll_rate_ms", *LIMITS, "engineering_notes",
)  # fmt: skip
"""The columns of the published schedule, in its order."""
EXTRA = ("role", "factor", "equipment_type")
REQUIRED = ("tag", "subsystem", "equipment_parent", "unit")
COUNTERS = ("kWh", "kWht", "MWh", "Wh")
"""Units of registers that count up."""
FASTEST_MS, SLOWEST_MS = 10, 86_400_000
LONGEST_NAME, LONGEST_UNIT, LONGEST_TEXT = 64, 32, 1000

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_DATA_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """A sound row: the line on which it begins, the point, and for each priority its low and high limit or None.

    `boolean` is a point that is 0 or 1, whose limits are violated by the limit itself.
    """

    line: int
    spec: PointSpec
    limits: Mapping[Priority, tuple[float | None, float | None]]
    boolean: bool

    @property
    def has_limits(self) -> bool:
        """Whether the schedule sets any limit for it."""
        return any(value is not None for pair in self.limits.values() for value in pair)


def parse_row(line: int, fields: Mapping[str, str]) -> ScheduleRow:
    """The row of a line's fields by column. Raises `Invalid`: what is wrong, and where the row looks shifted, that too."""
    texts = {name: text.strip() for name, text in fields.items()}
    tag = _name(texts, "tag")
    subsystem = _required(texts, "subsystem")
    if subsystem not in SUBSYSTEMS:
        raise Invalid(f"subsystem {_shown(subsystem)} is none of {', '.join(SUBSYSTEMS)}", "subsystem")
    equipment = _name(texts, "equipment_parent")
    _check_shift(texts)
    low, high = _number(texts, "range_min"), _number(texts, "range_max")
    if low is not None and high is not None and low >= high:
        raise Invalid(f"range_min ({low:g}) must lie below range_max ({high:g})", "range_min")
    unit = _unit(texts)
    limits = {
        priority: (_number(texts, f"alarm_{priority}_low"), _number(texts, f"alarm_{priority}_high")) for priority in PRIORITIES
    }
    boolean = unit == "bool"
    spec = PointSpec(
        tag=tag,
        equipment=equipment,
        subsystem=subsystem,
        unit=unit,
        kind=_kind(unit),
        equipment_type=_text(texts, "equipment_type") or "",
        description=_text(texts, "description"),
        range_min=low,
        range_max=high,
        poll_ms=_poll(texts),
        role=_role(texts),
        factor=_factor(texts),
    )
    return ScheduleRow(line, spec, limits, boolean)


def _check_shift(texts: Mapping[str, str]) -> None:
    """A row whose fields stand a column too far left or right: numbers where words belong, or the other way round."""
    if _NUMBER.fullmatch(texts.get("engineering_notes", "")):
        raise Invalid("engineering_notes holds a number: a limit has moved there from its column", "engineering_notes")
    kind = texts.get("data_type", "")
    if kind and not _DATA_TYPE.fullmatch(kind):
        raise Invalid(f"data_type {_shown(kind)} is no data type: are columns shifted?", "data_type")
    if _NUMBER.fullmatch(texts.get("unit", "")):
        raise Invalid(f"unit {_shown(texts['unit'])} is a number: are columns shifted?", "unit")
    precision = _number(texts, "precision")
    if precision is not None and precision < 0:
        raise Invalid("precision must not be negative", "precision")


def _required(texts: Mapping[str, str], name: str) -> str:
    text = texts.get(name, "")
    if not text:
        raise Invalid(f"{name} is empty", name)
    return text


def _name(texts: Mapping[str, str], name: str) -> str:
    text = _required(texts, name)
    if len(text) > LONGEST_NAME or not _NAME.fullmatch(text):
        raise Invalid(f"{name} {_shown(text)} must be 1 to {LONGEST_NAME} of the letters A-Z a-z 0-9 _ -", name)
    return text


def _text(texts: Mapping[str, str], name: str) -> str | None:
    text = texts.get(name, "")
    if len(text) > LONGEST_TEXT or _UNPRINTABLE.search(text):
        raise Invalid(f"{name} must have at most {LONGEST_TEXT} characters, none of them a control character", name)
    return text or None


def _unit(texts: Mapping[str, str]) -> str:
    text = _required(texts, "unit")
    if len(text) > LONGEST_UNIT or _UNPRINTABLE.search(text):
        raise Invalid(f"unit must have at most {LONGEST_UNIT} characters, none of them a control character", "unit")
    return "bool" if text.lower() in ("bool", "boolean") else text


def _kind(unit: str) -> SensorKind:
    if unit == "bool":
        return "state"
    return "counter" if unit in COUNTERS else "gauge"


def _number(texts: Mapping[str, str], name: str) -> float | None:
    text = texts.get(name, "")
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        hint = ": are columns shifted?" if name in LIMITS else ""
        raise Invalid(f"{name} {_shown(text)} is not a number{hint}", name)
    value = float(text)
    if not math.isfinite(value):
        raise Invalid(f"{name} is out of all bounds", name)
    return value


def _poll(texts: Mapping[str, str]) -> int | None:
    text = texts.get("poll_rate_ms", "")
    if not text:
        return None
    whole = text.removesuffix(".0")
    if not _WHOLE.fullmatch(whole) or not FASTEST_MS <= int(whole) <= SLOWEST_MS:
        raise Invalid(f"poll_rate_ms {_shown(text)} must be a whole number from {FASTEST_MS} to {SLOWEST_MS}", "poll_rate_ms")
    return int(whole)


def _role(texts: Mapping[str, str]) -> str | None:
    text = texts.get("role", "")
    if text and text not in ROLES:
        raise Invalid(f"role {_shown(text)} is none of {', '.join(ROLES)}", "role")
    return text or None


def _factor(texts: Mapping[str, str]) -> float:
    value = _number(texts, "factor")
    if value == 0.0:
        raise Invalid("factor must not be 0", "factor")
    return 1.0 if value is None else value


def _shown(text: str) -> str:
    """A field as it can be printed: quoted, without control characters, and not too long."""
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
