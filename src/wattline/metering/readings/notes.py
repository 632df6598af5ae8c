"""What a reading has beside its numbers, as the status of its row: JSON, `{}` where there is nothing.

Every row has one, so that it has a record, whose receipt can be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

EMPTY = "{}"


class Note(msgspec.Struct, omit_defaults=True, frozen=True):
    """`revision` counts what was stored at this time, from 1; `seq` is the sender's own number."""

    revision: int = 1
    breaker_state: str | None = None
    seq: int | None = None
    extra: Mapping[str, float] | None = None


NOTHING = Note()
_decode = msgspec.json.Decoder(Note).decode
_encode = msgspec.json.Encoder().encode


def status_of(note: Note) -> str:
    """The status text of a row."""
    return _encode(note).decode()


def note_of(status: str | None) -> Note:
    """What a row's status says."""
    if not status or status == EMPTY:
        return NOTHING
    return _decode(status)


def first_status(breaker_state: str | None, seq: int | None, extra: Mapping[str, float] | None) -> str:
    """The status text of a reading that replaces none."""
    if breaker_state is None and extra is None:
        return EMPTY if seq is None else f'{{"seq":{seq}}}'
    return status_of(Note(1, breaker_state, seq, extra))
