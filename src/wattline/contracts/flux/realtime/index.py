"""Which bindings match a change: found by the value of a column where they ask for one, so that few are looked at."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, NamedTuple, TypeVar

import pyarrow as pa

from wattline.contracts.flux.catalog import RelationType, Type
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.evaluate.filter import mask
from wattline.contracts.flux.expression import Among, Both, Compare, Expression
from wattline.contracts.flux.realtime.bindings import Binding, Kind
from wattline.contracts.flux.relations.narrowing import parts

KEYS = (Type.UUID, Type.TEXT, Type.INT8, Type.INT4, Type.INT2)
"""Types whose values are equal where PostgreSQL says that they are; those that tell most rows apart come first."""
Channel = TypeVar("Channel", bound=Hashable)


class Asked(NamedTuple):
    """What several bindings may ask alike: the event, the column's value by which they are found, and what else must hold."""

    event: str
    column: str | None
    values: frozenset[object]
    rest: Expression | None


class Group(Generic[Channel]):
    """The bindings that ask alike, by their channels."""

    __slots__ = ("asked", "members")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.members: dict[tuple[Channel, int], Binding] = {}


def split(relation: RelationType, where: Expression | None, event: str) -> Asked:
    """What a filter asks of one column by value, and the rest of it."""
    every = list(parts(where))
    keyed = [(at, found) for at, part in enumerate(every) if (found := _values(relation, part)) is not None]
    if not keyed:
        return Asked(event, None, frozenset(), where)
    at, (column, values) = min(keyed, key=lambda each: KEYS.index(relation.by_name[each[1][0]].type))
    rest = tuple(every[:at] + every[at + 1 :])
    return Asked(event, column, values, None if not rest else rest[0] if len(rest) == 1 else Both(rest))


def _values(relation: RelationType, part: Expression) -> tuple[str, frozenset[object]] | None:
    """The column and the values, where a part asks for equality with some."""
    match part:
        case Compare(ref, "eq", value):
            values = frozenset({value})
        case Among(ref, "eq", among, False):
            values = frozenset(among) - {None}
        case _:
            return None
    return None if ref.path or relation.by_name[ref.column].type not in KEYS else (ref.column, values)


class Index(Generic[Channel]):
    """The bindings on one relation of one tenant."""

    def __init__(self, relation: RelationType) -> None:
        self._relation = relation
        self._groups: dict[Asked, Group[Channel]] = {}
        self._everywhere: dict[Asked, Group[Channel]] = {}
        self._by_value: dict[str, dict[object, dict[Asked, Group[Channel]]]] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def channels(self) -> set[Channel]:
        """Everybody who follows the relation."""
        return {channel for group in self._groups.values() for channel, _ in group.members}

    def add(self, channel: Channel, binding: Binding) -> None:
        """Follow for a channel what a binding on this relation asks."""
        asked = split(self._relation, binding.conditions[self._relation.name], binding.event)
        group = self._groups.get(asked)
        if group is None:
            group = self._groups[asked] = Group(asked)
            if asked.column is None:
                self._everywhere[asked] = group
            for value in asked.values:
                self._by_value.setdefault(asked.column or "", {}).setdefault(value, {})[asked] = group
        group.members[channel, binding.id] = binding

    def remove(self, channel: Channel, binding: Binding) -> None:
        """Follow it no more."""
        asked = split(self._relation, binding.conditions[self._relation.name], binding.event)
        group = self._groups.get(asked)
        if group is None or group.members.pop((channel, binding.id), None) is None or group.members:
            return
        del self._groups[asked]
        self._everywhere.pop(asked, None)
        for value in asked.values:
            places = self._by_value[asked.column or ""]
            del places[value][asked]
            if not places[value]:
                del places[value]
        if asked.column is not None and not self._by_value.get(asked.column, True):
            del self._by_value[asked.column]

    def match(self, kind: Kind, rows: pa.Table) -> Iterator[tuple[Group[Channel], list[int]]]:
        """The groups that want some of these rows, and which."""
        every = list(range(rows.num_rows))
        found = {group: every for group in self._everywhere.values() if group.asked.event in (kind, "*")}
        for column, places in self._by_value.items():
            for row, value in enumerate(rows.column(column).to_pylist()):
                for group in places.get(value, {}).values():
                    if group.asked.event in (kind, "*"):
                        found.setdefault(group, []).append(row)
        kept: dict[tuple[Expression, tuple[int, ...]], list[int]] = {}
        for group, positions in found.items():
            chosen, rest = positions, group.asked.rest
            if rest is not None:
                # Groups of different events or values may have the rest in common.
                place = rest, tuple(positions)
                if place not in kept:
                    kept[place] = _kept(rows, positions, rest)
                chosen = kept[place]
            if chosen:
                yield group, chosen


def _kept(rows: pa.Table, positions: list[int], rest: Expression) -> list[int]:
    some = rows if len(positions) == rows.num_rows else rows.take(positions)
    try:
        answers = mask(some, rest).to_pylist()
    except Refusal:
        # A document that no filter can look into is in no answer either.
        return []
    return [position for position, answer in zip(positions, answers, strict=True) if answer]
