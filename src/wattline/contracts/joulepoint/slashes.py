"""A slash at the end of a path, and what no other route answers: a method that a path does not know, a path that is not there.

No redirect: it would drop the body of a POST.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Scope

from wattline.contracts.joulepoint.problem import Problem, answer

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def without_slash(scope: Scope) -> None:
    """Take the slash off the end of a request's path, so that routes are declared once, without it."""
    path: str = scope["path"]
    if len(path) > 1 and path.endswith("/"):
        scope["path"] = path[:-1]
        raw: bytes | None = scope.get("raw_path")
        if raw is not None and raw.endswith(b"/"):
            scope["raw_path"] = raw[:-1]


def _refusing(allowed: Iterable[str]) -> Callable[[Request], Awaitable[Response]]:
    allow = ", ".join(sorted(allowed))

    async def refuse(request: Request) -> Response:
        error = Problem(405, "method_not_allowed", f"this path knows {allow}", headers={"Allow": allow})
        return answer(error, request.scope)

    return refuse


async def _missing(request: Request) -> Response:
    return answer(Problem(404, "not_found", "there is no such path"), request.scope)


def strays(routers: Iterable[APIRouter], below: Iterable[str]) -> APIRouter:
    """To be mounted after `routers`, whose paths it completes; everything else that begins with one of `below` is not found."""
    known: dict[str, set[str]] = {}
    for route in _routes(routers):
        known.setdefault(route.path, set()).update(route.methods or ())
    found = APIRouter(include_in_schema=False)
    for path, allowed in known.items():
        found.add_api_route(path, _refusing(allowed), methods=[m for m in METHODS if m not in allowed])
    for prefix in below:
        found.add_api_route(f"{prefix}/{{rest:path}}", _missing, methods=METHODS)
        if prefix not in known:
            found.add_api_route(prefix, _missing, methods=METHODS)
    return found


def _routes(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """Every route, also of routers that were included without a prefix."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route
            elif isinstance(within := getattr(route, "original_router", None), APIRouter):
                yield from _routes([within])
