"""The two forms of a batch: `{"records": [...]}`, or one record a line (NDJSON)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wattline.contracts.hop.bodies import Telemetry
from wattline.contracts.hop.door import LINES, Body
from wattline.contracts.hop.intake import Intake, Strict
from wattline.contracts.hop.refusal import Refused, fault, malformed

MOST = 5_000
"""Records of one batch."""

_FAULTS = (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Offender(msgspec.Struct):
    """A record that was not taken: its place in the batch from 0, and the detail that it would have had by itself."""

    index: int
    detail: str | list[dict[str, Any]]


class _Whole(msgspec.Struct, gc=False):
    records: list[Strict]


class _Pieces(msgspec.Struct, gc=False):
    records: list[msgspec.Raw]


_whole = msgspec.json.Decoder(_Whole, strict=False)
_pieces = msgspec.json.Decoder(_Pieces)


def records_of(intake: Intake, body: Body) -> Sequence[Telemetry | None]:
    """The records of a batch in order, None for one that has to be looked at by itself. Raises `Refused` for no batch."""
    if body.media != LINES:
        try:
            found = _whole.decode(body.content).records
        except _FAULTS:
            pass
        else:
            _check_count(len(found), body)
            return found
    cut = pieces(body)
    _check_count(len(cut), body)
    return [intake.decode(piece) for piece in cut]


def _check_count(count: int, body: Body) -> None:
    if not 1 <= count <= MOST:
        place: list[str | int] = ["body"] if body.media == LINES else ["body", "records"]
        kind = "too_long" if count else "too_short"
        raise Refused([fault(kind, place, f"A batch should have 1 to {MOST} records, not {count}")])


def pieces(body: Body) -> list[bytes] | list[msgspec.Raw]:
    """The batch cut into records, none of which is looked at. Raises `Refused` where it cannot be cut."""
    if body.media == LINES:
        return [line for line in body.content.splitlines() if line.strip()]
    try:
        return _pieces.decode(body.content).records
    except msgspec.ValidationError as error:
        if "records" in str(error):
            kind = "missing" if "missing" in str(error) else "list_type"
            message = "Field required" if kind == "missing" else "Input should be a valid list"
            raise Refused([fault(kind, ["body", "records"], message)]) from None
        raise malformed(body.content, error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(body.content, error) from None
