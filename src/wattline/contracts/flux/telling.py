"""Routes whose failures leave in the contract's shape."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from wattline.contracts.flux.answers import failure


def told(error: Exception) -> Response:
    """The answer to a failure."""
    answer = failure(error)
    return Response(b"".join(answer.body or ()), answer.status, dict(answer.headers))


class Telling(APIRoute):
    """A route that tells what went wrong itself, so that no failure passes through the web application."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with an answer to every failure."""
        handle = super().get_route_handler()

        async def telling(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:  # every failure has its answer; what is unknown is logged there
                return told(error)

        return telling
