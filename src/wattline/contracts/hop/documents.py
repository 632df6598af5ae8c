"""What the OpenAPI document says of bodies and answers, derived from the types that do the work."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel, Field, create_model

from wattline.contracts.hop.explain import derive


class HttpFailure(BaseModel):
    """What went wrong."""

    detail: str = Field(description="In words.")


class Fault(BaseModel):
    """What is wrong with one field."""

    type: str
    loc: list[str | int] = Field(description="Where: body or query, then the field.")
    msg: str
    input: Any = Field(default=None, description="What was sent there.")


class Faults(BaseModel):
    """Every fault of a request."""

    detail: list[Fault]


class RejectedRecord(BaseModel):
    """A record of a batch that was not written."""

    index: int = Field(description="Its place in the batch, from 0.")
    detail: str | list[Fault] = Field(description="As the record would have been answered by itself.")


class BatchWritten(BaseModel):
    """What became of a batch."""

    status: str = "telemetry written"
    accepted: int = Field(description="How many records are durable.")
    rejected: list[RejectedRecord]


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": HttpFailure, "description": "Missing or invalid X-API-Key header."},
    403: {"model": HttpFailure, "description": "The key lacks the scope, or does not include the substation."},
    422: {"model": Faults, "description": "The request failed validation; field-level detail."},
    500: {"model": HttpFailure, "description": "The request could not be processed."},
    503: {"model": HttpFailure, "description": "A store is away or a queue is full; `Retry-After` says when to come again."},
}
BODY_REFUSALS: dict[int | str, dict[str, Any]] = REFUSALS | {
    413: {"model": HttpFailure, "description": "The body is too large."},
    415: {"model": HttpFailure, "description": "Wrong media type, charset or content encoding."},
    507: {"model": HttpFailure, "description": "The disk is full; nothing was written."},
}


def model(row: type[msgspec.Struct]) -> Any:
    """The pydantic model of an answer's row."""
    return derive(row)


def many(row: type[msgspec.Struct]) -> Any:
    """The model of an answer that is an array of such rows."""
    made: Any = list
    return made[derive(row)]


def body(struct: type[msgspec.Struct], example: dict[str, Any]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads a JSON body by itself."""
    schema = derive(struct).model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def batch_body(struct: type[msgspec.Struct], example: dict[str, Any]) -> dict[str, Any]:
    """The same for a batch of them, as JSON or one record a line."""
    record = derive(struct).model_json_schema()
    records = {"type": "array", "items": record, "minItems": 1, "maxItems": 5000}
    schema = {"type": "object", "properties": {"records": records}, "required": ["records"]}
    content = {"application/json": {"schema": schema, "example": example}, "application/x-ndjson": {"schema": record}}
    atomic = {"name": "atomic", "in": "query", "schema": {"type": "boolean", "default": False}, "description": "All or none."}
    return {"requestBody": {"required": True, "content": content}, "parameters": [atomic]}


def written(name: str, **fields: tuple[Any, Any]) -> type[BaseModel]:
    """The model of a POST's answer."""
    made: dict[str, Any] = fields
    return create_model(name, **made)
