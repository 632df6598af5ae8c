"""What an event is, and how it is written down so that its hash means the same everywhere."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wattline.model.clock import DAY
from wattline.model.errors import Invalid

GENESIS = "0" * 64
"""The `previous_hash` of a tenant's first event."""

LATEST_TIME = 2_932_896 * DAY + DAY - 1
"""The last microsecond of the year 9999, the end of the calendar of ISO 8601."""

LABEL_LENGTH = 512
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
BODY_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be logged; times in microseconds since 1970 UTC.

    `time` is when it happened, `received` when the platform learned of it. `kind` is a dotted name ("hop.grid_event").
    `site` and `device` are keys; `subject` is what it is about within its site (a feeder), `event_type` and `severity` are
    the contract's own words: all are there to be searched by. `identity` marks what may be sent again: it is logged once
    per tenant and kind.
    """

    tenant: str
    kind: str
    time: int
    received: int
    site: str | None = None
    device: str | None = None
    subject: str | None = None
    event_type: str | None = None
    severity: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One link of a tenant's chain. `hash` covers every other field, `previous_hash` included."""

    tenant: str
    sequence: int
    id: str
    time: int
    received: int
    kind: str
    site: str | None
    device: str | None
    subject: str | None
    event_type: str | None
    severity: str | None
    body: dict[str, Any]
    identity: str | None
    previous_hash: str
    hash: str

    @property
    def type(self) -> str:
        """The contract's word for what happened, or the kind where it has none."""
        return self.event_type or self.kind


@dataclass(frozen=True, slots=True)
class Counted:
    """Events, newest first, and how many there are beside this page: `total` counts all that match."""

    total: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first; `next` is the cursor of the page after this one, None on the last."""

    events: tuple[Event, ...]
    next: str | None


def canonical(value: object) -> str:
    """The one JSON text of a value: keys sorted by code point, no spaces, non-ASCII as itself, floats as short as they
    read back exactly (Python's `repr`). Raises ValueError or TypeError for what is not JSON, NaN and infinities included.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(fields: Mapping[str, Any]) -> str:
    """SHA-256, in hex, over the UTF-8 canonical JSON of an event's fields, all but `hash` itself."""
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def body_text(body: Mapping[str, Any]) -> str:
    """The canonical text of a body; `Invalid` if it is not a JSON object, or over 256 KiB."""
    try:
        text = canonical(dict(body))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise Invalid("the body of an event must be JSON", "body") from None
    if size > BODY_BYTES:
        raise Invalid(f"the body of an event is over {BODY_BYTES} bytes", "body")
    return text


def is_label(text: str) -> bool:
    """Whether a log can hold this text as a name."""
    return 1 <= len(text) <= LABEL_LENGTH and _UNPRINTABLE.search(text) is None


def _check_label(name: str, value: object) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= LABEL_LENGTH:
        raise Invalid(f"{name} must have 1 to {LABEL_LENGTH} characters", name)
    if _UNPRINTABLE.search(value):
        raise Invalid(f"{name} must not hold control characters", name)


def check(entry: Entry) -> None:
    """Raise `Invalid` for an entry that a chain cannot hold: what is in the log must read back as it was hashed."""
    for name in ("tenant", "kind"):
        _check_label(name, getattr(entry, name))
    for name in ("site", "device", "subject", "event_type", "severity", "identity"):
        if getattr(entry, name) is not None:
            _check_label(name, getattr(entry, name))
    for name in ("time", "received"):
        value = getattr(entry, name)
        if type(value) is not int or not 0 <= value <= LATEST_TIME:
            raise Invalid(f"{name} must be a whole number of microseconds between 1970 and 9999", name)
