"""Loops of a network: a site is radial, but for open breakers and what is meshed on purpose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any


class Trees:
    """Nodes joined to trees one edge after another (union-find)."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def _top(self, node: int) -> int:
        above = self._above
        while (over := above.get(node, node)) != node:
            above[node] = node = above.get(over, over)
        return node

    def join(self, a: int, b: int) -> bool:
        """Join two nodes; False where a way between them is there already."""
        a, b = self._top(a), self._top(b)
        if a == b:
            return False
        self._above[a] = b
        return True


def closes_loop(
    held: Iterable[tuple[int, int]], new: Iterable[tuple[int, Mapping[str, Any]]], dead: Collection[int]
) -> list[int]:
    """Which of the new edges (number, body) close a loop with the held ones (source, target) and those before them.

    Neither an edge at a node of `dead`, which carries no current, nor a meshed one closes any; the caller leaves meshed ones
    out of `held`.
    """
    trees = Trees()
    for source, target in held:
        if source not in dead and target not in dead:
            trees.join(source, target)
    found = []
    for number, body in new:
        source, target = body["source"], body["target"]
        if body["meshed"] or source in dead or target in dead:
            continue
        if not trees.join(source, target):
            found.append(number)
    return found
