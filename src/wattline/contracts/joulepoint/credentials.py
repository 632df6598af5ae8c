"""/api/integrations/credentials: the clients of OAuth 2.0, which an administrator makes, rotates and ends."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from wattline.contracts.joulepoint import paging
from wattline.contracts.joulepoint.bodies import document
from wattline.contracts.joulepoint.gate import ADMIN, Admitted, Gate
from wattline.contracts.joulepoint.problem import pointer, refusals
from wattline.contracts.joulepoint.query import spell
from wattline.contracts.joulepoint.resource_routes import Asked, encoded
from wattline.identity.oauth.model import Client
from wattline.identity.oauth.service import OAuth
from wattline.model.clock import DAY, SECOND, Clock
from wattline.model.errors import Fault, Faulty, Forbidden
from wattline.model.principal import Principal

PATH = "/api/integrations/credentials"
TAG = "Joulepoint access"
ONCE = {"Cache-Control": "no-store"}
ClientId = Annotated[str, Path(max_length=64, pattern=r"^[!-~]+$", description="The client_id.")]

_NEW = {
    "type": "object",
    "required": ["name", "scopes"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 128},
        "scopes": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "sites": {"type": "array", "items": {"type": "string"}, "description": "Not given: every site."},
    },
}
_ROTATE = {
    "type": "object",
    "properties": {"overlap_seconds": {"type": "integer", "default": 86_400, "minimum": 0, "maximum": 31_536_000}},
}


_CREDENTIAL = {"type": "object", "required": ["client_id", "name", "scopes"]}
_DOCUMENT = {"description": "The credential.", "content": {"application/json": {"schema": _CREDENTIAL}}}
_PAGE = {"description": "A page.", "content": {"application/json": {"schema": paging.SCHEMA}}}


def shown(client: Client, now: int) -> dict[str, Any]:
    """A credential without its secrets."""
    live = client.live_secrets(now)
    return {
        "id": client.id,
        "client_id": client.id,
        "name": client.name,
        "scopes": sorted(client.scopes),
        "sites": None if client.sites is None else sorted(client.sites),
        "created_at": spell(client.created),
        "last_used_at": None if client.last_used is None else spell(client.last_used),
        "secrets": [
            {"created_at": spell(s.created), "expires_at": None if s.expires is None else spell(s.expires)} for s in live
        ],
    }


def _position(client: Client) -> tuple[int, ...]:
    # Two that were made in the same microsecond are told apart by their ids.
    return client.created, int.from_bytes(client.id.encode()[-7:])


def _only(body: dict[str, Any], *known: str) -> None:
    faults = [Fault(pointer(name), "unknown", f"there is no such field; there are {', '.join(known)}") for name in body]
    faults = [fault for fault, name in zip(faults, body, strict=True) if name not in known]
    if faults:
        raise Faulty(faults[:50])


def _of_every_site(caller: Principal) -> None:
    # It could else give itself what it was not given.
    if caller.sites is not None:
        raise Forbidden("credentials are kept by an administrator of every site")


def build(oauth: OAuth, gate: Gate, clock: Clock) -> APIRouter:
    """The five routes, for an administrator."""
    router = APIRouter(tags=[TAG], route_class=gate.keyed(ADMIN))

    def with_secret(client: Client, secret: str, status: int, headers: dict[str, str]) -> Response:
        told = {**shown(client, clock.micros()), "client_secret": secret}
        return encoded(told, status, {**headers, **ONCE})

    async def listed(caller: Admitted, request: Request, page: Asked) -> Response:
        """Those that are not revoked, oldest first; no secret."""
        _of_every_site(caller)
        there = [client for client in await oauth.list(caller.tenant) if client.revoked is None]
        now = clock.micros()
        return encoded(paging.page(request, sorted(there, key=_position), _position, page, lambda row: shown(row, now), 2))

    async def create(caller: Admitted, request: Request) -> Response:
        """The answer holds the secret, which nothing can show again."""
        _of_every_site(caller)
        body = await document(request)
        _only(body, "name", "scopes", "sites")
        client, secret = await oauth.create(caller.tenant, body.get("name"), body.get("scopes"), body.get("sites"))
        return with_secret(client, secret, 201, {"Location": f"{PATH}/{client.id}"})

    async def show(caller: Admitted, client_id: ClientId) -> Response:
        """Without its secret."""
        _of_every_site(caller)
        return encoded(shown(await oauth.get(client_id, caller.tenant), clock.micros()))

    async def rotate(caller: Admitted, request: Request, client_id: ClientId) -> Response:
        """Makes another secret and shows it, once; the one before is good for `overlap_seconds` longer."""
        _of_every_site(caller)
        body = await document(request) if await request.body() else {}
        _only(body, "overlap_seconds")
        overlap = body.get("overlap_seconds", DAY // SECOND)
        client, secret = await oauth.rotate(client_id, overlap * SECOND if type(overlap) is int else overlap, caller.tenant)
        return with_secret(client, secret, 200, {})

    async def revoke(caller: Admitted, client_id: ClientId) -> Response:
        """Ends the credential and every token of it, everywhere within two seconds."""
        _of_every_site(caller)
        await oauth.revoke(client_id, caller.tenant)
        return Response(status_code=204)

    def body_of(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
        return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}

    def add(path: str, do: Any, method: str, summary: str, *statuses: int, status: int = 200, **more: Any) -> None:
        answer: dict[int | str, Any] = {} if status == 204 else {status: _PAGE if do is listed else _DOCUMENT}
        router.add_api_route(
            path, do, methods=[method], summary=summary, responses={**answer, **refusals(*statuses)}, status_code=status,
            response_class=Response, response_model=None, **more,
        )  # fmt: skip

    one = f"{PATH}/{{client_id}}"
    add(PATH, listed, "GET", "List credentials")
    add(PATH, create, "POST", "Create a credential", 413, 415, status=201, openapi_extra=body_of(_NEW))
    add(one, show, "GET", "Show a credential", 404)
    add(one, revoke, "DELETE", "Revoke a credential", 404, status=204)
    add(f"{one}/rotate", rotate, "POST", "Rotate a secret", 404, 413, 415, openapi_extra=body_of(_ROTATE, required=False))
    return router
