"""The page's times: ISO 8601 in (also epoch numbers and bare dates), UTC with Z out; and the ranges that a query may have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import numpy as np
from fastapi import Query
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from wattline.contracts.mcs.errors import BadRequest
from wattline.model.clock import DAY, EPOCH, SECOND, to_micros

LONGEST = 366 * DAY
"""The longest range of a query, itself included."""

# The plus sign of an offset that a client did not percent-encode arrives as a space.
_LOST_PLUS = re.compile(r"(?<=[\d.:]) (?=\d\d:?\d\d$)", re.ASCII)


def _restore_plus(value: object) -> object:
    if isinstance(value, str) and ("T" in value or "t" in value):
        return _LOST_PLUS.sub("+", value)
    return value


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError(
            "datetime_parsing", "Input should be a valid datetime, in UTC within years 1 to 9999"
        ) from None


Moment = Annotated[datetime, BeforeValidator(_restore_plus), AfterValidator(_utc)]
"""A time of a request, as an aware UTC datetime. A time without an offset is UTC."""
Start = Annotated[Moment, Query(description="Begin of the range, included.", examples=["2026-02-21T06:00:00Z"])]
End = Annotated[Moment | None, Query(description="End of the range, not included; now unless given.")]


class Range(NamedTuple):
    """[start, end) in microseconds since 1970."""

    start: int
    end: int

    @property
    def span(self) -> int:
        return self.end - self.start


def time_range(start: datetime, end: datetime | None, now: int) -> Range:
    """The range of a query, its end being now unless given. Raises `BadRequest` where it is empty or above 366 days."""
    found = Range(to_micros(start), now if end is None else to_micros(end))
    if found.span <= 0:
        raise BadRequest("end must be after start")
    if found.span > LONGEST:
        raise BadRequest("Time range cannot exceed 1 year")
    return found


def spell(micros: int) -> str:
    """`2026-02-21T06:00:00Z`, with six more digits only where they are not all zero."""
    return (EPOCH + timedelta(microseconds=micros)).isoformat().removesuffix("+00:00") + "Z"


def spell_or_none(micros: int | None) -> str | None:
    """`spell`, or None for no time."""
    return None if micros is None else spell(micros)


def spell_all(times: Iterable[int] | NDArray[np.int64]) -> list[str]:
    """`spell` for many times at once."""
    micros = np.asarray(times if isinstance(times, np.ndarray) else list(times), np.int64)
    seconds, fraction = np.divmod(micros, SECOND)
    texts: list[str] = np.datetime_as_string(seconds.astype("datetime64[s]"), unit="s").tolist()
    if not fraction.any():
        return [f"{text}Z" for text in texts]
    return [f"{text}.{part:06d}Z" if part else f"{text}Z" for text, part in zip(texts, fraction.tolist(), strict=True)]
