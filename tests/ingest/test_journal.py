"""The journal's file: durable blocks in order, late hours, marks, a full disk."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from wattline.ingest.journal import Backlog, Journal
from wattline.model.errors import StorageFull
from wattline.model.record import Row


def row(stream: int, time: int) -> Row:
    return Row(stream, time, time + 5, (1.5, None, -2.0), (0, 0, 2), "NORMAL", late=stream == 2)


def test_blocks_come_back_as_they_went_in_and_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    first = journal.append([row(1, 10), row(2, 20)])
    second = journal.append([row(1, 30)])
    journal.close()
    again = Journal(tmp_path / "journal.db")
    blocks = again.read(0, 1_000)
    assert [block.sequence for block in blocks] == [first.sequence, second.sequence]
    assert blocks[0].rows == [row(1, 10), row(2, 20)]
    assert again.read(0, 1) == blocks[:1]
    assert again.read(first.sequence, 1_000) == blocks[1:]
    assert again.backlog() == Backlog(first.size + second.size, 3, first.sequence - 1, second.sequence)
    again.close()


def test_a_sequence_number_is_never_given_twice(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    last = journal.append([row(1, 10)]).sequence
    journal.trim(last, last)
    assert journal.backlog() == Backlog(0, 0, last, last)
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert again.append([row(1, 11)]).sequence == last + 1
    again.close()


def test_late_hours_and_marks_survive(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.mark_late([(7, 3_600), (8, 3_600)])
    journal.mark_late([(7, 3_600)])
    journal.set_mark("watermark", 5)
    journal.set_mark("watermark", 9)
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert sorted(again.late()) == [(7, 3_600), (8, 3_600)]
    assert again.mark("watermark") == 9
    assert again.mark("never") is None
    again.settle([(7, 3_600)])
    assert again.late() == [(8, 3_600)]
    again.close()


def test_a_full_file_refuses_a_block_whole_and_takes_it_when_there_is_room(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.append([row(1, 10)])
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    many = [row(1, 100 + n) for n in range(2_000)]
    with pytest.raises(StorageFull):
        journal.append(many)
    assert [block.rows for block in journal.read(0, 10)] == [[row(1, 10)]]
    journal._connection.execute("PRAGMA max_page_count = 1000000")
    journal.append(many)
    assert journal.read(0, 10_000)[1].rows == many
    journal.close()


def test_a_write_that_cannot_be_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    with pytest.raises(OverflowError):
        journal.mark_late([(7, 3_600), (8, 2**64)])
    assert journal.late() == []
    journal.append([row(1, 10)])
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert [block.rows for block in again.read(0, 10)] == [[row(1, 10)]]
    again.close()


def test_the_file_is_written_through(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    # Another process (here: another connection) sees the block as soon as `append` returns.
    journal.append([row(1, 10)])
    other = sqlite3.connect(tmp_path / "journal.db")
    assert other.execute("SELECT count(*) FROM blocks").fetchone() == (1,)
    other.close()
    journal.close()
