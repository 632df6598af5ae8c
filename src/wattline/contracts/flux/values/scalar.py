"""The types that only a cast makes: no column has them."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

import pyarrow as pa

from wattline.contracts.flux.catalog import Type


class Scalar(Enum):
    """A type beyond the columns' own; the value is PostgreSQL's `typname`.

    All are held as the text that PostgreSQL prints of them; json is held as it was written.
    """

    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    NUMERIC = "numeric"
    JSON = "json"

    @property
    def sql(self) -> str:
        """The name that PostgreSQL's messages use."""
        return SQL_NAMES.get(self, self.value)

    @property
    def arrow(self) -> pa.DataType:
        """How a column of it is held in memory."""
        return pa.string()


SQL_NAMES = {
    Scalar.TIME: "time without time zone",
    Scalar.TIMESTAMP: "timestamp without time zone",
}

Kind: TypeAlias = Type | Scalar
