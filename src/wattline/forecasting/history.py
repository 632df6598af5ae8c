"""Where a history comes from."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from wattline.forecasting.model import Floats, Target

Subject = TypeVar("Subject", contravariant=True)  # noqa: PLC0105  (the name is said in documents)
"""Whose power it is: a meter, a group or an account."""


class Past(NamedTuple):
    """The mean power (kW) of each quarter hour, NaN where that of any member is not known.

    `silent` are the meters of which nothing at all is known; they are left out of the sum.
    """

    power: Floats
    silent: tuple[int, ...] = ()


class History(Protocol[Subject]):
    """Tells the power that was."""

    async def power(self, subject: Subject, target: Target, start: int, end: int, *, as_of: int, live: bool) -> Past:
        """The power of the quarter hours that begin in [start, end), both in us and on a quarter hour.

        For a target of demand what is taken less what is given, for generation what is generated, which is never negative.
        Nothing after `as_of` has a say in it, also not where something after it is known by now, unless it is `live`: the
        moment at which somebody asked just now.
        """
        ...
