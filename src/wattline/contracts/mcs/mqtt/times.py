"""The times of messages, and which of them are taken."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from wattline.contracts.mcs.mqtt.refusal import Refused
from wattline.model.clock import SECOND, from_micros, to_micros

LONGEST = 40
REMEMBERED = 4096
# Some adapters write an offset and a Z after it.
_BOTH = re.compile(r"([+-]\d\d:?\d\d)[Zz]$", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d(:?\d\d)?)?", re.ASCII)
LATEST = 253_402_300_800
"""Seconds since 1970 of the year 10000; a number beyond is milliseconds, a thousand times beyond microseconds."""


def parse(text: str) -> int:
    """The microseconds since 1970 of an ISO 8601 time; without an offset it is UTC. Raises ValueError."""
    text = _BOTH.sub(r"\1", text)
    if len(text) > LONGEST or _INSTANT.fullmatch(text) is None:
        raise ValueError("not an ISO 8601 time")
    return to_micros(datetime.fromisoformat(text.upper()))


class Times:
    """`ts` as it comes: ISO 8601 or a number of seconds, milliseconds or microseconds since 1970, told apart by its size."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def __call__(self, ts: str | float) -> int:
        """Microseconds since 1970. Raises `Refused` as a PARSE_ERROR."""
        if isinstance(ts, str):
            found = self._known.get(ts)
            if found is None:
                found = self._read(ts)
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[ts] = found
            return found
        if isinstance(ts, bool) or not 0 <= ts < LATEST * SECOND:
            raise Refused("PARSE_ERROR", "ts is no time since 1970")
        scale = SECOND if ts < LATEST else 1000 if ts < LATEST * 1000 else 1
        return round(ts * scale)

    def _read(self, text: str) -> int:
        try:
            return parse(text)
        except (ValueError, OverflowError):
            raise Refused("PARSE_ERROR", "ts is not an ISO 8601 time, such as 2026-02-21T14:30:00.123Z") from None


class Window(NamedTuple):
    """Which times are taken now, in us."""

    now: int
    oldest: int
    newest: int

    def check(self, time: int) -> None:
        """Raise `Refused` as a VALUE_ERROR for a time that no sound clock shows, or whose readings are not kept any more."""
        if time > self.newest:
            raise Refused("VALUE_ERROR", f"ts is {(time - self.now) // SECOND} s ahead of the platform's clock")
        if time < self.oldest:
            raise Refused("VALUE_ERROR", f"ts is {(self.now - time) // SECOND} s old; readings of that age are not kept")


def spell(micros: int) -> str:
    """As the contract's messages show times: UTC with milliseconds."""
    return from_micros(micros).strftime("%Y-%m-%dT%H:%M:%S.") + f"{micros // 1000 % 1000:03d}Z"
