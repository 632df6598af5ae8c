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


def many(results: Sequence[Outcome | Refused]) -> Answer:
    """What became of readings that were sent together: how many of each status, and each that was refused, by its index."""
    counts = {"stored": 0, "duplicate": 0, "replaced": 0}
    rejected: list[dict[str, Any]] = []
    ignored: dict[str, None] = {}
    for index, result in enumerate(results):
        if isinstance(result, Outcome):
            counts[result.status] += 1
            if result.ignored:
                ignored.update(dict.fromkeys(result.ignored))
        else:
            rejected.append({"index": index, "errors": [shown(fault) for fault in result]})
    body: dict[str, Any] = {
        "accepted": counts["stored"],
        "duplicates": counts["duplicate"],
        "replaced": counts["replaced"],
        "rejected": rejected,
    }
    if ignored:
        body["ignored"] = list(ignored)
    return Answer(200, msgspec.json.encode(body))
