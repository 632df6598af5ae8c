"""The categories of IEEE 1159-2019: how long a sag, swell or interruption lasted, in words."""

from __future__ import annotations

from wattline.model.clock import MINUTE, SECOND

CYCLES_INSTANTANEOUS = 30
MOMENTARY = 3 * SECOND


def category(kind: str, duration: int, nominal_frequency: float) -> str | None:
    """The category of an event that lasted `duration` us; None for kinds that have none.

    30 cycles, the end of what is instantaneous, are 0.5 s at 60 Hz and 0.6 s at 50 Hz. An interruption is momentary up to 3 s
    and sustained beyond a minute.
    """
    if kind in ("undervoltage", "overvoltage"):
        return kind
    if kind not in ("sag", "swell", "interruption"):
        return None
    if duration > MINUTE:
        return {"sag": "undervoltage", "swell": "overvoltage", "interruption": "sustained"}[kind]
    if duration > MOMENTARY:
        return "temporary"
    if kind != "interruption" and duration <= CYCLES_INSTANTANEOUS * SECOND / nominal_frequency:
        return "instantaneous"
    return "momentary"


def category_of_span(kind: str, span: tuple[int, int], nominal_frequency: float) -> str | None:
    """The category of an event of which only the least and the most duration (us) are known: None unless both agree."""
    least, most = (category(kind, duration, nominal_frequency) for duration in span)
    return least if least == most else None
