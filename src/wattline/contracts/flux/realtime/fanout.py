"""From a commit to the frames that tell it: each row is encoded once, each frame made once for all who get the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from wattline.contracts.flux.realtime.bindings import Binding, Shape
from wattline.contracts.flux.realtime.events import documents, ending, split
from wattline.contracts.flux.realtime.frames import Around
from wattline.contracts.flux.realtime.index import Group, Index
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

    A listener gets one frame for a row; one for each shape, where its bindings that match it ask for several. Its last row
    names the position of the commit, those before it one before the commit: who is cut off in between gets it again, whole.
    """
    parts = [(part, list(index.match(part.kind, part.seen))) for part in split(relation, change)]
    last = _last([matched for _, matched in parts])
    ends = ending(change.position - 1), ending(change.position)
    for number, (part, matched) in enumerate(parts):
        wanted: dict[int, dict[L, list[Binding]]] = {}
        for group, positions in matched:
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
            same: dict[tuple[Around, Shape, bool], bytes] = {}
            for listener, bindings in wanted[row].items():
                whole = last.get(listener) == (number, row)
                for shape, ids in _shapes(bindings):
                    if shape not in told:
                        told[shape] = documents(relation.type, change, part, rows, shape)
                    around = listener.around(ids)
                    frame = same.get((around, shape, whole))
                    if frame is None:
                        frame = same[around, shape, whole] = around.frame(told[shape][at] + ends[whole])
                    made.append((listener, frame))
        yield made


def _last(parts: Sequence[Sequence[tuple[Group[L], list[int]]]]) -> dict[L, tuple[int, int]]:
    """Of each listener the part, and the row in it, that is the last to be told."""
    found: dict[L, tuple[int, int]] = {}
    for number, matched in enumerate(parts):
        for group, positions in matched:
            place = number, positions[-1]
            for listener, _ in group.members:
                if found.get(listener, place) <= place:
                    found[listener] = place
    return found


def _shapes(bindings: list[Binding]) -> Iterator[tuple[Shape, tuple[int, ...]]]:
    if len(bindings) == 1:
        yield bindings[0].shape, (bindings[0].id,)
        return
    by_shape: dict[Shape, list[int]] = {}
    for binding in bindings:
        by_shape.setdefault(binding.shape, []).append(binding.id)
    for shape, ids in by_shape.items():
        yield shape, tuple(sorted(ids))
