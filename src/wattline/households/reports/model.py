"""The words of reports. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """What a household used from `first_day` to `last_day`, both inclusive, in its own days; `content` is its JSON form."""

    tenant: str
    id: str
    user: str
    first_day: date
    last_day: date
    content: Mapping[str, Any]
    created: int


@dataclass(frozen=True, slots=True)
class Period:
    """Local days from `first` to `last`, both inclusive."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1
