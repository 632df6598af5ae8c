"""The `Prefer` header (RFC 7240), as far as PostgREST knows it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import available_timezones

NUMBER = re.compile(r"[0-9]{1,18}\Z")
WORDS = {
    "resolution": ("resolution", ("merge-duplicates", "ignore-duplicates")),
    "missing": ("missing", ("default", "null")),
    "return": ("returning", ("representation", "minimal", "headers-only")),
    "count": ("count", ("exact", "planned", "estimated")),
    "tx": ("transaction", ("commit", "rollback")),
    "handling": ("handling", ("strict", "lenient")),
}
"""The attribute of `Preferences` and the values of each preference that is a word."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What was preferred; None where nothing was said. `unknown` are the words that mean nothing here."""

    resolution: Literal["merge-duplicates", "ignore-duplicates"] | None = None
    missing: Literal["default", "null"] | None = None
    returning: Literal["representation", "minimal", "headers-only"] | None = None
    count: Literal["exact", "planned", "estimated"] | None = None
    transaction: Literal["commit", "rollback"] | None = None
    handling: Literal["strict", "lenient"] | None = None
    timezone: str | None = None
    max_affected: int | None = None
    unknown: tuple[str, ...] = ()


def parse(values: Iterable[str]) -> Preferences:
    """The values of all `Prefer` headers, in their order. Of each kind the first that means something is taken.

    A time zone that is not in the tz database is unknown, and so is a `max-affected` that is no count.
    """
    return _parse(tuple(values))


@lru_cache(maxsize=256)
def _parse(values: tuple[str, ...]) -> Preferences:
    said: dict[str, Any] = {}
    unknown = []
    for preference in (text.strip() for value in values for text in value.split(",")):
        if not preference:
            continue
        kind, _, value = preference.partition("=")
        attribute, meant = _meaning(kind, value)
        if attribute is None:
            unknown.append(preference)
        else:
            said.setdefault(attribute, meant)
    return Preferences(**said, unknown=tuple(unknown))


def _meaning(kind: str, value: str) -> tuple[str | None, str | int]:
    if kind in WORDS:
        attribute, words = WORDS[kind]
        return (attribute if value in words else None), value
    if kind == "timezone" and value in _zones():
        return "timezone", value
    if kind == "max-affected" and NUMBER.match(value):
        return "max_affected", int(value)
    return None, value


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
