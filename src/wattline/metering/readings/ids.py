"""The ids of readings and of their events: ULIDs that stream, time and revision make, so that they need not be stored.

A ULID has 48 bits of milliseconds and 80 bits beside, which are random elsewhere. Here they are, from the left: the
microseconds in the millisecond (16), the stream (32), how often the reading was replaced (16), zeros (16). So ids are in the
order of time, and two readings never have the same.
"""

from __future__ import annotations

_MILLISECOND = 1000
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)


def ulid(stream: int, time: int, replaced: int = 0) -> str:
    """The id of the reading of a stream at a time (us since 1970); with `replaced` an event's, after so many replacements."""
    milliseconds, micros = divmod(time, _MILLISECOND)
    # Of 130 bits, of which the first two are none, each half is 13 digits.
    left = (milliseconds << 16 | micros) >> 1
    right = (micros & 1) << 64 | stream << 32 | min(replaced, 0xFFFF) << 16
    return _half(left) + _half(right)


def _half(bits: int) -> str:
    pairs = _PAIRS
    return (
        _DIGITS[bits >> 60]
        + pairs[bits >> 50 & 1023]
        + pairs[bits >> 40 & 1023]
        + pairs[bits >> 30 & 1023]
        + pairs[bits >> 20 & 1023]
        + pairs[bits >> 10 & 1023]
        + pairs[bits & 1023]
    )
