"""Which breakers of a site are open: protection's word counts before the document's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from wattline.topology.sites import Site

MAIN_BREAKER = "main"


class Breaker(Protocol):
    """A breaker as protection knows it: by the meter that told of it and its name there; `closed`, `open` or `tripped`."""

    @property
    def meter(self) -> int:
        """The meter's id."""
        ...

    @property
    def breaker(self) -> str:
        """Its name, `main` where the meter has one only."""
        ...

    @property
    def state(self) -> str:
        """Its state."""
        ...


def states_of(site: Site, told: Iterable[Breaker]) -> Sequence[str]:
    """The state of each node: of a breaker what protection says of it, if anything.

    A breaker with a meter is the one that this meter tells of, one without is that which alone has its name.
    """
    if not site.breakers:
        return site.states
    exact: dict[tuple[int, str], str] = {}
    by_name: dict[str, list[str]] = {}
    for each in told:
        exact[each.meter, each.breaker] = each.state
        by_name.setdefault(each.breaker, []).append(each.state)
    if not exact:
        return site.states
    states = list(site.states)
    for place in site.breakers:
        node = site.drawing.nodes[place]
        named = node.breaker
        if node.meter_id is not None:
            state = exact.get((node.meter_id, named or MAIN_BREAKER)) or exact.get((node.meter_id, MAIN_BREAKER))
        else:
            every = by_name.get(named or "", [])
            state = every[0] if len(every) == 1 else None
        states[place] = state or states[place]
    return states
