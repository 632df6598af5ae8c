"""What a sender of readings is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from wattline.contracts.joulepoint.problem import shown
from wattline.contracts.joulepoint.query import spell
from wattline.metering.readings.model import Outcome, Refused

STATUS = {"stored": 201, "duplicate": 200, "replaced": 200}


class Answer(NamedTuple):
    """A status and a body of JSON."""

    status: int
    body: bytes


def one(outcome: Outcome) -> Answer:
    """What became of one reading."""
    text = (
        f'{{"id":"{outcome.id}","meter_id":{outcome.meter_id},"timestamp":"{spell(outcome.time)}","status":"{outcome.status}"'
    )
    if outcome.revision > 1:
        text += f',"revision":{outcome.revision}'
    if outcome.ignored:
        text += f',"ignored":{msgspec.json.encode(outcome.ignored).decode()}'
    return Answer(STATUS[outcome.status], f"{text}}}".encode())


class Tally(msgspec.Struct):
    """What became of readings that were sent together: each that was refused by its index, the others by their number."""

    accepted: int = 0
    duplicates: int = 0
    replaced: int = 0
    rejected: list[dict[str, Any]] = []
    ignored: list[str] | msgspec.UnsetType = msgspec.UNSET


def tally(results: Sequence[Outcome | Refused]) -> Tally:
    """Count."""
    found = Tally()
    ignored: dict[str, None] = {}
    for index, result in enumerate(results):
        if not isinstance(result, Outcome):
            found.rejected.append({"index": index, "errors": [shown(fault) for fault in result]})
            continue
        if result.status == "stored":
            found.accepted += 1
        elif result.status == "duplicate":
            found.duplicates += 1
        else:
            found.replaced += 1
        if result.ignored:
            ignored.update(dict.fromkeys(result.ignored))
    if ignored:
        found.ignored = list(ignored)
    return found


def many(found: Tally) -> Answer:
    """What became of readings that were sent together."""
    return Answer(200, msgspec.json.encode(found))
