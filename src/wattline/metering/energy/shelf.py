"""Cells in files, one of each lane, so that the first question after a start need not work them out again.

Nothing in a file is taken on trust: it has the mark (`told.Telling.marks`) that each day had when the day was worked out, and a
day whose mark is another now is not taken. A file that is lost, damaged or written by other code costs time alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from wattline.billing import intervals
from wattline.ingest import edge_series
from wattline.metering.energy.cells import A_DAY, COLUMNS, Cells
from wattline.metering.energy.lane import Lane
from wattline.metering.energy.register import Ints
from wattline.metering.energy.told import NO_MARK
from wattline.telemetry import edges

MOST_BYTES = 1 << 30
LONGEST = 4000
"""Days of a file; of more the newest stay."""
HEAD = struct.Struct("<8sqq")
MAGIC = b"wattline"
COLUMN = struct.Struct("<qd")
"""Of a column of cells: the number of days that are written one by one, and what every interval of the other days has."""
BOUNDS = 3
"""Columns of days: low, high, mark."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """Consecutive days from `first` on: cells, between which readings (us) each day can change, and the mark of each."""

    first: int
    cells: Cells
    low: Ints
    high: Ints
    mark: Ints

    @property
    def last(self) -> int:
        return self.first + len(self.mark)

    @property
    def range(self) -> tuple[int, int]:
        return self.first, self.last


class Shelf:
    """Files below a directory, no more than `most_bytes` of them: the ones used least recently go. Its methods block.

    What cannot be read or written is logged, and left out.
    """

    def __init__(self, directory: Path, most_bytes: int = MOST_BYTES) -> None:
        self._directory = directory
        self._most_bytes = most_bytes

    def path(self, lane: Lane) -> Path:
        """Where a lane is kept: another place for every other reading of it, and for other code that works it out."""
        told = f"{code()} {lane!r}"
        return self._directory / f"{lane.stream}-{hashlib.sha256(told.encode()).hexdigest()[:32]}.cells"

    def load(self, lane: Lane, first: int, last: int) -> Stored | None:
        """What there is of the days [first, last) of a lane."""
        try:
            with self.path(lane).open("rb") as file:
                found = _read(file, first, last)
                os.utime(file.fileno())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, struct.error) as error:
            log.warning("energy that was kept cannot be read", extra={"reason": str(error)})
            return None
        return found

    def save(self, lane: Lane, new: Stored) -> None:
        """Keep days of a lane, those with a mark, beside what there is of others."""
        place = self.path(lane)
        part = place.with_suffix(".part")
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            had = self.load(lane, new.last - LONGEST, new.first + LONGEST)
            with part.open("wb") as file:
                _write(file, new if had is None else _joined(had, new))
                file.flush()
                os.fsync(file.fileno())
            part.replace(place)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            log.warning("energy cannot be kept for the next start", extra={"reason": str(error)})

    def trim(self) -> None:
        """Let the files go that were written or used least recently, as long as there are too many."""
        files = []
        for path in self._directory.glob("*.cells"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            files.append((status.st_mtime_ns, status.st_size, path))
        size = sum(each for _, each, _ in files)
        for _, each, path in sorted(files):
            if size <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            size -= each


def _joined(had: Stored, new: Stored) -> Stored:
    """Both, the new one where a day has a mark in it."""
    first, last = min(had.first, new.first), max(had.last, new.last)
    first = max(first, last - LONGEST)
    days = last - first
    low, high, mark = (np.zeros(days, np.int64) for _ in range(BOUNDS))
    columns: dict[str, NDArray[Any]] = {}
    for each in (had, new):
        chosen = np.flatnonzero((each.mark != NO_MARK) & (np.arange(each.first, each.last) >= first))
        at = chosen + (each.first - first)
        low[at], high[at], mark[at] = each.low[chosen], each.high[chosen], each.mark[chosen]
        for name, column in each.cells.columns().items():
            if column is not None and name not in columns:
                columns[name] = np.zeros((days, A_DAY), COLUMNS[name])
            if name in columns:
                columns[name][at] = 0 if column is None else column.reshape(-1, A_DAY)[chosen]
    return Stored(first, Cells.of(days * A_DAY, {name: each.reshape(-1) for name, each in columns.items()}), low, high, mark)


def _write(file: BinaryIO, stored: Stored) -> None:
    """The head; low, high and mark; of each column which days are written one by one, and these."""
    told = stored.mark != NO_MARK
    tables = [(stored.cells.full(name).reshape(-1, A_DAY)) for name in COLUMNS]
    usual, unlike = [], []
    for table in tables:
        known = table[told]
        usual.append(float(np.median(known[:, 0])) if len(known) else 0.0)
        unlike.append(np.flatnonzero(told & (table != usual[-1]).any(axis=1)))
    file.write(HEAD.pack(MAGIC, stored.first, len(told)))
    for days, each in zip(unlike, usual, strict=True):
        file.write(COLUMN.pack(len(days), each))
    for body in (stored.low, stored.high, stored.mark, *unlike, *(table[d] for table, d in zip(tables, unlike, strict=True))):
        file.write(np.ascontiguousarray(body).data)


def _read(file: BinaryIO, first: int, last: int) -> Stored | None:
    """The days of a file in [first, last). Raises `ValueError` where it is not whole."""
    magic, begin, days = HEAD.unpack(file.read(HEAD.size))
    kinds = [COLUMN.unpack(file.read(COLUMN.size)) for _ in COLUMNS]
    widths = [A_DAY * np.dtype(each).itemsize for each in COLUMNS.values()]
    bodies = sum(count * (8 + width) for (count, _), width in zip(kinds, widths, strict=True))
    if magic != MAGIC or os.fstat(file.fileno()).st_size != file.tell() + 8 * BOUNDS * days + bodies:
        raise ValueError("the file is not whole")
    low, high = max(first, begin) - begin, min(last, begin + days) - begin
    if low >= high:
        return None
    bounds = [np.fromfile(file, np.int64, days)[low:high] for _ in range(BOUNDS)]
    unlike = [np.fromfile(file, np.int64, count) for count, _ in kinds]
    columns: dict[str, Any] = {}
    at = file.tell()
    for (name, dtype), (count, usual), width, place in zip(COLUMNS.items(), kinds, widths, unlike, strict=True):
        a, b = np.searchsorted(place, [low, high]).tolist()
        file.seek(at + a * width)
        at += count * width
        if b - a == high - low:
            columns[name] = np.fromfile(file, dtype, (b - a) * A_DAY)
        elif b > a or usual:
            columns[name] = np.full((high - low) * A_DAY, usual, dtype)
            columns[name].reshape(-1, A_DAY)[place[a:b] - low] = np.fromfile(file, dtype, (b - a) * A_DAY).reshape(-1, A_DAY)
    return Stored(begin + low, Cells((high - low) * A_DAY, **columns), *bounds)


@cache
def code() -> str:
    """A digest of the code that works cells out: what other code worked out is not taken."""
    here = sorted(Path(__file__).parent.glob("*.py"))
    known = hashlib.sha256()
    for path in (*here, *(Path(str(module.__file__)) for module in (intervals, edge_series, edges))):
        known.update(path.read_bytes())
    return known.hexdigest()
