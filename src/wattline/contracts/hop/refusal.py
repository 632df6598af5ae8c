"""A body that is refused, and the words for it."""

from __future__ import annotations

import json
import re
from typing import Any

from wattline.model.errors import Invalid

_AT_BYTE = re.compile(r"\(byte (\d+)\)")


class Refused(Invalid):
    """The body failed validation: `details` is the list that the 422 answer shows."""

    def __init__(self, details: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in details))
        self.details = details


def fault(kind: str, place: list[str | int], message: str, value: object = None) -> dict[str, Any]:
    """One entry of a 422's detail."""
    return {"type": kind, "loc": place, "msg": message, "input": value}


def malformed(body: bytes, error: Exception) -> Refused:
    """What to say of bytes that are no JSON object: nothing sent, another kind of value, or a syntax error and where."""
    if not body.strip():
        return Refused([fault("missing", ["body"], "Field required")])
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except json.JSONDecodeError as found:
        return _invalid(found.pos, found.msg)
    except (ValueError, RecursionError):
        return _invalid(_position(error), _reason(error))
    if isinstance(value, dict):
        return _invalid(_position(error), _reason(error))
    return Refused([fault("model_attributes_type", ["body"], "Input should be a valid dictionary or object", value)])


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _position(error: Exception) -> int:
    found = _AT_BYTE.search(str(error))
    return int(found[1]) if found else 0


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else "not valid JSON"


def _invalid(position: int, reason: str) -> Refused:
    found = fault("json_invalid", ["body", position], "JSON decode error", {})
    found["ctx"] = {"error": reason}
    return Refused([found])
