"""The ids of readings and of their events: ULIDs that stream, time and revision make, so that they need not be stored.

A ULID has 48 bits of milliseconds and 80 bits beside, which are random elsewhere. Here they are, from the left: the
microseconds in the millisecond (16), the stream (32), how often the reading was replaced (16), zeros (16). So ids are in the
order of time, and two readings never have the same.
"""

from __future__ import annotations

from base64 import b32encode

_MILLISECOND = 1000
_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_PADDED = 20
"""Bytes that base 32 writes without padding; the 26 digits of a ULID are the last of its 32."""


def ulid(stream: int, time: int, replaced: int = 0) -> str:
    """The id of the reading of a stream at a time (us since 1970); with `replaced` an event's, after so many replacements."""
    milliseconds, micros = divmod(time, _MILLISECOND)
    number = milliseconds << 80 | micros << 64 | stream << 32 | min(replaced, 0xFFFF) << 16
    return b32encode(number.to_bytes(_PADDED, "big"))[6:].translate(_CROCKFORD).decode("ascii")
