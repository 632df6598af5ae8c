"""The routes of one kind of resource: list, create, show, replace, change, remove."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Depends, Path, Request, Response

from wattline.contracts.joulepoint import etags, paging
from wattline.contracts.joulepoint.bodies import JSON, MERGE_PATCH, document, value
from wattline.contracts.joulepoint.gate import CONFIG_WRITE, ENERGY_READ, Admitted, Gate
from wattline.contracts.joulepoint.problem import refusals
from wattline.contracts.joulepoint.query import spell
from wattline.model.errors import Faulty, NotFound
from wattline.model.principal import Principal
from wattline.resources.model import Kind, Resource
from wattline.resources.service import Resources

_TIME = {"type": "string", "format": "date-time"}
_FIELDS = {"id": {"type": "integer"}, "version": {"type": "integer"}, "created_at": _TIME, "updated_at": _TIME}
_TAG = {"ETag": {"description": "The version.", "schema": {"type": "string"}}}
_DOCUMENT = {
    "description": "The document.",
    "headers": _TAG,
    "content": {JSON: {"schema": {"type": "object", "properties": _FIELDS}}},
}
_UNCHANGED = {"description": "It has not changed.", "headers": _TAG}
_PAGE = {"description": "A page.", "content": {JSON: {"schema": paging.SCHEMA}}}
Number = Annotated[int, Path(ge=1, description="The id.")]
Asked = Annotated[paging.Asked, Depends(paging.asked)]


class Keeper(Protocol):
    """What writes resources of one kind. Each raises `Faulty` for the faults of a body, all at once, `Conflict`, `NotFound`,
    and `Stale` unless the version is the expected one (None: any)."""

    async def create(self, tenant: str, body: Mapping[str, Any]) -> Resource:
        """A new resource."""
        ...

    async def replace(self, tenant: str, number: int, body: Mapping[str, Any], *, expected: int | None = None) -> Resource:
        """Give it another body, the writable fields whole."""
        ...

    async def patch(self, tenant: str, number: int, change: Mapping[str, Any], *, expected: int | None = None) -> Resource:
        """Merge a patch (RFC 7396) into its writable fields."""
        ...

    async def remove(self, tenant: str, number: int, *, expected: int | None = None) -> object:
        """Remove it. Raises `Conflict` where something that is there still needs it."""
        ...


def shown(resource: Resource) -> dict[str, Any]:
    """A resource as a document: its id, its body, and when it was made and changed."""
    return {
        "id": resource.id,
        **resource.body,
        "created_at": spell(resource.created),
        "updated_at": spell(resource.updated),
        "version": resource.version,
    }


def anything(_caller: Principal, _body: Mapping[str, Any], _whole: bool) -> None:
    """What a caller may write where sites do not matter."""


def everything(_caller: Principal, _resource: Resource) -> bool:
    """What a caller sees where sites do not matter."""
    return True


@dataclass(frozen=True)
class Shelf:
    """One kind of resource as the contract shows it, below `path` (without a slash at its end).

    `filters` are the fields of a body by which a list can be narrowed, exactly (a list holds the value). `schema` is the JSON
    Schema of a body. `sees` tells whether a caller may see and change a resource: what it may not is not there. `may` raises
    `Forbidden` or `Faulty` for a body that this caller must not send, such as a site that it does not see; it is told whether
    the body is whole, so that what it leaves out gets its default, or a patch. Where there is `many`, a list may be sent to
    make several at a time, all or none: it gets the tenant and the list.
    """

    kind: Kind
    path: str
    noun: str
    filters: Sequence[str] = ("name", "external_id")
    schema: Mapping[str, Any] | None = None
    read: str = ENERGY_READ
    write: str = CONFIG_WRITE
    shown: Callable[[Resource], dict[str, Any]] = shown
    sees: Callable[[Principal, Resource], bool] = everything
    may: Callable[[Principal, Mapping[str, Any], bool], None] = anything
    tag: str = "Joulepoint resources"
    many: Callable[[str, Sequence[Any]], Awaitable[Sequence[Resource]]] | None = None


def build(shelf: Shelf, keeper: Keeper, resources: Resources, gate: Gate) -> APIRouter:
    """The six routes of a shelf."""
    reading, writing = gate.keyed(shelf.read), gate.keyed(shelf.write)
    router = APIRouter(tags=[shelf.tag])
    one = f"{shelf.path}/{{number}}"
    plural = shelf.path.rpartition("/")[2]

    def found(caller: Principal, number: int) -> Resource:
        resource = resources.get(caller.tenant, shelf.kind, number)
        if not shelf.sees(caller, resource):
            raise NotFound(f"no such {shelf.kind}")
        return resource

    def answered(resource: Resource, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        tag = {"ETag": etags.etag(resource.version), **(headers or {})}
        return encoded(shelf.shown(resource), status, tag)

    async def listed(caller: Admitted, request: Request, page: Asked) -> Response:
        rows = [each for each in resources.all(caller.tenant, shelf.kind) if shelf.sees(caller, each)]
        for name in shelf.filters:
            value = request.query_params.get(name)
            if value is not None:
                rows = [each for each in rows if _has(each.body.get(name), value)]
        return encoded(paging.page(request, rows, lambda each: each.id, page, shelf.shown))

    async def sent(caller: Principal, request: Request, media: Sequence[str] = (JSON,)) -> dict[str, Any]:
        body = await document(request, media)
        shelf.may(caller, body, MERGE_PATCH not in media)
        return body

    async def create(caller: Admitted, request: Request) -> Response:
        if shelf.many is not None and isinstance(bodies := await value(request), list):
            for index, body in enumerate(bodies):
                if isinstance(body, dict):
                    _may_each(shelf, caller, index, body)
            several = await shelf.many(caller.tenant, bodies)
            return encoded({"count": len(several), "results": [shelf.shown(each) for each in several]}, 201)
        made = await keeper.create(caller.tenant, await sent(caller, request))
        return answered(made, 201, {"Location": f"{shelf.path}/{made.id}"})

    async def show(caller: Admitted, request: Request, number: Number) -> Response:
        resource = found(caller, number)
        if etags.unchanged(request.headers, resource.version):
            return Response(status_code=304, headers={"ETag": etags.etag(resource.version)})
        return answered(resource)

    async def replace(caller: Admitted, request: Request, number: Number) -> Response:
        expected = etags.expected(request.headers, found(caller, number).version)
        return answered(await keeper.replace(caller.tenant, number, await sent(caller, request), expected=expected))

    async def patch(caller: Admitted, request: Request, number: Number) -> Response:
        expected = etags.expected(request.headers, found(caller, number).version)
        change = await sent(caller, request, (JSON, MERGE_PATCH))
        return answered(await keeper.patch(caller.tenant, number, change, expected=expected))

    async def remove(caller: Admitted, request: Request, number: Number) -> Response:
        expected = etags.expected(request.headers, found(caller, number).version)
        await keeper.remove(caller.tenant, number, expected=expected)
        return Response(status_code=204)

    filters = {"parameters": [_filter(name) for name in shelf.filters]}
    body = {"requestBody": {"required": True, "content": {JSON: {"schema": shelf.schema or {"type": "object"}}}}}
    noun = shelf.noun.partition(" ")[2] or shelf.noun
    changed = {200: _DOCUMENT, **refusals(404, 409, 412, 413, 415)}

    def add(
        path: str,
        do: Callable[..., Any],
        method: str,
        summary: str,
        description: str,
        responses: dict[int | str, Any],
        **more: Any,
    ) -> None:
        kind = reading if method == "GET" else writing
        router.add_api_route(
            path, do, methods=[method], summary=summary, description=description, responses=responses,
            response_class=Response, response_model=None, route_class_override=kind, name=f"{do.__name__}_{shelf.kind}", **more,
        )  # fmt: skip

    only = "with `If-Match` only if it is of that version."
    add(
        shelf.path,
        listed,
        "GET",
        f"List {plural}",
        f"By id; narrowed exactly by {', '.join(shelf.filters)}.",
        {200: _PAGE, **refusals()},
        openapi_extra=filters,
    )
    add(
        shelf.path,
        create,
        "POST",
        f"Add {shelf.noun}",
        "Its address is in `Location`, its version in `ETag`.",
        {201: _DOCUMENT, **refusals(409, 413, 415)},
        openapi_extra=body,
        status_code=201,
    )
    add(
        one,
        show,
        "GET",
        f"Show {shelf.noun}",
        "Its version is its `ETag`; with `If-None-Match` of that version: 304.",
        {200: _DOCUMENT, 304: _UNCHANGED, **refusals(404)},
    )
    add(
        one,
        replace,
        "PUT",
        f"Replace {shelf.noun}",
        f"All fields of the {noun} at once; {only}",
        changed,
        openapi_extra=body,
    )
    add(
        one,
        patch,
        "PATCH",
        f"Change {shelf.noun}",
        f"Merges a patch (RFC 7396) into the {noun}; {only}",
        changed,
        openapi_extra=body,
    )
    add(
        one, remove, "DELETE", f"Remove {shelf.noun}", f"The {noun} as it was stays known to history; {only}",
        refusals(404, 409, 412), status_code=204,
    )  # fmt: skip
    return router


def _may_each(shelf: Shelf, caller: Principal, index: int, body: Mapping[str, Any]) -> None:
    try:
        shelf.may(caller, body, True)
    except Faulty as error:
        raise Faulty([fault._replace(pointer=f"/{index}{fault.pointer}") for fault in error.faults]) from None


def _filter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string"}, "description": f"Only with this {name}."}


def _has(held: object, value: str) -> bool:
    if isinstance(held, list | tuple):
        return any(_has(each, value) for each in held)
    if isinstance(held, bool):
        return value == str(held).lower()
    return held is not None and str(held) == value


def encoded(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(msgspec.json.encode(document), status, dict(headers or {}), JSON)
