"""The names of channels, and what a client says of each."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["meter", "group", "account", "events", "topology"]
LONGEST = 200
_NUMBERED = re.compile(r"(meter|group|account):([1-9][0-9]{0,17})", re.ASCII)
_NAMED = re.compile(r"(events|topology):(\S.*)", re.ASCII | re.DOTALL)


class Channel(NamedTuple):
    """One channel: its kind, and the id, type or site that it is of."""

    kind: Kind
    key: int | str

    @property
    def name(self) -> str:
        """As clients write it."""
        return f"{self.kind}:{self.key}"


def named(text: str) -> Channel | None:
    """The channel of a name, None for a text that is no such name."""
    if len(text) > LONGEST:
        return None
    if (found := _NUMBERED.fullmatch(text)) is not None:
        return Channel(found[1], int(found[2]))  # type: ignore[arg-type]
    if (found := _NAMED.fullmatch(text)) is not None:
        return Channel(found[1], found[2])  # type: ignore[arg-type]
    return None


class Terms(NamedTuple):
    """How a client wants a channel: which fields (None: all), and how often at most (Hz, None: whenever there is news)."""

    fields: tuple[str, ...] | None = None
    max_hz: float | None = None
