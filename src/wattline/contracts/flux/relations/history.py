"""Changes of the domain's log as changes of a relation, live and read again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import pyarrow as pa

from wattline.changes.model import Change, Row, TooOld
from wattline.changes.service import ChangeLog
from wattline.contracts.flux.catalog import RelationType
from wattline.contracts.flux.errors import Refusal
from wattline.contracts.flux.relation import Edit, TableChange

Publish = Callable[[TableChange], None]


class History:
    """What becomes of one relation. `order` has, for each column of the relation, its place in the rows of the log."""

    def __init__(self, kind: RelationType, subject: str, order: Sequence[int], log: ChangeLog, publish: Publish) -> None:
        self._kind = kind
        self._subject = subject
        self._order = order
        self._log = log
        self._publish = publish
        log.listen(self._heard)

    def table(self, rows: Sequence[Row]) -> pa.Table:
        """Rows as the log and the domain have them, as a table with every column."""
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self._order)
        arrays = [
            pa.array(columns[place], column.type.arrow) for column, place in zip(self._kind.columns, self._order, strict=True)
        ]
        return pa.table(arrays, schema=self._kind.schema)

    def rows(self, table: pa.Table | None) -> list[Row]:
        """The rows of a table with every column, as the log and the domain have them."""
        if table is None or not table.num_rows:
            return []
        columns = [table.column(column.name).to_pylist() for column in self._kind.columns]
        placed = sorted(zip(self._order, columns, strict=True), key=lambda each: each[0])
        return list(zip(*(column for _, column in placed), strict=True))

    def _heard(self, change: Change) -> None:
        if change.subject == self._subject:
            self._publish(self._told(change))

    def _told(self, change: Change) -> TableChange:
        sides = {
            "inserted": change.inserted,
            "old": change.old,
            "new": change.new,
            "deleted": change.deleted,
        }
        edit = Edit(**{side: self.table(rows) for side, rows in sides.items() if rows})
        return TableChange(change.tenant, self._kind.name, change.position, edit)

    async def since(self, tenant: str, position: int) -> AsyncIterator[TableChange]:
        """See `relation.Relation.changes`."""
        try:
            async for change in self._log.since(tenant, self._subject, position):
                yield self._told(change)
        except TooOld as error:
            raise Refusal(410, "PT410", str(error)) from None
