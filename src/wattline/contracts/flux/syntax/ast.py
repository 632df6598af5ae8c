"""What a query string says, before anything in it is checked against a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Operator = Literal[
    "eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch", "in", "is", "isdistinct",
    "fts", "plfts", "phfts", "wfts", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj",
]  # fmt: skip
Quantifier = Literal["any", "all"]


@dataclass(frozen=True, slots=True)
class Step:
    """One arrow of a JSON path: `->key` or, with `text`, `->>key`. A whole number is also an index into an array."""

    key: str
    text: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A column, and the path into it where it is JSON."""

    name: str
    path: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """`field=[not.]op[(any|all)].value`. `values` has the literal; for `in` its elements, quotes and escapes resolved.

    With a quantifier the one value is the array literal with its braces. For `is` it is the word in lower case. `language` is
    that of a full-text operator. `*` in the value of `like` and `ilike` is already `%`.
    """

    field: Field
    operator: Operator
    values: tuple[str, ...]
    negated: bool = False
    quantifier: Quantifier | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Logic:
    """`and(...)` or `or(...)` of two or more, or of one."""

    kind: Literal["and", "or"]
    parts: tuple[Tree, ...]
    negated: bool = False


Tree: TypeAlias = Condition | Logic


@dataclass(frozen=True, slots=True)
class Order:
    """One term of `order`. `relation` is the embedded one that it names, as in `order=types(name)`."""

    field: Field
    descending: bool = False
    nulls_first: bool | None = None
    relation: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A column in `select`: `alias:field::cast`, or an aggregate of one. `name` of the field is `*` for all columns.

    `aggregate` with the field name empty is `count()`. `cast` is that of the field, `aggregate_cast` that of the aggregate.
    """

    field: Field
    alias: str | None = None
    cast: str | None = None
    aggregate: Literal["avg", "sum", "min", "max", "count"] | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """A related relation in `select`: `[...][alias:]name[!hint][!inner|!left](items)`. `spread` is the leading `...`."""

    name: str
    items: tuple[Item | Embed, ...]
    alias: str | None = None
    hint: str | None = None
    join: Literal["inner", "left"] | None = None
    spread: bool = False


Path: TypeAlias = tuple[str, ...]
"""The embeds (their aliases or names) that a parameter goes through, outermost first; () is the relation itself."""


@dataclass(frozen=True, slots=True)
class Window:
    """`limit` and `offset`; None where not given."""

    limit: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query string. Filters with the same path are all to hold.

    `arguments` are the parameters of a GET on a function that are no filters, in order. `columns` and `on_conflict` are None
    where not given.
    """

    select: tuple[Item | Embed, ...] = (Item(Field("*")),)
    filters: tuple[tuple[Path, Tree], ...] = ()
    orders: tuple[tuple[Path, tuple[Order, ...]], ...] = ()
    windows: tuple[tuple[Path, Window], ...] = ()
    columns: tuple[str, ...] | None = None
    on_conflict: tuple[str, ...] | None = None
    arguments: tuple[tuple[str, str], ...] = ()
