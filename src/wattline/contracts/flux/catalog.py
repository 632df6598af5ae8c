"""What the relations are made of: column types, columns, keys and relationships, in the words of PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import pyarrow as pa


class Type(Enum):
    """A column's type; the value is the name that a change event shows (`pg_type.typname`).

    In tables in memory a timestamptz is int64 microseconds since 1970 UTC (its infinities the two ends of int64), a uuid is its
    canonical lower-case text, and jsonb is the text that PostgreSQL prints of it; the rest is what Arrow has for it.
    """

    TIMESTAMPTZ = "timestamptz"
    UUID = "uuid"
    FLOAT4 = "float4"
    FLOAT8 = "float8"
    INT2 = "int2"
    INT4 = "int4"
    INT8 = "int8"
    BOOL = "bool"
    TEXT = "text"
    JSONB = "jsonb"

    @property
    def sql(self) -> str:
        """The name that PostgreSQL's messages use."""
        return SQL_NAMES[self]

    @property
    def arrow(self) -> pa.DataType:
        """How a column of it is held in memory."""
        return ARROW[self]


SQL_NAMES = {
    Type.TIMESTAMPTZ: "timestamp with time zone",
    Type.UUID: "uuid",
    Type.FLOAT4: "real",
    Type.FLOAT8: "double precision",
    Type.INT2: "smallint",
    Type.INT4: "integer",
    Type.INT8: "bigint",
    Type.BOOL: "boolean",
    Type.TEXT: "text",
    Type.JSONB: "jsonb",
}
ARROW = {
    Type.TIMESTAMPTZ: pa.int64(),
    Type.UUID: pa.string(),
    Type.FLOAT4: pa.float32(),
    Type.FLOAT8: pa.float64(),
    Type.INT2: pa.int16(),
    Type.INT4: pa.int32(),
    Type.INT8: pa.int64(),
    Type.BOOL: pa.bool_(),
    Type.TEXT: pa.string(),
    Type.JSONB: pa.string(),
}


class Default(Enum):
    """What a column gets that a request does not name."""

    NULL = "null"
    UUID = "gen_random_uuid()"
    NOW = "now()"
    TRUE = "true"
    SEQUENCE = "nextval"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation."""

    name: str
    type: Type
    nullable: bool = True
    default: Default = Default.NULL


@dataclass(frozen=True, slots=True)
class Unique:
    """A unique index, named as PostgreSQL's messages name it."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Relationship:
    """Many rows of `source` belong to one of `target`: `source.column` is `target.target_column`. Nothing enforces it."""

    name: str
    source: str
    column: str
    target: str
    target_column: str


@dataclass(frozen=True)
class RelationType:
    """A table or a read-only view. `order` is the order of rows where a request asks for none."""

    name: str
    columns: tuple[Column, ...]
    uniques: tuple[Unique, ...] = ()
    order: tuple[str, ...] = ()
    writable: bool = True
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of columns, which `*` leaves out."""

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Every column by its name and its aliases."""
        named = {column.name: column for column in self.columns}
        return named | {alias: named[name] for alias, name in self.aliases.items()}

    @property
    def primary(self) -> Unique | None:
        """The primary key, if there is one."""
        return next((unique for unique in self.uniques if unique.primary), None)

    @cached_property
    def schema(self) -> pa.Schema:
        """All columns, in order, as they are held in memory."""
        return pa.schema([(column.name, column.type.arrow) for column in self.columns])
