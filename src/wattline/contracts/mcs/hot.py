"""The queries that a dashboard asks all the time, as plain ASGI: the same checks as everywhere, without a router's cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from urllib.parse import parse_qsl

from fastapi import Response
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from wattline.contracts.mcs.errors import Unprocessable, answer, faults_of
from wattline.contracts.mcs.gate import Gate, offered
from wattline.model.principal import Principal

Q = TypeVar("Q", bound=BaseModel)
Work = Callable[[Principal, Q], Awaitable[Response]]


class HotQuery(Generic[Q]):
    """Answers GET on one path: key, then parameters by their model, then `work`."""

    def __init__(self, gate: Gate, model: type[Q], work: Work[Q]) -> None:
        self._gate = gate
        self._model = model
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._respond(scope)
        except Exception as error:  # every failure has its answer; what is unknown is logged there
            response = answer(error)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope) -> Response:
        if scope["method"] != "GET":
            raise HTTPException(405, "Method Not Allowed", {"Allow": "GET"})
        principal = await self._gate.admit(scope, offered(Headers(scope=scope)), "query:read")
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        try:
            query = self._model.model_validate(given)
        except ValidationError as error:
            raise Unprocessable(faults_of(error.errors(include_url=False), ("query",))) from None
        return await self._work(principal, query)
