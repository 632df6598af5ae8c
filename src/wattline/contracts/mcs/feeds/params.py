"""What a client asks of a feed in its URL. What the page names is taken leniently, as it says; what was added is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping

from wattline.contracts.mcs.errors import Unprocessable, fault

YES = frozenset({"true", "1", "yes", "on"})
NO = frozenset({"false", "0", "no", "off", ""})
SHORTEST_BEAT = 1.0
LONGEST_BEAT = 3600.0
LARGEST = 2**63 - 1


def flag(query: Mapping[str, str], name: str) -> bool:
    """A switch, off unless given. Raises `Unprocessable`."""
    text = query.get(name, "").strip().lower()
    if text not in YES | NO:
        raise Unprocessable([fault("bool_parsing", ["query", name], "Input should be a valid boolean", query[name])])
    return text in YES


def seconds(query: Mapping[str, str], name: str) -> float | None:
    """An interval of 1 s to an hour, None unless given. Raises `Unprocessable`."""
    text = query.get(name)
    if text is None or text == "":
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not SHORTEST_BEAT <= found <= LONGEST_BEAT:
        words = f"Input should be a number of seconds from {SHORTEST_BEAT:g} to {LONGEST_BEAT:g}"
        raise Unprocessable([fault("float_parsing", ["query", name], words, text)])
    return found


def event_id(query: Mapping[str, str]) -> int | None:
    """The id of the last event that the client has, None unless given. Raises `Unprocessable`."""
    text = query.get("last_event_id")
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST):
        words = "Input should be the id of an event"
        raise Unprocessable([fault("int_parsing", ["query", "last_event_id"], words, text)])
    return int(text)
