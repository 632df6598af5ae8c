"""The document at the root: every relation and function, in the form (OpenAPI 2.0) that PostgREST's clients read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from wattline.contracts.flux.answers import Answer
from wattline.contracts.flux.asked import Asked
from wattline.contracts.flux.catalog import Column, RelationType, Type
from wattline.contracts.flux.relation import Relations
from wattline.contracts.flux.rpc.functions import Function, Functions
from wattline.contracts.flux.syntax import accept, query

MEDIA = "application/openapi+json; charset=utf-8"
ROOT_METHODS = "OPTIONS,GET,HEAD"
SHOWN = {
    Type.TIMESTAMPTZ: "string", Type.UUID: "string", Type.TEXT: "string", Type.BOOL: "boolean", Type.FLOAT4: "number",
    Type.FLOAT8: "number", Type.INT2: "integer", Type.INT4: "integer", Type.INT8: "integer",
}  # fmt: skip
ARGUMENTS: dict[str, dict[str, Any]] = {
    "time": {"type": "string", "format": Type.TIMESTAMPTZ.sql},
    "uuids": {"type": "array", "items": {"type": "string", "format": "uuid"}},
    "market": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "time": {"type": "string", "format": Type.TIMESTAMPTZ.sql},
                "type": {"type": "integer", "format": Type.INT4.sql},
                "value": {"type": "number", "format": Type.FLOAT4.sql},
            },
        },
    },
}
COMMON = ("select", "order", "limit", "offset")
BODY = {"name": "body", "in": "body"}


class Root:
    """Answers requests at the root."""

    def __init__(self, relations: Relations, functions: Functions, version: str) -> None:
        self._relations = [relations.by_name[name].type for name in relations.names()]
        self._functions = list(functions.by_name.values())
        self._version = version

    def answer(self, asked: Asked) -> Answer:
        """The document. Raises `Refusal`."""
        if asked.method == "OPTIONS":
            return Answer(200, {"Allow": ROOT_METHODS})
        query.parse(asked.query)
        asked.check_preferences()
        accept.choose(asked.accept, root=True)
        headers = {"Content-Type": MEDIA, "Content-Profile": asked.schema}
        return Answer(200, headers, [msgspec.json.encode(document(self._relations, self._functions, self._version))])


def document(relations: Iterable[RelationType], functions: Iterable[Function], version: str) -> dict[str, Any]:
    """The description of these relations and functions."""
    tables = list(relations)
    paths = {f"/{kind.name}": _of_relation(kind) for kind in tables}
    paths |= {f"/rpc/{function.name}": _of_function(function) for function in functions}
    return {
        "swagger": "2.0",
        "info": {"title": "Flux", "version": version, "description": "Readings, devices and market data as tables."},
        "basePath": "/rest/v1",
        "consumes": ["application/json", "text/csv", "application/x-www-form-urlencoded"],
        "produces": ["application/json", "application/vnd.pgrst.object+json", "text/csv"],
        "securityDefinitions": {"apikey": {"type": "apiKey", "name": "apikey", "in": "header"}},
        "security": [{"apikey": []}],
        "paths": paths,
        "definitions": {kind.name: _definition(kind) for kind in tables},
    }


def _of_relation(kind: RelationType) -> dict[str, Any]:
    rows = {"type": "array", "items": {"$ref": f"#/definitions/{kind.name}"}}
    filters = [{"name": column.name, "in": "query", "type": "string"} for column in kind.columns]
    shown = [{"name": name, "in": "query", "type": "string"} for name in COMMON]
    body = {**BODY, "schema": {"$ref": f"#/definitions/{kind.name}"}}
    found: dict[str, Any] = {
        "get": _operation(
            kind.name, [*filters, *shown], {"200": {"description": "OK", "schema": rows}, "206": _said("Partial Content")}
        )
    }
    if kind.writable:
        found["post"] = _operation(kind.name, [body, shown[0]], {"201": _said("Created")})
        found["patch"] = _operation(kind.name, [*filters, body], {"204": _said("No Content")})
        found["delete"] = _operation(kind.name, filters, {"204": _said("No Content")})
    return found


def _of_function(function: Function) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: ARGUMENTS[kind] for name, kind in function.arguments.items()},
    }
    if required := sorted(function.arguments.keys() - function.optional):
        schema["required"] = required
    status = {"200": _said("OK")} if function.returns is not None else {"204": _said("No Content")}
    return {"post": _operation(f"rpc {function.name}", [{**BODY, "name": "args", "required": True, "schema": schema}], status)}


def _operation(tag: str, parameters: list[dict[str, Any]], responses: dict[str, Any]) -> dict[str, Any]:
    return {"tags": [tag], "parameters": parameters, "responses": responses}


def _said(description: str) -> dict[str, Any]:
    return {"description": description}


def _definition(kind: RelationType) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": {column.name: _property(column) for column in kind.columns}}
    if required := [column.name for column in kind.columns if not column.nullable]:
        found["required"] = required
    return found


def _property(column: Column) -> dict[str, Any]:
    found = {"format": column.type.sql}
    # A document is of any type.
    return found | ({"type": SHOWN[column.type]} if column.type in SHOWN else {})
