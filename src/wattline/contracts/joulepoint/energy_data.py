"""POST /api/energy/energy-data and /api/energy/energy-data/bulk: what devices measured."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.types import ASGIApp

from wattline.contracts.joulepoint import device_answers
from wattline.contracts.joulepoint.device_answers import Answer
from wattline.contracts.joulepoint.device_bodies import LINES, prefix, several, single
from wattline.contracts.joulepoint.device_documents import documented
from wattline.contracts.joulepoint.device_door import CONTRACT, JSON, Door, Senders, Sent
from wattline.contracts.joulepoint.problem import Problem, bad_parameter
from wattline.metering.readings.model import Outcome
from wattline.metering.readings.service import NOT_ALLOWED, UNKNOWN_METER, NotTaken, Readings
from wattline.model.errors import Fault, Faulty
from wattline.settings import MEBIBYTE

PATH = "/api/energy/energy-data"
BULK = f"{PATH}/bulk"
MOST_BYTES = 5 * MEBIBYTE
"""Of a body with several readings, as it comes and unpacked."""
MOST_TOLD = 1_000
"""Faults of readings that are refused together; a last one says how many more there are."""
WORDS = {"true": True, "false": False}


def doors(readings: Readings, senders: Senders, *, most_bytes: int) -> dict[str, ASGIApp]:
    """What answers the two paths, with a slash at the end and without. `most_bytes` is the largest body of one reading."""
    metrics = senders.metrics

    async def one(sent: Sent) -> Answer:
        if sent.query:
            _parameters(sent.query, ())
        (found,) = await readings.take(sent.sender, [single(sent.content)])
        if not isinstance(found, Outcome):
            raise _refusal(found)
        if found.status == "stored":
            metrics.ingest_rows.add(1, CONTRACT)
        if found.ignored:
            metrics.unknown_fields.add(len(found.ignored), CONTRACT)
        return device_answers.one(found)

    async def many(sent: Sent) -> Answer:
        atomic = _atomic(sent.query)
        given = await several(sent.content, sent.media)
        try:
            results = await readings.take(sent.sender, given, atomic=atomic)
        except NotTaken as error:
            raise _together(error, prefix(sent.content, sent.media)) from None
        tally = device_answers.tally(results)
        metrics.ingest_rows.add(tally.accepted, CONTRACT)
        if tally.rejected:
            metrics.ingest_rejected.add(len(tally.rejected), CONTRACT, "reading")
        if tally.ignored:
            metrics.unknown_fields.add(len(tally.ignored), CONTRACT)
        return device_answers.many(tally)

    door = Door(senders, one, most_bytes=most_bytes)
    bulk = Door(senders, many, most_bytes=MOST_BYTES, media=(JSON, *LINES))
    return {PATH: door, f"{PATH}/": door, BULK: bulk, f"{BULK}/": bulk}


def build(found: Mapping[str, ASGIApp]) -> APIRouter:
    """The doors as routes of the OpenAPI document, which hand over."""
    return documented(found[PATH], found[BULK])


def _parameters(query: bytes, known: tuple[str, ...]) -> dict[str, str]:
    """The parameters of a query. Raises `Problem` 400 for one that is not known, or comes twice."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            raise bad_parameter(name, "unknown", f"there is no such parameter; there are: {', '.join(known) or 'none'}")
        if name in found:
            raise bad_parameter(name, "repeated", "this may be given once")
        found[name] = value
    return found


def _atomic(query: bytes) -> bool:
    if not query:
        return False
    word = _parameters(query, ("atomic",)).get("atomic", "false")
    if word not in WORDS:
        raise bad_parameter("atomic", "not_one_of", "this is true or false")
    return WORDS[word]


def _refusal(faults: list[Fault]) -> Problem | Faulty:
    """A reading of a meter that is not there is not found, one of a meter that the key does not write for is not allowed."""
    for fault in faults:
        if fault.code == NOT_ALLOWED:
            return Problem(403, "forbidden", fault.detail, faults)
        if fault.code == UNKNOWN_METER:
            return Problem(404, "not_found", fault.detail, faults)
    return Faulty(faults)


def _together(error: NotTaken, before: str) -> Problem:
    every = (
        Fault(f"{before}{index}{fault.pointer}", fault.code, fault.detail)
        for index, faults in error.rejected.items()
        for fault in faults
    )
    told: list[Fault] = []
    more = 0
    for fault in every:
        if len(told) < MOST_TOLD:
            told.append(fault)
        else:
            more += 1
    if more:
        told.append(Fault("", "more", f"and {more} more faults"))
    return Problem(422, "invalid", str(error), told)
