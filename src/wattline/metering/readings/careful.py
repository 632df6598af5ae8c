"""A reading looked at with care: everything that is wrong with its form, each fault with its place, code and words."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from wattline.metering.fields import COLUMN, FIELDS, Field
from wattline.metering.readings.model import Reading, Refused
from wattline.model.errors import Fault, Invalid

MOST_ID, MOST_SEQ = 2**31 - 1, 2**53 - 1
MOST_EXTRA = 32
LONGEST_NAME = 64
LONGEST_TIME = 64
MOST_FAULTS = 50
"""Faults of one reading that are told; a last one then says how many more there are."""
STATES = ("open", "closed", "tripped")
QUALITIES = ("good", "uncertain", "bad")
BESIDE = ("timestamp", "meter_id", "breaker_state", "quality", "seq", "extra")
NO_TIME = "a time is RFC 3339, such as 2026-06-11T14:32:00Z"


class Malformed(Invalid):
    """A text that is not JSON."""


class Members(dict[str, Any]):
    """An object of JSON, and the names that it has more than once."""

    repeated: tuple[str, ...] = ()


def parsed(content: bytes | msgspec.Raw) -> Any:
    """What a JSON text says; `NaN` and `Infinity` are read, to be refused by their place. Raises `Malformed`."""
    try:
        text = bytes(content).decode("utf-8")
        try:
            return json.loads(text, object_pairs_hook=_members)
        except json.JSONDecodeError:
            raise
        except ValueError:
            # A whole number of thousands of digits, which is beyond every range.
            return json.loads(text, object_pairs_hook=_members, parse_int=_integer)
    except UnicodeDecodeError:
        raise Malformed("the text is not UTF-8") from None
    except RecursionError:
        raise Malformed("the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"this is not JSON: {error.msg} at character {error.pos}") from None


def _integer(digits: str) -> int | float:
    return float(digits) if len(digits) > 400 else int(digits)


def _members(pairs: list[tuple[str, Any]]) -> Members:
    found = Members(pairs)
    for name in found:
        if not name.isascii():
            try:
                name.encode()
            except UnicodeEncodeError:
                raise Malformed("a name holds half a character") from None
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        found.repeated = tuple(name for name, count in counts.items() if count > 1)
    return found


def careful(value: Any) -> Reading:
    """The reading in what `parsed` found, with everything that is wrong with its form."""
    if not isinstance(value, Members):
        return refused("type", "a reading is an object")
    faults = [Fault(at(name), "repeated", "this name comes more than once") for name in value.repeated]
    values = tuple(_value(field, value.get(field.name), faults) for field in FIELDS)
    found = Reading(
        values,
        _timestamp(value.get("timestamp"), faults),
        _whole(value.get("meter_id"), "/meter_id", 1, MOST_ID, faults),
        _one_of(value.get("breaker_state"), "/breaker_state", STATES, faults),
        _one_of(value.get("quality"), "/quality", QUALITIES, faults),
        _whole(value.get("seq"), "/seq", 0, MOST_SEQ, faults),
        _extra(value.get("extra"), faults),
        tuple(name for name in value if name not in COLUMN and name not in BESIDE),
    )
    if not faults and all(each is None for each in values):
        faults.append(Fault("", "no_measurement", "a reading has one measurement at least"))
    return msgspec.structs.replace(found, faults=tuple(faults)) if faults else found


def refused(code: str, detail: str) -> Reading:
    """What is no reading at all."""
    return Reading((), faults=(Fault("", code, detail),))


def bounded(faults: Refused, most: int = MOST_FAULTS) -> Refused:
    """No more faults than are told of one reading."""
    if len(faults) <= most:
        return faults
    return [*faults[:most], Fault("", "more", f"and {len(faults) - most} more faults")]


def at(*names: str) -> str:
    """The JSON pointer of a member."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


def ranged(pointer: str, field: Field) -> Fault:
    """The fault of a value that its field cannot have."""
    return Fault(pointer, "out_of_range", f"{field.name} is from {field.low:g} to {field.high:g} {field.unit}")


def _number(value: Any, pointer: str, faults: Refused) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.append(Fault(pointer, "type", "this is a number"))
        return None
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        faults.append(Fault(pointer, "not_finite", "this is a finite number"))
        return None
    return number


def _value(field: Field, value: Any, faults: Refused) -> float | None:
    if value is None:
        return None
    pointer = at(field.name)
    number = _number(value, pointer, faults)
    if number is not None and not field.low <= number <= field.high:
        faults.append(ranged(pointer, field))
    return number


def _timestamp(value: Any, faults: Refused) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= LONGEST_TIME:
        try:
            return msgspec.convert(value, datetime)
        except msgspec.ValidationError:
            pass
    faults.append(Fault("/timestamp", "bad_timestamp", NO_TIME))
    return None


def _whole(value: Any, pointer: str, low: int, high: int, faults: Refused) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        code = "not_finite" if isinstance(value, float) and not math.isfinite(value) else "type"
        faults.append(Fault(pointer, code, "this is a whole number"))
        return None
    if not low <= value <= high:
        faults.append(Fault(pointer, "out_of_range", f"this is from {low} to {high}"))
        return None
    return value


def _one_of(value: Any, pointer: str, words: Iterable[str], faults: Refused) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in words:
        faults.append(Fault(pointer, "not_one_of", f"this is one of {', '.join(words)}"))
        return None
    return value


def _extra(value: Any, faults: Refused) -> Mapping[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, Members):
        faults.append(Fault("/extra", "type", "extra is an object of numbers"))
        return None
    if len(value) > MOST_EXTRA:
        faults.append(Fault("/extra", "too_many", f"extra has {MOST_EXTRA} names at most"))
        return None
    faults += [Fault(at("extra", name), "repeated", "this name comes more than once") for name in value.repeated]
    found = {}
    for name, each in value.items():
        pointer = at("extra", name)
        if not 1 <= len(name) <= LONGEST_NAME:
            faults.append(Fault("/extra", "bad_name", f"a name in extra has 1 to {LONGEST_NAME} characters"))
        elif (number := _number(each, pointer, faults)) is not None:
            found[name] = number
    return found or None
