"""What is told of one thing that happened, and the place after it in the log."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from wattline.model.errors import Invalid

_LARGEST = 2**63 - 1
LONGEST = 64


class Position(NamedTuple):
    """A place in the log: before it lie all rows received until `received` (us), and the chain's events up to `sequence`."""

    received: int
    sequence: int

    def text(self) -> str:
        """The position as consumers get it: opaque, and safe in a URL."""
        return base64.urlsafe_b64encode(f"{self.received}.{self.sequence}".encode()).rstrip(b"=").decode()

    @classmethod
    def read(cls, text: str) -> Position:
        """The position of a text. Raises `Invalid` for one that `text` did not make."""
        try:
            if len(text) > LONGEST:
                raise ValueError
            plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
            received, sequence = (int(part) for part in plain.split("."))
        except (ValueError, binascii.Error):
            raise Invalid("this is no cursor of the log", "after") from None
        found = cls(received, sequence)
        if not (0 <= received <= _LARGEST and 0 <= sequence <= _LARGEST) or found.text() != text:
            raise Invalid("this is no cursor of the log", "after")
        return found


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One entry of the log; times in us. `position` is the place after it. `meter` is None where it is no meter's.

    `cause` is the id of the entry that it follows from, None where it follows from none, or nobody knows.
    """

    id: str
    type: str
    time: int
    received: int
    tenant: str
    site: str | None
    meter: int | None
    data: Mapping[str, Any]
    position: Position
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Which:
    """What a consumer asks for: types, sites and one meter; None for all."""

    tenant: str
    types: frozenset[str]
    sites: frozenset[str] | None = None
    meter: int | None = None

    def takes(self, found: Occurrence) -> bool:
        """Whether an occurrence is among it."""
        if found.tenant != self.tenant or found.type not in self.types:
            return False
        if self.sites is not None and found.site not in self.sites:
            return False
        return self.meter is None or found.meter == self.meter


@dataclass(frozen=True, slots=True)
class Page:
    """Occurrences in order, and the place after them. `more`: there are others already."""

    occurrences: list[Occurrence]
    position: Position
    more: bool
