"""The bodies of readings: one, or many as `{"readings": [...]}`, a bare array, or one a line (NDJSON)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from wattline.contracts.joulepoint.bodies import check_crowd
from wattline.contracts.joulepoint.problem import Problem
from wattline.metering.readings.careful import Malformed, Members, careful, parsed, refused
from wattline.metering.readings.document import FAULTS, Plain, plain, read
from wattline.metering.readings.model import Reading
from wattline.model.errors import Fault, Faulty

LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
MOST = 10_000
"""Readings of one body."""
MOST_CONTAINERS = 100_000
"""Objects and arrays of a long body; see `bodies`."""
_BRACE, _BRACKET = b"{", b"["
_SPACES = b" \t\r\n"


class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    readings: list[Plain]  # type: ignore[valid-type]


class _Pieces(msgspec.Struct, forbid_unknown_fields=True):
    readings: list[msgspec.Raw]


_whole = msgspec.json.Decoder(_Whole).decode
_array = msgspec.json.Decoder(list[Plain]).decode  # type: ignore[valid-type]
_each_line = msgspec.json.Decoder(Plain).decode_lines
_pieces = msgspec.json.Decoder(_Pieces).decode
_array_pieces = msgspec.json.Decoder(list[msgspec.Raw]).decode


def single(content: bytes) -> Reading:
    """The reading of a body. Raises `Problem` 400."""
    try:
        return read(content)
    except Malformed as error:
        raise malformed(error) from None


def malformed(error: Malformed) -> Problem:
    """400: a body that is no JSON."""
    return Problem(400, "malformed_json", str(error))


async def several(content: bytes, media: str) -> Sequence[Reading]:
    """The readings of a body in order. Raises `Problem` 400, and `Faulty` where it holds none, or too many."""
    check_crowd(content, MOST_CONTAINERS)
    place = _place(content, media)
    found = _lines(content) if media in LINES else _json(content)
    if found is None:
        # Looking with care takes its time: others have theirs meanwhile.
        found = await asyncio.to_thread(_careful_lines if media in LINES else _careful_json, content, place)
    _check_count(len(found), place)
    return found


def _check_count(count: int, place: str) -> None:
    if not 1 <= count <= MOST:
        code = "too_many" if count else "empty"
        raise Faulty([Fault(place, code, f"there are 1 to {MOST} readings in a body, not {count}")])


def prefix(content: bytes, media: str) -> str:
    """What the pointer of a fault in one of several readings begins with: then comes the index."""
    return _place(content, media) + "/"


def _place(content: bytes, media: str) -> str:
    return "" if media in LINES or _is_array(content) else "/readings"


def _is_array(content: bytes) -> bool:
    return content.lstrip(_SPACES)[:1] == _BRACKET


def _json(content: bytes) -> list[Reading] | None:
    try:
        if _is_array(content):
            return plain(_array(content), content.count(b'"'))
        return plain(_whole(content).readings, content.count(b'"') - 2)
    except FAULTS:
        return None


def _lines(content: bytes) -> list[Reading] | None:
    try:
        return plain(_each_line(content), content.count(b'"'))
    except FAULTS:
        return None


def _careful_json(content: bytes, place: str) -> list[Reading]:
    try:
        cut = _array_pieces(content) if _is_array(content) else _pieces(content).readings
        _check_count(len(cut), place)
        # Beside the readings there is nothing but one name, or nothing.
        if content.count(b'"') == sum(bytes(piece).count(b'"') for piece in cut) + (0 if _is_array(content) else 2):
            return [read(piece) for piece in cut]
    except (*FAULTS, Malformed):
        pass
    try:
        whole = parsed(content)
    except Malformed as error:
        raise malformed(error) from None
    if isinstance(whole, Members):
        faults = [Fault(f"/{name}", "repeated", "this name comes more than once") for name in whole.repeated]
        faults += [Fault(f"/{name}", "unknown", "a body has readings alone") for name in whole if name != "readings"]
        readings = whole.get("readings")
        if not isinstance(readings, list):
            code = "type" if "readings" in whole else "required"
            faults.append(Fault("/readings", code, "readings is an array of readings"))
        if faults:
            raise Faulty(faults[:50])
        whole = readings
    if not isinstance(whole, list):
        raise Faulty([Fault("", "type", "a body is an object with readings, or an array of them")])
    _check_count(len(whole), place)
    return [careful(each) for each in whole]


def _careful_lines(content: bytes, place: str) -> list[Reading]:
    lines = [line for line in content.split(b"\n") if line.strip(_SPACES)]
    _check_count(len(lines), place)
    found = []
    for line in lines:
        try:
            found.append(read(line))
        except Malformed as error:
            found.append(refused("malformed_json", str(error)))
    return found
