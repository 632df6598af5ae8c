"""The page's times: ISO 8601 in, a space instead of the T out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from wattline.model.clock import EPOCH, to_micros

# Extended or basic format of ISO 8601-1 (a date and a time of at least minutes; a fraction of any length, an offset or none).
_EXTENDED = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d(:?\d\d)?)?"
_BASIC = r"\d{8}[Tt]\d{4}(\d\d([.,]\d+)?)?([Zz]|[+-]\d\d(:?\d\d)?)?"
_INSTANT = re.compile(f"{_EXTENDED}|{_BASIC}", re.ASCII)

LONGEST = 64
"""Characters of a time; more is no time."""
REMEMBERED = 4096


class Instant(NamedTuple):
    """A moment in microseconds since 1970; `stated` is whether the text named its offset from UTC."""

    micros: int
    stated: bool


def parse(text: str) -> Instant:
    """The instant that an ISO 8601 text names; without an offset it is read as UTC. Digits beyond microseconds are cut off.

    Raises ValueError for anything else: bare numbers, dates without a time, leap seconds, 24:00.
    """
    if len(text) > LONGEST or _INSTANT.fullmatch(text) is None:
        raise ValueError("a time must be ISO 8601, such as 2026-06-11T14:32:00Z")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("no such date or time") from None
    return Instant(to_micros(moment), moment.tzinfo is not None)


class Times:
    """`parse` with a memory: a fleet that reports once a second sends the same few texts over and over."""

    def __init__(self) -> None:
        self._known: dict[str, Instant] = {}

    def __call__(self, text: str) -> Instant:
        found = self._known.get(text)
        if found is None:
            found = parse(text)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[text] = found
        return found


def spell(micros: int) -> str:
    """The page's way to write a time: `2026-06-11 14:32:00+00:00`, with six more digits only where they are not all zero."""
    return str(EPOCH + timedelta(microseconds=micros))


def spell_all(times: Iterable[int]) -> list[str]:
    """`spell` for many times that follow one another closely."""
    spelled = []
    second, prefix = None, ""
    for time in times:
        whole, fraction = divmod(time, 1_000_000)
        if whole != second:
            second = whole
            prefix = (EPOCH + timedelta(seconds=whole)).strftime("%Y-%m-%d %H:%M:%S")
        spelled.append(f"{prefix}.{fraction:06d}+00:00" if fraction else f"{prefix}+00:00")
    return spelled


def spell_health(micros: int) -> str:
    """The one place where the page shows a T and always six digits of a second: /health."""
    moment = EPOCH + timedelta(microseconds=micros)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
