"""Topics and topic filters, by MQTT 3.1.1 section 4.7."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key")

LONGEST = 1024
"""Bytes of a topic; the standard allows 65,535, and nothing sound comes near."""
DEEPEST = 32
"""Levels of a topic or filter."""


def is_topic(topic: str) -> bool:
    """Whether a message can be published under this name."""
    return (
        0 < len(topic.encode("utf-8", "surrogatepass")) <= LONGEST
        and not any(forbidden in topic for forbidden in "+#\x00")
        and topic.count("/") < DEEPEST
    )


def is_filter(pattern: str) -> bool:
    """Whether one can subscribe to this: a wildcard is a whole level, and `#` the last one."""
    if not 0 < len(pattern.encode("utf-8", "surrogatepass")) <= LONGEST or "\x00" in pattern or pattern.count("/") >= DEEPEST:
        return False
    levels = pattern.split("/")
    return all(level in ("+", "#") or not ("+" in level or "#" in level) for level in levels) and "#" not in levels[:-1]


def matches(pattern: str, topic: str) -> bool:
    """Whether a valid filter covers a valid topic. A wildcard in front does not cover topics that begin with `$`."""
    if pattern[0] in "+#" and topic.startswith("$"):
        return False
    levels, names = pattern.split("/"), topic.split("/")
    for number, level in enumerate(levels):
        if level == "#":
            return True
        if number == len(names) or level not in ("+", names[number]):
            return False
    return len(levels) == len(names)


class _Node(Generic[Key]):
    __slots__ = ("below", "keys")

    def __init__(self) -> None:
        self.below: dict[str, _Node[Key]] = {}
        self.keys: dict[Key, int] = {}


class Tree(Generic[Key]):
    """Subscriptions by filter: who hears a topic, without a look at those who do not. Each has the QoS it asked for."""

    def __init__(self) -> None:
        self._root: _Node[Key] = _Node()

    def add(self, pattern: str, key: Key, qos: int) -> None:
        """Subscribe, or change the QoS."""
        node = self._root
        for level in pattern.split("/"):
            node = node.below.setdefault(level, _Node())
        node.keys[key] = qos

    def remove(self, pattern: str, key: Key) -> None:
        """End a subscription; without effect where there is none."""
        path, node = [], self._root
        for level in pattern.split("/"):
            below = node.below.get(level)
            if below is None:
                return
            path.append((node, level))
            node = below
        node.keys.pop(key, None)
        for above, level in reversed(path):
            below = above.below[level]
            if below.keys or below.below:
                return
            del above.below[level]

    def match(self, topic: str) -> dict[Key, int]:
        """Who hears this topic, each once, at the highest QoS of its filters that match."""
        found: dict[Key, int] = {}
        names = topic.split("/")
        for node in self._reach(self._root, names, 0):
            for key, qos in node.keys.items():
                found[key] = max(qos, found.get(key, 0))
        return found

    def _reach(self, node: _Node[Key], names: list[str], depth: int) -> Iterator[_Node[Key]]:
        hidden = depth == 0 and names[0].startswith("$")
        if "#" in node.below and not hidden:
            yield node.below["#"]
        if depth == len(names):
            yield node
            return
        for level in (names[depth],) if hidden else (names[depth], "+"):
            below = node.below.get(level)
            if below is not None:
                yield from self._reach(below, names, depth + 1)
