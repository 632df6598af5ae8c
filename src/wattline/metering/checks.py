"""Reading a document that somebody sent: every fault in it is named, none stops the search for the next."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeGuard

from wattline.billing.days import zone_named
from wattline.model.clock import DAY, from_micros, to_micros
from wattline.model.errors import Fault, Faulty, Invalid
from wattline.resources.model import METADATA_BYTES, NAME_LENGTH

HIGHEST_ID = 2**63 - 1
LATEST = 200 * 366 * DAY
"""The last moment that a document may name, some two centuries after 1970."""
DEEPEST = 32
"""How far lists and objects within what a caller keeps with a document may be nested."""
MOST_FAULTS = 1_000
"""That are told of one document; a last one says that there are more."""
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def escaped(name: str) -> str:
    """A name as one step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def moment(text: str) -> int | None:
    """The us of an RFC 3339 time with offset; None for any other text. What is below a microsecond is cut off."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return to_micros(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        return None


def written(micros: int) -> str:
    """A moment as documents keep it: RFC 3339 in UTC."""
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def is_id(value: object) -> TypeGuard[int]:
    """Whether a value can be the id of a resource."""
    return type(value) is int and 0 < value <= HIGHEST_ID


def is_deep(value: object, most: int) -> bool:
    """Whether lists and objects within a value are nested more than so many times."""
    layer = [value]
    for _ in range(most + 1):
        layer = [each for outer in layer if isinstance(outer, dict | list) for each in _within(outer)]
    return bool(layer)


def _within(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


class Document:
    """A JSON object from outside, of which only `fields` may be given. A field that is null counts as not given.

    Every reader returns the checked value, or the default where the field is missing or wrong; `done` raises all faults.
    """

    def __init__(self, body: object, fields: Collection[str], *, at: str = "", faults: list[Fault] | None = None) -> None:
        self.at = at
        self.faults: list[Fault] = [] if faults is None else faults
        self._body: Mapping[str, Any] = {}
        if not isinstance(body, Mapping):
            self.faults.append(Fault(at, "type", "must be an object"))
            return
        self._body = body
        for name in body:
            if name not in fields:
                self.fault(name, "unknown", "there is no such field")
                if len(self.faults) > MOST_FAULTS:
                    break

    def fault(self, name: str, code: str, detail: str) -> None:
        """Note that a field, or a path of steps below it, is wrong."""
        if len(self.faults) >= MOST_FAULTS:
            self.faults[MOST_FAULTS:] = [Fault("", "more", f"there are more than these {MOST_FAULTS} faults")]
            return
        self.faults.append(Fault(f"{self.at}/{'/'.join(escaped(step) for step in name.split(chr(0)))}", code, detail))

    def done(self) -> None:
        """Raise `Faulty` if anything was wrong."""
        if self.faults:
            raise Faulty(self.faults)

    def given(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._body.get(name) is not None

    def is_empty_list(self, name: str) -> bool:
        """Whether the field is a list without items."""
        return self._body.get(name) == []

    def _value(self, name: str, required: bool) -> Any:
        value = self._body.get(name)
        if value is None and required:
            self.fault(name, "required", "must be given")
        return value

    def raw(self, name: str) -> Any:
        """The value as it was sent, None where the field is not given; for what a caller reads in its own way."""
        return self._body.get(name)

    def text(self, name: str, *, required: bool = False, longest: int = NAME_LENGTH) -> str | None:
        """Text of 1 to `longest` characters without control characters."""
        value = self._value(name, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.fault(name, "type", "must be text")
        elif not 1 <= len(value) <= longest:
            self.fault(name, "too_short" if not value else "too_long", f"must have 1 to {longest} characters")
        elif _UNPRINTABLE.search(value):
            self.fault(name, "bad_characters", "must not hold control characters")
        else:
            return value
        return None

    def choice(self, name: str, choices: Collection[Any], default: Any) -> Any:
        """One of a few values."""
        value = self._value(name, False)
        if value is None:
            return default
        for allowed in choices:
            if type(value) is type(allowed) and value == allowed:
                return allowed
        self.fault(name, "bad_choice", f"must be one of {', '.join(map(str, choices))}")
        return default

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._value(name, False)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.fault(name, "type", "must be true or false")
        return default

    def number(
        self, name: str, low: float, high: float, default: float | None, *, above: bool = False, required: bool = False
    ) -> float | None:
        """A finite number from `low` (not itself allowed with `above`) to `high`."""
        value = self._value(name, required)
        if value is None:
            return default
        if type(value) not in (int, float):
            self.fault(name, "type", "must be a number")
        elif isinstance(value, float) and not math.isfinite(value):
            self.fault(name, "not_finite", "must be a finite number")
        elif value > high or value < low or (above and value == low):
            self.fault(name, "out_of_range", f"must be {'above' if above else 'at least'} {low:g} and at most {high:g}")
        else:
            return float(value)
        return default

    def whole(self, name: str, low: int, high: int, default: int | None) -> int | None:
        """A whole number from `low` to `high`."""
        value = self._value(name, False)
        if value is None:
            return default
        if type(value) is not int:
            self.fault(name, "type", "must be a whole number")
        elif not low <= value <= high:
            self.fault(name, "out_of_range", f"must be from {low} to {high}")
        else:
            return value
        return default

    def identity(self, name: str, *, required: bool = False) -> int | None:
        """The id of a resource; whether there is one is for `references` to say."""
        value = self._value(name, required)
        if value is None or is_id(value):
            return value
        self.fault(name, "type", "must be the id of a resource, a whole number from 1")
        return None

    def identities(self, name: str, most: int) -> list[int]:
        """Ids of resources, none of them twice."""
        found: list[int] = []
        seen: set[int] = set()
        for index, value in enumerate(self.items(name, most)):
            if not is_id(value):
                self.fault(f"{name}\0{index}", "type", "must be the id of a resource, a whole number from 1")
            elif value in seen:
                self.fault(f"{name}\0{index}", "duplicate", "is named twice")
            else:
                seen.add(value)
                found.append(value)
        return found

    def items(self, name: str, most: int) -> list[Any]:
        """A list of at most so many values, as they are."""
        value = self._value(name, False)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(name, "type", "must be a list")
        elif len(value) > most:
            self.fault(name, "too_long", f"must have at most {most} items")
        else:
            return value
        return []

    def object(self, name: str, fields: Collection[str]) -> Document | None:
        """An object within this one."""
        value = self._value(name, False)
        return None if value is None else Document(value, fields, at=f"{self.at}/{escaped(name)}", faults=self.faults)

    def objects(self, name: str, fields: Collection[str], most: int) -> list[Document]:
        """A list of objects within this one."""
        at = f"{self.at}/{escaped(name)}"
        return [
            Document(value, fields, at=f"{at}/{index}", faults=self.faults)
            for index, value in enumerate(self.items(name, most))
        ]

    def mapping(self, name: str) -> dict[str, Any]:
        """An object as it is."""
        value = self._value(name, False)
        if value is None or isinstance(value, dict):
            return value or {}
        self.fault(name, "type", "must be an object")
        return {}

    def moment(self, name: str) -> int | None:
        """An RFC 3339 time with offset, in us."""
        value = self._value(name, False)
        if value is None:
            return None
        found = moment(value) if isinstance(value, str) else None
        if found is None:
            self.fault(name, "bad_timestamp", "must be an RFC 3339 time with offset")
        elif not 0 <= found <= LATEST:
            self.fault(name, "out_of_range", f"must be from 1970 to {from_micros(LATEST).year}")
        else:
            return found
        return None

    def zone(self, name: str, default: str) -> str:
        """The IANA name of a time zone."""
        value = self.text(name, longest=64)
        if value is None:
            return default
        try:
            return zone_named(value).key or default
        except Invalid:
            self.fault(name, "unknown_zone", "must be the IANA name of a time zone")
            return default

    def metadata(self, name: str = "metadata") -> dict[str, Any]:
        """What the caller keeps with the document: an object of at most 8 KiB as JSON."""
        value = self.mapping(name)
        if is_deep(value, DEEPEST):
            self.fault(name, "too_deep", f"must not be nested more than {DEEPEST} deep")
            return {}
        try:
            size = len(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode())
        except UnicodeEncodeError:
            self.fault(name, "bad_characters", "must not hold half of a surrogate pair")
        except ValueError:
            self.fault(name, "not_finite", "must hold finite numbers only")
        else:
            if size > METADATA_BYTES:
                self.fault(name, "too_long", f"must have at most {METADATA_BYTES} bytes as JSON")
            else:
                return value
        return {}
