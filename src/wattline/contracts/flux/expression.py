"""A filter whose names are columns and whose literals are values: what `bind` makes of a parsed one.

The nodes are typed, so that whoever evaluates them or narrows a read by them never sees text. Three-valued logic is meant
throughout: a comparison with null is null, and a row is kept only where the whole is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.syntax.ast import Step

Comparison = Literal["eq", "neq", "gt", "gte", "lt", "lte", "isdistinct"]
Pattern = Literal["like", "ilike", "match", "imatch"]


@dataclass(frozen=True, slots=True)
class Ref:
    """A column, or what a JSON path finds in it. `type` is that of the result: jsonb after `->`, text after `->>`."""

    column: str
    type: Type
    path: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Compare:
    """`ref op value`; the value is as `catalog.Type` holds it: float4 rounded to float4, a time in us, jsonb its text."""

    ref: Ref
    operator: Comparison
    value: Any


@dataclass(frozen=True, slots=True)
class Among:
    """`ref = any (values)`, or another comparison with any or all of them. A None among the values is a null."""

    ref: Ref
    operator: Comparison
    values: tuple[Any, ...]
    every: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A pattern on text; with several patterns any of them, or `every` one, must match."""

    ref: Ref
    operator: Pattern
    patterns: tuple[str, ...]
    every: bool = False


@dataclass(frozen=True, slots=True)
class Is:
    """`ref is null | not null | true | false | unknown`; never null itself."""

    ref: Ref
    what: Literal["null", "not_null", "true", "false", "unknown"]


@dataclass(frozen=True, slots=True)
class Search:
    """Full text: `ref @@ query`. `kind` says how the query text is read."""

    ref: Ref
    kind: Literal["fts", "plfts", "phfts", "wfts"]
    query: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Contains:
    """jsonb `@>` (`cs`) or `<@` (`cd`)."""

    ref: Ref
    operator: Literal["cs", "cd"]
    value: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """Whether the embedded relation (its alias or name) has a row for this one: `rel=not.is.null`."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; null stays null."""

    part: Expression


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts; of no part, true."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of the parts."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = Compare | Among | Match | Is | Search | Contains | Embedded | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of an order, nulls where PostgreSQL puts them unless said otherwise."""

    ref: Ref
    descending: bool = False
    nulls_first: bool = False
