"""A reading as JSON. Plain ones are decoded straight into a struct; whatever that refuses is looked at once more, with care.

The struct cannot tell a name that comes twice, nor a null from a name that is absent. Both show in the number of quotation
marks: a plain document has two for each name and each text, and a document with any more is looked at with care.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from wattline.metering.fields import FIELDS, WIDTH
from wattline.metering.readings.careful import (
    LONGEST_NAME,
    MOST_EXTRA,
    MOST_ID,
    MOST_SEQ,
    Malformed,
    careful,
    parsed,
)
from wattline.metering.readings.model import Reading

__all__ = ["Malformed", "Plain", "plain", "read"]

Plain = msgspec.defstruct(
    "Plain",
    [
        *((field.name, Annotated[float, Meta(ge=field.low, le=field.high)] | None, None) for field in FIELDS),
        ("timestamp", datetime | None, None),
        ("meter_id", Annotated[int, Meta(ge=1, le=MOST_ID)] | None, None),
        ("breaker_state", Literal["open", "closed", "tripped"] | None, None),
        ("quality", Literal["good", "uncertain", "bad"] | None, None),
        ("seq", Annotated[int, Meta(ge=0, le=MOST_SEQ)] | None, None),
        ("extra", dict[Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)], float] | None, None),
    ],
    forbid_unknown_fields=True,
    gc=False,
)
"""A reading without anything odd: the values in the order of the columns, then what else `model.Reading` has, but `ignored`."""
NAMES: int = len(Plain.__struct_fields__)
FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_decode = msgspec.json.Decoder(Plain).decode
_astuple = msgspec.structs.astuple


def read(content: bytes | msgspec.Raw) -> Reading:
    """The reading in a JSON text, with everything that is wrong with its form. Raises `Malformed` for what is no JSON."""
    try:
        found = plain([_decode(content)], bytes(content).count(b'"'))
    except FAULTS:
        found = None
    return careful(parsed(content)) if found is None else found[0]


def plain(documents: Sequence[Any], quotes: int) -> list[Reading] | None:
    """The readings of structs whose text has so many quotation marks. None where it must be looked at with care."""
    found = []
    for document in documents:
        whole = _astuple(document)
        values, beside = whole[:WIDTH], whole[WIDTH:]
        timestamp, _, breaker_state, quality, _, extra = beside
        if values.count(None) == WIDTH:
            return None
        texts = NAMES - whole.count(None)
        if timestamp is not None:
            texts += 1
        if breaker_state is not None:
            texts += 1
        if quality is not None:
            texts += 1
        if extra is not None:
            if not 1 <= len(extra) <= MOST_EXTRA:
                return None
            texts += len(extra)
        quotes -= 2 * texts
        found.append(Reading(values, *beside))
    return found if quotes == 0 else None
