"""Judging a body field by field, so that a refusal names every fault at once, in the shape of the page's 422.

The models are derived from the types of `bodies`, which stay the one source of fields and bounds. They cost ten times a
plain decode, so the hot path comes here only with what it did not accept at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

import msgspec
import msgspec.inspect
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, create_model
from pydantic.functional_validators import AfterValidator
from pydantic_core import PydanticCustomError

from wattline.contracts.hop.refusal import Refused, malformed
from wattline.contracts.hop.times import parse

T = TypeVar("T", bound=msgspec.Struct)

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_PROSE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NULL = re.compile("null", re.IGNORECASE)


class Window(msgspec.Struct, frozen=True):
    """Which times are taken, in microseconds since 1970, both ends included."""

    oldest: int
    newest: int


def has_control(text: str) -> bool:
    """Whether a text holds a control character (C0, DEL or C1), which no identifier may."""
    return _CONTROL.search(text) is not None


def _number(value: object) -> object:
    """JSON's numbers, and the same as a string; never a boolean."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("float_type", "Input should be a valid number")
    return value


def _whole(value: object) -> object:
    number = _number(value)
    # Through int, a long string of digits keeps every one of them.
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        return int(value)
    if isinstance(number, float) and math.isfinite(number) and number != int(number):
        raise PydanticCustomError("int_from_float", "Input should be a valid integer, got a number with a fractional part")
    return int(number) if isinstance(number, float) and math.isfinite(number) else number


def _flag(value: object) -> object:
    if isinstance(value, str):
        value = {"true": True, "1": True, "false": False, "0": False}.get(value.lower(), value)
    if type(value) is int and value in (0, 1):
        return bool(value)
    return value


def _absent(value: object) -> object:
    """The word null in a string is nothing, where a number or nothing may stand."""
    return None if isinstance(value, str) and _NULL.fullmatch(value) else value


def _plain(value: str) -> str:
    if _CONTROL.search(value):
        raise PydanticCustomError("control_character", "String should have no control characters")
    return value


def _prose(value: str) -> str:
    if _CONTROL_IN_PROSE.search(value):
        raise PydanticCustomError("control_character", "String should have no control characters but tabs and line ends")
    return value


def _time(value: str, info: ValidationInfo) -> str:
    try:
        micros = parse(value).micros
    except ValueError as error:
        raise PydanticCustomError("iso8601", "Input should be an ISO 8601 time: {reason}", {"reason": str(error)}) from None
    window = cast("Window", info.context)
    # An estimate of the future (etr_time) may lie anywhere.
    if info.field_name != "timestamp":
        return value
    if micros > window.newest:
        raise PydanticCustomError("time_in_future", "Time should not lie further ahead of the server's clock")
    if micros < window.oldest:
        raise PydanticCustomError("time_too_old", "Time should not lie before what is kept")
    return value


_TEXT_RULES: dict[str, Any] = {"plain": _plain, "prose": _prose, "time": _time}


def _annotation(kind: msgspec.inspect.Type) -> Any:  # noqa: PLR0911 - one return a kind of field
    """The pydantic type that accepts what msgspec accepts for this one, and what the page forbids not."""
    match kind:
        case msgspec.inspect.Metadata(type=inner, extra=extra):
            rules = [AfterValidator(rule) for name, rule in _TEXT_RULES.items() if name in (extra or {})]
            return _with(_annotation(inner), *rules)
        case msgspec.inspect.UnionType(types=types):
            (inner,) = (each for each in types if not isinstance(each, msgspec.inspect.NoneType))
            optional = _annotation(inner) | None
            return (
                optional if isinstance(_bare(inner), msgspec.inspect.StrType) else Annotated[optional, BeforeValidator(_absent)]
            )
        case msgspec.inspect.StrType():
            return Annotated[str, Field(strict=True, min_length=kind.min_length, max_length=kind.max_length)]
        case msgspec.inspect.FloatType():
            return Annotated[float, Field(ge=kind.ge, le=kind.le, allow_inf_nan=False), BeforeValidator(_number)]
        case msgspec.inspect.IntType():
            return Annotated[int, Field(ge=kind.ge, le=kind.le), BeforeValidator(_whole)]
        case msgspec.inspect.BoolType():
            return Annotated[bool, Field(strict=True), BeforeValidator(_flag)]
        case msgspec.inspect.LiteralType(values=values):
            return Literal[values]
        case msgspec.inspect.ListType(item_type=inner):
            return list[_annotation(inner)]  # type: ignore[misc]
        case msgspec.inspect.TupleType(item_types=inners):
            return tuple[tuple(_annotation(inner) for inner in inners)]  # type: ignore[misc]
    raise TypeError(f"no rule for {kind}")


def _bare(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def _with(annotation: Any, *more: Any) -> Any:
    for each in more:
        annotation = Annotated[annotation, each]
    return annotation


def derive(struct: type[msgspec.Struct], name: str | None = None) -> type[BaseModel]:
    """The pydantic model of a body type: for refusals, and for the OpenAPI document."""
    described = msgspec.inspect.type_info(struct)
    assert isinstance(described, msgspec.inspect.StructType)
    fields: dict[str, Any] = {}
    for field in described.fields:
        fields[field.name] = (_annotation(field.type), ... if field.required else field.default)
    config = ConfigDict(extra="ignore")
    return create_model(name or struct.__name__, __config__=config, __doc__=struct.__doc__, **fields)


class Explainer(Generic[T]):
    """The slow and thorough way from bytes to a body."""

    def __init__(self, struct: type[T]) -> None:
        self.fields = frozenset(struct.__struct_fields__)
        self.model = derive(struct)
        self._struct = struct
        self._decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def read(self, body: bytes | msgspec.Raw, window: Window) -> T:
        """The body as its type. Raises `Refused` with every fault; `window` is for its `timestamp`."""
        content = self._content(body)
        try:
            found = self.model.model_validate(content, context=window)
        except ValidationError as error:
            raise Refused(details(error, ("body",))) from None
        return self._struct(**{name: getattr(found, name) for name in self.model.model_fields})

    def unknown(self, body: bytes | msgspec.Raw) -> int:
        """How many fields of a well-formed body no type names."""
        return sum(name not in self.fields for name in self._decoder.decode(body))

    def _content(self, body: bytes | msgspec.Raw) -> dict[str, object]:
        try:
            raw = self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(bytes(body), error) from None
        return {name: _value(value, name in self.fields) for name, value in raw.items()}


def _value(raw: msgspec.Raw, known: bool) -> object:
    """What one field holds. No field of the page holds a container, so one is shown empty, however deep it goes."""
    if bytes(raw).startswith((b"{", b"[")):
        return {} if bytes(raw).startswith(b"{") else []
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:
        # A number beyond every float; what an unknown field holds does not matter.
        return math.inf
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if known:
            raise malformed(bytes(raw), error) from None
        return None


def details(error: ValidationError, place: Sequence[str | int]) -> list[dict[str, Any]]:
    """Pydantic's findings in FastAPI's shape; a number that JSON cannot hold is shown as null."""
    found = []
    for each in error.errors(include_url=False):
        shown: dict[str, Any] = {
            "type": each["type"],
            "loc": [*place, *each["loc"]],
            "msg": each["msg"],
            "input": each["input"],
        }
        context = {key: value for key, value in each.get("ctx", {}).items() if not isinstance(value, Exception)}
        if context:
            shown["ctx"] = context
        found.append(cast("dict[str, Any]", _finite(shown)))
    return found


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return value
