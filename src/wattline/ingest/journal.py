"""The journal: committed rows that the telemetry store does not hold yet, and what its tiers still owe.

One SQLite file with synchronous=FULL, used by one thread. A block is the group of rows of one commit, in MessagePack.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wattline.ingest.receipt import MARK
from wattline.model.errors import StorageFull
from wattline.model.record import Row
from wattline.state.sqlite import open_sqlite

SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (sequence INTEGER PRIMARY KEY AUTOINCREMENT, count INTEGER NOT NULL, rows BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS late_hours (sensor INTEGER, hour INTEGER, PRIMARY KEY (sensor, hour)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""

SET_MARK = "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"

FULL = ("full", "disk i/o error", "unable to open database file")


@dataclass(frozen=True, slots=True)
class Block:
    """One committed group of rows."""

    sequence: int
    size: int
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Payload bytes and rows that wait, the sequence number before the first waiting block, and the newest ever given."""

    size: int
    rows: int
    moved: int
    newest: int


class Journal:
    """Every method is called from one thread at a time. A refused write leaves the file as it was."""

    def __init__(self, path: Path) -> None:
        self._connection = open_sqlite(path)
        self._connection.executescript(SCHEMA)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(list[Row])

    def _commit(self, statements: Iterable[tuple[str, Sequence[Sequence[object]]]]) -> int | None:
        """Run every statement in one durable transaction; return the id of the last inserted row."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE")
            for sql, parameters in statements:
                if len(parameters) == 1:
                    cursor.execute(sql, parameters[0])
                else:
                    cursor.executemany(sql, parameters)
            last = cursor.lastrowid
            cursor.execute("COMMIT")
        except Exception as error:
            # Whatever it was: a transaction that stays open would take every later write into it.
            if self._connection.in_transaction:
                cursor.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) and any(word in str(error).lower() for word in FULL):
                raise StorageFull("no room on the disk for the journal") from error
            raise
        return last

    def append(self, rows: list[Row], received: int | None = None) -> Block:
        """Commit rows as one block; on return they survive a power cut. Raises `StorageFull`.

        `received` is the newest instant of receipt that was given to one of them, to be remembered with them.
        """
        payload = self._encoder.encode(rows)
        insert = ("INSERT INTO blocks (count, rows) VALUES (?, ?)", [(len(rows), payload)])
        sequence = self._commit([insert] if received is None else [(SET_MARK, [(MARK, received)]), insert])
        assert sequence is not None
        return Block(sequence, len(payload), rows)

    def read(self, after: int, most_rows: int) -> list[Block]:
        """The blocks after a sequence number in order, until `most_rows` rows are reached (at least one block)."""
        found: list[Block] = []
        total = 0
        for sequence, payload in self._connection.execute(
            "SELECT sequence, rows FROM blocks WHERE sequence > ? ORDER BY sequence", (after,)
        ):
            rows = self._decoder.decode(payload)
            found.append(Block(sequence, len(payload), rows))
            total += len(rows)
            if total >= most_rows:
                break
        return found

    def trim(self, moved: int, unneeded: int) -> None:
        """The store holds the blocks up to and with `moved`; forget those up to `unneeded`, which nobody else reads either."""
        self._commit([("DELETE FROM blocks WHERE sequence <= ?", [(min(moved, unneeded),)]), (SET_MARK, [("moved", moved)])])

    def backlog(self) -> Backlog:
        """What the store does not hold yet."""
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'blocks'").fetchone()
        newest = row[0] if row else 0
        (first,) = self._connection.execute("SELECT min(sequence) FROM blocks").fetchone()
        moved = max(self.mark("moved") or 0, first - 1 if first is not None else newest)
        return Backlog(*self.waiting(moved), moved, newest)

    def waiting(self, after: int) -> tuple[int, int]:
        """Payload bytes and rows of the blocks after a sequence number."""
        size, rows = self._connection.execute(
            "SELECT coalesce(sum(length(rows)), 0), coalesce(sum(count), 0) FROM blocks WHERE sequence > ?", (after,)
        ).fetchone()
        return size, rows

    def mark_late(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Remember that these (sensor, hour start in us) must be recomputed in every tier."""
        self._commit([("INSERT OR IGNORE INTO late_hours VALUES (?, ?)", pairs)])

    def late(self) -> list[tuple[int, int]]:
        """Every (sensor, hour) that waits to be recomputed."""
        return self._connection.execute("SELECT sensor, hour FROM late_hours").fetchall()

    def settle(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Forget late hours: the tiers are right again."""
        if pairs:
            self._commit([("DELETE FROM late_hours WHERE sensor = ? AND hour = ?", pairs)])

    def mark(self, name: str) -> int | None:
        """A remembered number, such as the watermark."""
        row = self._connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_mark(self, name: str, value: int) -> None:
        """Remember a number durably."""
        self._commit([(SET_MARK, [(name, value)])])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
