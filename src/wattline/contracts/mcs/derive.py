"""The OpenAPI side of an answer, derived from the struct that is sent, so that the two cannot differ."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field, create_model

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""A time as a struct holds it: already spelled."""


def said(text: str) -> Meta:
    """What a field means."""
    return Meta(description=text)


def model(struct: type[msgspec.Struct], *examples: Any) -> type[BaseModel]:
    """The pydantic model of a struct: the same fields, every one of them always there."""
    fields: dict[str, Any] = {field.name: _field(field.type) for field in msgspec.structs.fields(struct)}
    config = ConfigDict(json_schema_extra={"examples": list(examples)}) if examples else ConfigDict()
    return create_model(f"Mcs{struct.__name__}", __config__=config, __doc__=struct.__doc__, **fields)


def many(struct: type[msgspec.Struct], *examples: Any) -> Any:
    """The model of an array of them."""
    made: Any = list
    return made[model(struct, *examples)]


def _field(annotation: Any) -> tuple[Any, Any]:
    metas = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    described = (each.description for each in metas if isinstance(each, Meta) and each.description is not None)
    return _plain(annotation), Field(description=next(described, None))


def _plain(annotation: Any) -> Any:
    """The type as pydantic understands it: structs as models, and what was said of parts of it kept."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        extra = next((each.extra_json_schema for each in inner[1:] if isinstance(each, Meta) and each.extra_json_schema), None)
        found = _plain(inner[0])
        return found if extra is None else Annotated[found, Field(json_schema_extra=extra)]
    if origin in (Union, UnionType):
        return Union[tuple(_plain(each) for each in inner)]  # noqa: UP007
    if origin is list:
        return list[_plain(inner[0])]  # type: ignore[misc]
    if origin is dict:
        return dict[inner[0], _plain(inner[1])]  # type: ignore[misc,valid-type]
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return model(annotation)
    return annotation
