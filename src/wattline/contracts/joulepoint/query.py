"""The query of a request: which parameters there are, and times in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BeforeValidator, WithJsonSchema

from wattline.contracts.joulepoint.problem import Problem
from wattline.model.clock import from_micros, to_micros
from wattline.model.errors import Fault

LONGEST_TIME = 64
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
NO_TIME = "a time is RFC 3339 with its offset, such as 2026-06-11T14:32:00Z (a + is written %2B)"


def instant(text: str) -> int:
    """The moment that an RFC 3339 text with an offset names, in us since 1970 UTC. Raises ValueError."""
    if len(text) > LONGEST_TIME or _RFC3339.fullmatch(text) is None:
        raise ValueError(NO_TIME)
    try:
        found = to_micros(datetime.fromisoformat(text.upper()))
        from_micros(found)
    except (ValueError, OverflowError):
        raise ValueError("there is no such date or time") from None
    return found


def _instant(value: Any) -> Any:
    return instant(value) if isinstance(value, str) else value


Instant = Annotated[int, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A parameter of the query that is a time; the route gets us since 1970 UTC."""


def spell(micros: int) -> str:
    """A moment as this contract writes it: `2026-06-11T14:32:00Z`, with a fraction only where there is one."""
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def parameters(route: APIRoute) -> Mapping[str, bool]:
    """The parameters of the query that a route knows, each with whether it may come more than once.

    Those that its function declares, and those of its `openapi_extra`.
    """
    known = {}
    for field in _declared(route.dependant):
        known[field.alias] = get_origin(field.field_info.annotation) in (list, set, tuple, frozenset)
    for parameter in (route.openapi_extra or {}).get("parameters", ()):
        if parameter["in"] == "query":
            known[parameter["name"]] = parameter.get("schema", {}).get("type") == "array"
    return known


def check(request: Request, known: Mapping[str, bool]) -> None:
    """Refuse (400) a parameter that is not known, and one that comes twice and may not."""
    if not request.scope.get("query_string"):
        return
    seen: set[str] = set()
    faults = []
    for name, _ in request.query_params.multi_items():
        if name not in known:
            faults.append(Fault(f"?{name}", "unknown", f"there is no such parameter; there are: {_listed(known)}"))
        elif name in seen and not known[name]:
            faults.append(Fault(f"?{name}", "repeated", "this may be given once"))
        seen.add(name)
    if faults:
        raise Problem(400, "bad_parameter", f"{faults[0].pointer[1:]}: {faults[0].detail}", faults[:50])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _declared(dependant: Dependant) -> Iterator[Any]:
    yield from dependant.query_params
    for each in dependant.dependencies:
        yield from _declared(each)
