"""Which events a question asks for, and the place where its next page begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from wattline.events.model import is_label
from wattline.events.store import events
from wattline.model.errors import Invalid

LIMIT = 1000
"""The most events on one page."""

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Filter:
    """Every condition that is given must hold. `start` and `end` bound `time`, half-open, in microseconds since 1970 UTC;
    `until` is an end that is itself within.

    `sites` None is every site; a collection is those sites and no other. `siteless` is whether events of no known site are
    shown: by default only where `sites` is None. `types` names event types, or kinds of events that have no type.
    `other_subjects` are subjects that are left out.
    """

    kinds: Collection[str] | None = None
    start: int | None = None
    end: int | None = None
    sites: Collection[str] | None = None
    siteless: bool | None = None
    device: str | None = None
    subject: str | None = None
    event_type: str | None = None
    severity: str | None = None
    until: int | None = None
    types: Collection[str] | None = None
    other_subjects: Collection[str] = ()

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The filter as SQL."""
        found: list[sa.ColumnElement[bool]] = []
        if self.kinds is not None:
            found.append(events.c.kind.in_(_texts("kinds", self.kinds)))
        if self.start is not None:
            found.append(events.c.time >= self.start)
        if self.end is not None:
            found.append(events.c.time < self.end)
        if self.until is not None:
            found.append(events.c.time <= self.until)
        if self.types is not None:
            found.append(sa.func.coalesce(events.c.event_type, events.c.kind).in_(_labels("types", self.types)))
        if self.other_subjects:
            named = events.c.subject.in_(_texts("other_subjects", self.other_subjects))
            found.append(sa.or_(events.c.subject.is_(None), sa.not_(named)))
        for name in ("device", "subject", "event_type", "severity"):
            wanted = getattr(self, name)
            if wanted is not None:
                found.append(events.c[name] == wanted)
        return [*found, *self._places()]

    def _places(self) -> list[sa.ColumnElement[bool]]:
        siteless = self.sites is None if self.siteless is None else self.siteless
        if self.sites is None:
            return [] if siteless else [events.c.site.is_not(None)]
        named = events.c.site.in_(_texts("sites", self.sites))
        return [sa.or_(named, events.c.site.is_(None)) if siteless else named]


def _texts(name: str, values: Collection[str]) -> list[str]:
    if isinstance(values, str):
        raise Invalid(f"{name} must be a collection of names, not one name", name)
    return sorted(values)


def _labels(name: str, values: Collection[str]) -> list[str]:
    """The names that a log can hold: what a caller made up besides matches nothing, and not every store takes it."""
    return [text for text in _texts(name, values) if is_label(text)]


def to_cursor(time: int, sequence: int) -> str:
    """The place right after this event, as an opaque text that is safe in a URL."""
    return base64.urlsafe_b64encode(f"{time}.{sequence}".encode()).rstrip(b"=").decode()


def from_cursor(cursor: str) -> tuple[int, int]:
    """The (time, sequence) of a cursor; `Invalid` for a text that is none."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        time, sequence = (int(part) for part in text.split("."))
    except (ValueError, binascii.Error):
        raise Invalid("not a cursor of this list", "before") from None
    if not (0 <= time <= _LARGEST and 0 < sequence <= _LARGEST) or to_cursor(time, sequence) != cursor:
        raise Invalid("not a cursor of this list", "before")
    return time, sequence


def check_offset(offset: int) -> None:
    """Raise `Invalid` unless the number of events to pass over fits a store's integer."""
    if not 0 <= offset <= _LARGEST:
        raise Invalid("offset must not be negative, nor over 2^63 - 1", "offset")


def check_limit(limit: int) -> None:
    """Raise `Invalid` unless 1 <= limit <= 1000."""
    if not 1 <= limit <= LIMIT:
        raise Invalid(f"limit must be between 1 and {LIMIT}", "limit")
