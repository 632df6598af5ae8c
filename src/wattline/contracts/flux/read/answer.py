"""What a read goes by, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pyarrow as pa

from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.values.encode import Output


def everything(relation: str) -> bool:
    """Every relation may be seen."""
    del relation
    return True


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer may be.

    An answer of more than `answer_rows` rows (of an embed: for all rows together) is refused, one of more than about
    `answer_bytes`, and a read that would have to hold more than `held_rows` to put them in order. A select has at most `embeds`
    related relations in all. `max_rows` is `db-max-rows`: it caps every limit, silently, where it is
    set. `aggregates`: whether a query may ask for them.
    """

    answer_rows: int = 100_000
    held_rows: int = 2_000_000
    max_rows: int | None = None
    aggregates: bool = False
    answer_bytes: int = 256 * 1024 * 1024
    embeds: int = 100


@dataclass(frozen=True, slots=True)
class View:
    """Who looks, and when: `now` in us; `zone` is that of times without an offset and of times shown (None: UTC).

    `visible` tells of a relation whether its rows are there for the caller; it raises `Refusal` where a grant is missing.
    """

    tenant: str
    now: int
    zone: ZoneInfo | None = None
    visible: Callable[[str], bool] = everything


@dataclass(frozen=True, slots=True)
class Rows:
    """A page. The columns of `table` go with `outputs` by position; of a HEAD there is no row, and `returned` counts them.

    `offset` is the place of the first among all that match; `total` how many match, None where that was not asked.
    """

    table: pa.Table
    outputs: tuple[Output, ...]
    offset: int
    returned: int
    total: int | None = None

    @property
    def partial(self) -> bool:
        """Whether more match than are returned, as far as is known: 206."""
        return self.total is not None and self.returned < self.total


def too_many(most: int, what: str = "rows") -> Refusal:
    """PT413: an answer is never cut."""
    hint = "Page with limit and offset or the Range header, narrow the filter, or order as the relation is ordered."
    return Refusal(413, "PT413", f"The answer would have more than {most} {what}", hint=hint)


def beyond(offset: int, total: int) -> Refusal:
    """PGRST103: a page that begins after the last row."""
    details = f"An offset of {offset} was requested, but there are only {total} rows."
    return Refusal(
        416,
        "PGRST103",
        "Requested range not satisfiable",
        details,
        headers={"Content-Range": f"*/{total}", "Range-Unit": "items"},
    )
