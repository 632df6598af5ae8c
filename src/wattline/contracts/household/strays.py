"""Routes that answer what no other route does: a method that a path does not know, a path that is not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from wattline.contracts.household.errors import response

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def _refusing(allowed: Iterable[str]) -> Callable[[Request], Awaitable[Response]]:
    allow = ", ".join(sorted(allowed))

    async def refuse(_request: Request) -> Response:
        return response(405, "this path does not know the method", {"Allow": allow})

    return refuse


async def _missing(_request: Request) -> Response:
    return response(404, "there is no such path")


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
    return found


def _routes(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """Every route, also of routers that were included without a prefix."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route
            elif isinstance(within := getattr(route, "original_router", None), APIRouter):
                yield from _routes([within])
