"""Circles, depth and sums of nested groups and formulas, against walking every way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wattline.metering.formula import counts, depth, reaches, weights
from wattline.metering.model import Group, Term

NODES = range(1, 8)
ANY = st.dictionaries(st.sampled_from(NODES), st.sets(st.sampled_from(NODES)))
ACYCLIC = ANY.map(lambda graph: {one: {other for other in others if other > one} for one, others in graph.items()})


def ways(graph: Mapping[int, Collection[int]], start: int, been: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Every way from a node that comes to no node twice, the empty one first."""
    here = (*been, start)
    yield here
    for following in graph.get(start, ()):
        if following not in here:
            yield from ways(graph, following, here)


@given(ANY, st.sampled_from(NODES), st.sampled_from(NODES))
def test_reaches_is_that_a_way_leads_there(graph: dict[int, set[int]], start: int, target: int) -> None:
    assert reaches(graph, start, target) == any(way[-1] == target for way in ways(graph, start))


@given(ACYCLIC)
def test_depth_is_the_longest_way(graph: dict[int, set[int]]) -> None:
    assert depth(graph) == max((len(way) - 1 for one in graph for way in ways(graph, one)), default=0)


@given(st.dictionaries(st.sampled_from(NODES), st.dictionaries(st.sampled_from(NODES), st.sampled_from([1, -1]))))
def test_weights_add_up_the_sign_of_every_way_down(signs: dict[int, dict[int, int]]) -> None:
    formulas = {one: [Term(o, s) for o, s in terms.items() if o > one] for one, terms in signs.items()}
    graph = {one: [term.meter_id for term in terms] for one, terms in formulas.items()}
    expected: Counter[int] = Counter()
    for way in ways(graph, 1):
        if not graph.get(way[-1]):
            sign = 1
            for one, other in pairwise(way):
                sign *= signs[one][other]
            expected[way[-1]] += sign
    found = weights(1, lambda number: formulas.get(number, ()))
    assert dict(found) == {leaf: count for leaf, count in expected.items() if count}


@given(
    ACYCLIC,
    st.dictionaries(st.sampled_from(NODES), st.sets(st.integers(100, 105))),
    st.sets(st.sampled_from(NODES)),
)
def test_counts_follow_the_rule_of_each_group(graph: dict[int, set[int]], own: dict[int, set[int]], single: set[int]) -> None:
    def group(number: int) -> Group:
        inner = tuple(graph.get(number, ()))
        return Group(number, "t", 1, "g", tuple(own.get(number, ())), inner, number in single)

    def brute(number: int) -> list[int]:
        found = sorted(own.get(number, ()))
        for inner in graph.get(number, ()):
            found += brute(inner)
        return sorted(set(found)) if number in single else found

    assert counts(1, group, lambda each: each.meter_ids) == Counter(brute(1))


def test_a_long_chain_and_a_dense_graph_are_no_trouble() -> None:
    chain = {number: [number + 1] for number in range(20_000)}
    assert depth(chain) == 20_000
    assert reaches(chain, 0, 20_000)
    dense = {one: range(one + 1, 300) for one in range(300)}
    assert depth(dense) == 299
    assert not reaches(dense, 5, 4)
