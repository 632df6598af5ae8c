"""What stands around every answer: what a browser of another origin needs, and what is left of the caller's limit."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.gate.rates import RATE
from wattline.contracts.flux.telling import told

MAX_AGE_SECONDS = 86_400
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD")
EXPOSED = (
    "Content-Encoding", "Content-Location", "Content-Profile", "Content-Range", "Content-Type", "Date", "Location",
    "Preference-Applied", "Proxy-Status", "Range-Unit", "Retry-After", "Server", "Transfer-Encoding", "WWW-Authenticate",
    "X-RateLimit-Burst", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
)  # fmt: skip


class Around:
    """Wraps what answers this contract's paths. A preflight is answered here, without a key and at no cost.

    No cookie is ever asked for, so every one of `origins` (`*`: any) may read what it has a key for.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._cors = _Cors(
            self._answered,
            allow_origins=list(origins),
            allow_methods=METHODS,
            allow_headers=("*",),
            expose_headers=EXPOSED,
            max_age=MAX_AGE_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._cors(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def limited(message: Message) -> None:
            if message["type"] == "http.response.start" and RATE in scope:
                message["headers"] = [*message.get("headers", ()), *scope[RATE]]
            await send(message)

        await self._app(scope, receive, limited)


class _Cors(CORSMiddleware):
    """Allows Authorization also to a preflight that asks for other headers alone, as PostgREST does.

    One that is not granted is told why in the contract's shape.
    """

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code != 200:
            refused = told(Refusal(response.status_code, "PT400", bytes(response.body).decode()))
            refused.headers.update({name: value for name, value in response.headers.items() if name not in refused.headers})
            response = refused
        named = [name.strip() for name in request_headers.get("access-control-request-headers", "").split(",") if name.strip()]
        if "authorization" not in map(str.lower, named):
            named.append("Authorization")
        response.headers["Access-Control-Allow-Headers"] = ", ".join(named)
        return response
