"""Topic filters against the examples of the standard and a plain reading of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattline.gateways.filters import Tree, is_filter, is_topic, matches

LEVELS = st.sampled_from(["a", "b", "", "$x", "+", "#"])
FILTERS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(is_filter)
TOPICS = st.lists(st.sampled_from(["a", "b", "c", "", "$x"]), min_size=1, max_size=4).map("/".join).filter(is_topic)


@pytest.mark.parametrize(
    ("pattern", "topic", "covered"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/monitor", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/monitor", True),
        ("ACCOUNTS", "Accounts", False),
    ],
)
def test_the_examples_of_the_standard(pattern: str, topic: str, covered: bool) -> None:
    assert matches(pattern, topic) is covered
    tree: Tree[str] = Tree()
    tree.add(pattern, "someone", 1)
    assert tree.match(topic) == ({"someone": 1} if covered else {})


@pytest.mark.parametrize("pattern", ["#", "sport/#", "+", "+/tennis/#", "sport/+/player1", "/", "a//b"])
def test_filters(pattern: str) -> None:
    assert is_filter(pattern)


@pytest.mark.parametrize("pattern", ["", "sport/tennis#", "sport/#/ranking", "sport+", "a\x00", "x" * 1025, "a/" * 32])
def test_no_filters(pattern: str) -> None:
    assert not is_filter(pattern)


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#", "a\x00b", "x" * 1025, "a/" * 32, "\ud800" * 400])
def test_no_topics(topic: str) -> None:
    assert not is_topic(topic)


@given(st.lists(st.tuples(FILTERS, st.integers(0, 3), st.integers(0, 1)), max_size=12), st.data(), TOPICS)
def test_the_tree_finds_what_a_look_at_every_filter_finds(
    wanted: list[tuple[str, int, int]], data: st.DataObject, topic: str
) -> None:
    tree: Tree[int] = Tree()
    present: dict[tuple[str, int], int] = {}
    for pattern, key, qos in wanted:
        tree.add(pattern, key, qos)
        present[pattern, key] = qos
    for pattern, key in data.draw(st.lists(st.sampled_from([*present] or [("a", 9)]), max_size=6)):
        tree.remove(pattern, key)
        present.pop((pattern, key), None)
    expected: dict[int, int] = {}
    for (pattern, key), qos in present.items():
        if matches(pattern, topic):
            expected[key] = max(qos, expected.get(key, 0))
    assert tree.match(topic) == expected
