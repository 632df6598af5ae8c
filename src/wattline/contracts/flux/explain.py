"""The routes as FastAPI lists them in its documents. Requests reach the door before them; were they called, so would these."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

TAGS: list[Any] = ["flux"]
WORDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "/rest/v1/": (("GET", "Relations and functions", "An OpenAPI 2.0 document of every relation and function."),),
    "/rest/v1/{table}": (
        ("GET", "Read rows", "Rows of a relation, by PostgREST's filters, `select`, `order`, `limit`, `offset` and Range."),
        ("POST", "Insert or upsert rows", "One object or an array of them; all become rows or none does."),
        ("PATCH", "Change rows", "The same values for every row that the filters keep."),
        ("PUT", "Put a row", "The row of a primary key is then what the body says."),
        ("DELETE", "Delete rows", "Every row that the filters keep."),
    ),
    "/rest/v1/rpc/{function}": (
        ("GET", "Call a function with arguments in the query string", "Rows are filtered and shown as those of a relation."),
        ("POST", "Call a function with arguments in the body", "Rows are filtered and shown as those of a relation."),
    ),
}
NAMES = re.compile(r"{(\w+)}")
NOT_A_WORD = re.compile(r"\W+")
FAULT = {
    "type": "object",
    "required": ["code", "details", "hint", "message"],
    "properties": {
        "code": {"type": "string"},
        "details": {"type": ["string", "null"]},
        "hint": {"type": ["string", "null"]},
        "message": {"type": "string"},
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "2XX": {"description": "What was asked for, in the form that Accept names"},
    "default": {"description": "What is wrong, in PostgREST's words", "content": {"application/json": {"schema": FAULT}}},
}


class _Through(Response):
    """An answer that is made by an application."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def documented(door: ASGIApp) -> APIRouter:
    """A router with every route."""
    router = APIRouter(tags=TAGS)

    async def through(request: Request) -> Response:
        return _Through(door)

    for path, words in WORDS.items():
        for method, summary, description in words:
            router.add_api_route(
                path,
                through,
                methods=[method],
                summary=summary,
                description=description,
                operation_id=f"flux_{method.lower()}{NOT_A_WORD.sub('_', path)}".rstrip("_"),
                response_class=Response,
                responses=RESPONSES,
                openapi_extra={
                    "parameters": [
                        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                        for name in NAMES.findall(path)
                    ]
                },
            )
    return router
