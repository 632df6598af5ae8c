"""From a commit to the frames that tell it: each row is encoded once, each frame made once for all who get the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

from wattline.contracts.flux.realtime.bindings import Binding, Shape
from wattline.contracts.flux.realtime.events import documents, split
from wattline.contracts.flux.realtime.frames import Around
from wattline.contracts.flux.realtime.index import Index
from wattline.contracts.flux.relation import Relation, TableChange


class Listener(Protocol):
    """Who is told of changes."""

    def __hash__(self) -> int: ...

    def wants(self, binding: Binding, relation: str, position: int) -> bool:
        """Whether a binding that matches a commit is still to be told of it."""
        ...

    def around(self, ids: tuple[int, ...]) -> Around:
        """What stands around a document for these bindings."""
        ...


L = TypeVar("L", bound=Listener)


def frames(relation: Relation, change: TableChange, index: Index[L]) -> Iterator[list[tuple[L, bytes]]]:
    """Who is told what, a bounded number of rows at a time, in the order of the rows.

    A listener gets one frame for a row; one for each shape, where its bindings that match it ask for several.
    """
    for part in split(relation, change):
        wanted: dict[int, dict[L, list[Binding]]] = {}
        for group, positions in index.match(part.kind, part.seen):
            for (listener, _), binding in group.members.items():
                if listener.wants(binding, change.relation, change.position):
                    for row in positions:
                        wanted.setdefault(row, {}).setdefault(listener, []).append(binding)
        if not wanted:
            continue
        rows = sorted(wanted)
        told: dict[Shape, list[bytes]] = {}
        made: list[tuple[L, bytes]] = []
        for at, row in enumerate(rows):
            same: dict[tuple[Around, Shape], bytes] = {}
            for listener, bindings in wanted[row].items():
                for shape, ids in _shapes(bindings):
                    if shape not in told:
                        told[shape] = documents(relation.type, change, part, rows, shape)
                    around = listener.around(ids)
                    frame = same.get((around, shape))
                    if frame is None:
                        frame = same[around, shape] = around.frame(told[shape][at])
                    made.append((listener, frame))
        yield made


def _shapes(bindings: list[Binding]) -> Iterator[tuple[Shape, tuple[int, ...]]]:
    if len(bindings) == 1:
        yield bindings[0].shape, (bindings[0].id,)
        return
    by_shape: dict[Shape, list[int]] = {}
    for binding in bindings:
        by_shape.setdefault(binding.shape, []).append(binding.id)
    for shape, ids in by_shape.items():
        yield shape, tuple(sorted(ids))
