"""`column::type` in a select, as PostgreSQL casts."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.values import cast_numbers, cast_times, columns, jsonb
from wattline.contracts.flux.values.render import print_text
from wattline.contracts.flux.values.scalar import Kind, Scalar

TARGETS: dict[str, Kind] = {
    "text": Type.TEXT,
    "varchar": Type.TEXT,
    "character varying": Type.TEXT,
    "int2": Type.INT2,
    "smallint": Type.INT2,
    "int": Type.INT4,
    "int4": Type.INT4,
    "integer": Type.INT4,
    "int8": Type.INT8,
    "bigint": Type.INT8,
    "float4": Type.FLOAT4,
    "real": Type.FLOAT4,
    "float": Type.FLOAT8,
    "float8": Type.FLOAT8,
    "double precision": Type.FLOAT8,
    "numeric": Scalar.NUMERIC,
    "decimal": Scalar.NUMERIC,
    "dec": Scalar.NUMERIC,
    "bool": Type.BOOL,
    "boolean": Type.BOOL,
    "date": Scalar.DATE,
    "time": Scalar.TIME,
    "time without time zone": Scalar.TIME,
    "timestamp": Scalar.TIMESTAMP,
    "timestamp without time zone": Scalar.TIMESTAMP,
    "timestamptz": Type.TIMESTAMPTZ,
    "timestamp with time zone": Type.TIMESTAMPTZ,
    "uuid": Type.UUID,
    "json": Scalar.JSON,
    "jsonb": Type.JSONB,
}
NUMBERS = {Type.INT2, Type.INT4, Type.INT8, Type.FLOAT4, Type.FLOAT8, Scalar.NUMERIC}
_TIMES = {
    (Type.TIMESTAMPTZ, Scalar.TIMESTAMP),
    (Type.TIMESTAMPTZ, Scalar.DATE),
    (Type.TIMESTAMPTZ, Scalar.TIME),
    (Scalar.TIMESTAMP, Type.TIMESTAMPTZ),
    (Scalar.TIMESTAMP, Scalar.DATE),
    (Scalar.TIMESTAMP, Scalar.TIME),
    (Scalar.DATE, Type.TIMESTAMPTZ),
    (Scalar.DATE, Scalar.TIMESTAMP),
}


def cast(array: pa.Array, kind: Kind, target: str, now: int, zone: ZoneInfo | None = None) -> tuple[pa.Array, Kind]:
    """A column cast to a type by its SQL name, and the type.

    Raises `Refusal` 42704 for an unknown type, 42846 where there is no such cast, 22P02, 22003, 22007, 22008 for a value.
    """
    name = " ".join(target.lower().split())
    wanted = TARGETS.get(name)
    if wanted is None:
        raise sql(400, "42704", f'type "{name}" does not exist')
    return (array if wanted is kind else convert(array, kind, wanted, now, zone)), wanted


def convert(array: pa.Array, kind: Kind, target: Kind, now: int, zone: ZoneInfo | None = None) -> pa.Array:
    """A column of another type. Raises `Refusal` as `cast`."""
    if target is Type.TEXT:
        return array.cast(pa.string()) if kind is Type.BOOL else print_text(array, kind, zone)
    if kind is Type.TEXT:
        return _of_text(array, target, now, zone)
    if kind in NUMBERS and target in NUMBERS:
        return cast_numbers.convert(array, kind, target)
    if (kind, target) in _TIMES:
        return cast_times.convert(array, kind, target, now, zone)
    if {kind, target} == {Type.INT4, Type.BOOL}:
        return pc.not_equal(array, 0) if target is Type.BOOL else array.cast(pa.int32())
    return _of_json(array, kind, target)


def _of_json(array: pa.Array, kind: Kind, target: Kind) -> pa.Array:
    if kind is Type.JSONB and target is Scalar.JSON:
        return array
    if kind is Scalar.JSON and target is Type.JSONB:
        return cast_numbers.each(array, jsonb.normalise, pa.string())
    if kind is Type.JSONB and (target in NUMBERS or target is Type.BOOL):
        return cast_numbers.of_jsonb(array, target)
    raise _no_cast(kind, target)


def _of_text(array: pa.Array, target: Kind, now: int, zone: ZoneInfo | None) -> pa.Array:
    if isinstance(target, Type):
        return columns.parse(target, array, now, zone)
    if target is Scalar.NUMERIC:
        return cast_numbers.each(array, cast_numbers.numeric, pa.string())
    if target is Scalar.JSON:
        return cast_numbers.each(array, jsonb.checked, pa.string())
    return cast_times.of_text(array, target, now, zone)


def _no_cast(kind: Kind, target: Kind) -> Refusal:
    return sql(400, "42846", f"cannot cast type {kind.sql} to {target.sql}")
