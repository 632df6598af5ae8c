"""What a channel wants of the changes of tables: the `postgres_changes` of its join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from wattline.contracts.flux.caller import Caller, Policy
from wattline.contracts.flux.catalog import Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.expression import Expression
from wattline.contracts.flux.realtime import filters
from wattline.contracts.flux.relation import Relation, Relations
from wattline.contracts.flux.values import literal

Kind: TypeAlias = Literal["INSERT", "UPDATE", "DELETE"]
EVENTS = ("INSERT", "UPDATE", "DELETE", "*")
SCHEMAS = ("flux", "public")
ANY = "*"
NO_SUCH = (
    "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given connect parameters"
)
LATEST = 2**63


class Shape(NamedTuple):
    """How a change is shown: the schema as it was asked for, and the columns of the record (None: all)."""

    schema: str
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """One entry of a join. `conditions` has a filter (None: every row) for each relation that it covers and has rows to tell.

    `since` is the position after which the client wants what it missed; None for what is committed from now on.
    """

    id: int
    event: str
    shape: Shape
    conditions: Mapping[str, Expression | None]
    since: int | None


class Rejected(Exception):
    """A subscription that cannot be; the argument is what the client is told."""


def position(value: object, newest: int) -> int | None:
    """A `since`: a whole number of microseconds, also as text, not beyond `newest`; or a time, from which on commits count.

    A `commit_timestamp` is such a time: what was committed in its millisecond comes again. Raises `Rejected`.
    """
    if value is None:
        return None
    found = _number(value, newest) if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < LATEST:
        raise Rejected("`since` is neither a position, a whole number of microseconds as events have it, nor a time")
    if found > newest:
        raise Rejected("`since` is a position that no commit has reached")
    return found


def _number(text: str, now: int) -> int | None:
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    try:
        return max(0, int(literal.parse(Type.TIMESTAMPTZ, text, now)) - 1)
    except Refusal:
        return None


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the bindings of one caller. `now` (us) is what times like `today` go by, `newest` the newest position there is."""

    relations: Relations
    policy: Policy
    caller: Caller
    now: int
    newest: int

    def read(self, entries: Sequence[Mapping[str, Any]], since: object) -> list[Binding]:
        """All bindings of a join, numbered from 1. Raises `Rejected` for the first that cannot be."""
        missed = position(since, self.newest)
        return [self._one(entry, number, missed) for number, entry in enumerate(entries, 1)]

    def _one(self, entry: Mapping[str, Any], number: int, missed: int | None) -> Binding:
        event, table = entry.get("event"), entry.get("table")
        schema, text = entry.get("schema"), entry.get("filter")
        if text is not None and not isinstance(text, str):
            raise Rejected("Error parsing `filter` params: [it is not a text]")
        try:
            conditions = filters.parse(text or "")
        except filters.Ungrammatical as error:
            raise Rejected(f"Error parsing `filter` params: [{error}]") from None
        shown = ", ".join(_shown(each) for each in conditions)
        asked = f"event: {_said(event)}, schema: {_said(schema)}, table: {_said(table)}, filters: [{shown}]"
        asked = f"{NO_SUCH}: [{asked}, select: {_said(entry.get('select'))}]"
        if not isinstance(event, str) or event.upper() not in EVENTS:
            raise Rejected(asked)
        if schema not in (*SCHEMAS, ANY, None) or not (table is None or isinstance(table, str)):
            raise Rejected(asked)
        try:
            named = _with_columns(self._relations(table), {each.field.name for each in conditions})
            columns = _columns(entry.get("select"))
            bound = {relation.type.name: filters.bind(relation.type, conditions, self.now) for relation in named}
            unknown = [name for relation in named for name in columns or () if name not in relation.type.schema.names]
        except Refusal as refusal:
            raise Rejected(f"{asked}: {refusal.message}") from None
        if unknown:
            raise Rejected(f"{asked}: column {unknown[0]} does not exist")
        seen = {name: where for name, where in bound.items() if self.policy.sees(self.caller, "select", name)}
        shape = Shape("public" if schema is None else "flux" if schema == ANY else str(schema), columns)
        since = position(entry.get("since"), self.newest)
        return Binding(number, event.upper(), shape, seen, missed if since is None else since)

    def _relations(self, table: str | None) -> list[Relation]:
        """The relations of a table's name, or every one that the caller may select. Raises `Refusal`."""
        if table is not None and table != ANY:
            relation = self.relations.named(table)
            self.policy.check(self.caller, "select", table)
            if not followed(relation):
                raise Refusal(400, "0A000", f"{table} is a view, whose changes are not told")
            return [relation]
        found, refusal = [], None
        for name in self.relations.names():
            relation = self.relations.named(name)
            try:
                self.policy.check(self.caller, "select", name)
            except Refusal as error:
                refusal = error
                continue
            if followed(relation):
                found.append(relation)
        if not found and refusal is not None:
            raise refusal
        return found


def _with_columns(relations: Sequence[Relation], names: set[str]) -> Sequence[Relation]:
    """Of several relations those that a filter can be about; of none of them, one to say so."""
    found = [relation for relation in relations if names <= relation.type.by_name.keys()]
    return found or relations[:1]


def followed(relation: Relation) -> bool:
    """Whether changes of the relation are told: those of tables are, those of views are not."""
    return relation.type.writable


def identity(relation: Relation) -> tuple[str, ...]:
    """The columns that an old record has: the primary key, or else the first unique index."""
    unique = relation.type.primary or next(iter(relation.type.uniques), None)
    return tuple(column.name for column in relation.type.columns) if unique is None else unique.columns


def _columns(select: object) -> tuple[str, ...] | None:
    if select is None or select == ANY:
        return None
    names = select.split(",") if isinstance(select, str) else select
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise Refusal(400, "PGRST100", "select is not a list of columns")
    return tuple(dict.fromkeys(name.strip() for name in names))


def _said(value: object) -> str:
    return "nil" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _shown(each: Any) -> str:
    operator = f"not.{each.operator}" if each.negated else each.operator
    return f'{{"{each.field.name}", "{operator}", "{",".join(each.values)}"}}'
