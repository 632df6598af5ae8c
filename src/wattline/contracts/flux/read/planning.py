"""From a parsed query to a plan: names resolved to columns and relationships, literals to values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from wattline.contracts.flux import binding
from wattline.contracts.flux.catalog import Relationship, RelationType
from wattline.contracts.flux.errors import Refusal, sql
from wattline.contracts.flux.evaluate.filter import check
from wattline.contracts.flux.expression import (
    Both,
    Either,
    Embedded,
    Expression,
    Not,
    Ref,
    Sort,
)
from wattline.contracts.flux.read import relationships
from wattline.contracts.flux.read.plan import Embedding, Lookup, Plan, Shape, Shown, Total
from wattline.contracts.flux.syntax.ast import Embed, Field, Item, Order, Path, Query, Window
from wattline.contracts.flux.syntax.ranges import intersect

MOST_OUTPUTS = 1664
"""What one select shows or is put in order by at most, as in PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans for one catalogue. `now` (us) and `zone` are what literal times go by."""

    types: Mapping[str, RelationType]
    links: Sequence[Relationship]
    aggregates: bool
    now: int
    zone: ZoneInfo | None
    most_embeds: int

    def plan(self, relation: RelationType, query: Query) -> Plan:
        """The plan of a whole query.

        Raises `Refusal`: as `binding` does, PGRST108, 118, 120, 123, 200 and 201 about embeds and aggregates, 42803 for an
        order that its groups do not have, 54000 and 54011 for too much of everything, PGRST127 for what is not offered.
        """
        embeds = _embeds(query.select)
        if embeds > self.most_embeds:
            raise sql(
                400, "54000", f"a select can have at most {self.most_embeds} embedded relations, and this one has {embeds}"
            )
        return self._plan(relation, query.select, query)

    def _plan(self, relation: RelationType, items: Iterable[Item | Embed], query: Query) -> Plan:
        items = tuple(items)
        embeds = {embed.alias or embed.name: embed for embed in items if isinstance(embed, Embed)}
        below = _below(query, embeds)
        outputs = tuple(shape for item in items for shape in self._shapes(relation, item, below))
        if len(outputs) > MOST_OUTPUTS:
            raise _too_many_entries()
        _check_names(outputs)
        grouped = any(isinstance(shape, Total) for shape in outputs)
        if grouped:
            self._check_groups(outputs)
        mine = [tree for path, tree in query.filters if not path]
        parts = [binding.condition(relation, tree, self.now, self.zone, tuple(embeds)) for tree in mine]
        for part in parts:
            check(part)
        parts.extend(Embedded(shape.name) for shape in outputs if isinstance(shape, Embedding) and shape.inner)
        plain: list[Expression] = []
        related: list[Expression] = []
        for part in _conjuncts(parts):
            (related if _has_embedded(part) else plain).append(part)
        # A store has to read something, also to count.
        one = frozenset((*relation.order[:1], relation.columns[0].name)[:1])
        order, lookups = self._order(relation, outputs, _only(query.orders), grouped)
        filtered = {ref.column for part in parts for ref in columns_of(part)}
        filtered |= {shape.join.column for shape in outputs if isinstance(shape, Embedding)}
        shown = {shape.ref.column for shape in outputs if not isinstance(shape, Embedding) and shape.ref is not None}
        ordered = {term.ref.column for term in order} - {lookup.column for lookup in lookups}
        return Plan(
            relation,
            outputs,
            _both(plain),
            _both(related),
            order,
            lookups,
            intersect(Window(), next((window for path, window in query.windows if not path), Window())),
            frozenset(filtered | shown | ordered) or one,
            frozenset(filtered) or one,
            grouped,
        )

    def _shapes(self, relation: RelationType, item: Item | Embed, below: Mapping[str, Query]) -> Iterable[Shape]:
        if isinstance(item, Embed):
            yield self._embedding(relation, item, below[item.alias or item.name])
        elif item.aggregate is not None:
            if not self.aggregates:
                raise Refusal(400, "PGRST123", "Use of aggregate functions is not allowed")
            ref = binding.ref(relation, item.field) if item.field.name else None
            yield Total(item.alias or item.aggregate, item.aggregate, ref, item.cast, item.aggregate_cast)
        elif item.field.name == "*":
            yield from (Shown(column.name, Ref(column.name, column.type)) for column in relation.columns)
        else:
            yield Shown(item.alias or _key(item.field), binding.ref(relation, item.field), item.cast)

    def _embedding(self, relation: RelationType, embed: Embed, query: Query) -> Embedding:
        join = relationships.join(self.links, relation.name, embed)
        plan = self._plan(self.types[join.target], embed.items, query)
        if plan.grouped and (embed.spread or join.to_one):
            raise _not_offered("aggregates of a spread or of a to-one embed")
        return Embedding(embed.alias or embed.name, join, plan, embed.join == "inner", embed.spread, hidden=not embed.items)

    def _check_groups(self, outputs: Sequence[Shape]) -> None:
        if any(isinstance(shape, Embedding) and not shape.hidden for shape in outputs):
            raise _not_offered("aggregates beside an embed")

    def _order(
        self, relation: RelationType, outputs: Sequence[Shape], terms: Sequence[Order], grouped: bool
    ) -> tuple[tuple[Sort, ...], tuple[Lookup, ...]]:
        order: list[Sort] = []
        lookups: list[Lookup] = []
        for term in _first_of_each(terms):
            if term.relation is None:
                order.append(binding.sort(relation, term))
                continue
            embedding = _embedding_of(relation, outputs, term.relation)
            sort = binding.sort(embedding.plan.relation, term)
            # No column of a relation has a name with a line feed in it.
            lookup = Lookup(embedding.name, sort.ref, f"\n{len(lookups)}")
            lookups.append(lookup)
            order.append(Sort(Ref(lookup.column, sort.ref.type), sort.descending, sort.nulls_first))
        if grouped:
            _check_grouped_order(relation, outputs, order)
        else:
            order.extend(_tiebreak(relation, order))
        return tuple(order), tuple(lookups)


def _below(query: Query, embeds: Mapping[str, Embed]) -> dict[str, Query]:
    """What a query says of each embed. Raises `Refusal` PGRST108 where it speaks of one that is not there."""
    for path in (*_paths(query.filters), *_paths(query.orders), *_paths(query.windows)):
        if path and path[0] not in embeds:
            raise _not_embedded(path[0])
    return {
        name: Query(
            filters=tuple((path[1:], tree) for path, tree in query.filters if path[:1] == (name,)),
            orders=tuple((path[1:], terms) for path, terms in query.orders if path[:1] == (name,)),
            windows=tuple((path[1:], window) for path, window in query.windows if path[:1] == (name,)),
        )
        for name in embeds
    }


def _paths(parts: Iterable[tuple[Path, object]]) -> Iterable[Path]:
    return (path for path, _ in parts)


def _only(orders: Iterable[tuple[Path, tuple[Order, ...]]]) -> tuple[Order, ...]:
    return next((terms for path, terms in orders if not path), ())


def _not_embedded(name: str) -> Refusal:
    hint = f"Verify that '{name}' is included in the 'select' query parameter."
    return Refusal(400, "PGRST108", f"'{name}' is not an embedded resource in this request", hint=hint)


def _not_offered(what: str) -> Refusal:
    return Refusal(400, "PGRST127", "Feature not implemented", what)


def _first_of_each(terms: Sequence[Order]) -> Iterable[Order]:
    """The terms that have a say: rows that are in order by something are not put in another order by it."""
    first: dict[object, Order] = {}
    for term in terms:
        first.setdefault((term.relation, term.field), term)
    if len(first) > MOST_OUTPUTS:
        raise _too_many_entries()
    return first.values()


def _too_many_entries() -> Refusal:
    return sql(400, "54011", f"target lists can have at most {MOST_OUTPUTS} entries")


def _embeds(items: Iterable[Item | Embed]) -> int:
    return sum(1 + _embeds(item.items) for item in items if isinstance(item, Embed))


def _check_names(outputs: Sequence[Shape]) -> None:
    """Two embeds of one name could not be told apart in filters."""
    for name, count in Counter(shape.name for shape in outputs if isinstance(shape, Embedding)).items():
        if count > 1:
            raise sql(400, "42712", f'table name "{name}" specified more than once')


def _embedding_of(relation: RelationType, outputs: Sequence[Shape], name: str) -> Embedding:
    found = next((shape for shape in outputs if isinstance(shape, Embedding) and shape.name == name), None)
    if found is None:
        raise _not_embedded(name)
    if not found.join.to_one:
        details = f"'{relation.name}' and '{name}' do not form a many-to-one or one-to-one relationship"
        raise Refusal(400, "PGRST118", f"A related order on '{name}' is not possible", details)
    return found


def _check_grouped_order(relation: RelationType, outputs: Sequence[Shape], order: Sequence[Sort]) -> None:
    grouped = {shape.ref for shape in outputs if isinstance(shape, Shown) and shape.cast is None}
    for term in order:
        if term.ref not in grouped:
            message = "must appear in the GROUP BY clause or be used in an aggregate function"
            raise sql(400, "42803", f'column "{relation.name}.{term.ref.column}" {message}')


def _tiebreak(relation: RelationType, order: Sequence[Sort]) -> Iterable[Sort]:
    """The relation's own order, behind what was asked, unless that leaves no two rows equal."""
    asked = {term.ref.column for term in order if not term.ref.path}
    if any(asked.issuperset(unique.columns) for unique in relation.uniques):
        return
    for name in relation.order:
        if name not in asked:
            yield Sort(Ref(name, relation.by_name[name].type))


def _key(field: Field) -> str:
    """The name of an output: that of the column, or the last key of the path."""
    return next((step.key for step in reversed(field.path) if not step.key.lstrip("-").isdecimal()), field.name)


def _conjuncts(parts: Iterable[Expression]) -> Iterable[Expression]:
    for part in parts:
        if isinstance(part, Both):
            yield from _conjuncts(part.parts)
        else:
            yield part


def _has_embedded(expression: Expression) -> bool:
    match expression:
        case Embedded():
            return True
        case Not(part):
            return _has_embedded(part)
        case Both(parts) | Either(parts):
            return any(map(_has_embedded, parts))
        case _:
            return False


def _both(parts: Sequence[Expression]) -> Expression | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Both(tuple(parts))


def columns_of(expression: Expression) -> Iterable[Ref]:
    """Every reference in a filter."""
    match expression:
        case Both(parts) | Either(parts):
            for part in parts:
                yield from columns_of(part)
        case Not(part):
            yield from columns_of(part)
        case Embedded():
            return
        case _:
            yield expression.ref
