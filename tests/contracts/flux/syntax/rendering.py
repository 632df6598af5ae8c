"""Queries made up as syntax trees, and how a client could write them."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

from wattline.contracts.flux.syntax.ast import Condition, Embed, Field, Item, Logic, Order, Path, Query, Step, Tree, Window
from wattline.contracts.flux.syntax.operators import OPERATORS, QUANTIFIED, TEXT_SEARCH

BARE = re.compile(r"[A-Za-z_$](?:[\w$]*[\w$])?(?:-\w+)*\Z", re.ASCII)
RESERVED = {"select", "columns", "on_conflict", "order", "limit", "offset", "and", "or", "not", "count"}
RAW = re.compile(r"[\w.:+*%'-][\w .:+*%'(-]*\Z")

words = st.sampled_from(
    ["soe", "device_id", "a-b", "é", "order", "and", "not", "select", "count", "x y", 'we"ird.na\\me', ",(", "$1"]
)
names = words | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
columns = names.filter(lambda name: name != "*")
embeds = columns.filter(lambda name: name != "not")
steps = st.builds(Step, key=columns | st.integers(-99, 99).map(str), text=st.booleans())
fields = st.builds(Field, name=columns, path=st.lists(steps, max_size=2).map(tuple))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0*"), max_size=8) | st.sampled_from(
    ["50", "2024-01-01T00:00:00Z", "a,b", "(", ")", '"', "\\", "{1,2}", '{"a":{"b":1}}', "", " x ", "null", "%2B+&=;"]
)
casts = st.none() | st.sampled_from(["text", "double precision", "int4"])
IS = ("null", "not_null", "true", "false", "unknown")


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """A field with any operator."""
    operator = draw(st.sampled_from(sorted(OPERATORS)))
    quantifier = draw(st.sampled_from([None, "any", "all"])) if operator in QUANTIFIED else None
    language = draw(st.sampled_from([None, "english"])) if operator in TEXT_SEARCH else None
    if operator == "in":
        values = tuple(draw(st.lists(texts, max_size=3)))
    else:
        values = (draw(st.sampled_from(IS) if operator == "is" else texts),)
    return Condition(draw(fields), operator, values, draw(st.booleans()), quantifier, language)


trees: st.SearchStrategy[Tree] = st.recursive(
    conditions(),
    lambda inner: st.builds(
        Logic,
        kind=st.sampled_from(["and", "or"]),
        parts=st.lists(inner, min_size=1, max_size=3).map(tuple),
        negated=st.booleans(),
    ),
    max_leaves=6,
)
items = st.one_of(
    st.just(Item(Field("*"))),
    st.builds(
        Item,
        field=fields,
        alias=st.none() | columns,
        cast=casts,
    ),
    st.builds(
        Item,
        field=fields,
        alias=st.none() | columns,
        cast=casts,
        aggregate=st.sampled_from(["avg", "sum", "min", "max", "count"]),
        aggregate_cast=casts,
    ),
    st.builds(Item, field=st.just(Field("")), alias=st.none() | columns, aggregate=st.just("count"), aggregate_cast=casts),
)


def _embed(inner: st.SearchStrategy[Item | Embed]) -> st.SearchStrategy[Embed]:
    common = {
        "name": columns,
        "items": st.lists(inner, max_size=3).map(tuple),
        "hint": st.none() | columns.filter(lambda name: name not in ("inner", "left")),
        "join": st.sampled_from([None, "inner", "left"]),
    }
    return st.builds(Embed, alias=st.none() | columns, **common) | st.builds(Embed, spread=st.just(True), **common)


selected = st.recursive(items, _embed, max_leaves=6)
orders = st.builds(
    Order,
    field=fields,
    descending=st.booleans(),
    nulls_first=st.sampled_from([None, True, False]),
    relation=st.none() | columns,
)
paths = st.lists(embeds, max_size=2).map(tuple)
windows = st.builds(
    Window, limit=st.none() | st.integers(-(2**63) + 1, 2**63 - 1), offset=st.none() | st.integers(0, 2**63 - 1)
).filter(lambda window: window != Window())
queries = st.builds(
    Query,
    select=st.lists(selected, min_size=1, max_size=4).map(tuple),
    filters=st.lists(st.tuples(paths, trees), max_size=3).map(tuple),
    orders=st.lists(
        st.tuples(paths, st.lists(orders, min_size=1, max_size=3).map(tuple)), max_size=2, unique_by=lambda p: p[0]
    ).map(tuple),
    windows=st.lists(st.tuples(paths, windows), max_size=2, unique_by=lambda p: p[0]).map(tuple),
    columns=st.none() | st.lists(columns, min_size=1, max_size=3, unique=True).map(tuple),
    on_conflict=st.none() | st.lists(columns, min_size=1, max_size=3).map(tuple),
)


class Writer:
    """Writes syntax trees as text. `draw` decides between ways of writing the same."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def either(self, *ways: str) -> str:
        """Any of several texts."""
        return self.draw(st.sampled_from(ways))

    def query(self, query: Query) -> str:
        """A query string in which the parameters of different kinds stand in any order."""
        groups = [
            [("select", ",".join(map(self.selected, query.select)))],
            [self.filter(path, tree) for path, tree in query.filters],
            [(self.key(path, "order"), ",".join(map(self.order, terms))) for path, terms in query.orders],
            [
                (self.key(path, kind), str(number))
                for path, window in query.windows
                for kind, number in (("limit", window.limit), ("offset", window.offset))
                if number is not None
            ],
            [] if query.columns is None else [("columns", ",".join(map(self.name, query.columns)))],
            [] if query.on_conflict is None else [("on_conflict", ",".join(map(self.name, query.on_conflict)))],
            list(query.arguments),
        ]
        shuffled = self.draw(st.permutations(groups))
        encode = self.draw(st.sampled_from([quote, quote_plus, lambda text: quote(text, safe="(),.:*\"{}|'<>[]^`")]))
        return "&".join(f"{encode(key)}={encode(value)}" for group in shuffled for key, value in group)

    def name(self, name: str) -> str:
        """A name, in quotes where it must be or where it may."""
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return quoted if BARE.match(name) is None or name in RESERVED else self.either(name, quoted)

    def field(self, field: Field) -> str:
        """A column with its path."""
        return self.name(field.name) + "".join(("->>" if step.text else "->") + self.step(step.key) for step in field.path)

    def step(self, key: str) -> str:
        """One key of a path: an index stands as it is."""
        return key if re.fullmatch("-?[0-9]+", key) else self.name(key)

    def key(self, path: Path, last: str) -> str:
        """The key of a parameter of an embedded relation."""
        return ".".join([*map(self.name, path), last])

    def filter(self, path: Path, tree: Tree) -> tuple[str, str]:
        """A parameter."""
        if isinstance(tree, Logic):
            return self.key(path, ("not." if tree.negated else "") + tree.kind), self.parts(tree)
        return self.key(path, self.field(tree.field)), self.operation(tree, nested=False)

    def tree(self, tree: Tree) -> str:
        """A part of a logic tree."""
        if isinstance(tree, Logic):
            return ("not." if tree.negated else "") + tree.kind + self.either("", "=") + self.parts(tree)
        return f"{self.field(tree.field)}.{self.operation(tree, nested=True)}"

    def parts(self, tree: Logic) -> str:
        """What stands between parentheses."""
        return self.either("(", "( ") + self.either(",", ", ").join(map(self.tree, tree.parts)) + self.either(")", ") ")

    def operation(self, made: Condition, *, nested: bool) -> str:
        """Operator and value."""
        modifier = f"({made.quantifier or made.language})" if made.quantifier or made.language else ""
        start = ("not." if made.negated else "") + made.operator + modifier + "."
        if made.operator == "in":
            return start + self.elements(made.values)
        value = made.values[0]
        if made.operator == "is":
            return start + self.either(value, value.upper())
        if made.operator in ("like", "ilike"):
            value = value.replace("%", self.either("%", "*"))
        return start + (self.value(value) if nested else value)

    def elements(self, values: tuple[str, ...]) -> str:
        """The list of `in`."""
        return "(" + ",".join(map(self.value, values)) + ")"

    def value(self, text: str) -> str:
        """A value that must not run into what follows it."""
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return self.either(text, quoted) if RAW.match(text) else quoted

    def order(self, order: Order) -> str:
        """A term."""
        field = self.field(order.field)
        direction = ".desc" if order.descending else self.either("", ".asc")
        nulls = {None: "", True: ".nullsfirst", False: ".nullslast"}[order.nulls_first]
        return (field if order.relation is None else f"{self.name(order.relation)}({field})") + direction + nulls

    def selected(self, item: Item | Embed) -> str:
        """A column or an embedded relation."""
        if isinstance(item, Embed):
            return self.embed(item)
        alias = "" if item.alias is None else self.name(item.alias) + ":"
        if item.field.name == "*":
            return self.either("*", " * ")
        cast = "" if item.cast is None else "::" + item.cast
        aggregate = "" if item.aggregate is None else f".{item.aggregate}()"
        last = "" if item.aggregate_cast is None else "::" + item.aggregate_cast
        if item.field.name == "":
            return f"{alias}count(){last}"
        return alias + self.field(item.field) + cast + aggregate + last

    def embed(self, embed: Embed) -> str:
        """A related relation."""
        parameters = ["" if embed.hint is None else "!" + self.name(embed.hint), f"!{embed.join}" if embed.join else ""]
        start = "..." if embed.spread else "" if embed.alias is None else self.name(embed.alias) + ":"
        inner = self.either(",", ", ").join(map(self.selected, embed.items))
        return start + self.name(embed.name) + "".join(self.draw(st.permutations(parameters))) + f"({inner})"
