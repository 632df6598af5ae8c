"""/oauth/token, /oauth/introspect, /oauth/revoke and the metadata: OAuth 2.0 for machines, with the errors of RFC 6749."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase

from wattline.contracts.joulepoint.paging import address
from wattline.contracts.joulepoint.problem import refusals, too_large
from wattline.contracts.joulepoint.resource_routes import encoded
from wattline.identity.oauth.service import OAuth

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
MOST_BYTES = 16 * 1024
"""Of a form. It is read for anybody, so it is to be read quickly."""
METADATA = "/.well-known/oauth-authorization-server"
TAG = "Joulepoint access"
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {
        "description": "invalid_request, invalid_scope, unsupported_grant_type",
        "content": {"application/json": {"schema": ERROR}},
    },
    401: {"description": "invalid_client", "content": {"application/json": {"schema": ERROR}}},
    413: refusals(413)[413],
}
ANSWER = {"description": "The answer.", "content": {"application/json": {"schema": {"type": "object"}}}}
NOTHING: dict[str, Any] = {"description": "The token is good nowhere, or was not the client's."}


class _Client(SecurityBase):
    """Tells the OpenAPI document how a client authenticates; the domain reads the header by itself."""

    def __init__(self) -> None:
        self.model = HTTPBase(scheme="basic", description="client_id and client_secret")
        self.scheme_name = "JoulepointClient"

    async def __call__(self, request: Request) -> None:
        """Ask for nothing: the credentials may be in the form."""


CLIENT = _Client()


def _form(**fields: str) -> dict[str, Any]:
    """The OpenAPI description of a form; the client's own secret may come in it or in the header."""
    properties = {**fields, "client_id": "With `client_secret` in place of the header.", "client_secret": "The secret."}
    schema = {
        "type": "object",
        "properties": {name: {"type": "string", "description": told} for name, told in properties.items()},
    }
    return {
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}},
    }


Documented = Annotated[None, Security(CLIENT)]


def build(oauth: OAuth) -> APIRouter:
    """The four routes. The three that take a form authenticate the client, by `Authorization: Basic` or in the form."""
    router = APIRouter(tags=[TAG])

    def endpoint(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request, _client: Documented = None) -> Response:
            said = request.headers
            body = await request.body()
            if len(body) > MOST_BYTES:
                raise too_large(MOST_BYTES)
            query = bool(request.scope.get("query_string"))
            told = await oauth.answer(name, body, said.get("content-type"), said.get("authorization"), query=query)
            media = "application/json" if told.body else None
            return Response(told.body, told.status, {**told.headers, **NO_STORE}, media)

        answered.__name__ = f"oauth_{name}"
        return answered

    def add(path: str, name: str, summary: str, description: str, **fields: str) -> None:
        responses = {200: NOTHING if name == "revocation" else ANSWER, **REFUSALS}
        router.add_api_route(
            path, endpoint(name), methods=["POST"], summary=summary, description=description, responses=responses,
            response_class=Response, response_model=None, openapi_extra=_form(**fields),
        )  # fmt: skip

    add(
        "/oauth/token", "token", "Obtain an access token",
        "By the client's own credentials. No scope asked: all that the client has. There is no refresh token.",
        grant_type="client_credentials", scope="Words with a space between them.",
    )  # fmt: skip
    add(
        "/oauth/introspect",
        "introspect",
        "Ask what a token is",
        "Of the client's own tenant; else it is not active.",
        token="The token.",  # noqa: S106
    )
    add(
        "/oauth/revoke",
        "revocation",
        "End a token",
        "One of the client's own; of any other nothing is said.",
        token="The token.",  # noqa: S106
    )

    async def metadata(request: Request) -> Response:
        """Where the endpoints are and what they know (RFC 8414)."""
        issuer = address(request, path="/").removesuffix("/")
        return encoded(oauth.metadata(issuer))

    router.add_api_route(
        METADATA,
        metadata,
        summary="Describe the authorization server",
        responses={200: ANSWER},
        response_class=Response,
        response_model=None,
    )
    return router
