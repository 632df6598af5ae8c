"""What refers to others of its kind, such as virtual meters and groups: no circles, bounded depth, and what it adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from wattline.metering.model import Group, Term

DEEPEST = 16
"""How many virtual meters, or groups, may be nested; it bounds how often one meter can count in another."""

Graph = Mapping[int, Collection[int]]
"""What each one refers to."""


def reaches(graph: Graph, start: int, target: int) -> bool:
    """Whether a way leads from one to the other; from one to itself it always does."""
    seen = {start}
    ahead = [start]
    while ahead:
        here = ahead.pop()
        if here == target:
            return True
        for following in graph.get(here, ()):
            if following not in seen:
                seen.add(following)
                ahead.append(following)
    return False


def depth(graph: Graph) -> int:
    """The number of steps on the longest way; the graph has no circles."""
    below = {one: set(graph[one]) for one in graph}
    longest = dict.fromkeys(_everyone(graph), 0)
    users: dict[int, list[int]] = {}
    for one, others in below.items():
        for other in others:
            users.setdefault(other, []).append(one)
    ready = [each for each in longest if not below.get(each)]
    while ready:
        here = ready.pop()
        for user in users.get(here, ()):
            longest[user] = max(longest[user], longest[here] + 1)
            below[user].discard(here)
            if not below[user]:
                ready.append(user)
    return max(longest.values(), default=0)


def _everyone(graph: Graph) -> Iterable[int]:
    yield from graph
    for others in graph.values():
        yield from others


def weights(meter_id: int, formula: Callable[[int], Sequence[Term]]) -> Counter[int]:
    """How often each measured meter counts in a meter, with its sign; a meter without a formula is itself.

    What adds up to zero is left out.
    """
    known: dict[int, Counter[int]] = {}

    def resolve(number: int) -> Counter[int]:
        if number not in known:
            terms = formula(number)
            total: Counter[int] = Counter() if terms else Counter({number: 1})
            for term in terms:
                for leaf, count in resolve(term.meter_id).items():
                    total[leaf] += term.sign * count
            known[number] = total
        return known[number]

    return Counter({leaf: count for leaf, count in resolve(meter_id).items() if count})


def counts(group_id: int, group: Callable[[int], Group], own: Callable[[Group], Collection[int]]) -> Counter[int]:
    """How often each meter counts in a group, by the rule of every group on the way.

    `own` are the meters that belong to a group itself. A meter counts once for being one of them, and as often as in each
    group within; in a group with `dedupe`, once.
    """
    known: dict[int, Counter[int]] = {}

    def resolve(number: int) -> Counter[int]:
        if number not in known:
            here = group(number)
            total: Counter[int] = Counter(dict.fromkeys(own(here), 1))
            for inner in here.group_ids:
                total.update(resolve(inner))
            known[number] = Counter(dict.fromkeys(total, 1)) if here.dedupe else total
        return known[number]

    return resolve(group_id)
