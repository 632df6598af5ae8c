"""What is to be done for a query, with every name and literal of it checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.expression import Expression, Ref, Sort
from wattline.contracts.flux.syntax.ast import Window

Function = Literal["avg", "sum", "min", "max", "count"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of the answer: what it is called, where it comes from and the type it is cast to."""

    name: str
    ref: Ref
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """An aggregate; of no `ref`, the count of rows. `cast` is that of what goes in, `result_cast` that of the result."""

    name: str
    function: Function
    ref: Ref | None = None
    cast: str | None = None
    result_cast: str | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """How rows find their related ones: `column` here is `target_column` there, which is one row (`to_one`) or many."""

    column: str
    target: str
    target_column: str
    to_one: bool


@dataclass(frozen=True, slots=True)
class Embedding:
    """A related relation in the answer. `hidden`: it only filters; `spread`: its columns become columns of this answer."""

    name: str
    join: Join
    plan: Plan
    inner: bool = False
    spread: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column of a related row to order by; it joins the rows under the name `column`."""

    embed: str
    ref: Ref
    column: str


Shape: TypeAlias = Shown | Total | Embedding


@dataclass(frozen=True, slots=True)
class Plan:
    """One relation's part. `plain` filters by its own columns, `related` by whether its embeds have a row.

    `order` is total wherever rows can be told apart, and refers to `lookups` as to columns. `columns` are all that is looked
    at, `filtered` those that the filters look at; neither is empty. `grouped`: the outputs are aggregates and what they are
    grouped by.
    """

    relation: RelationType
    outputs: tuple[Shape, ...]
    plain: Expression | None
    related: Expression | None
    order: tuple[Sort, ...]
    lookups: tuple[Lookup, ...]
    window: Window
    columns: frozenset[str]
    filtered: frozenset[str]
    grouped: bool = False

    @property
    def embeddings(self) -> Iterator[Embedding]:
        """Those that are directly below."""
        return (output for output in self.outputs if isinstance(output, Embedding))

    def embedding(self, name: str) -> Embedding:
        """The one of this name."""
        return next(embedding for embedding in self.embeddings if embedding.name == name)
