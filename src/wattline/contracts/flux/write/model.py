"""What is asked of a write, and what became of it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from wattline.contracts.flux.caller import Caller, Policy
from wattline.contracts.flux.relation import Relations
from wattline.contracts.flux.syntax.ast import Query
from wattline.contracts.flux.syntax.prefer import Preferences

Represent = Callable[[pa.Table], Awaitable[Any]]
"""Shapes affected rows as the answer shows them; whatever it raises is raised before anything is written."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator decides.

    `rollback`: whether `tx=rollback` is heeded. `most_rows` is how many rows one PATCH or DELETE may touch and one body may
    have; a request past it is refused. `random` gives as many random bytes as asked for.
    """

    rollback: bool = False
    most_rows: int = 100_000
    random: Callable[[int], bytes] = os.urandom


@dataclass(frozen=True, slots=True)
class Request:
    """One write. `name` is that of the relation, as it stands in the URL; `now` (us) is the time of the transaction.

    `singular`: the answer is to be a single object. `represent` is called where rows are asked for in the answer.
    """

    relations: Relations
    policy: Policy
    caller: Caller
    name: str
    query: Query
    preferences: Preferences
    body: bytes
    content_type: str | None
    now: int
    singular: bool = False
    represent: Represent | None = None
    options: Options = field(default_factory=Options)

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of times without an offset, and of times in messages. None is UTC."""
        return None if self.preferences.timezone is None else ZoneInfo(self.preferences.timezone)

    @property
    def returns_rows(self) -> bool:
        """Whether the answer shows the rows."""
        return self.preferences.returning == "representation"


@dataclass(frozen=True, slots=True)
class Written:
    """What was done, and the facts that the answer is made of.

    `rows` are those affected, with every column: in the order of the payload, or of `order` for PATCH and DELETE.
    `representation` is what `Request.represent` made of them. `applied` are the preferences that had a meaning.
    `content_range` is the header's value, None where there is none. `location` is the key of the one row of a POST with
    `return=headers-only`: column and text of its value.
    """

    status: int
    rows: pa.Table
    applied: Preferences
    content_range: str | None
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    location: tuple[tuple[str, str], ...] | None = None
    representation: Any = None
