"""Routes that show something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from fastapi import APIRouter, Response

from wattline.contracts.joulepoint.bodies import JSON
from wattline.contracts.joulepoint.problem import refusals


class Read(NamedTuple):
    """A path, what answers it, in a few words what it shows, the schema of its answer, and how else it may be answered."""

    path: str
    route: Callable[..., Awaitable[Response]]
    summary: str
    schema: Mapping[str, Any]
    media: str = JSON
    statuses: tuple[int, ...] = (404, 503)


def add_reads(router: APIRouter, *reads: Read) -> None:
    """Add routes for GET."""
    for each in reads:
        found = {"description": "Found", "content": {each.media: {"schema": each.schema}}}
        router.add_api_route(
            each.path,
            each.route,
            methods=["GET"],
            summary=each.summary,
            response_class=Response,
            response_model=None,
            responses={**refusals(*each.statuses), 200: found},
        )
